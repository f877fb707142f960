/** The first steps in a workspace, and which of them are done: told by what is there. */
import type { FirstStepsQuery } from "@/generated/graphql";

export interface Step {
  name: "key" | "flow" | "agent" | "deployment" | "schedule";
  title: string;
  /** What to type. */
  commands: readonly string[];
  /** What was found, once it is done. */
  done: string | undefined;
}

export interface Where {
  url: string;
  place: string;
}

const FLOW = `cat > hello.py <<'EOF'
from headgate import flow

@flow(log_prints=True)
def hello(name: str = "world"):
    print(f"Hello, {name}!")

if __name__ == "__main__":
    hello()
EOF`;

export function stepsOf(data: FirstStepsQuery, { url, place }: Where): Step[] {
  const { workspace, viewer } = data;
  const pools = workspace?.workPools.nodes ?? [];
  const pool = pools.find(({ type }) => type === "process")?.name ?? "default";
  const agent = pools.flatMap((each) => each.agents.nodes).at(0);
  const deployments = workspace?.deployments.nodes ?? [];
  const scheduled = deployments.find(({ schedules }) => schedules.length > 0);
  const run = workspace?.flowRuns.nodes.at(0);
  const makePool = pools.length === 0 ? [`headgate work-pools create ${pool}`] : [];
  return [
    {
      name: "key",
      title: "Install it, and sign in from a terminal",
      commands: ["pip install headgate", `headgate login --api-url ${url} --workspace ${place}`],
      done: viewer.apiKeys.length > 0 ? "A key of yours works." : undefined,
    },
    { name: "flow", title: "Run a flow", commands: [FLOW, "python hello.py"], done: run && `${run.name} completed.` },
    { name: "agent", title: "Start an agent, which runs what others ask for", commands: [...makePool, `headgate agent start --pool ${pool}`], done: agent && `${agent.name} is there.` },
    { name: "deployment", title: "Deploy the flow", commands: [`headgate deploy hello.py:hello --name first --pool ${pool}`], done: deployments[0] && `${deployments[0].name} is deployed.` },
    { name: "schedule", title: "Let it run by itself", commands: [`headgate deploy hello.py:hello --name first --pool ${pool} --interval 5m`], done: scheduled && `${scheduled.name} has a schedule.` },
  ];
}
