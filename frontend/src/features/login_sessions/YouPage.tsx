/** What is yours: where you are signed in, how you sign in, how the application looks to you. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { browserOf } from "@/features/login_sessions/browser";
import { OwnKeys } from "@/features/login_sessions/OwnKeys";
import { LoginSessionRevokeAllDocument, LoginSessionRevokeDocument, YouDocument, type YouQuery } from "@/generated/graphql";
import { chooseTheme, THEMES, themeNow } from "@/lib/theme";
import { localZone } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { SelectField } from "@/ui/fields";
import { Time } from "@/ui/Time";
import { tell } from "@/ui/toasts";

export function YouPage() {
  useTitle("You");
  const [{ data, error }, read] = useQuery({ query: YouDocument });
  const again = (): void => read({ requestPolicy: "network-only" });
  if (error && !data) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={6} />;
  const { user, identities } = data.viewer;
  return (
    <main className="mx-auto grid max-w-4xl gap-8 p-6">
      <header className="grid gap-1">
        <Link to="/">All workspaces</Link>
        <h1><bdi>{user?.displayName ?? data.viewer.actor.displayName}</bdi></h1>
        <span className="faint">{user?.email}{user && !user.isEmailVerified ? " · not proven to be yours" : ""}</span>
      </header>
      <Sessions sessions={data.viewer.loginSessions} onChanged={again} />
      <section className="grid gap-2" aria-label="Signing in">
        <h2>How you sign in</h2>
        {identities.map((identity) => (
          <p key={identity.id} className="m-0">{identity.issuer} <span className="faint">used <Time at={identity.lastUsedAt} isRelative /></span></p>
        ))}
        <p className="m-0"><a href="/auth/account">Address, password, second factor and providers</a></p>
      </section>
      <OwnKeys organizations={data.viewer.memberOf} />
      <Looks />
    </main>
  );
}

function Sessions({ sessions, onChanged }: { sessions: YouQuery["viewer"]["loginSessions"]; onChanged: () => void }) {
  const revoke = useAct(LoginSessionRevokeDocument);
  const revokeAll = useAct(LoginSessionRevokeAllDocument);
  const end = async (id: string): Promise<void> => {
    if (await revoke.act({ input: { id } })) onChanged();
  };
  const endOthers = async (): Promise<void> => {
    const done = await revokeAll.act({ input: { keepCurrent: true } });
    if (!done) return;
    onChanged();
    tell(`Signed out in ${done.count ?? 0} other ${done.count === 1 ? "browser" : "browsers"}.`);
  };
  return (
    <section className="grid gap-2" aria-label="Where you are signed in">
      <h2>Where you are signed in</h2>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Browser</th>
            <th scope="col" className="max-md:hidden">Address</th>
            <th scope="col" className="max-md:hidden">Since</th>
            <th scope="col">Seen</th>
            <th scope="col"><span className="sr-only">What can be done</span></th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id}>
              <td title={session.userAgent ?? undefined}>{browserOf(session.userAgent)}</td>
              <td className="mono max-md:hidden">{session.ip ?? "–"}</td>
              <td className="max-md:hidden"><Time at={session.createdAt} /></td>
              <td>{session.isCurrent ? "this browser" : <Time at={session.lastSeenAt} isRelative />}</td>
              <td className="is-number">{!session.isCurrent && <Button className="is-small" onClick={() => void end(session.id)}>Sign out there</Button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sessions.length > 1 && <span><Button isBusy={revokeAll.isBusy} onClick={() => void endOthers()}>Sign out everywhere else</Button></span>}
    </section>
  );
}

function Looks() {
  const [theme, setTheme] = useState(themeNow);
  return (
    <section className="form" aria-label="Looks">
      <h2>How it looks to you</h2>
      <SelectField
        label="Theme"
        value={theme}
        choices={THEMES.map((value) => ({ value, label: value }))}
        onChange={(chosen) => {
          chooseTheme(chosen);
          setTheme(chosen);
        }}
      />
      <dl className="facts">
        <dt>Times are shown in</dt>
        <dd>{localZone()}, the zone of this browser</dd>
      </dl>
    </section>
  );
}
