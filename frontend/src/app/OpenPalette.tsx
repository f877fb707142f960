/** What ⌘K opens: pages, flows, deployments and runs of the workspace by name, and what can be done. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { NAVIGATION } from "@/app/navigation";
import { PaletteSearchDocument, type PaletteSearchQuery } from "@/generated/graphql";
import type { Place } from "@/lib/place";
import { useSettled } from "@/lib/settled";
import { chooseTheme, themeNow } from "@/lib/theme";
import { Palette, type PaletteItem } from "@/ui/Palette";

type Go = (path: string) => () => void;

const MOST_NAMED = 6;
const MINUTE_MS = 60_000;

export function OpenPalette({ place, onClose }: { place: Place; onClose: () => void }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const asked = useSettled(text.trim());
  // What somebody has just made is due by then, also where this clock is behind the server's.
  const soon = useMemo(() => new Date(Date.now() + MINUTE_MS).toISOString(), [asked]);
  const [{ data, fetching }] = useQuery({
    query: PaletteSearchDocument,
    variables: { organization: place.organization, workspace: place.workspace, text: asked, first: MOST_NAMED, soon },
    pause: asked.length < 2,
  });
  const base = `/${place.organization}/${place.workspace}`;
  const items = useMemo(() => {
    const go: Go = (path) => () => void navigate({ to: base + path });
    const found = asked.length < 2 ? [] : foundItems(data?.workspace, go);
    return [...fixedItems(go).filter(({ label }) => label.toLowerCase().includes(text.trim().toLowerCase())), ...found];
  }, [asked, base, data, navigate, text]);
  return <Palette isOpen onClose={onClose} text={text} onText={setText} items={items} isReading={fetching} />;
}

function fixedItems(go: Go): PaletteItem[] {
  const pages = NAVIGATION.flatMap((group) => group.destinations);
  return [
    ...pages.map(({ title, path, key }) => ({ key: path, group: "Go to", label: title, hint: key && `g ${key}`, onSelect: go(path) })),
    {
      key: "theme",
      group: "Do",
      label: themeNow() === "dark" ? "Light theme" : "Dark theme",
      onSelect: () => chooseTheme(themeNow() === "dark" ? "light" : "dark"),
    },
    { key: "account", group: "Do", label: "Your account", onSelect: () => window.location.assign("/auth/account") },
  ];
}

function foundItems(found: PaletteSearchQuery["workspace"] | undefined, go: Go): PaletteItem[] {
  if (!found) return [];
  return [
    ...(found.flows?.nodes ?? []).map(({ id, name }) => ({ key: id, group: "Flows", label: name, onSelect: go(`/flows/${encodeURIComponent(name)}`) })),
    ...(found.deployments?.nodes ?? []).map(({ id, name, flow }) => ({ key: id, group: "Deployments", label: name, hint: flow.name, onSelect: go(`/deployments/${id}`) })),
    ...(found.flowRuns?.nodes ?? []).map(({ id, name, state, flow }) => ({
      key: id, group: "Runs", label: name, hint: `${flow.name} · ${state.name}`, onSelect: go(`/runs/${id}`),
    })),
  ];
}
