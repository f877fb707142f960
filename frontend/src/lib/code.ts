/** The code of pages and of their parts, which comes when it is wanted: what to do where it does not come. */
import { lazyRouteComponent } from "@tanstack/react-router";
import { type ComponentType, lazy } from "react";

/**
 * Code that did not come: the server does not answer, or has another edition of it by now. The router would load the
 * whole page anew by itself, which leaves one with nothing while the server is away.
 */
export class CodeMissing extends Error {
  constructor(cause: unknown) {
    super("The code of this page did not come.", { cause });
    this.name = "CodeMissing";
  }
}

async function loaded<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new CodeMissing(cause);
  }
}

/** The component of an address. */
export function lazyPage<Module extends Record<string, unknown>, Name extends keyof Module & string>(load: () => Promise<Module>, name: Name) {
  return lazyRouteComponent(() => loaded(load), name);
}

/** A component of a page that is wanted now and then. */
export function lazyPart<Props>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await loaded(load) }));
}

/** Whether the server answers; a page that is left before it does is lost. */
export async function isServerThere(): Promise<boolean> {
  try {
    return (await fetch("/", { method: "HEAD", cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Load the application anew, where the server is there to give it; tells whether it was. */
export async function loadAnew(): Promise<boolean> {
  const isThere = await isServerThere();
  if (isThere) window.location.reload();
  return isThere;
}
