/** One asset: whether it is fresh, what it is made of and goes into, and when it was materialized. */
import { useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { AssetDocument, type AssetQuery, type AssetRowFragment } from "@/generated/graphql";
import { Freshness } from "@/features/artifacts/Freshness";
import { useChanges } from "@/lib/changes";
import { parseDuration, showDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { Markdown } from "@/ui/Markdown";
import { PageHead } from "@/ui/PageHead";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

type AssetShown = Extract<NonNullable<AssetQuery["node"]>, { __typename: "Asset" }>;

export function AssetPage() {
  const { asset: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: AssetDocument, variables: { id } });
  const again = (): void => read({ requestPolicy: "network-only" });
  useChanges(useWorkspaceId(), ["asset"], again);
  const asset = data?.node?.__typename === "Asset" ? data.node : undefined;
  useTitle(asset?.name ?? asset?.key ?? "Asset");
  if (error && !asset) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={8} />;
  if (!asset) return <EmptyState title="There is no such asset, or you may not see it." />;
  return (
    <>
      <PageHead crumbs={<Crumb to="/artifacts" search={{ assets: true }}>Assets</Crumb>} title={asset.name ?? asset.key} note={<Freshness fresh={asset.fresh} />} />
      <div className="lineage">
        <Side title="Made from" assets={asset.upstream} more={asset.upstreamMore} />
        <div className="pane">
          {asset.description && <Markdown text={asset.description} />}
          <dl className="facts">
            <Fact name="Key"><code className="break-all">{asset.key}</code></Fact>
            <Fact name="Materialized"><Time at={asset.materializedAt} /></Fact>
            <Fact name="Fresh for">{asset.freshFor ? showDuration(parseDuration(asset.freshFor)) : "it is not said"}</Fact>
            {asset.owners.length > 0 && <Fact name="Owners">{asset.owners.join(", ")}</Fact>}
          </dl>
        </div>
        <Side title="Goes into" assets={asset.downstream} more={asset.downstreamMore} />
      </div>
      <Materializations asset={asset} />
    </>
  );
}

function Side({ title, assets, more }: { title: string; assets: readonly AssetRowFragment[]; more: number }) {
  return (
    <section className="pane">
      <h2>{title}</h2>
      {assets.length === 0 && <p className="faint m-0 text-[13px]">Nothing that is known.</p>}
      <ul className="m-0 grid list-none gap-2 p-0 text-[13px]">
        {assets.map((each) => (
          <li key={each.id} className="flex items-center gap-2"><Freshness fresh={each.fresh} /><Crumb to={`/assets/${each.id}`}>{each.name ?? each.key}</Crumb></li>
        ))}
      </ul>
      {more > 0 && <p className="faint text-[13px]">{`And ${more.toLocaleString("en")} more.`}</p>}
    </section>
  );
}

function Materializations({ asset }: { asset: AssetShown }) {
  const { nodes } = asset.materializations;
  if (nodes.length === 0) return <EmptyState title="It was not materialized yet." />;
  return (
    <table className="table" aria-label="Materializations">
      <thead>
        <tr><th scope="col">State</th><th scope="col">Time</th><th scope="col">By</th><th scope="col">Run</th><th scope="col" className="max-md:hidden">Says</th></tr>
      </thead>
      <tbody>
        {nodes.map((each) => (
          <tr key={each.id}>
            <td>{each.succeeded ? <StateLabel type="COMPLETED" name="Materialized" /> : <StateLabel type="FAILED" name="Failed" />}</td>
            <td><Time at={each.at} /></td>
            <td>{each.by ?? <span className="faint">–</span>}</td>
            <td>{each.flowRun ? <Crumb to={`/runs/${each.flowRun.id}`}>{each.flowRun.name}</Crumb> : <span className="faint">–</span>}</td>
            <td className="mono faint max-md:hidden">{JSON.stringify(each.metadata)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
