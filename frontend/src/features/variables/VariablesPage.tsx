/** Variables: values that flows read by name, without being deployed again. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { readVariableSearch, type VariableSearch } from "@/features/variables/search";
import { VariableDialog } from "@/features/variables/VariableDialog";
import { VariablePeek } from "@/features/variables/VariablePeek";
import { typeOf } from "@/features/variables/values";
import { type VariableRowFragment, VariablesDocument } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

const MOST_SHOWN = 200;

const COLUMNS: readonly Column<VariableRowFragment>[] = [
  { id: "name", title: "Variable", cell: ({ name }) => <code>{name}</code> },
  { id: "value", title: "Value", cell: ({ value }) => <code title={typeOf(value)}>{JSON.stringify(value).slice(0, MOST_SHOWN)}</code> },
  { id: "type", title: "Type", cell: ({ value }) => typeOf(value), width: 100, from: "lg" },
  { id: "tags", title: "Tags", cell: ({ tags }) => tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>), from: "md" },
  { id: "updated", title: "Changed", cell: ({ updatedAt }) => <Time at={updatedAt} />, width: 170, from: "md" },
];

export function VariablesPage() {
  const place = usePlace();
  useTitle("Variables", place.workspace);
  const search = readVariableSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const seek = (next: VariableSearch): void => void navigate({ to: "/$organization/$workspace/variables", params: { ...place }, search: next, replace: true });
  const [isMaking, setMaking] = useState(false);
  const [workspaceId, setWorkspaceId] = useState<string>();
  const filter = search.name ? { name: { contains: search.name } } : null;
  const list = usePages("variables", VariablesDocument, { ...place, filter }, (data) => {
    if (data.workspace) setWorkspaceId(data.workspace.id);
    return data.workspace?.variables;
  });
  useChanges(workspaceId, ["variable"], list.again);
  const variable = list.rows?.find(({ id }) => id === search.variable);
  const peek = (id: string | undefined): void => seek({ ...(search.name ? { name: search.name } : {}), ...(id ? { variable: id } : {}) });
  return (
    <>
      <PageHead title="Variables" note={list.total && <span className="tag num">{list.total.value}</span>} actions={<Button isPrimary needs="VARIABLES_WRITE" onClick={() => setMaking(true)}>New variable</Button>} />
      <div className="toolbar" role="search">
        <SearchField label="Name of the variable" value={search.name ?? ""} onChange={(name) => seek(name ? { name } : {})} />
      </div>
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={8} />}
      {list.rows?.length === 0 && (search.name ? <NothingMatches what="variable" onClear={() => seek({})} /> : <EmptyState title="A variable is a value that flows read by its name; change it here, and the next run sees it." />)}
      {list.rows && list.rows.length > 0 && (
        <DataTable name="variables" label="Variables" columns={COLUMNS} rows={list.rows} keyOf={({ id }) => id} onPeek={({ id }) => peek(id)} onOpen={({ id }) => peek(id)} peeked={search.variable} hasMore={list.hasMore} onMore={list.more} />
      )}
      {variable && workspaceId && <VariablePeek key={variable.id} variable={variable} workspaceId={workspaceId} onClose={() => peek(undefined)} onChanged={list.again} />}
      {isMaking && workspaceId && (
        <VariableDialog
          workspaceId={workspaceId}
          variable={undefined}
          onClose={() => setMaking(false)}
          onSaved={list.again}
        />
      )}
    </>
  );
}
