/** Levels of log lines, as Python has them. */

const LEVELS = [
  { from: 50, name: "critical", short: "CRIT" },
  { from: 40, name: "error", short: "ERROR" },
  { from: 30, name: "warning", short: "WARN" },
  { from: 20, name: "info", short: "INFO" },
] as const;
const DEBUG = { name: "debug", short: "DEBUG" } as const;

/** The level that a number falls into, as Python has them. */
export function levelOf(level: number): { name: string; short: string } {
  return LEVELS.find((each) => level >= each.from) ?? DEBUG;
}
