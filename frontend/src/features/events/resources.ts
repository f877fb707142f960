/** What an event happened to: its name, and its page. */

function field(resource: unknown, name: string): string | undefined {
  if (typeof resource !== "object" || resource === null) return undefined;
  const value = (resource as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

export function nameOf(resource: unknown): string {
  return field(resource, "name") ?? field(resource, "id") ?? "";
}

/** By the prefix of its id; undefined for what has no page of its own. */
const PAGES: Readonly<Record<string, (id: string, name: string) => string>> = {
  run: (id) => `/runs/${id}`,
  trun: (id) => `/task-runs/${id}`,
  dep: (id) => `/deployments/${id}`,
  agent: (id) => `/agents/${id}`,
  fgrp: (id) => `/failures/${id}`,
  art: (id) => `/artifacts/${id}`,
  flow: (_, name) => `/flows/${encodeURIComponent(name)}`,
  pool: (_, name) => `/pools/${encodeURIComponent(name)}`,
};

export function linkOf(resource: unknown): string | undefined {
  const id = field(resource, "id");
  if (id === undefined) return undefined;
  return PAGES[id.split("_")[0] ?? ""]?.(id, nameOf(resource));
}
