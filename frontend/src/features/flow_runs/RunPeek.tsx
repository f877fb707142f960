/** A look at a run beside the list. */
import { useQuery } from "urql";
import { RunDocument, type RunRowFragment } from "@/generated/graphql";
import { RunFacts } from "@/features/flow_runs/RunFacts";
import { RunReason } from "@/features/flow_runs/RunReason";
import { Crumb } from "@/ui/Crumb";
import { Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { Peek } from "@/ui/Peek";
import { StateLabel } from "@/ui/StateLabel";

export function RunPeek({ run, onClose }: { run: RunRowFragment; onClose: () => void }) {
  const [{ data }] = useQuery({ query: RunDocument, variables: { id: run.id } });
  const whole = data?.flowRun?.id === run.id ? data.flowRun : undefined;
  return (
    <Peek title={run.name} onClose={onClose} actions={<Crumb className="button" to={`/runs/${run.id}`}>Open</Crumb>}>
      <span><StateLabel type={run.state.type} name={run.state.name} /></span>
      {whole ? (
        <>
          <div className="grid gap-2"><RunReason run={whole} /></div>
          <RunFacts run={whole} />
          <section className="grid gap-2">
            <h2>Parameters</h2>
            <JsonView value={whole.parameters} label="Parameters" />
          </section>
        </>
      ) : (
        <Skeleton rows={6} />
      )}
    </Peek>
  );
}
