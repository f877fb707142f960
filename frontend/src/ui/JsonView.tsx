/** A value as JSON, to read. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  return <pre className="command m-0 text-[13px]" role="region" aria-label={label} tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>;
}
