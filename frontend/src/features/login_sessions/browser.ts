/** The browser and the system that a text of a browser about itself names. */

const BROWSERS: readonly [string, string][] = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS: readonly [string, string][] = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Mac OS X", "macOS"],
  ["Windows", "Windows"],
  ["Linux", "Linux"],
];

export function browserOf(userAgent: string | null | undefined): string {
  if (!userAgent) return "A program that gave no name";
  const name = BROWSERS.find(([mark]) => userAgent.includes(mark))?.[1];
  const system = SYSTEMS.find(([mark]) => userAgent.includes(mark))?.[1];
  if (name === undefined) return userAgent.slice(0, 80);
  return system === undefined ? name : `${name} on ${system}`;
}
