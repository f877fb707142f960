/** Where one is, and the way to every other workspace of one's own. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { SwitcherDocument } from "@/generated/graphql";
import { Menu, type MenuEntry } from "@/ui/Menu";

export interface WorkspaceSwitcherProps {
  organization: string;
  /** What stands large: a workspace's name, or the organization's. */
  title: string;
  note: string;
}

export function WorkspaceSwitcher({ organization, title, note }: WorkspaceSwitcherProps) {
  const navigate = useNavigate();
  const [isWanted, setWanted] = useState(false);
  const [{ data }] = useQuery({ query: SwitcherDocument, variables: { organization }, pause: !isWanted });
  const entries = useMemo((): MenuEntry[] => {
    const go = (to: string) => () => void navigate({ to });
    const workspaces = data?.organization?.workspaces.nodes ?? [];
    const others = (data?.viewer.memberOf ?? []).filter(({ slug }) => slug !== organization);
    return [
      ...workspaces.map(({ slug, name }) => ({ label: name, hint: slug, onSelect: go(`/${organization}/${slug}`) })),
      { label: "The organization", onSelect: go(`/${organization}/~`) },
      ...others.map(({ slug, name }) => ({ label: name, hint: "organization", onSelect: go(`/${slug}/~`) })),
      { label: "All workspaces", onSelect: go("/") },
    ];
  }, [data, navigate, organization]);
  return (
    <Menu
      className="switcher"
      entries={entries}
      onWanted={() => setWanted(true)}
      label={
        <>
          <span className="switcher-names">
            <strong><bdi>{title}</bdi></strong>
            <span className="faint"><bdi>{note}</bdi></span>
          </span>
          <span className="sr-only">, go to another workspace</span>
          <span className="faint" aria-hidden="true">⌄</span>
        </>
      }
    />
  );
}
