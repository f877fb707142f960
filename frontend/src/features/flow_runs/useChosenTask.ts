/** The task run of a run that its address names: among those that were read, or read by itself. */
import { useQuery } from "urql";
import { RunTasksDocument, type TaskRowFragment } from "@/generated/graphql";

/** ``rows`` are undefined until the first of them are there. */
export function useChosenTask(runId: string, task: string | undefined, rows: readonly TaskRowFragment[] | undefined): TaskRowFragment | undefined {
  const near = rows?.find(({ id }) => id === task);
  const [{ data }] = useQuery({
    query: RunTasksDocument,
    variables: { id: runId, filter: { id: { eq: task ?? "" } } },
    pause: task === undefined || rows === undefined || near !== undefined,
  });
  return near ?? (task === undefined ? undefined : data?.flowRun?.taskRuns.nodes.find(({ id }) => id === task));
}
