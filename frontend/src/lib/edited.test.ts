// @vitest-environment jsdom
import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import { useEdited, useHeld } from "@/lib/edited";

const first = { version: 3, name: "one" };
const second = { version: 4, name: "two" };

test("what is made is expected not to be there; what is changed, as it was when one began", () => {
  expect(renderHook(() => useEdited(undefined)).result.current).toMatchObject({ expectedVersion: 0, isBehind: false });
  const { result, rerender } = renderHook(({ of }) => useEdited(of), { initialProps: { of: first } });

  rerender({ of: second });
  expect(result.current).toMatchObject({ expectedVersion: 3, isBehind: true });

  act(() => result.current.keep());
  expect(result.current).toMatchObject({ expectedVersion: 4, isBehind: false });
});

test("a form shows what is there until one edits it, and stays then", () => {
  const { result, rerender } = renderHook(({ of }) => useHeld(of), { initialProps: { of: first } });
  rerender({ of: second });
  expect(result.current).toMatchObject({ shown: second, expectedVersion: 4, isBehind: false });

  act(() => result.current.hold());
  rerender({ of: { version: 5, name: "three" } });
  act(() => result.current.hold());
  expect(result.current).toMatchObject({ shown: second, expectedVersion: 4, isBehind: true });

  act(() => result.current.keep());
  expect(result.current).toMatchObject({ shown: second, expectedVersion: 5, isBehind: false });

  act(() => result.current.release());
  expect(result.current).toMatchObject({ shown: { version: 5 }, expectedVersion: 5, isBehind: false });
});
