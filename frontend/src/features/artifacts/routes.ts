/** The addresses of artifacts and assets. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export interface ArtifactsSearch {
  key?: string;
  type?: string;
  /** Assets in place of artifacts. */
  assets?: boolean;
}

function readArtifactsSearch({ key, type, assets }: Record<string, unknown>): ArtifactsSearch {
  return {
    ...(typeof key === "string" && key !== "" ? { key: key.slice(0, 200) } : {}),
    ...(typeof type === "string" && type !== "" ? { type } : {}),
    ...(assets === true ? { assets } : {}),
  };
}

export const artifactRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/artifacts",
    validateSearch: readArtifactsSearch,
    component: lazyRouteComponent(() => import("@/features/artifacts/ArtifactsPage"), "ArtifactsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/artifacts/$artifact",
    component: lazyRouteComponent(() => import("@/features/artifacts/ArtifactPage"), "ArtifactPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/assets/$asset",
    component: lazyRouteComponent(() => import("@/features/artifacts/AssetPage"), "AssetPage"),
  }),
] as const;
