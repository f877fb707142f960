/** Runs that wait for somebody's answer, and the forms to answer them. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ApprovalsDocument } from "@/generated/graphql";
import { Answer, type Waiting } from "@/features/pauses/Answer";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { Markdown } from "@/ui/Markdown";
import { PageHead } from "@/ui/PageHead";
import { Time } from "@/ui/Time";

export function ApprovalsPage() {
  const { organization, workspace } = usePlace();
  const { run: only } = useSearch({ from: "/$organization/$workspace/approvals" });
  const navigate = useNavigate({ from: "/$organization/$workspace/approvals" });
  const list = usePages("approvals", ApprovalsDocument, { organization, workspace }, (data) => data.workspace?.pauses);
  useChanges(useWorkspaceId(), ["flow_run"], list.again);
  const waiting = list.rows?.filter(({ runId }) => only === undefined || runId === only);
  useTitle(waiting && waiting.length > 0 ? `Approvals (${waiting.length})` : "Approvals", workspace);
  return (
    <>
      <PageHead title="Approvals" note={list.rows && list.rows.length > 0 && <span className="tag num">{list.rows.length}</span>} />
      {only !== undefined && (
        <div className="toolbar">
          <span className="text-[13px]">Of one run only.</span>
          <button type="button" className="button" onClick={() => void navigate({ search: {}, replace: true })}>Show all</button>
        </div>
      )}
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!waiting && !list.error && <Skeleton rows={4} />}
      {waiting?.length === 0 && <EmptyState title="Nothing waits for an answer. A run that asks for one, with pause_flow_run, is answered here." />}
      <ul className="m-0 list-none p-0">
        {waiting?.map((pause) => <Card key={`${pause.runId} ${pause.key} ${pause.createdAt}`} pause={pause} onDone={list.again} />)}
      </ul>
      {list.hasMore && <button type="button" className="button m-(--pad)" onClick={list.more}>Show more</button>}
    </>
  );
}

function who({ approvers }: Waiting): string {
  const { roles, teams, people, fourEyes } = approvers;
  const parts = [...roles.map((role) => `the role ${role}`), ...teams.map((team) => `the team ${team}`), ...people];
  const said = parts.length > 0 ? `For ${parts.join(", ")}` : "For whoever may run things here";
  return fourEyes ? `${said}; not for whoever started the run` : said;
}

function Card({ pause, onDone }: { pause: Waiting; onDone: () => void }) {
  return (
    <li className="approval">
      <div className="grid min-w-0 gap-2">
        <p className="m-0 flex flex-wrap items-baseline gap-x-3">
          <strong>{pause.run ? <Crumb to={`/runs/${pause.run.id}`}>{pause.run.name}</Crumb> : pause.runId}</strong>
          {pause.run && <span className="faint">{pause.run.flow.name}</span>}
          <span className="faint text-[13px]">asks since <Time at={pause.createdAt} isRelative />{pause.expiresAt && <>, until <Time at={pause.expiresAt} /></>}</span>
        </p>
        {pause.refusal && <p role="alert" className="field-problem m-0">{`It asks again: the last answer does not fit. ${pause.refusal}`}</p>}
        {pause.description ? <Markdown text={pause.description} /> : <p className="m-0">{`It asks “${pause.key}”.`}</p>}
        <p className="faint m-0 text-[13px]">{who(pause)}.{pause.kind === "SUSPEND" && " Its process has ended and starts again with the answer."}</p>
        {pause.run?.createdBy && <p className="faint m-0 text-[13px]">{`Started by ${pause.run.createdBy.displayName}`}</p>}
      </div>
      <Answer pause={pause} onDone={onDone} />
    </li>
  );
}
