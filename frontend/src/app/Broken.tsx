/** A page that could not be drawn: what it says, and the ways on. The frame around it stays. */
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { CodeMissing, loadAnew } from "@/lib/code";
import { watchReturns } from "@/lib/graphql";
import { useTitle } from "@/lib/title";

const MOST = 500;
/** A page that was loaded anew for this reason so lately is not loaded anew by itself. */
const LATELY_MS = 30_000;
const LOADED_AT = "headgate.loaded-anew-at";

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function Broken({ error, reset }: ErrorComponentProps) {
  if (error instanceof CodeMissing) return <Absent />;
  return <Failed error={error} reset={reset} />;
}

function Failed({ error, reset }: Pick<ErrorComponentProps, "error" | "reset">) {
  const router = useRouter();
  const { act, isAway } = useLoadAnew();
  useTitle("Something went wrong");
  const again = (): void => {
    reset();
    void router.invalidate();
  };
  return (
    <section className="error-state" role="alert">
      <h1>This page could not be shown.</h1>
      <p className="faint">
        <code>{wordsOf(error).slice(0, MOST)}</code>
      </p>
      <button type="button" className="button" onClick={again}>Try again</button>
      <button type="button" className="button" onClick={() => void act()}>Load the application anew</button>
      {isAway && <p role="status" className="faint m-0">The server does not answer.</p>}
      <Link to="/">Go to your workspaces</Link>
    </section>
  );
}

/** Its code did not come. It is loaded with the whole application as soon as the server answers: it may be another edition. */
function Absent() {
  const { act, isAway } = useLoadAnew();
  useTitle("Not loaded");
  useEffect(() => {
    const at = Number(window.sessionStorage.getItem(LOADED_AT));
    if (Date.now() - at > LATELY_MS) void act();
  }, [act]);
  useEffect(() => {
    const again = (): void => void act();
    window.addEventListener("online", again);
    const stop = watchReturns(again);
    return () => {
      window.removeEventListener("online", again);
      stop();
    };
  }, [act]);
  return (
    <section className="error-state" role="alert">
      <h1>This page could not be loaded.</h1>
      <p className="faint m-0">{isAway ? "The server does not answer. The page is loaded once it does." : "Its code did not come."}</p>
      <button type="button" className="button" onClick={() => void act()}>Try again</button>
    </section>
  );
}

function useLoadAnew(): { act: () => Promise<void>; isAway: boolean } {
  const [isAway, setAway] = useState(false);
  const act = useCallback(async () => {
    window.sessionStorage.setItem(LOADED_AT, String(Date.now()));
    const isThere = await loadAnew();
    if (!isThere) window.sessionStorage.removeItem(LOADED_AT);
    setAway(!isThere);
  }, []);
  return { act, isAway };
}
