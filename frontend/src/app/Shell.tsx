/** The frame of every page of a workspace: where one can go, where one is, and whether it is live. */
import { Link, Outlet } from "@tanstack/react-router";
import { useState, useSyncExternalStore } from "react";
import { connectionNow, watchConnection } from "@/lib/graphql";
import { chooseTheme, THEMES, themeNow } from "@/lib/theme";
import { localZone } from "@/lib/time";

export function Shell({ place }: { place: { organization: string; workspace: string } }) {
  const connection = useSyncExternalStore(watchConnection, connectionNow);
  return (
    <div className="shell">
      <nav className="shell-nav" aria-label="Workspace">
        <Link to="/" className="is-secondary">
          <strong>{place.workspace}</strong>
          <span className="faint">{place.organization}</span>
        </Link>
        <h2>Operate</h2>
        <Link to="/$organization/$workspace" params={place} activeOptions={{ exact: true }}>Now</Link>
        <Link to="/$organization/$workspace/runs" params={place}>Runs</Link>
        <Foot />
      </nav>
      <div className="shell-main">
        <header className="shell-header">
          <h1>{place.workspace}</h1>
          <span className="tag ml-auto">{localZone()}</span>
        </header>
        <main className="shell-content">
          {connection === "lost" && <p className="notice m-0" role="status">Not connected: what is shown may be old. Trying again.</p>}
          <Outlet />
        </main>
      </div>
    </div>
  );
}

function Foot() {
  const [theme, setTheme] = useState(themeNow);
  return (
    <div className="shell-foot">
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
      <a href="/auth/account">Account</a>
    </div>
  );
}
