/** One entry of the audit log, with what was there before and after. */
import { changesOf } from "@/features/audit_entries/search";
import type { AuditRowFragment } from "@/generated/graphql";
import { Button } from "@/ui/Button";
import { Copy, Id } from "@/ui/Copy";
import { Peek } from "@/ui/Peek";
import { Time } from "@/ui/Time";

export interface AuditPeekProps {
  entry: AuditRowFragment;
  onClose: () => void;
  onActor: (id: string) => void;
  onTarget: (id: string) => void;
}

export function AuditPeek({ entry, onClose, onActor, onTarget }: AuditPeekProps) {
  const changes = changesOf(entry.diff);
  const { targetId } = entry;
  return (
    <Peek title={<code>{entry.action}</code>} onClose={onClose} actions={<Copy text={window.location.href} label="Copy the address" />}>
      <dl className="facts">
        <dt>When</dt>
        <dd><Time at={entry.at} /></dd>
        <dt>Who</dt>
        <dd><bdi>{entry.actor.displayName}</bdi> <Button className="is-small" onClick={() => onActor(entry.actor.id)}>All by them</Button></dd>
        <dt>To</dt>
        <dd>
          <bdi>{entry.targetName}</bdi> <span className="faint">{entry.targetKind.replaceAll("_", " ")}</span>{" "}
          {targetId && <Button className="is-small" onClick={() => onTarget(targetId)}>All to it</Button>}
        </dd>
        {targetId && (
          <>
            <dt>Id</dt>
            <dd><Id id={targetId} /></dd>
          </>
        )}
        <dt>In</dt>
        <dd>{entry.workspace?.name ?? "the organization"}</dd>
        <dt>From</dt>
        <dd>{entry.ip ?? "–"}</dd>
        <dt>With</dt>
        <dd>{entry.supportGrantId ? "support access" : entry.apiKeyId ? <code className="break-all">{entry.apiKeyId}</code> : (entry.userAgent ?? "–")}</dd>
        <dt>Request</dt>
        <dd className="mono">{entry.requestId || "–"}</dd>
        <dt>Sealed</dt>
        <dd className="mono break-all">{entry.hash ? `${entry.sequence} · ${entry.hash}` : "not yet"}</dd>
      </dl>
      {changes.length > 0 && (
        <table className="table is-prose">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {changes.map(({ field, before, after }) => (
              <tr key={field}>
                <td className="mono">{field}</td>
                <td className="mono" title={said(before)}>{said(before)}</td>
                <td className="mono" title={said(after)}>{said(after)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Peek>
  );
}

function said(value: unknown): string {
  return value === undefined || value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value);
}
