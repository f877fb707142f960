/** One deployment: its runs, when it runs next, with what, and what it was before. */
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useQuery } from "urql";
import { DeploymentDeleteDocument, type DeploymentDetailFragment, DeploymentDocument } from "@/generated/graphql";
import { Backfills } from "@/features/deployments/Backfills";
import { DeploymentRuns } from "@/features/deployments/DeploymentRuns";
import { nextOf } from "@/features/deployments/DeploymentsPage";
import { PauseToggle } from "@/features/deployments/PauseToggle";
import { RunForm } from "@/features/deployments/RunForm";
import { Schedules } from "@/features/deployments/Schedules";
import type { DeploymentSearch } from "@/features/deployments/search";
import { Versions } from "@/features/deployments/Versions";
import { useChanges } from "@/lib/changes";
import { usePlace } from "@/lib/place";
import { useLack } from "@/lib/scopes";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { useKey } from "@/ui/keys";
import { Markdown } from "@/ui/Markdown";
import { PageHead } from "@/ui/PageHead";
import { PoolStatus } from "@/ui/PoolStatus";
import { StateLabel } from "@/ui/StateLabel";
import { Tabs } from "@/ui/Tabs";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

/** With its form, which few open. */
const DeploymentSettings = lazy(async () => ({ default: (await import("@/features/deployments/DeploymentSettings")).DeploymentSettings }));

export function DeploymentPage() {
  const { deployment: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: DeploymentDocument, variables: { id } });
  useChanges(useWorkspaceId(), ["deployment", "schedule"], () => read({ requestPolicy: "network-only" }));
  const deployment = data?.node?.__typename === "Deployment" ? data.node : undefined;
  useTitle(deployment?.name ?? "Deployment");
  if (error && !deployment) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={8} />;
  if (!deployment) return <EmptyState title="There is no such deployment, or you may not see it." />;
  return <DeploymentView deployment={deployment} onChange={() => read({ requestPolicy: "network-only" })} />;
}

function DeploymentView({ deployment, onChange }: { deployment: DeploymentDetailFragment; onChange: () => void }) {
  const search = useSearch({ from: "/$organization/$workspace/deployments/$deployment" });
  const navigate = useNavigate({ from: "/$organization/$workspace/deployments/$deployment" });
  const onSearch = (next: DeploymentSearch): void => void navigate({ search: next, replace: true });
  const { run: isRunning, ...closed } = search;
  const next = nextOf(deployment);
  const mayRun = useLack("RUNS_WRITE") === undefined;
  useKey("r", mayRun ? () => onSearch({ ...search, run: true }) : undefined);
  return (
    <div className="object-page">
      <PageHead
        crumbs={<><Crumb to="/deployments">Deployments</Crumb><span aria-hidden="true">/</span><Crumb to={`/flows/${encodeURIComponent(deployment.flow.name)}`}>{deployment.flow.name}</Crumb></>}
        title={deployment.name}
        note={deployment.paused && <StateLabel type="PAUSED" name="Paused" />}
        actions={
          <>
            <PauseToggle deployment={deployment} isLarge />
            <Button isPrimary needs="RUNS_WRITE" onClick={() => onSearch({ ...search, run: true })}>Run…</Button>
          </>
        }
      />
      <div className="run-stand text-[13px]" tabIndex={0}>
        <p className="m-0 flex flex-wrap gap-x-5 gap-y-1">
          {deployment.workPool ? (
            <span>Runs in <Crumb to={`/pools/${encodeURIComponent(deployment.workPool.name)}`}>{deployment.workPool.name}</Crumb> <PoolStatus status={deployment.workPool.status} isQuiet /></span>
          ) : (
            <span className="faint">It has no work pool: only its own process runs it.</span>
          )}
          <span>{next ? <>Next <Time at={next} isRelative /></> : <span className="faint">Nothing is scheduled</span>}</span>
          {deployment.currentVersion && <span className="faint">{`Version ${deployment.currentVersion.label ?? deployment.currentVersion.number}`}</span>}
        </p>
        {deployment.description && <Markdown text={deployment.description} />}
      </div>
      <Tabs
        label="Parts of the deployment"
        tab={search.tab ?? "runs"}
        onTab={(tab) => onSearch({ ...search, tab })}
        tabs={[
          { name: "runs", label: "Runs" },
          { name: "schedules", label: `Schedules ${deployment.schedules.length}` },
          { name: "parameters", label: "Parameters" },
          { name: "versions", label: "Versions" },
          { name: "backfills", label: "Backfills" },
          { name: "settings", label: "Settings" },
        ]}
      >
        <div className="h-full overflow-auto" data-scroller="part" tabIndex={0}>
          <Part deployment={deployment} search={search} onSearch={onSearch} onChange={onChange} />
        </div>
      </Tabs>
      {isRunning && <RunForm deployment={deployment} onClose={() => onSearch(closed)} />}
    </div>
  );
}

interface PartProps {
  deployment: DeploymentDetailFragment;
  search: DeploymentSearch;
  onSearch: (search: DeploymentSearch) => void;
  onChange: () => void;
}

function Part({ deployment, search, onSearch, onChange }: PartProps) {
  const { tab = "runs" } = search;
  if (tab === "runs") return <DeploymentRuns id={deployment.id} search={search} onSearch={onSearch} />;
  if (tab === "schedules") return <Schedules deployment={deployment} onChange={onChange} />;
  if (tab === "versions") return <Versions deployment={deployment} onChange={onChange} />;
  if (tab === "backfills") return <Backfills deployment={deployment} />;
  if (tab === "settings") {
    return (
      <>
        <Suspense fallback={<Skeleton rows={6} />}><DeploymentSettings deployment={deployment} onChange={onChange} /></Suspense>
        <div className="px-(--pad) pb-5"><DeleteButton deployment={deployment} /></div>
      </>
    );
  }
  return (
    <div className="pane">
      <section className="grid gap-2">
        <h2>What its runs get</h2>
        <JsonView value={deployment.parameters} label="Parameters" />
      </section>
      <section className="grid gap-2">
        <h2>{`What it takes${deployment.enforceParameterSchema ? "" : ", as advice"}`}</h2>
        {deployment.parameterSchema ? <JsonView value={deployment.parameterSchema} label="Schema of the parameters" /> : <p className="faint m-0">Anything: it has no schema.</p>}
      </section>
    </div>
  );
}

function DeleteButton({ deployment }: { deployment: DeploymentDetailFragment }) {
  const place = usePlace();
  const navigate = useNavigate();
  const remove = useAct(DeploymentDeleteDocument);
  return (
    <ConfirmButton
      label="Delete the deployment…"
      title={`Delete ${deployment.name}?`}
      verb="Delete the deployment"
      typed={deployment.name}
      needs="FLOWS_WRITE"
      onConfirm={async () => {
        if (!(await remove.act({ input: { id: deployment.id } }))) return;
        tell(`${deployment.name} is deleted.`);
        void navigate({ to: "/$organization/$workspace/deployments", params: place, search: {} });
      }}
    >
      Its schedules and versions are gone with it. Runs that it made stay.
    </ConfirmButton>
  );
}
