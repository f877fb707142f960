/** The slots of a limit, one mark each: taken, free, and how many want one beyond them. */

const MOST_MARKS = 24;
const STEP = 9;

export function Slots({ name, active, limit, waiting }: { name: string; active: number; limit: number; waiting: number }) {
  const said = `${active} of ${limit} taken${waiting > 0 ? `, ${waiting} waiting` : ""}`;
  if (limit > MOST_MARKS) {
    return (
      <span className="flex items-center gap-2">
        <progress className="progress" max={limit} value={Math.min(active, limit)} aria-label={`${name}: ${said}`} />
      </span>
    );
  }
  const marks = Math.min(limit + Math.min(waiting, MOST_MARKS - limit), MOST_MARKS);
  return (
    <svg width={Math.max(1, marks) * STEP} height={14} role="img" aria-label={`${name}: ${said}`}>
      <title>{said}</title>
      {Array.from({ length: marks }, (_, index) => (
        <rect
          // A slot is told by its place.
          // oxlint-disable-next-line react/no-array-index-key
          key={index}
          className={index >= limit ? "slot is-waiting" : index < active ? "slot is-taken" : "slot"}
          x={index * STEP + 0.5}
          y={index >= limit ? 4.5 : 0.5}
          width={6}
          height={index >= limit ? 5 : 13}
        />
      ))}
    </svg>
  );
}
