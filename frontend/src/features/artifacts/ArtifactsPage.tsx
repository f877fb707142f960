/** What runs left behind, and the assets that they keep up. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArtifactList } from "@/features/artifacts/ArtifactList";
import { AssetList } from "@/features/artifacts/AssetList";
import type { ArtifactsSearch } from "@/features/artifacts/routes";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { PageHead } from "@/ui/PageHead";
import { SearchField } from "@/ui/SearchField";

const TYPES = ["markdown", "table", "link", "image", "progress", "result"] as const;

export function ArtifactsPage() {
  const { workspace } = usePlace();
  const search = useSearch({ from: "/$organization/$workspace/artifacts" });
  const navigate = useNavigate({ from: "/$organization/$workspace/artifacts" });
  const onSearch = (next: ArtifactsSearch): void => void navigate({ search: next, replace: true });
  const isAssets = search.assets === true;
  useTitle(isAssets ? "Assets" : "Artifacts", workspace);
  const { type, key } = search;
  return (
    <>
      <PageHead title={isAssets ? "Assets" : "Artifacts"} />
      <div className="toolbar" role="search">
        <button type="button" className="button" aria-pressed={!isAssets} onClick={() => onSearch({})}>Artifacts</button>
        <button type="button" className="button" aria-pressed={isAssets} onClick={() => onSearch({ assets: true })}>Assets</button>
        <SearchField label="Key" placeholder="Key contains…   /" value={key ?? ""} onChange={(next) => onSearch({ ...search, key: next })} />
        {!isAssets && (
          <select className="input" aria-label="Type" value={type ?? ""} onChange={(event) => onSearch({ ...search, type: event.target.value })}>
            <option value="">All types</option>
            {TYPES.map((each) => <option key={each} value={each}>{each}</option>)}
          </select>
        )}
      </div>
      {isAssets ? <AssetList word={key} onClear={() => onSearch({ assets: true })} /> : <ArtifactList word={key} type={type} onClear={() => onSearch({})} />}
    </>
  );
}
