/** What a pane shows where it has nothing to show yet, nothing at all, or could not read it. */
import type { ReactNode } from "react";
import type { CombinedError } from "urql";

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
  title: string;
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

function wordsOf(error: CombinedError): string {
  const [first] = error.graphQLErrors;
  if (first) return first.message;
  return error.networkError ? "The server does not answer." : error.message;
}

/** Says what went wrong, with the id that the log has, and tries again. */
export function ErrorState({ error, onRetry }: { error: CombinedError; onRetry: () => void }) {
  const requestId = error.graphQLErrors[0]?.extensions["requestId"];
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
