// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Extent, RetryRun } from "@/features/flow_runs/RetryRun";
import { Scopes } from "@/lib/scopes";

let previewed: unknown[];
let sent: unknown[];
let errors: unknown[];
let leftOutCount: number;

const TASKS = ["extract", "load"].map((name) => ({ id: `tr_${name}`, name }));

function answer(operationName: string, variables: { fromFailed?: boolean; tasks?: string[] | null; input?: unknown }): unknown {
  if (operationName === "RunAgainForm") {
    const parameterSchema = { type: "object", properties: { region: { type: "string" }, size: { type: "integer" } } };
    return { flowRun: { id: "run_1", parameters: { region: "eu", size: 3 }, tags: [], deployment: { id: "dep_1", name: "nightly", parameterSchema, parameters: {} } } };
  }
  if (operationName === "RunRetryPreview") {
    previewed.push({ fromFailed: variables.fromFailed, tasks: variables.tasks });
    const isChosen = (id: string): boolean => variables.tasks?.includes(id) ?? !variables.fromFailed;
    const tasks = TASKS.map((task) => ({
      reused: !isChosen(task.id),
      reason: isChosen(task.id) ? "CHOSEN" : "COMPLETED",
      taskRun: { ...task, state: { id: `st_${task.id}`, type: "COMPLETED", name: "Completed" } },
    }));
    const againCount = tasks.filter(({ reused }) => !reused).length;
    return { flowRun: { id: "run_1", retryPreview: { tasks, againCount, reusedCount: tasks.length - againCount, leftOutCount } } };
  }
  sent.push(variables.input);
  return { flowRunRetry: { flowRun: null, errors } };
}

beforeEach(() => {
  [previewed, sent, errors] = [[], [], []];
  leftOutCount = 0;
});

afterEach(cleanup);

async function draw(first: Extent, isUnwell: boolean, onClose = (): void => undefined): Promise<void> {
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      const { operationName, variables } = JSON.parse(String(init?.body)) as { operationName: string; variables: { input?: unknown } };
      return Response.json({ data: answer(operationName, variables) });
    },
  });
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(["RUNS_WRITE"] as const)}>
        <RetryRun runId="run_1" isUnwell={isUnwell} first={first} hasParameters onClose={onClose} onDone={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );
  await screen.findByRole("table", { name: "What is done again" });
}

test("a retry from failed sends what was changed of the parameters, and nothing else", async () => {
  let isClosed = false;
  await draw("failed", true, () => void (isClosed = true));
  expect(screen.getByText("No task runs are done again, 2 are reused.")).toBeDefined();
  fireEvent.change(screen.getByRole("textbox", { name: /region/ }), { target: { value: "us" } });

  fireEvent.click(screen.getByRole("button", { name: "Retry from failed" }));

  await waitFor(() => expect(isClosed).toBe(true));
  expect(sent).toEqual([{ id: "run_1", fromFailed: true, parameters: { region: "us" } }]);
});

test("task runs that the plan leaves out are said to be", async () => {
  leftOutCount = 10_000;

  await draw("failed", true);

  expect(screen.getByText("No task runs are done again, 2 are reused. 10,000 more are left out: what becomes of them is seen as the run starts again.")).toBeDefined();
  expect(screen.getByText("The first 2 of 10,002 task runs.")).toBeDefined();
});

test("a chosen task run is sent, once the plan for it is shown", async () => {
  await draw("whole", false);
  expect(screen.queryByRole("option", { name: /^What failed/ })).toBeNull();
  fireEvent.change(screen.getByLabelText("How much of it"), { target: { value: "chosen" } });
  fireEvent.click(screen.getByRole("button", { name: /^Retry from these/ }));
  expect(sent).toEqual([]);

  fireEvent.click(await screen.findByLabelText("From load"));
  await screen.findByText("1 task run is done again, 1 is reused.");
  fireEvent.click(screen.getByRole("button", { name: "Retry from these" }));

  await waitFor(() => expect(sent).toEqual([{ id: "run_1", fromTaskRunIds: ["tr_load"] }]));
  expect(previewed.at(-1)).toEqual({ fromFailed: false, tasks: ["tr_load"] });
});

test("what the server refuses of a parameter stands beside it, and the window stays", async () => {
  errors = [{ __typename: "InvalidInputError", code: "INVALID_INPUT", message: "It is too large.", path: ["parameters", "size"] }];
  let isClosed = false;
  await draw("whole", false, () => void (isClosed = true));
  fireEvent.change(screen.getByRole("textbox", { name: /size/ }), { target: { value: "4" } });

  fireEvent.click(screen.getByRole("button", { name: "Retry the run" }));

  expect(await screen.findByText("It is too large.")).toBeDefined();
  expect(sent).toEqual([{ id: "run_1", parameters: { size: 4 } }]);
  expect(isClosed).toBe(false);
});
