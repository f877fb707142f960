/** A page that could not be drawn: what it says, and the ways on. The frame around it stays. */
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { useTitle } from "@/lib/title";

const MOST = 500;

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  useTitle("Something went wrong");
  const again = (): void => {
    reset();
    void router.invalidate();
  };
  return (
    <main className="error-state" role="alert">
      <h1>This page could not be shown.</h1>
      <p className="faint">
        <code>{wordsOf(error).slice(0, MOST)}</code>
      </p>
      <button type="button" className="button" onClick={again}>Try again</button>
      <button type="button" className="button" onClick={() => window.location.reload()}>Load the application anew</button>
      <Link to="/">Go to your workspaces</Link>
    </main>
  );
}
