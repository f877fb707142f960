/** What an organization uses, day by day, and how much of each quota is taken. */
import { useQuery } from "urql";
import { quotaName, shareOf, showAmount, showBytes } from "@/features/quotas/amounts";
import { UsageDocument, type UsageQuery } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { useTitle } from "@/lib/title";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { Time } from "@/ui/Time";

type Shown = NonNullable<UsageQuery["organization"]>;
type Day = Shown["usageDays"][number];

const NEARLY = 0.8;
const MEASURES: readonly { title: string; of: (day: Day) => number; show: (amount: number) => string }[] = [
  { title: "Runs", of: ({ runs, restarts }) => runs + restarts, show: (amount) => amount.toLocaleString("en") },
  { title: "Logs", of: ({ logBytes }) => logBytes, show: showBytes },
  { title: "API points", of: ({ apiPoints }) => apiPoints, show: (amount) => amount.toLocaleString("en") },
];

export function UsagePage() {
  const organization = useOrganization();
  useTitle("Usage", organization);
  const [{ data, error }, read] = useQuery({ query: UsageDocument, variables: { organization } });
  const place = data?.organization;
  if (error && !place) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!place) return <Skeleton rows={10} />;
  return (
    <>
      <PageHead title="Usage and quotas" />
      <section className="pane" aria-label="Days">
        <h2>The last 31 days</h2>
        <div className="grid grid-cols-3 gap-6 max-lg:grid-cols-1">
          {MEASURES.map((measure) => <Days key={measure.title} days={place.usageDays.toReversed()} {...measure} />)}
        </div>
      </section>
      <section className="pane" aria-label="Quotas">
        <h2>Quotas</h2>
        <Quotas quotas={place.quotas} />
      </section>
    </>
  );
}

const WIDTH = 310;
const HEIGHT = 72;

function Days({ days, title, of, show }: { days: readonly Day[]; title: string; of: (day: Day) => number; show: (amount: number) => string }) {
  const most = Math.max(1, ...days.map(of));
  const step = WIDTH / Math.max(31, days.length);
  const total = days.reduce((sum, day) => sum + of(day), 0);
  return (
    <figure className="m-0 grid gap-1">
      <figcaption className="flex items-baseline gap-2">
        <strong className="num">{show(total)}</strong>
        <span className="faint text-[13px]">{title}</span>
      </figcaption>
      <svg className="usage" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${show(total)} in ${days.length} days, ${show(most)} on the busiest`}>
        {days.map((day, index) => {
          const height = Math.max(1, (of(day) / most) * (HEIGHT - 2));
          return (
            <rect key={day.day} x={index * step} y={HEIGHT - height} width={step - 1.5} height={height}>
              <title>{`${day.day}: ${show(of(day))}`}</title>
            </rect>
          );
        })}
      </svg>
      <span className="num faint flex justify-between text-[11px]">
        <span>{days[0]?.day}</span>
        <span>{days.at(-1)?.day} (UTC)</span>
      </span>
    </figure>
  );
}

function Quotas({ quotas }: { quotas: Shown["quotas"] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Quota</th>
          <th scope="col" className="is-number">Used</th>
          <th scope="col" className="is-number">Limit</th>
          <th scope="col" className="max-md:hidden">Full</th>
          <th scope="col" className="max-md:hidden">Begins anew</th>
          <th scope="col" className="max-lg:hidden">Set by</th>
        </tr>
      </thead>
      <tbody>
        {quotas.map((quota) => {
          const share = shareOf(quota.used, quota.limit);
          return (
            <tr key={quota.kind}>
              <td>{quotaName(quota.kind)}</td>
              <td className="is-number num">{showAmount(quota.kind, quota.used)}</td>
              <td className="is-number num">{quota.limit === null || quota.limit === undefined ? <span className="faint">none</span> : showAmount(quota.kind, quota.limit)}</td>
              <td className="max-md:hidden">{share === undefined ? <span className="faint">–</span> : <Gauge share={share} />}</td>
              <td className="max-md:hidden">{quota.resetsAt ? <Time at={quota.resetsAt} isRelative /> : <span className="faint">–</span>}</td>
              <td className="max-lg:hidden">{quota.limit === null ? "" : quota.isDefault ? "the installation" : "an operator"}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Gauge({ share }: { share: number }) {
  const percent = Math.round(share * 100);
  const says = share >= 1 ? "full" : share >= NEARLY ? "nearly full" : "";
  return (
    <span className="flex items-center gap-2">
      <meter className="gauge" min={0} max={1} value={Math.min(1, share)} aria-label={`${percent} % full`} />
      <span className="num">{percent} %</span>
      {says && <strong>{says}</strong>}
    </span>
  );
}
