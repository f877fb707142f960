/** Sending the same thing twice and having it done once: a key for each attempt of a person. */
import type { TypedDocumentNode } from "urql";

/** Inputs whose mutation makes or moves something, and is carried out once for a key. */
export const KEYED: readonly string[] = ["BackfillCreateInput", "BlockDocumentUpsertInput", "FlowRunCreateInput", "RunResumeInput", "RunSetStateInput", "VariableSetInput"];

const KEY_BYTES = 16;

export interface Attempt {
  /** What was sent. */
  body: string;
  key: string;
}

/** Whether a mutation takes such a key. */
export function takesKey(document: TypedDocumentNode<never, never> | { definitions: TypedDocumentNode["definitions"] }): boolean {
  return document.definitions.some(
    (each) =>
      each.kind === "OperationDefinition" &&
      each.variableDefinitions?.some(({ type }) => {
        const named = type.kind === "NonNullType" ? type.type : type;
        return named.kind === "NamedType" && KEYED.includes(named.name.value);
      }),
  );
}

/** Random also where the page is not served over HTTPS. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The variables with the key of this attempt. What is sent again as it was, because no answer came, has the key that it
 * had; what was changed, or sent anew after an answer, is another attempt: whoever sends forgets it then.
 */
export function withKey<Variables>(variables: Variables, attempt: { current: Attempt | undefined }): Variables {
  const { input } = variables as { input: object };
  const body = JSON.stringify(input);
  if (attempt.current?.body !== body) attempt.current = { body, key: freshKey() };
  return { ...variables, input: { ...input, idempotencyKey: attempt.current.key } };
}
