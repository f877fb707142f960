/** Under which key a task run's result is kept, who wrote what is kept there, and until when it counts. */
import { useQuery } from "urql";
import { TaskCacheDocument } from "@/generated/graphql";
import { usePlace } from "@/lib/place";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { Time } from "@/ui/Time";

export interface CacheFactsProps {
  task: { id: string; cacheKey?: string | null | undefined; state: { name: string } };
}

export function CacheFacts({ task }: CacheFactsProps) {
  const { cacheKey } = task;
  const [{ data }] = useQuery({ query: TaskCacheDocument, variables: { ...usePlace(), key: cacheKey ?? "" }, pause: !cacheKey });
  if (!cacheKey) return <Fact name="Cached under"><span className="faint">It is not cached.</span></Fact>;
  const record = data?.workspace?.cacheRecord;
  return (
    <>
      <Fact name="Cached under"><code className="break-all">{cacheKey}</code></Fact>
      {data && (
        <Fact name="Kept there">
          {!record?.writtenAt && <span className="faint">Nothing any more, or not yet.</span>}
          {record?.writtenAt && (
            <>
              {record.taskRunId === task.id ? "its own result" : record.taskRunId ? <Crumb to={`/task-runs/${record.taskRunId}`}>another task run's result</Crumb> : "a result"}
              {", written "}<Time at={record.writtenAt} />
              {record.expiresAt && <>, good until <Time at={record.expiresAt} /></>}
            </>
          )}
        </Fact>
      )}
      {task.state.name === "Cached" && <Fact name="So">It took what was kept, and was not executed.</Fact>}
    </>
  );
}
