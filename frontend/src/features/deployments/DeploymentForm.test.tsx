// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { type ReactNode } from "react";
import { type Client, createClient, fetchExchange, Provider } from "urql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DeploymentForm } from "@/features/deployments/DeploymentForm";
import type { DeploymentDetailFragment, Scope } from "@/generated/graphql";
import { PlaceNow } from "@/lib/place";
import { Scopes } from "@/lib/scopes";

let sent: unknown[];
let errors: unknown[];
let client: Client;

beforeEach(() => {
  [sent, errors] = [[], []];
  client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      const { operationName, variables } = JSON.parse(String(init?.body)) as { operationName: string; variables: { input: unknown } };
      if (operationName === "PlaceScopes") return Response.json({ data: { workspace: { id: "ws_1" } } });
      const pools = [{ id: "wp_1", name: "default", queues: [{ id: "wq_1", name: "fast" }] }, { id: "wp_2", name: "gpu", queues: [] }];
      if (operationName === "DeploymentPlaces") return Response.json({ data: { workspace: { id: "ws_1", workPools: { nodes: pools } } } });
      sent.push(variables.input);
      return Response.json({ data: { deploymentUpsert: { deployment: null, errors } } });
    },
  });
});

afterEach(cleanup);

function deployment(part: Partial<DeploymentDetailFragment> = {}): DeploymentDetailFragment {
  const schema = { type: "object", properties: { region: { type: "string" }, day: { type: "string" } }, required: ["region", "day"] };
  return {
    id: "dep_1", version: 3, name: "nightly", paused: false, tags: ["a"], flow: { id: "flow_1", name: "etl" }, workPool: { id: "wp_1", name: "default", status: "READY" },
    workQueue: null, description: "Theirs", parameters: { region: "eu" }, parameterSchema: schema, enforceParameterSchema: true, jobVariables: {}, concurrency: null, ...part,
  } as unknown as DeploymentDetailFragment;
}

function around(form: ReactNode, scopes: readonly Scope[] = ["FLOWS_WRITE"]) {
  return (
    <Provider value={client}>
      <PlaceNow.Provider value={{ organization: "acme", workspace: "main" }}>
        <Scopes.Provider value={new Set(scopes)}>{form}</Scopes.Provider>
      </PlaceNow.Provider>
    </Provider>
  );
}

async function draw(form: ReactNode) {
  const drawn = render(around(form));
  await screen.findByRole("option", { name: "gpu" });
  return drawn;
}

const nothing = (): void => undefined;
const NAMED = { workspaceId: "ws_1", flowName: "etl", name: "nightly", expectedVersion: 3 };

function write(label: RegExp | string, value: string): void {
  const field = screen.getByRole("textbox", { name: label });
  fireEvent.input(field, { target: { value } });
}

test("what was changed is saved, and only that", async () => {
  let isSaved = false;
  await draw(<DeploymentForm current={deployment()} onSaved={() => void (isSaved = true)} />);
  write("Description", "Mine");
  write("At once", "2");
  fireEvent.change(screen.getByRole("combobox", { name: "When there is one more" }), { target: { value: "CANCEL_NEW" } });
  write(/^region/, "us");
  fireEvent.change(screen.getByRole("combobox", { name: "Work pool" }), { target: { value: "gpu" } });

  fireEvent.click(screen.getByRole("button", { name: "Save" }));

  await waitFor(() => expect(isSaved).toBe(true));
  expect(sent).toEqual([{ ...NAMED, description: "Mine", concurrencyLimit: 2, onCollision: "CANCEL_NEW", workPoolName: "gpu", parameters: { region: "us" } }]);
});

test("what is written is not saved over what another changed, unless one says so", async () => {
  errors = [{ __typename: "ConflictError", code: "CONFLICT", message: "It has another version by now.", path: ["expectedVersion"] }];
  const { rerender } = await draw(<DeploymentForm current={deployment()} onSaved={nothing} />);
  write("Description", "Mine");
  rerender(around(<DeploymentForm current={deployment({ version: 4, description: "Newer" })} onSaved={nothing} />));
  expect(screen.getByRole("textbox", { name: "Description" })).toHaveProperty("value", "Mine");
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent).toEqual([{ ...NAMED, description: "Mine" }]));

  fireEvent.click(screen.getByRole("button", { name: /^Show theirs/ }));

  expect(screen.getByRole("textbox", { name: "Description" })).toHaveProperty("value", "Newer");
  expect(screen.queryByText(/Somebody has changed it/)).toBeNull();
});

test("a refusal stands beside its field, and what was written stays", async () => {
  errors = [{ __typename: "NotFoundError", code: "NOT_FOUND", message: "There is no such pool.", path: ["workPoolName"] }];
  await draw(<DeploymentForm current={deployment()} onSaved={nothing} />);
  write("Description", "Mine");

  fireEvent.click(screen.getByRole("button", { name: "Save" }));

  await waitFor(() => expect(screen.getByRole("combobox", { name: "Work pool" }).getAttribute("aria-invalid")).toBe("true"));
  expect(screen.getByRole("textbox", { name: "Description" })).toHaveProperty("value", "Mine");
});

test("job variables that are no object, and nothing at all, are not sent; neither is anything without the right", async () => {
  const { rerender } = await draw(<DeploymentForm current={deployment()} onSaved={nothing} />);
  fireEvent.click(screen.getByRole("button", { name: /^Save/ }));
  write("Job variables", "[1]");
  fireEvent.click(screen.getByRole("button", { name: /^Save/ }));
  write("Job variables", '{"memory": 1}');
  rerender(around(<DeploymentForm current={deployment()} onSaved={nothing} />, []));
  fireEvent.click(screen.getByRole("button", { name: /^Save/ }));

  expect(sent).toEqual([]);
});
