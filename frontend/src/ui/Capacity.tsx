/** How much of what is there is taken, and what waits beyond it. */

export interface CapacityProps {
  taken: number;
  /** Undefined where there is no limit. */
  room: number | undefined;
  waiting: number;
  label: string;
}

const WIDTH = 160;
const HEIGHT = 14;

export function Capacity({ taken, room, waiting, label }: CapacityProps) {
  const whole = Math.max(1, room ?? 0, taken + waiting);
  const x = (count: number): number => (count / whole) * WIDTH;
  const said = `${taken} of ${room ?? "any number"} taken, ${waiting} waiting`;
  return (
    <svg className="capacity" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${label}: ${said}`}>
      <title>{said}</title>
      <rect className="capacity-room" x={0.5} y={0.5} width={Math.max(0, (room === undefined ? WIDTH : x(room)) - 1)} height={HEIGHT - 1} />
      <rect className="capacity-taken" x={0} y={0} width={x(taken)} height={HEIGHT} />
      <rect className="capacity-waiting" x={x(taken)} y={4} width={x(waiting)} height={HEIGHT - 8} />
    </svg>
  );
}
