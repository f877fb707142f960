/** What narrows the list of runs; each choice is in the address. */
import { useEffect, useRef, useState } from "react";
import { KEYS, type Term, termsOf, without } from "@/features/flow_runs/query";
import { SavedViews } from "@/features/flow_runs/SavedViews";
import { hasComing, lastInWords, type RunSearch, STATE_TYPES, type StateName } from "@/features/flow_runs/search";
import { useKey } from "@/ui/keys";
import { StateGlyph } from "@/ui/StateGlyph";

export interface RunFiltersProps {
  search: RunSearch;
  onSearch: (search: RunSearch) => void;
  count: { value: number; precision: string } | undefined;
}

const LASTS = [1, 24, 168] as const;
const TYPING_MS = 250;

function titleOf(type: StateName): string {
  return type.charAt(0) + type.slice(1).toLowerCase();
}

export function RunFilters({ search, onSearch, count }: RunFiltersProps) {
  const toggle = (type: StateName): void => {
    const { state = [], ...rest } = search;
    const left = state.includes(type) ? state.filter((each) => each !== type) : [...state, type];
    onSearch(left.length > 0 ? { ...rest, state: left } : rest);
  };
  const setWords = (q: string): void => {
    const { q: _q, ...rest } = search;
    onSearch(q ? { ...rest, q } : rest);
  };
  const { coming, ...rest } = search;
  const setLast = (hours: number): void => {
    const { from: _from, to: _to, last: _last, ...untimed } = search;
    onSearch(hours > 0 ? { ...untimed, last: hours } : untimed);
  };
  return (
    <div className="toolbar" role="search">
      <SavedViews search={search} onSearch={onSearch} />
      <select className="input" aria-label="How far back" value={String(search.last ?? 0)} onChange={(event) => setLast(Number(event.target.value))}>
        <option value="0">{search.from === undefined ? "Any time" : "A piece of time"}</option>
        {[...new Set([...LASTS, ...(search.last === undefined ? [] : [search.last])])].map((hours) => <option key={hours} value={String(hours)}>{`In ${lastInWords(hours)}`}</option>)}
      </select>
      <QueryBar words={search.q ?? ""} onWords={setWords} />
      <div className="filters">
        {STATE_TYPES.map((type) => (
          <button key={type} type="button" className="button" aria-pressed={search.state?.includes(type) ?? false} onClick={() => toggle(type)}>
            <StateGlyph type={type} size={12} />
            {titleOf(type)}
          </button>
        ))}
      </div>
      {(search.coming === true || !hasComing(search)) && (
        <button type="button" className="button" aria-pressed={search.coming === true} title="Runs that are scheduled for later" onClick={() => onSearch({ ...rest, ...(coming ? {} : { coming: true }) })}>To come</button>
      )}
      {(["name", "tag"] as const).map((key) => {
        const value = search[key];
        if (value === undefined) return null;
        const { [key]: _value, ...rest } = search;
        return <Chip key={key} text={`${key}:${value}`} isKnown onRemove={() => onSearch(rest)} />;
      })}
      {count && (
        <span className="num faint ml-auto text-[13px]" aria-live="polite">
          {count.precision === "AT_LEAST" ? "more than " : ""}
          {count.value.toLocaleString("en")} {count.value === 1 ? "run" : "runs"}
        </span>
      )}
    </div>
  );
}

/** Words are asked for once the typing rests; what was typed is never taken away. */
function QueryBar({ words, onWords }: { words: string; onWords: (words: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(words);
  const latest = useRef(onWords);
  useEffect(() => {
    latest.current = onWords;
  });
  useKey("/", () => field.current?.focus());
  useEffect(() => setText((typed) => (typed.trim() === words ? typed : words)), [words]);
  useEffect(() => {
    if (text.trim() === words) return;
    const timer = setTimeout(() => latest.current(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
    // The words that are asked for follow the text, not the other way about.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  const marked = termsOf(words).filter(({ key, text: each }) => each.includes(":") || key !== "name");
  return (
    <>
      <input
        ref={field}
        className="input w-80 max-md:w-full"
        type="search"
        aria-label="Narrow the runs"
        title={`A part of the name, or ${KEYS.map((key) => `${key}:`).join(" ")} and - before what is not wanted`}
        placeholder="state:failed flow:orders -tag:test   /"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {marked.map((term: Term) => (
        <Chip key={term.text} text={term.text} isKnown={term.filter !== undefined} onRemove={() => onWords(without(words, term))} />
      ))}
    </>
  );
}

function Chip({ text, isKnown, onRemove }: { text: string; isKnown: boolean; onRemove: () => void }) {
  return (
    <span className="tag" data-unknown={!isKnown || undefined} title={isKnown ? undefined : "This is not understood, and narrows nothing."}>
      {text}
      <button type="button" className="tag-remove" aria-label={`Remove ${text}`} onClick={onRemove}>×</button>
    </span>
  );
}
