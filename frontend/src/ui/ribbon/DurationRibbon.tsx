/** How long runs took over time: a line that half of them were within, a band up to where 95 of 100 were, and how many failed. */
import type { RibbonBucketFragment } from "@/generated/graphql";
import { localZone, parseDuration, showDuration, showTime } from "@/lib/time";
import { MINUTE_MS, useNow } from "@/ui/clock";
import { ceilingOf, type Point, stretchesOf } from "@/ui/ribbon/ribbon";

const [WIDTH, HEIGHT, FOOT] = [1000, 120, 14];

export function DurationRibbon({ buckets }: { buckets: readonly RibbonBucketFragment[] }) {
  const stretches = stretchesOf(buckets);
  const ceiling = ceilingOf(Math.max(0, ...stretches.flat().map(({ p95 }) => p95)));
  const mostFailed = Math.max(1, ...buckets.map(({ failed }) => failed));
  const x = (index: number): number => ((index + 0.5) / buckets.length) * WIDTH;
  const y = (length: number): number => (HEIGHT - FOOT) * (1 - length / ceiling);
  const line = (points: readonly Point[], of: "p50" | "p95"): string => points.map((point) => `${x(point.index)},${y(point[of])}`).join(" ");
  if (buckets.every(({ completed, failed }) => completed + failed === 0)) return <p className="faint m-0 px-(--pad) pb-3 text-[13px]">No run of the last two weeks has ended.</p>;
  return (
    <figure className="ribbon">
      <div className="ribbon-field">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {[0, 0.5].map((part) => <line key={part} className="ribbon-line" x1={0} x2={WIDTH} y1={(HEIGHT - FOOT) * part} y2={(HEIGHT - FOOT) * part} />)}
          {stretches.map((points) => (
            <g key={points[0]?.index}>
              <polygon className="ribbon-band" points={`${line(points, "p95")} ${line(points.toReversed(), "p50")}`} />
              <polyline className="ribbon-half" points={line(points.length === 1 ? [...points, { ...(points[0] as Point), index: (points[0] as Point).index + 0.4 }] : points, "p50")} />
            </g>
          ))}
          {buckets.map(({ at, failed }, index) => {
            const height = failed === 0 ? 0 : Math.max(2, (failed / mostFailed) * (FOOT - 2));
            return <rect key={at} className="bar tone-failed" x={x(index) - WIDTH / buckets.length / 4} width={WIDTH / buckets.length / 2} y={HEIGHT - height} height={height} />;
          })}
        </svg>
        <span className="ribbon-label num" aria-hidden="true">{showDuration(ceiling)}</span>
        <span className="ribbon-label is-half num" aria-hidden="true">{showDuration(ceiling / 2)}</span>
      </div>
      <figcaption className="faint text-[12px]">Two weeks: the line is what half of the runs were within, the band reaches up to 95 of 100; below it those that failed.</figcaption>
      <Numbers buckets={buckets} />
    </figure>
  );
}

/** The same for whoever does not see it. */
function Numbers({ buckets }: { buckets: readonly RibbonBucketFragment[] }) {
  const now = new Date(useNow(MINUTE_MS));
  const zone = localZone();
  const length = (text: string | null | undefined): string => (text ? showDuration(parseDuration(text)) : "–");
  return (
    <table className="sr-only">
      <caption>How long its runs took</caption>
      <thead>
        <tr>{["From", "Half within", "95 % within", "Completed", "Failed"].map((title) => <th key={title} scope="col">{title}</th>)}</tr>
      </thead>
      <tbody>
        {buckets.map(({ at, p50, p95, completed, failed }) => (
          <tr key={at}>
            <th scope="row">{showTime(new Date(at), now, zone)}</th>
            <td>{length(p50)}</td>
            <td>{length(p95)}</td>
            <td>{completed}</td>
            <td>{failed}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
