/** What a pane shows where it has nothing to show yet, nothing at all, no right to, or could not read it. */
import type { ReactNode } from "react";
import type { CombinedError } from "urql";
import type { Scope } from "@/generated/graphql";
import { nameOf } from "@/lib/scopes";
import { isSignedOutError } from "@/lib/session";

export function Skeleton({ rows }: { rows: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="skeleton-row" />
      ))}
    </div>
  );
}

export interface EmptyStateProps {
  /** One sentence of what lives here. */
  title: string;
  /** One command or one button. */
  children?: ReactNode;
}

export function EmptyState({ title, children }: EmptyStateProps) {
  return (
    <div className="empty-state">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** A list that its filters leave nothing of; what was typed is never taken away. */
export function NothingMatches({ what, onClear }: { what: string; onClear: () => void }) {
  return (
    <EmptyState title={`No ${what} matches these filters.`}>
      <button type="button" className="button" onClick={onClear}>Remove the filters</button>
    </EmptyState>
  );
}

/** Somebody may not see this: which permission it takes, and who can give it. */
export function NoPermission({ needs }: { needs: string | undefined }) {
  return (
    <EmptyState title="You may not see this.">
      <p className="m-0 faint">
        {needs ? <>It needs the permission <code>{needs}</code>. </> : "It needs a permission that you do not have. "}
        An administrator of the organization can give it.
      </p>
    </EmptyState>
  );
}

/** The same of a part of a page. */
export function Lacks({ needs }: { needs: Scope }) {
  return <p className="faint m-0 text-[13px]">You may not see this: it needs the permission <code>{nameOf(needs)}</code>. An administrator of the organization can give it.</p>;
}

const FORBIDDEN = "FORBIDDEN";

/** What went wrong, for people. */
export function wordsOf(error: CombinedError): string {
  if (isSignedOutError(error)) return "Your session has ended.";
  const [first] = error.graphQLErrors;
  if (first) return first.message;
  return error.networkError ? "The server does not answer." : error.message;
}

function missingOf(error: CombinedError): string | undefined {
  const missing = error.graphQLErrors[0]?.extensions["missingScopes"];
  return Array.isArray(missing) ? missing.join(", ") : undefined;
}

/** Says what went wrong, with the id that the log has, and tries again. */
export function ErrorState({ error, onRetry }: { error: CombinedError; onRetry: () => void }) {
  const [first] = error.graphQLErrors;
  if (first?.extensions["code"] === FORBIDDEN) return <NoPermission needs={missingOf(error)} />;
  const requestId = first?.extensions["requestId"];
  return (
    <div className="error-state" role="alert">
      <p className="empty-title">{wordsOf(error)}</p>
      {typeof requestId === "string" && (
        <p className="faint">
          The log has it as <code>{requestId}</code>.
        </p>
      )}
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
