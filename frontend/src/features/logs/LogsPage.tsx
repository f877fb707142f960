/** A search in the logs of all runs: each line with its run, and with what was written around it. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { WorkspaceLogsDocument, type WorkspaceLogsQuery } from "@/generated/graphql";
import { filterOf, keyOf, lineShown } from "@/features/logs/asked";
import { LookedAt } from "@/features/logs/LookedAt";
import { LEVELS, type LogsSearch, REACHES } from "@/features/logs/search";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { levelOf } from "@/ui/levels";
import { PageHead } from "@/ui/PageHead";
import { RunRail } from "@/ui/RunRail";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

export type Match = NonNullable<WorkspaceLogsQuery["workspace"]>["logs"]["nodes"][number];

const TYPING_MS = 300;
const LEVEL_NAMES = { 0: "All levels", 20: "Info and above", 30: "Warnings and above", 40: "Errors" } as const;

const columnsFor = (text: string): readonly Column<Match>[] => [
  { id: "at", title: "Time", width: 140, cell: ({ line }) => <Time at={line.timestamp} /> },
  { id: "level", title: "Level", width: 74, cell: ({ line }) => <span className="log-level" data-level={levelOf(line.level).name}>{levelOf(line.level).short}</span> },
  { id: "message", title: "Line", cell: ({ line }) => <span className="mono" title={line.message.slice(0, 2000)}>{lineShown(line.message, text)}</span> },
  { id: "run", title: "Run", width: 200, from: "md", cell: ({ flowRun }) => (flowRun ? <Crumb className="quiet" to={`/runs/${flowRun.id}`}>{flowRun.name}</Crumb> : <span className="faint">deleted</span>) },
  { id: "flow", title: "Flow", width: 160, from: "lg", cell: ({ flowRun }) => flowRun?.flow.name },
];

export function LogsPage() {
  const { organization, workspace } = usePlace();
  useTitle("Logs", workspace);
  const search = useSearch({ from: "/$organization/$workspace/logs" });
  const navigate = useNavigate({ from: "/$organization/$workspace/logs" });
  const onSearch = (next: LogsSearch): void => void navigate({ search: next, replace: true });
  const [text, setText] = useState(search.text ?? "");
  useEffect(() => {
    if (text === (search.text ?? "")) return;
    const timer = setTimeout(() => {
      const { text: _text, line: _line, ...rest } = search;
      void navigate({ search: text ? { ...rest, text } : rest, replace: true });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [navigate, search, text]);
  const { line, ...unpeeked } = search;
  // Another line is looked at: the question is the same.
  const question = JSON.stringify(filterOf(search, 0));
  const filter = useMemo(() => filterOf(search, Date.now()), [question]);
  const columns = useMemo(() => columnsFor(search.text ?? ""), [search.text]);
  const list = usePages("logs", WorkspaceLogsDocument, { organization, workspace, filter }, (data) => data.workspace?.logs, { organization, workspace, filter: filterOf(search, 0) });
  const { rows } = list;
  const look = (row: Match): void => onSearch({ ...unpeeked, line: keyOf(row) });
  const clear = (): void => {
    setText("");
    onSearch({});
  };
  return (
    <>
      <PageHead title="Logs" />
      <RunRail search={search} onPiece={(piece) => onSearch({ ...withoutPiece(search), ...piece })} />
      <div className="toolbar" role="search">
        <SearchField label="What a line holds" placeholder="A line holds…   /" value={text} onChange={setText} />
        <select className="input" aria-label="Level" value={String(search.level ?? 0)} onChange={(event) => onSearch(withLevel(search, Number(event.target.value)))}>
          {LEVELS.map((each) => <option key={each} value={String(each)}>{LEVEL_NAMES[each]}</option>)}
        </select>
        <select className="input" aria-label="How far back" value={search.from === undefined ? (search.reach ?? "day") : ""} onChange={(event) => onSearch({ ...withoutPiece(search), reach: REACHES.find((each) => each === event.target.value) ?? "day" })}>
          {search.from !== undefined && <option value="">A piece of time</option>}
          {REACHES.map((each) => <option key={each} value={each}>{`The last ${each}`}</option>)}
        </select>
        <span className="faint ml-auto text-[13px]" role="status">{list.isReading ? "Searching…" : ""}</span>
      </div>
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={12} />}
      {rows?.length === 0 && <Nothing search={search} onSearch={onSearch} onClear={clear} />}
      {rows && rows.length > 0 && (
        <DataTable
          name="logs"
          label="Lines"
          columns={columns}
          rows={rows}
          keyOf={keyOf}
          peeked={line}
          showsPeeked
          onPeek={(row) => (keyOf(row) === line ? onSearch(unpeeked) : look(row))}
          onOpen={look}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {line !== undefined && rows && <LookedAt line={line} rows={rows} onClose={() => onSearch(unpeeked)} />}
    </>
  );
}

/** Says how far it was looked: what one seeks may be older. */
function Nothing({ search, onSearch, onClear }: { search: LogsSearch; onSearch: (next: LogsSearch) => void; onClear: () => void }) {
  if (search.from !== undefined) return <NothingMatches what="line" onClear={onClear} />;
  const { reach = "day" } = search;
  const further = REACHES[REACHES.indexOf(reach) + 1];
  return (
    <EmptyState title={search.text || search.level ? `No line of the last ${reach} matches.` : `Nothing was logged in the last ${reach}. What runs print and log appears here.`}>
      <span className="flex gap-2">
        {further && <button type="button" className="button" onClick={() => onSearch({ ...search, reach: further })}>{`Look through the last ${further}`}</button>}
        {(search.text || search.level) && <button type="button" className="button" onClick={onClear}>Remove the filters</button>}
      </span>
    </EmptyState>
  );
}

function withoutPiece({ from: _from, to: _to, ...rest }: LogsSearch): LogsSearch {
  return rest;
}

function withLevel({ level: _level, ...rest }: LogsSearch, level: number): LogsSearch {
  return level === 0 ? rest : { ...rest, level };
}
