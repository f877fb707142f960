/** The workspace that the page belongs to, as the server knows it. */
import { useQuery } from "urql";
import { PlaceScopesDocument } from "@/generated/graphql";
import { usePlace } from "@/lib/place";

/** Its id, from what the frame of the page has read; undefined until then. */
export function useWorkspaceId(): string | undefined {
  const { organization, workspace } = usePlace();
  const [{ data }] = useQuery({ query: PlaceScopesDocument, variables: { organization, workspace }, requestPolicy: "cache-first" });
  return data?.workspace?.id;
}
