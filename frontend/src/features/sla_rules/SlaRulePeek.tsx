/** When a rule was broken, and by which runs. */
import { useQuery } from "urql";
import { SlaRuleDeleteDocument, SlaRuleUpdateDocument, type SlaRowFragment, SlaViolationsDocument } from "@/generated/graphql";
import { sentenceOf } from "@/features/sla_rules/kinds";
import { parseDuration, showDuration } from "@/lib/time";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { Crumb } from "@/ui/Crumb";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { Peek } from "@/ui/Peek";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

export interface SlaRulePeekProps {
  rule: SlaRowFragment;
  onClose: () => void;
  onDone: () => void;
}

export function SlaRulePeek({ rule, onClose, onDone }: SlaRulePeekProps) {
  const [{ data, error }, read] = useQuery({ query: SlaViolationsDocument, variables: { id: rule.id }, requestPolicy: "network-only" });
  const update = useAct(SlaRuleUpdateDocument);
  const remove = useAct(SlaRuleDeleteDocument);
  const violations = data?.node && "violations" in data.node ? data.node.violations.nodes : undefined;
  const watch = async (enabled: boolean, isUndo = false): Promise<void> => {
    if (!(await update.act({ input: { id: rule.id, enabled } }))) return;
    onDone();
    if (!isUndo) tell(enabled ? "The rule is watched." : "Nobody watches the rule.", { undo: () => void watch(!enabled, true) });
  };
  return (
    <Peek title={rule.name} onClose={onClose} actions={<Button needs="FLOWS_WRITE" isBusy={update.isBusy} onClick={() => void watch(!rule.enabled)}>{rule.enabled ? "Watch no more" : "Watch again"}</Button>}>
      <p className="m-0 text-[13px]">{`A run ${sentenceOf(rule.kind, showDuration(parseDuration(rule.within)))}.`}</p>
      <section className="grid gap-2">
        <h2>When it was broken</h2>
        {error && !violations && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
        {!violations && !error && <Skeleton rows={3} />}
        {violations?.length === 0 && <p className="faint m-0 text-[13px]">Never so far.</p>}
        <ul className="m-0 grid list-none gap-3 p-0 text-[13px]">
          {violations?.map(({ id, violatedAt, endedAt, flowRun }) => (
            <li key={id} className="grid gap-1">
              <span><Time at={violatedAt} />{flowRun && <>, <Crumb to={`/runs/${flowRun.id}`}>{flowRun.name}</Crumb></>}</span>
              <span className="faint">{endedAt ? <>kept again since <Time at={endedAt} isRelative /></> : "not kept since"}</span>
            </li>
          ))}
        </ul>
      </section>
      <span>
        <ConfirmButton
          label="Delete the rule…"
          title={`Delete ${rule.name}?`}
          verb="Delete the rule"
          needs="FLOWS_WRITE"
          onConfirm={async () => {
            if (!(await remove.act({ input: { id: rule.id } }))) return;
            tell(`${rule.name} is deleted.`);
            onClose();
            onDone();
          }}
        >
          When it was broken is forgotten with it; the events stay.
        </ConfirmButton>
      </span>
    </Peek>
  );
}
