/** Which workspace the address names. */
import { useParams } from "@tanstack/react-router";
import { createContext, useContext, useMemo } from "react";

export interface Place {
  organization: string;
  workspace: string;
}

/** Told by the frame of the workspace's pages: hundreds of links ask for it, and need not each look at the address. */
export const PlaceNow = createContext<Place | undefined>(undefined);

/** The workspace of this page; pages outside of one have no place. */
export function usePlace(): Place {
  const place = useContext(PlaceNow);
  if (place === undefined) throw new Error("This page belongs to no workspace.");
  return place;
}

/** The same for the frame itself. */
export function usePlaceOfAddress(): Place {
  const { organization, workspace } = useParams({ strict: false });
  const place = useMemo(() => (organization === undefined || workspace === undefined ? undefined : { organization, workspace }), [organization, workspace]);
  if (place === undefined) throw new Error("This page belongs to no workspace.");
  return place;
}
