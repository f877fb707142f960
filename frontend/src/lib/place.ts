/** Which workspace the address names. */
import { useParams } from "@tanstack/react-router";

export interface Place {
  organization: string;
  workspace: string;
}

/** The workspace of this page; pages outside of one have no place. */
export function usePlace(): Place {
  const { organization, workspace } = useParams({ strict: false });
  if (organization === undefined || workspace === undefined) throw new Error("This page belongs to no workspace.");
  return { organization, workspace };
}
