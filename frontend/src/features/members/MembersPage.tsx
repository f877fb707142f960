/** The people of an organization: who they are, what they hold and why, and who is invited. */
import { useState } from "react";
import { Bindings } from "@/features/members/Bindings";
import { InvitationTable } from "@/features/members/InvitationTable";
import { InviteDialog } from "@/features/members/InviteDialog";
import { MemberPeek } from "@/features/members/MemberPeek";
import { type MemberRowFragment, MembersDocument } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { usePages } from "@/lib/pages";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<MemberRowFragment>[] = [
  { id: "name", title: "Name", cell: ({ user }) => <bdi title={user.displayName}>{user.displayName}</bdi> },
  { id: "email", title: "Address", cell: ({ user }) => user.email ?? <span className="faint">–</span>, from: "md" },
  {
    id: "roles",
    title: "Roles",
    cell: ({ bindings, teams }) => (
      <>
        <Bindings bindings={bindings} />
        {teams.map((team) => <span key={team.id} className="tag mr-1" title="A team">{team.name}</span>)}
      </>
    ),
  },
  { id: "joined", title: "Joined", cell: ({ joinedAt }) => <Time at={joinedAt} />, width: 170, from: "lg" },
];

export function MembersPage() {
  const organization = useOrganization();
  useTitle("Members", organization);
  const [isInviting, setInviting] = useState(false);
  const [invitations, setInvitations] = useState(0);
  const [peeked, setPeeked] = useState<string>();
  const list = usePages("members", MembersDocument, { organization }, (data) => data.organization?.members);
  const member = list.rows?.find(({ id }) => id === peeked);
  return (
    <>
      <PageHead
        title="Members"
        note={list.total && <span className="tag num">{list.total.value}</span>}
        actions={<Button isPrimary needs="MEMBERS_WRITE" onClick={() => setInviting(true)}>Invite somebody</Button>}
      />
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={8} />}
      {list.rows && (
        <DataTable
          name="members"
          label="Members"
          columns={COLUMNS}
          rows={list.rows}
          keyOf={({ id }) => id}
          onPeek={({ id }) => setPeeked(id)}
          onOpen={({ id }) => setPeeked(id)}
          peeked={peeked}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {/* Below the members: it waits for them, lest they push it down. */}
      {list.rows && <InvitationTable key={invitations} organization={organization} />}
      {member && (
        <MemberPeek
          member={member}
          organization={organization}
          onClose={() => setPeeked(undefined)}
          onChanged={list.again}
        />
      )}
      <InviteDialog
        organization={organization}
        isOpen={isInviting}
        onClose={() => setInviting(false)}
        onInvited={() => setInvitations((count) => count + 1)}
      />
    </>
  );
}
