/** What narrows the list of runs; each choice is in the address. */
import { useEffect, useRef } from "react";
import { type RunSearch, STATE_TYPES, type StateName } from "@/features/flow_runs/search";
import { StateGlyph } from "@/ui/StateGlyph";

export interface RunFiltersProps {
  search: RunSearch;
  onSearch: (search: RunSearch) => void;
  count: { value: number; precision: string } | undefined;
}

function titleOf(type: StateName): string {
  return type.charAt(0) + type.slice(1).toLowerCase();
}

export function RunFilters({ search, onSearch, count }: RunFiltersProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key !== "/" || isTyping) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const toggle = (type: StateName): void => {
    const { state = [], ...rest } = search;
    const left = state.includes(type) ? state.filter((each) => each !== type) : [...state, type];
    onSearch(left.length > 0 ? { ...rest, state: left } : rest);
  };
  const rename = (name: string): void => {
    const { name: _name, ...rest } = search;
    onSearch(name ? { ...rest, name } : rest);
  };
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-(--hairline) px-5 py-2" role="search">
      <input
        ref={field}
        className="input w-56"
        type="search"
        aria-label="Name of the run"
        placeholder="Name contains…   /"
        value={search.name ?? ""}
        onChange={(event) => rename(event.target.value)}
      />
      {STATE_TYPES.map((type) => (
        <button key={type} type="button" className="button" aria-pressed={search.state?.includes(type) ?? false} onClick={() => toggle(type)}>
          <StateGlyph type={type} size={12} />
          {titleOf(type)}
        </button>
      ))}
      {count && (
        <span className="num faint ml-auto text-[13px]" aria-live="polite">
          {count.precision === "AT_LEAST" ? "more than " : ""}
          {count.value.toLocaleString("en")} {count.value === 1 ? "run" : "runs"}
        </span>
      )}
    </div>
  );
}
