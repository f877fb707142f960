/** Which organization an address names. */
import { useParams } from "@tanstack/react-router";

/** The slug of the organization of this page. */
export function useOrganization(): string {
  const { organization } = useParams({ strict: false });
  if (organization === undefined) throw new Error("This page belongs to no organization.");
  return organization;
}

/** What is no slug: the pages of an organization that belong to no workspace are below it. */
export const BESIDE = "~";
