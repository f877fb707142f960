/** What is said once the runs of a failure were retried: how many start, how many do not and why, how many are left. */

export interface Retried {
  started: number;
  notStarted: number;
  remaining: number;
  /** How many were refused, in this call or before, and are not tried again as long as their deployment stays as it is. */
  refused: number;
  refusals: readonly { message: string; count: number }[];
}

export function toldOf({ started, notStarted, remaining, refused, refusals }: Retried): string {
  const [why] = refusals;
  const others = refusals.length > 1 ? " There are other reasons, too." : "";
  const before = Math.max(refused - notStarted, 0);
  return [
    `${number(started)} started again${notStarted > 0 ? `, ${number(notStarted)} not` : ""}.`,
    why ? `${why.message}${/[.!?]$/u.test(why.message) ? "" : "."}${others}` : "",
    before > 0 ? `${number(before)} more were refused before, and wait for another version of their deployment.` : "",
    remaining > 0 ? `${number(remaining)} are left.` : "",
  ].filter(Boolean).join(" ");
}

function number(count: number): string {
  return count.toLocaleString("en");
}
