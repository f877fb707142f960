/** First steps in a workspace: what to type, with its own address; each lights up as it is done. */
import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { type Step, stepsOf } from "@/features/workspaces/steps";
import { FirstStepsDocument } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { type Place, usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Command } from "@/ui/Copy";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { StateGlyph } from "@/ui/StateGlyph";

const KINDS = ["flow", "flow_run", "agent", "deployment", "schedule", "work_pool"];

export function FirstStepsPage() {
  const place = usePlace();
  const [{ data, error }, read] = useQuery({ query: FirstStepsDocument, variables: { ...place } });
  const again = (): void => read({ requestPolicy: "network-only" });
  useChanges(data?.workspace?.id, KINDS, again);
  const steps = data && stepsOf(data, { url: window.location.origin, place: `${place.organization}/${place.workspace}` });
  const count = steps?.filter(({ done }) => done !== undefined).length ?? 0;
  useTitle(steps ? `${count} of ${steps.length} · First steps` : "First steps", place.workspace);
  if (error && !data) return <ErrorState error={error} onRetry={again} />;
  if (!steps) return <Skeleton rows={10} />;
  const next = steps.find(({ done }) => done === undefined);
  return (
    <>
      <PageHead title="First steps" note={<span className="tag num" aria-live="polite">{`${count} of ${steps.length}`}</span>} />
      <ol className="steps">
        {steps.map((step) => <Line key={step.name} step={step} place={place} isNext={step === next} />)}
      </ol>
      {!next && <p className="px-5 pb-5">That is all of it. <Link to="/$organization/$workspace" params={place}>See what goes on now</Link>.</p>}
    </>
  );
}

function Line({ step, place, isNext }: { step: Step; place: Place; isNext: boolean }) {
  const isDone = step.done !== undefined;
  return (
    <li className="step" data-done={isDone}>
      <span className="step-mark">
        <StateGlyph type={isDone ? "COMPLETED" : "SCHEDULED"} />
      </span>
      <div className="grid min-w-0 gap-2">
        <h2 className="step-title">
          {step.title}
          <span className="sr-only">{isDone ? ", done" : ", to be done"}</span>
        </h2>
        {isDone && <p className="faint m-0 text-[13px]"><bdi>{step.done}</bdi></p>}
        {!isDone && step.commands.map((text) => <Command key={text} text={text} />)}
        {isNext && step.name === "key" && (
          <p className="faint m-0 text-[13px]">
            Where there is no terminal, <Link to="/$organization/~/keys" params={{ organization: place.organization }}>make a key here</Link> and set HEADGATE_API_KEY.
          </p>
        )}
        {isNext && <p className="faint m-0 text-[13px]" role="status">Listening…</p>}
      </div>
    </li>
  );
}
