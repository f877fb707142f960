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

/** More than these nobody tells apart; the rest is for a list. */
export const MOST_BARS = 30;

/** The last ``MOST_BARS`` of them, scaled to the longest of these; it says how many they are. */
export function Barcode({ bars: all, label }: { bars: readonly Bar[]; label: string }) {
  const bars = all.slice(-MOST_BARS);
  const said = `${label}: ${bars.length === 0 ? "none" : bars.length === 1 ? "one" : `the last ${bars.length}`}`;
  const lengths = bars.map((bar) => (bar.duration ? parseDuration(bar.duration) : 0));
  const longest = Math.max(1, ...lengths);
  return (
    <svg className="barcode" role="img" aria-label={said} width={bars.length * STEP} height={HEIGHT}>
      <title>{said}</title>
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
