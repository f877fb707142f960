/** The frame of an organization's pages: its people, keys and settings, beside its workspaces. */
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { Failing } from "@/app/Failing";
import { ThemeChoice } from "@/app/ThemeChoice";
import { WorkspaceSwitcher } from "@/app/WorkspaceSwitcher";
import { OrganizationScopesDocument, type Scope } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { Scopes } from "@/lib/scopes";
import { localZone } from "@/lib/time";
import { EmptyState, ErrorState } from "@/ui/Feedback";
import { Menu } from "@/ui/Menu";
import { OfflineNotice } from "@/ui/OfflineNotice";
import { HeadPlace } from "@/ui/PageHead";

interface Destination {
  title: string;
  path: string;
  needs?: Scope;
  isOnPhones?: boolean;
}

const DESTINATIONS: readonly Destination[] = [
  { title: "Workspaces", path: "", isOnPhones: true },
  { title: "Members", path: "/members", isOnPhones: true },
  { title: "Teams", path: "/teams" },
  { title: "Roles", path: "/roles" },
  { title: "Service accounts", path: "/service-accounts" },
  { title: "API keys", path: "/keys", isOnPhones: true },
  { title: "Audit log", path: "/audit", needs: "AUDIT_READ" },
  { title: "Usage", path: "/usage" },
  { title: "Settings", path: "/settings" },
];

export function OrganizationShell() {
  const organization = useOrganization();
  const [head, setHead] = useState<HTMLElement | null>(null);
  const [{ data, error, fetching, stale }, read] = useQuery({ query: OrganizationScopesDocument, variables: { organization } });
  const scopes = useMemo(() => (data ? new Set(data.viewer.scopes) : undefined), [data]);
  const found = data?.organization;
  const isNowhere = data !== undefined && !found && !error && !fetching && !stale;
  return (
    <Scopes.Provider value={scopes}>
      <HeadPlace.Provider value={head}>
        <a className="skip-link" href="#content">To the content</a>
        <div className="shell">
          <Navigation organization={organization} name={found?.name ?? organization} scopes={scopes} />
          <div className="shell-main">
            <header className="shell-header">
              <div className="shell-head" ref={setHead} />
              <span className="tag max-md:hidden" title="All times are of this zone">{localZone()}</span>
            </header>
            <main className="shell-content" id="content" data-scroller="content" data-scroll-restoration-id="content" tabIndex={0}>
              <OfflineNotice />
              {error && !data && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
              <Failing />
              {isNowhere && <NoOrganization />}
              {!isNowhere && (found || !error) && <Outlet />}
            </main>
          </div>
        </div>
      </HeadPlace.Provider>
    </Scopes.Provider>
  );
}

function NoOrganization() {
  return (
    <EmptyState title="There is no such organization, or you do not belong to it.">
      <p className="m-0 faint">One of its owners can invite you.</p>
      <Link className="button" to="/">Go to your workspaces</Link>
    </EmptyState>
  );
}

function Navigation({ organization, name, scopes }: { organization: string; name: string; scopes: ReadonlySet<Scope> | undefined }) {
  const navigate = useNavigate();
  const base = `/${organization}/~`;
  const seen = DESTINATIONS.filter(({ needs }) => needs === undefined || scopes === undefined || scopes.has(needs));
  return (
    <nav className="shell-nav" aria-label="Organization">
      <WorkspaceSwitcher organization={organization} title={name} note={organization} />
      <div className="shell-group">
        <h2>Organization</h2>
        {seen.map(({ title, path, isOnPhones }) => (
          <Link key={title} to={base + path} activeOptions={{ exact: path === "" }} className={isOnPhones ? undefined : "is-secondary"}>{title}</Link>
        ))}
      </div>
      <div className="shell-more">
        <Menu
          label="More"
          className="shell-more-button"
          entries={[
            ...seen.filter(({ isOnPhones }) => !isOnPhones).map(({ title, path }) => ({ label: title, onSelect: () => void navigate({ to: base + path }) })),
            { label: "All workspaces", onSelect: () => void navigate({ to: "/" }) },
            { label: `Times are of ${localZone()}`, lacks: "It is the zone of this device.", onSelect: () => undefined },
            { label: "You", onSelect: () => void navigate({ to: "/~/you" }) },
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
