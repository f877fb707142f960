/** The last runs of something, oldest first: height is duration, texture and colour are the state. */
import { parseDuration, showDuration } from "@/lib/time";
import { lookOf } from "@/ui/states";

export interface Bar {
  id: string;
  name: string;
  duration: string | null;
  state: { type: string; name: string };
}

const HEIGHT = 24;
const STEP = 5;
const LEAST = 4;

/** Bars are scaled to the longest of them. */
export function Barcode({ bars, label }: { bars: readonly Bar[]; label: string }) {
  const lengths = bars.map((bar) => (bar.duration ? parseDuration(bar.duration) : 0));
  const longest = Math.max(1, ...lengths);
  return (
    <svg className="barcode" role="img" aria-label={label} width={bars.length * STEP} height={HEIGHT}>
      {bars.map((bar, index) => {
        const length = lengths[index] ?? 0;
        const height = LEAST + ((HEIGHT - LEAST) * length) / longest;
        const { tone, shape } = lookOf(bar.state.type, bar.state.name);
        return (
          <rect key={bar.id} className={`bar tone-${tone} bar-${shape}`} x={index * STEP} y={HEIGHT - height} width={STEP - 1} height={height}>
            <title>{`${bar.name}: ${bar.state.name}${bar.duration ? `, ${showDuration(length)}` : ""}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
