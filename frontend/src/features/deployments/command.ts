/** The command line that does what a form would. */
import { isJson } from "@/lib/json";

/** As a POSIX shell takes it for one word. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Text as it is, unless the command line would read it as JSON. */
function shown(value: unknown): string {
  const isText = typeof value === "string" && !isJson(value);
  return isText ? value : JSON.stringify(value);
}

export function commandOf(deployment: string, parameters: unknown): string {
  const given = typeof parameters === "object" && parameters !== null ? Object.entries(parameters) : [];
  const options = given.map(([name, value]) => `--param ${quoted(`${name}=${shown(value)}`)}`);
  return ["headgate deployments run", quoted(deployment), ...options].join(" ");
}
