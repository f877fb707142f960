/** Light, dark, or as the system has it. */
import { useState } from "react";
import { chooseTheme, THEMES, themeNow } from "@/lib/theme";

export function ThemeChoice() {
  const [theme, setTheme] = useState(themeNow);
  return (
    <label className="flex items-center gap-2">
      Theme
      <select
        className="input"
        value={theme}
        onChange={(event) => {
          const chosen = THEMES.find((each) => each === event.target.value) ?? "system";
          chooseTheme(chosen);
          setTheme(chosen);
        }}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>{each}</option>
        ))}
      </select>
    </label>
  );
}
