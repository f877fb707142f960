/** What a run did, a part at a time: its tasks over time or in a list, its states, what it got and what it left. */
import type { TaskRowFragment } from "@/generated/graphql";
import { Artifacts } from "@/features/flow_runs/Artifacts";
import { Attempts } from "@/features/flow_runs/Attempts";
import { Children } from "@/features/flow_runs/Children";
import type { RunShown } from "@/features/flow_runs/RunPage";
import type { RunTab } from "@/features/flow_runs/search";
import { RunFacts } from "@/features/flow_runs/RunFacts";
import { StateHistory } from "@/features/flow_runs/StateHistory";
import { TaskGraph } from "@/features/flow_runs/TaskGraph";
import { TaskTable } from "@/features/flow_runs/TaskTable";
import { TaskTimeline } from "@/features/flow_runs/TaskTimeline";
import type { Pages } from "@/lib/pages";
import { useKey } from "@/ui/keys";
import { JsonView } from "@/ui/JsonView";
import { Tabs } from "@/ui/Tabs";

export interface RunPartsProps {
  run: RunShown;
  tasks: Pages<TaskRowFragment>;
  tab: RunTab;
  onTab: (tab: RunTab) => void;
  task: string | undefined;
  /** What is known of it, once it is. */
  chosenTask: TaskRowFragment | undefined;
  onTask: (task: string | undefined) => void;
}

/** What t leads to. */
const NEXT_VIEW: Partial<Record<RunTab, RunTab>> = { timeline: "graph", graph: "tasks", tasks: "timeline" };

export function RunParts({ run, tasks, tab, onTab, task, chosenTask, onTask }: RunPartsProps) {
  useKey("t", () => onTab(NEXT_VIEW[tab] ?? "timeline"));
  const total = tasks.total ? `Tasks ${tasks.total.value.toLocaleString("en")}` : "Tasks";
  return (
    <Tabs
      label="Parts of the run"
      tab={tab}
      onTab={onTab}
      tabs={[
        { name: "timeline", label: "Timeline" },
        { name: "graph", label: "Graph" },
        { name: "tasks", label: total },
        { name: "states", label: "States" },
        { name: "parameters", label: "Parameters" },
        { name: "artifacts", label: "Artifacts" },
        { name: "children", label: "Runs it started" },
        { name: "attempts", label: "Attempts" },
      ]}
    >
      <div className="run-part" data-scroller="part" tabIndex={0}>
        {tab === "timeline" && <TaskTimeline runId={run.id} mark={tasks.rows} task={task} chosenTask={chosenTask} onTask={onTask} />}
        {tab === "graph" && <TaskGraph runId={run.id} mark={tasks.rows} task={task} onTask={onTask} />}
        {tab === "tasks" && <TaskTable tasks={tasks} task={task} chosenTask={chosenTask} onTask={onTask} />}
        {tab === "states" && <StateHistory runId={run.id} stateId={run.state.id} />}
        {tab === "parameters" && <Parameters run={run} />}
        {tab === "artifacts" && <Artifacts runId={run.id} stateId={run.state.id} />}
        {tab === "children" && <Children tasks={tasks.rows ?? []} />}
        {tab === "attempts" && <Attempts attempts={run.attempts} />}
      </div>
    </Tabs>
  );
}

/** With the facts, where the window has no room for them beside the parts. */
function Parameters({ run }: { run: RunShown }) {
  return (
    <div className="pane">
      <JsonView value={run.parameters} label="Parameters" />
      {run.jobVariables !== null && run.jobVariables !== undefined && (
        <section className="grid gap-2">
          <h2>Job variables</h2>
          <JsonView value={run.jobVariables} label="Job variables" />
        </section>
      )}
      <div className="lg:hidden"><RunFacts run={run} /></div>
    </div>
  );
}
