/** In which organization one acts: the one of the address. Requests name it, and the socket is of it. */

let organization: string | undefined;
const leavers = new Set<() => void>();

export function actingIn(): string | undefined {
  return organization;
}

/** Act in an organization from now on; what is followed in another one ends. */
export function actIn(slug: string | undefined): void {
  if (organization === slug) return;
  const isOther = organization !== undefined;
  organization = slug;
  if (isOther) for (const leave of leavers) leave();
}

/** Calls back whenever one acts in another organization than before. */
export function onLeaving(leave: () => void): void {
  leavers.add(leave);
}
