/** What a type of blocks consists of, as somebody writes it. */

export const FIRST_FIELDS = `{
  "type": "object",
  "required": ["host"],
  "properties": {
    "host": { "type": "string" },
    "password": { "type": "string", "format": "password" }
  }
}`;

/** The JSON Schema in a text, or why it is none. */
export function readFields(text: string): { fields: Record<string, unknown> } | { problem: string } {
  try {
    const fields: unknown = JSON.parse(text);
    const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
    if (!isObject || !("properties" in fields)) return { problem: "This has to be a JSON Schema of an object, with its properties." };
    return { fields: fields as Record<string, unknown> };
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: `This is no JSON: ${error.message}` };
    throw error;
  }
}
