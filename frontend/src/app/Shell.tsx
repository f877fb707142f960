/** The frame of every page of a workspace: where one can go, where one is, and whether it is live. */
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { useMemo, useState, useSyncExternalStore } from "react";
import { useClient } from "urql";
import { CommandPalette } from "@/app/CommandPalette";
import { Failing } from "@/app/Failing";
import { NAVIGATION, neededAt, ON_PHONES } from "@/app/navigation";
import { Shortcuts } from "@/app/Shortcuts";
import { ThemeChoice } from "@/app/ThemeChoice";
import { WorkspaceSwitcher } from "@/app/WorkspaceSwitcher";
import { PlaceScopesDocument, type Scope } from "@/generated/graphql";
import { useReadQuery } from "@/lib/ahead";
import { connectionNow, watchConnection } from "@/lib/graphql";
import { useLosses } from "@/lib/live";
import { type Place, PlaceNow, usePlaceOfAddress } from "@/lib/place";
import { nameOf, Scopes } from "@/lib/scopes";
import { localZone } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { EmptyState, ErrorState, NoPermission } from "@/ui/Feedback";
import { Menu } from "@/ui/Menu";
import { OfflineNotice } from "@/ui/OfflineNotice";
import { HeadPlace } from "@/ui/PageHead";

export function Shell() {
  const place = usePlaceOfAddress();
  const connection = useSyncExternalStore(watchConnection, connectionNow);
  const [head, setHead] = useState<HTMLElement | null>(null);
  const [{ data, error, fetching, stale }, read] = useReadQuery(PlaceScopesDocument, place);
  const client = useClient();
  useLosses(() => void client.query(PlaceScopesDocument, place, { requestPolicy: "network-only" }).toPromise());
  const workspace = data?.workspace;
  // What the cache says may be old: that there is none is taken from the server only.
  const isNowhere = data !== undefined && !workspace && !error && !fetching && !stale;
  const scopes = useMemo(() => (workspace ? new Set(workspace.viewerScopes) : undefined), [workspace]);
  return (
    <PlaceNow.Provider value={place}>
      <Scopes.Provider value={scopes}>
        <HeadPlace.Provider value={head}>
          <a className="skip-link" href="#content">To the content</a>
          <div className="shell">
            <Navigation place={place} name={workspace?.name ?? place.workspace} scopes={scopes} />
            <div className="shell-main">
              <header className="shell-header">
                <div className="shell-head" ref={setHead} />
                <span className="tag shell-zone" title="All times are of this zone">{localZone()}</span>
              </header>
              <main className="shell-content" id="content" data-scroller="content" data-scroll-restoration-id="content" tabIndex={-1}>
                <OfflineNotice />
                {connection === "lost" && <p className="notice m-0" role="status">Not connected: what is shown may be old. Trying again.</p>}
                {error && !workspace && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
                <Failing />
                {scopes?.has("EVENTS_READ") === false && <NotFollowed />}
                {isNowhere ? <NoWorkspace /> : <Allowed place={place} scopes={scopes} />}
              </main>
            </div>
          </div>
          <CommandPalette place={place} />
          <Shortcuts place={place} />
        </HeadPlace.Provider>
      </Scopes.Provider>
    </PlaceNow.Provider>
  );
}

/** The page, where one may see what it is of. */
function Allowed({ place, scopes }: { place: Place; scopes: ReadonlySet<Scope> | undefined }) {
  const pathname = useLocation({ select: (location) => location.pathname });
  const needs = neededAt(pathname.slice(`/${place.organization}/${place.workspace}`.length));
  return needs !== undefined && scopes?.has(needs) === false ? <Forbidden needs={needs} /> : <Outlet />;
}

function Forbidden({ needs }: { needs: Scope }) {
  useTitle("No permission");
  return <NoPermission needs={nameOf(needs)} />;
}

function NotFollowed() {
  return <p className="notice m-0" role="note">Lists are as of when they were opened: to follow what changes takes the permission <code>events:read</code>.</p>;
}

function NoWorkspace() {
  return (
    <EmptyState title="There is no such workspace, or you may not see it.">
      <p className="m-0 faint">An administrator of its organization can give you a role in it.</p>
      <Link className="button" to="/">Go to your workspaces</Link>
    </EmptyState>
  );
}

function Navigation({ place, name, scopes }: { place: Place; name: string; scopes: ReadonlySet<Scope> | undefined }) {
  const navigate = useNavigate();
  const base = `/${place.organization}/${place.workspace}`;
  const groups = NAVIGATION.map((group) => ({
    ...group,
    destinations: group.destinations.filter(({ needs }) => needs === undefined || scopes === undefined || scopes.has(needs)),
  })).filter((group) => group.destinations.length > 0);
  const behind = groups.flatMap((group) => group.destinations).filter(({ title }) => !ON_PHONES.includes(title));
  return (
    <nav className="shell-nav" aria-label="Workspace">
      <WorkspaceSwitcher organization={place.organization} title={name} note={place.organization} />
      {groups.map((group) => (
        <div key={group.title} className="shell-group">
          <h2>{group.title}</h2>
          {group.destinations.map(({ title, path }) => (
            <Link key={title} to={base + path} activeOptions={{ exact: path === "" }} className={ON_PHONES.includes(title) ? undefined : "is-secondary"}>{title}</Link>
          ))}
        </div>
      ))}
      <div className="shell-more">
        <Menu
          label="More"
          className="shell-more-button"
          entries={[
            ...behind.map(({ title, path }) => ({ label: title, onSelect: () => void navigate({ to: base + path }) })),
            { label: "All workspaces", onSelect: () => void navigate({ to: "/" }) },
            { label: `Times are of ${localZone()}`, lacks: "It is the zone of this device.", onSelect: () => undefined },
          ]}
        />
      </div>
      <div className="shell-foot">
        <ThemeChoice />
        <Link to="/~/you">You</Link>
      </div>
    </nav>
  );
}
