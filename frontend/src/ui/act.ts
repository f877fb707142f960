/** Doing something on the server, and saying how it went. */
import { useCallback, useRef, useState } from "react";
import { type AnyVariables, type TypedDocumentNode, useMutation } from "urql";
import { type Attempt, takesKey, withKey } from "@/lib/attempts";
import { tell } from "@/ui/toasts";

interface Refusal {
  message: string;
  path?: string[] | null;
}

interface Payload {
  errors: Refusal[];
}

/** What was refused of one field of the input, for the field to show. */
export function refusalAt(refusals: readonly Refusal[], field: string): string | undefined {
  return refusals.find(({ path }) => path?.[0] === field)?.message;
}

/** What was refused of none of these fields. */
export function otherRefusals(refusals: readonly Refusal[], fields: readonly string[]): readonly Refusal[] {
  return refusals.filter(({ path }) => !fields.includes(path?.[0] ?? ""));
}

type PayloadOf<Data> = { [Name in keyof Data]: Data[Name] extends Payload ? Data[Name] : never }[keyof Data];

export interface Act<Data, Variables> {
  /** Resolves with the payload, or undefined where it was refused: a toast has said why. */
  act: (variables: Variables) => Promise<PayloadOf<Data> | undefined>;
  isBusy: boolean;
  /** What was refused last, for a form to show beside its fields. */
  refusals: readonly Refusal[];
}

function payloadOf<Data>(data: Data | undefined): PayloadOf<Data> | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  return Object.entries(data).find(([name]) => name !== "__typename")?.[1] as PayloadOf<Data> | undefined;
}

/** A mutation of one field, as all of ours are. ``isQuiet`` leaves it to the caller to show a refusal. */
export function useAct<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  { isQuiet = false }: { isQuiet?: boolean } = {},
): Act<Data, Variables> {
  const [{ fetching }, run] = useMutation(document);
  const attempt = useRef<Attempt>(undefined);
  const isKeyed = takesKey(document);
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  const act = useCallback(
    async (variables: Variables) => {
      const { data, error } = await run(isKeyed ? withKey(variables, attempt) : variables);
      const payload = payloadOf(data);
      if (payload !== undefined && payload !== null) attempt.current = undefined;
      const refused: readonly Refusal[] = error
        ? [{ message: error.graphQLErrors[0]?.message ?? "The server does not answer." }]
        : ((payload as Payload | undefined)?.errors ?? []);
      setRefusals(refused);
      if (refused.length === 0) return payload;
      if (!isQuiet) tell(refused.map((each) => each.message).join(" "), { isError: true });
      return undefined;
    },
    [run, isQuiet, isKeyed],
  );
  return { act, isBusy: fetching, refusals };
}
