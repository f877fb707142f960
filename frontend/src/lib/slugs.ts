/** Names as they stand in addresses. */

const MOST = 50;

/** What a name becomes in an address: lower-case letters, digits and single hyphens; maybe nothing. */
export function slugOf(name: string): string {
  return name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, MOST)
    .replaceAll(/-+$/g, "");
}
