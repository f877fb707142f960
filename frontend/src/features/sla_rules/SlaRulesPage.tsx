/** What the runs of a workspace are promised to do, and whether that is kept. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { SlaRulesDocument, type SlaRowFragment } from "@/generated/graphql";
import { sentenceOf } from "@/features/sla_rules/kinds";
import { SlaRuleForm } from "@/features/sla_rules/SlaRuleForm";
import { SlaRulePeek } from "@/features/sla_rules/SlaRulePeek";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { parseDuration, showDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Button } from "@/ui/Button";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<SlaRowFragment>[] = [
  { id: "status", title: "Stands", width: 130, cell: (row) => <Standing rule={row} /> },
  { id: "name", title: "Rule", cell: (row) => row.name },
  { id: "target", title: "Whose runs", cell: (row) => <Target rule={row} /> },
  { id: "promise", title: "Each", from: "md", cell: (row) => sentenceOf(row.kind, showDuration(parseDuration(row.within))) },
  { id: "last", title: "Broken last", width: 140, cell: (row) => <Time at={row.violations.nodes[0]?.violatedAt ?? null} isRelative /> },
];

function Standing({ rule }: { rule: SlaRowFragment }) {
  if (!rule.enabled) return <StateLabel type="PAUSED" name="Not watched" />;
  const last = rule.violations.nodes[0];
  return last && last.endedAt === null ? <StateLabel type="FAILED" name="Broken" /> : <StateLabel type="COMPLETED" name="Kept" />;
}

function Target({ rule: { deployment, flow } }: { rule: SlaRowFragment }) {
  if (deployment) return <Crumb className="quiet" to={`/deployments/${deployment.id}`}>{`${deployment.flow.name}/${deployment.name}`}</Crumb>;
  return flow ? <Crumb className="quiet" to={`/flows/${encodeURIComponent(flow.name)}`}>{flow.name}</Crumb> : <span className="faint">deleted</span>;
}

export function SlaRulesPage() {
  const { organization, workspace } = usePlace();
  useTitle("SLA rules", workspace);
  const search = useSearch({ from: "/$organization/$workspace/sla-rules" });
  const navigate = useNavigate({ from: "/$organization/$workspace/sla-rules" });
  const [isMaking, setMaking] = useState(false);
  const list = usePages("sla rules", SlaRulesDocument, { organization, workspace }, (data) => data.workspace?.slaRules);
  useChanges(useWorkspaceId(), ["sla_rule"], list.again);
  const { rows } = list;
  const peek = (rule: string | undefined): void => void navigate({ search: rule === undefined ? {} : { rule }, replace: true });
  const add = <Button needs="FLOWS_WRITE" onClick={() => setMaking(true)}>New rule…</Button>;
  const peeked = rows?.find(({ id }) => id === search.rule);
  return (
    <>
      <PageHead title="SLA rules" actions={add} />
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={6} />}
      {rows?.length === 0 && <EmptyState title="A rule promises that runs start, end or complete in time; where it is broken, an event says so.">{add}</EmptyState>}
      {rows && rows.length > 0 && (
        <DataTable
          name="sla_rules"
          label="SLA rules"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          peeked={search.rule}
          onPeek={(row) => peek(row.id === search.rule ? undefined : row.id)}
          onOpen={(row) => peek(row.id)}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {peeked && <SlaRulePeek key={peeked.id} rule={peeked} onClose={() => peek(undefined)} onDone={list.again} />}
      {isMaking && <SlaRuleForm onClose={() => setMaking(false)} onDone={list.again} />}
    </>
  );
}
