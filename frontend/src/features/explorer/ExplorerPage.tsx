/** The explorer of the API: asks whatever one writes, with the rights of whoever is signed in. */
import { buildClientSchema, getIntrospectionQuery, type GraphQLSchema, type IntrospectionQuery } from "graphql";
import { Suspense, useCallback, useEffect, useRef, useState } from "react";
import { Docs } from "@/features/explorer/Docs";
import { asCurl, type Draft, FIRST, isSubscription, keepInHistory, operationsOf, readHistory, readVariables, tidied } from "@/features/explorer/documents";
import type { EditorProps } from "@/features/explorer/Editor";
import { lazyPart } from "@/lib/code";
import { ask, follow } from "@/lib/raw";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Menu } from "@/ui/Menu";
import { PageHead } from "@/ui/PageHead";

const MOST_ANSWERS = 100;
const Loaded = lazyPart(async () => (await import("@/features/explorer/Editor")).Editor);

export function ExplorerPage() {
  const place = usePlace();
  useTitle("API explorer", place.workspace);
  const schema = useSchema(place.organization);
  const [draft, setDraft] = useState<Draft>(() => readHistory()[0] ?? { ...FIRST, variables: JSON.stringify(place, null, 2) });
  const [kept, setKept] = useState(readHistory);
  const [operation, setOperation] = useState<string>();
  const [hasDocs, setDocs] = useState(false);
  const { answers, problem, isRunning, run, stop } = useRun(place.organization);
  const operations = operationsOf(draft.query);
  const chosen = operations?.includes(operation ?? "") ? operation : operations?.[0];
  const act = useCallback(() => {
    setKept(keepInHistory(draft));
    run(draft, chosen || undefined);
  }, [chosen, draft, run]);
  return (
    <div className="explorer" data-docs={hasDocs}>
      <PageHead title="API explorer" actions={<Button aria-pressed={hasDocs} onClick={() => setDocs(!hasDocs)}>What there is</Button>} />
      <div className="toolbar">
        {isRunning ? <Button isPrimary onClick={stop}>Stop</Button> : <Button isPrimary lacks={operations === undefined ? "The document cannot be read yet." : undefined} onClick={act}>Run</Button>}
        {operations && operations.length > 1 && (
          <select className="input" aria-label="Operation" value={chosen ?? ""} onChange={(event) => setOperation(event.target.value)}>
            {operations.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        )}
        <Button onClick={() => setDraft({ ...draft, query: tidied(draft.query) })}>Tidy</Button>
        {kept.length > 0 && <Menu label="Before" entries={kept.map((each, index) => ({ label: `${index + 1}. ${each.name}`, onSelect: () => setDraft({ query: each.query, variables: each.variables }) }))} />}
        <Copy label="Copy as curl" text={asCurl(window.location.origin, draft)} />
        <span className="faint text-[13px]">With your own rights in {place.organization}.</span>
      </div>
      <Editor label="Document" text={draft.query} onText={(query) => setDraft((before) => ({ ...before, query }))} onRun={act} language="graphql" schema={schema} />
      <section className="explorer-variables" aria-label="Variables">
        <h2>Variables</h2>
        <Editor label="Variables" text={draft.variables} onText={(variables) => setDraft((before) => ({ ...before, variables }))} onRun={act} language="json" />
      </section>
      <section className="explorer-answer" role="region" aria-label="Answer" aria-busy={isRunning} tabIndex={0}>
        {problem && <p className="field-problem" role="alert">{problem}</p>}
        {answers.map((answer, index) => <pre key={answers.length - index}>{answer}</pre>)}
        {answers.length === 0 && !problem && <p className="faint m-0">The answer comes here.</p>}
      </section>
      {hasDocs && schema && <Docs schema={schema} />}
    </div>
  );
}

/** A plain field until the editor is there: the page is of use before. */
function Editor(props: EditorProps) {
  const plain = <textarea className="input area editor-plain" aria-label={props.label} value={props.text} onChange={(event) => props.onText(event.target.value)} spellCheck={false} />;
  return (
    <div className="editor">
      <Suspense fallback={plain}>
        <Loaded {...props} />
      </Suspense>
    </div>
  );
}

function useSchema(organization: string): GraphQLSchema | undefined {
  const [schema, setSchema] = useState<GraphQLSchema>();
  useEffect(() => {
    const stop = new AbortController();
    const load = async (): Promise<void> => {
      const answer = await ask({ query: getIntrospectionQuery() }, organization, stop.signal);
      if (answer?.data) setSchema(buildClientSchema(answer.data as unknown as IntrospectionQuery));
    };
    void load();
    return () => stop.abort();
  }, [organization]);
  return schema;
}

interface Run {
  /** The latest first. */
  answers: readonly string[];
  problem: string | undefined;
  isRunning: boolean;
  run: (draft: Draft, operation: string | undefined) => void;
  stop: () => void;
}

function useRun(organization: string): Run {
  const [answers, setAnswers] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState<string>();
  const [isRunning, setRunning] = useState(false);
  const ending = useRef<(() => void) | undefined>(undefined);
  const stop = useCallback(() => {
    ending.current?.();
    ending.current = undefined;
    setRunning(false);
  }, []);
  useEffect(() => stop, [stop]);
  const run = useCallback(
    (draft: Draft, operation: string | undefined) => {
      stop();
      setAnswers([]);
      const variables = readVariables(draft.variables);
      setProblem("problem" in variables ? variables.problem : undefined);
      if ("problem" in variables) return;
      const request = { query: draft.query, variables: variables.value, ...(operation ? { operationName: operation } : {}) };
      const tell = (answer: unknown): void => setAnswers((before) => [JSON.stringify(answer, null, 2), ...before].slice(0, MOST_ANSWERS));
      setRunning(true);
      if (isSubscription(draft.query, operation)) {
        ending.current = follow(request, { next: tell, error: setProblem, complete: () => setRunning(false) });
        return;
      }
      const abort = new AbortController();
      ending.current = () => abort.abort();
      void ask(request, organization, abort.signal).then((answer) => {
        if (abort.signal.aborted) return;
        if (answer) tell(answer);
        else setProblem("The server does not answer.");
        setRunning(false);
      });
    },
    [organization, stop],
  );
  return { answers, problem, isRunning, run, stop };
}
