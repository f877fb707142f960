/** An address that leads nowhere. */
import { Link } from "@tanstack/react-router";
import { useTitle } from "@/lib/title";

export function NotFound() {
  useTitle("Not found");
  return (
    <main className="empty-state">
      <h1>There is nothing at this address.</h1>
      <Link to="/">Go to your workspaces</Link>
    </main>
  );
}
