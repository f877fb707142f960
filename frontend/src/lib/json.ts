/** Reading JSON that somebody wrote, without changing what they wrote. */

/** What is between quotes, or a number: what stands in no text can so be found. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const WHOLE = /^-?\d+$/;

/** Why a number cannot be sent from here. */
export function tooLarge(written: string): string {
  return `A browser cannot keep ${written.trim().slice(0, 40)} exact: it is beyond 9007199254740991. Send it with the command line, or as text.`;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A text as JSON, or why it is none, or why it would not be what was written: a browser rounds whole numbers beyond 2^53. */
export function readJson(text: string): { value?: unknown; problem?: string } {
  try {
    const value = JSON.parse(text) as unknown;
    for (const [found] of text.matchAll(TEXT_OR_NUMBER)) {
      if (WHOLE.test(found) && !Number.isSafeInteger(Number(found)) && String(Number(found)) !== found) return { problem: tooLarge(found) };
    }
    return { value };
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: `This is not JSON: ${error.message}` };
    throw error;
  }
}

/** Whether a value has a whole number that may have been another one before a browser read it. */
export function isRounded(value: unknown): boolean {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === "object" && value !== null && Object.values(value).some(isRounded);
}
