/** Whether a deployment's schedules and waiting runs stand; changing it can be taken back. */
import { DeploymentPauseDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { tell } from "@/ui/toasts";

export function PauseToggle({ deployment, isLarge = false }: { deployment: { id: string; name: string; paused: boolean }; isLarge?: boolean }) {
  const { act, isBusy } = useAct(DeploymentPauseDocument);
  const set = async (paused: boolean): Promise<void> => {
    if (!(await act({ input: { id: deployment.id, paused } }))) return;
    tell(`${deployment.name} is ${paused ? "paused" : "running again"}.`, { undo: () => void act({ input: { id: deployment.id, paused: !paused } }) });
  };
  const does = deployment.paused ? "Resume" : "Pause";
  const stands = deployment.paused ? "Paused" : "On";
  return (
    <Button
      className={isLarge ? "" : "is-small"}
      needs="RUNS_WRITE"
      isBusy={isBusy}
      aria-pressed={deployment.paused}
      aria-label={isLarge ? `${does} ${deployment.name}` : `${stands}: ${does.toLowerCase()} ${deployment.name}`}
      onClick={() => void set(!deployment.paused)}
    >
      {isLarge ? does : stands}
    </Button>
  );
}
