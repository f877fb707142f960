/** Teams: people who hold the same roles. */
import { useState } from "react";
import { useQuery } from "urql";
import { TeamPeek } from "@/features/teams/TeamPeek";
import { TeamChoicesDocument, type TeamRowFragment, TeamsDocument, TeamUpsertDocument } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { usePages } from "@/lib/pages";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { Dialog } from "@/ui/Dialog";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { TextField } from "@/ui/fields";
import { PageHead } from "@/ui/PageHead";

const moreOf = (more: number): string => (more > 0 ? ` and ${more.toLocaleString("en")} more` : "");

const COLUMNS: readonly Column<TeamRowFragment>[] = [
  { id: "name", title: "Team", cell: ({ name }) => <bdi>{name}</bdi> },
  { id: "roles", title: "Roles", cell: ({ bindings }) => bindings.map((each) => <span key={each.id} className="tag mr-1">{each.role.name}{each.workspace ? ` · ${each.workspace.name}` : ""}</span>) },
  { id: "members", title: "People", cell: ({ members, membersMore }) => <bdi>{members.map(({ user }) => user.displayName).join(", ") || "–"}{moreOf(membersMore)}</bdi>, from: "md" },
  { id: "size", title: "Size", cell: ({ members, membersMore }) => members.length + membersMore, isNumber: true, width: 80 },
];

export function TeamsPage() {
  const organization = useOrganization();
  useTitle("Teams", organization);
  const [isMaking, setMaking] = useState(false);
  const [peeked, setPeeked] = useState<string>();
  const [{ data: choices }] = useQuery({ query: TeamChoicesDocument, variables: { organization } });
  const list = usePages("teams", TeamsDocument, { organization }, (data) => data.organization?.teams);
  const team = list.rows?.find(({ id }) => id === peeked);
  return (
    <>
      <PageHead title="Teams" actions={<Button isPrimary needs="MEMBERS_WRITE" onClick={() => setMaking(true)}>New team</Button>} />
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={4} />}
      {list.rows?.length === 0 && <EmptyState title="Teams give several people the same roles, at once and for as long as they are in them." />}
      {list.rows && list.rows.length > 0 && (
        <DataTable name="teams" label="Teams" columns={COLUMNS} rows={list.rows} keyOf={({ id }) => id} onPeek={({ id }) => setPeeked(id)} onOpen={({ id }) => setPeeked(id)} peeked={peeked} hasMore={list.hasMore} onMore={list.more} />
      )}
      {team && choices?.organization && <TeamPeek key={team.id} team={team} place={choices.organization} onClose={() => setPeeked(undefined)} onChanged={list.again} />}
      {isMaking && choices?.organization && (
        <NewTeam
          organizationId={choices.organization.id}
          isOpen={isMaking}
          onClose={() => setMaking(false)}
          onMade={(id) => {
            list.again();
            setPeeked(id);
          }}
        />
      )}
    </>
  );
}

function NewTeam({ organizationId, isOpen, onClose, onMade }: { organizationId: string; isOpen: boolean; onClose: () => void; onMade: (id: string) => void }) {
  const make = useAct(TeamUpsertDocument, { isQuiet: true });
  const [name, setName] = useState("");
  const save = async (): Promise<void> => {
    const done = await make.act({ input: { organizationId, name: name.trim(), expectedVersion: 0 } });
    if (!done?.team) return;
    onClose();
    setName("");
    onMade(done.team.id);
  };
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="New team" foot={<Button isPrimary isBusy={make.isBusy} lacks={name.trim() ? undefined : "Give it a name."} onClick={() => void save()}>Make it</Button>}>
      <TextField label="Name" isRequired value={name} onChange={setName} problem={make.refusals[0]?.message} />
    </Dialog>
  );
}
