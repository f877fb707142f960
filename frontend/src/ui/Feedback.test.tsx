// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { CombinedError } from "urql";
import { afterEach, expect, test } from "vitest";
import { ErrorState } from "@/ui/Feedback";

afterEach(cleanup);

test("a session that has ended is told to people, not as it is to clients of the API", () => {
  const error = new CombinedError({ graphQLErrors: [{ message: "Send a valid Bearer token.", extensions: { code: "UNAUTHENTICATED" } }] });

  render(<ErrorState error={error} onRetry={() => undefined} />);

  expect(screen.getByText("Your session has ended.")).toBeDefined();
  expect(screen.queryByText(/Bearer/)).toBeNull();
});
