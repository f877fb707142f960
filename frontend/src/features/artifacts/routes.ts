/** The addresses of artifacts and assets. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { type RawSearch, understood, wordsOf } from "@/lib/search";

export interface ArtifactsSearch {
  key?: string;
  type?: string;
  /** Assets in place of artifacts. */
  assets?: boolean;
}

function readArtifactsSearch(raw: RawSearch): ArtifactsSearch {
  return { ...wordsOf(raw, "key", "type"), ...(raw["assets"] === true ? { assets: true } : {}) };
}

export const artifactRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/artifacts",
    validateSearch: understood(readArtifactsSearch),
    component: lazyPage(() => import("@/features/artifacts/ArtifactsPage"), "ArtifactsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/artifacts/$artifact",
    component: lazyPage(() => import("@/features/artifacts/ArtifactPage"), "ArtifactPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/assets/$asset",
    component: lazyPage(() => import("@/features/artifacts/AssetPage"), "AssetPage"),
  }),
] as const;
