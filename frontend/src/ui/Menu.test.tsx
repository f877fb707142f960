// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Scopes } from "@/lib/scopes";
import { Menu } from "@/ui/Menu";

afterEach(cleanup);

test("an entry that cannot be chosen says why, and is not called forbidden where it is not", async () => {
  const entries = [
    { label: "Delete…", needs: "RUNS_WRITE", lacks: "It has not ended.", onSelect: () => undefined },
    { label: "Promote…", needs: "FLOWS_WRITE", onSelect: () => undefined },
  ] as const;
  render(<Scopes.Provider value={new Set(["RUNS_WRITE"] as const)}><Menu label="More" entries={entries} /></Scopes.Provider>);

  fireEvent.click(screen.getByRole("button", { name: "More" }));

  expect((await screen.findByRole("menuitem", { name: /^Delete/ })).textContent).toBe("Delete…It has not ended.");
  expect(screen.getByRole("menuitem", { name: /^Promote/ }).textContent).toBe("Promote…not permitted");
});
