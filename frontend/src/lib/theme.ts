/** Light, dark, or as the system has it; kept in this browser. */

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "headgate.theme";
const darkness = (): MediaQueryList => window.matchMedia("(prefers-color-scheme: dark)");

export function themeNow(): Theme {
  const kept = window.localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === kept) ?? "system";
}

function apply(theme: Theme): void {
  const isDark = theme === "dark" || (theme === "system" && darkness().matches);
  document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
}

export function chooseTheme(theme: Theme): void {
  window.localStorage.setItem(KEY, theme);
  apply(theme);
}

/** Apply what was chosen, and follow the system while that is the choice. */
export function startTheme(): void {
  apply(themeNow());
  darkness().addEventListener("change", () => apply(themeNow()));
}
