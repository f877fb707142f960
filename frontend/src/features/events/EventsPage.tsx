/** What happens in a workspace, as it happens, and what happened before. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { startTransition, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useSubscription } from "urql";
import { type EventRowFragment, EventsDocument, EventTailDocument } from "@/generated/graphql";
import { pastOf, streamOf } from "@/features/events/asked";
import { type EventsSearch, REACHES } from "@/features/events/search";
import { linkOf, nameOf } from "@/features/events/resources";
import { useGathered, useReturns } from "@/lib/live";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { PageHead } from "@/ui/PageHead";
import { Peek } from "@/ui/Peek";
import { RunRail } from "@/ui/RunRail";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

const MOST_FRESH = 1_000;

function Resource({ resource }: { resource: unknown }) {
  const link = linkOf(resource);
  return link === undefined ? <span>{nameOf(resource)}</span> : <Crumb className="quiet" to={link}>{nameOf(resource)}</Crumb>;
}

const COLUMNS: readonly Column<EventRowFragment>[] = [
  { id: "at", title: "Time", width: 122, cell: (row) => <Time at={row.occurred} /> },
  { id: "event", title: "Event", width: 236, cell: (row) => <span className="mono">{row.event}</span> },
  { id: "resource", title: "What", cell: (row) => <Resource resource={row.resource} /> },
  { id: "payload", title: "Says", from: "lg", cell: (row) => <span className="faint mono">{JSON.stringify(row.payload)}</span> },
  { id: "received", title: "Received", width: 140, isOptional: true, cell: (row) => <Time at={row.received} /> },
];

/** What came since the page is open, the newest first; let in as a lot four times a second, and after what one types meanwhile. */
function useFresh(workspaceId: string | undefined, search: EventsSearch, isPaused: boolean, readAgain: () => void): { fresh: readonly EventRowFragment[]; waiting: number } {
  const [fresh, setFresh] = useState<readonly EventRowFragment[]>([]);
  const [waiting, setWaiting] = useState(0);
  const lot = useRef<EventRowFragment[]>([]);
  const filter = useMemo(() => streamOf(search), [search]);
  const letIn = useCallback(() => {
    const came = lot.current.reverse();
    lot.current = [];
    setWaiting(0);
    startTransition(() => setFresh((before) => [...came, ...before].slice(0, MOST_FRESH)));
  }, []);
  useEffect(() => {
    setFresh([]);
    lot.current = [];
  }, [filter]);
  useEffect(() => {
    if (!isPaused && lot.current.length > 0) letIn();
  }, [isPaused, letIn]);
  useReturns(() => {
    // What came while the socket was away is in the list, with all that is here.
    lot.current = [];
    setWaiting(0);
    setFresh([]);
    readAgain();
  });
  const gathered = useGathered(() => (isPaused ? setWaiting(lot.current.length) : letIn()));
  useSubscription({ query: EventTailDocument, variables: { workspaceId: workspaceId ?? "", filter }, pause: workspaceId === undefined }, (_, update) => {
    lot.current.push(...update.workspaceEvents.events);
    if (update.workspaceEvents.events.length > 0) gathered();
    return update;
  });
  return { fresh, waiting };
}

export function EventsPage() {
  const { organization, workspace } = usePlace();
  useTitle("Events", workspace);
  const search = useSearch({ from: "/$organization/$workspace/events" });
  const navigate = useNavigate({ from: "/$organization/$workspace/events" });
  const onSearch = (next: EventsSearch): void => void navigate({ search: readable(next), replace: true });
  const [isPaused, setPaused] = useState(false);
  const [peek, setPeek] = useState<EventRowFragment>();
  const filter = useMemo(() => pastOf(search, Date.now()), [search]);
  const list = usePages("events", EventsDocument, { organization, workspace, filter }, (data) => data.workspace?.events, { organization, workspace, filter: pastOf(search, 0) });
  const { fresh, waiting } = useFresh(useWorkspaceId(), search, isPaused, list.again);
  const isPiece = search.from !== undefined;
  const rows = useMemo(() => {
    const known = new Set(fresh.map(({ id }) => id));
    return list.rows && (isPiece ? list.rows : [...fresh, ...list.rows.filter(({ id }) => !known.has(id))]);
  }, [fresh, isPiece, list.rows]);
  const isNarrowed = isPiece || search.kind !== undefined || search.resource !== undefined;
  return (
    <>
      <PageHead title="Events" />
      <RunRail search={search} onPiece={(piece) => onSearch({ ...withoutPiece(search), ...piece })} />
      <div className="toolbar" role="search">
        <SearchField label="How its kind begins" placeholder="flow_run.failed   /" value={search.kind ?? ""} onChange={(kind) => onSearch({ ...search, kind })} />
        <SearchField label="Id of what it happened to" placeholder="Id of what it happened to" className="w-72 max-md:w-full" hasKey={false} value={search.resource ?? ""} onChange={(resource) => onSearch({ ...search, resource })} />
        <select className="input" aria-label="How far back" value={search.from === undefined ? (search.reach ?? "day") : ""} onChange={(event) => onSearch({ ...withoutPiece(search), reach: REACHES.find((each) => each === event.target.value) ?? "day" })}>
          {search.from !== undefined && <option value="">A piece of time</option>}
          {REACHES.map((each) => <option key={each} value={each}>{`The last ${each}`}</option>)}
        </select>
        <button type="button" className="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>{isPaused ? `Hold, ${waiting} wait` : "Live"}</button>
        <span className="num faint ml-auto text-[13px]" role="status">{!isPiece && fresh.length > 0 && `${fresh.length.toLocaleString("en")} new`}</span>
      </div>
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={10} />}
      {rows?.length === 0 && (isNarrowed ? <NothingMatches what="event" onClear={() => onSearch({})} /> : <EmptyState title="What happens in the workspace appears here as it happens. Nothing did, in this time." />)}
      {rows && rows.length > 0 && (
        <DataTable
          name="events"
          of={list.of}
          label="Events"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          peeked={peek?.id}
          onPeek={(row) => setPeek(row.id === peek?.id ? undefined : row)}
          onOpen={setPeek}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {peek && (
        <Peek title={<span className="mono">{peek.event}</span>} onClose={() => setPeek(undefined)}>
          <p className="m-0 text-[13px]"><Time at={peek.occurred} /> · <Resource resource={peek.resource} /></p>
          <JsonView value={{ resource: peek.resource, payload: peek.payload, related: peek.related }} label="The event" />
        </Peek>
      )}
    </>
  );
}

function withoutPiece({ from: _from, to: _to, ...rest }: EventsSearch): EventsSearch {
  return rest;
}

function readable({ kind, resource, reach, ...piece }: EventsSearch): EventsSearch {
  return { ...piece, ...(kind ? { kind } : {}), ...(resource ? { resource } : {}), ...(reach && reach !== "day" ? { reach } : {}) };
}
