/** What an artifact shows, by its type. Nothing of it is ever taken as HTML. */
import { Markdown } from "@/ui/Markdown";
import { JsonView } from "@/ui/JsonView";
import { rowsOf } from "@/ui/artifact_rows";

export interface ArtifactViewProps {
  type: string;
  data: unknown;
  description?: string | null | undefined;
}

const MOST_ROWS = 500;
const SAFE_ADDRESS = /^(https?:|mailto:)/i;
const IMAGE_IN_TEXT = /^data:image\/(png|jpeg|gif|webp);base64,/;

export function ArtifactView({ type, data, description }: ArtifactViewProps) {
  return (
    <div className="grid min-w-0 gap-2">
      {description && <Markdown text={description} />}
      <Data type={type} data={data} description={description} />
    </div>
  );
}

function field(data: unknown, name: string): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const value = (data as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

function Data({ type, data, description }: ArtifactViewProps) {
  if (type === "markdown" && typeof data === "string") return <Markdown text={data} />;
  if (type === "link") {
    const url = field(data, "url") ?? (typeof data === "string" ? data : "");
    const text = field(data, "text") ?? url;
    return SAFE_ADDRESS.test(url) ? <a href={url} rel="noreferrer noopener" target="_blank">{text}</a> : <span>{text === url ? url : `${text} (${url})`}</span>;
  }
  if (type === "image") {
    const url = field(data, "url") ?? (typeof data === "string" ? data : "");
    if (IMAGE_IN_TEXT.test(url)) return <img src={url} alt={description ?? "Image of the artifact"} className="max-w-full" />;
    // An image of another site would tell that site who looks: it is opened, not shown.
    return SAFE_ADDRESS.test(url) ? <a href={url} rel="noreferrer noopener" target="_blank">{`Image at ${new URL(url).host}`}</a> : <span className="faint">{url ? `Image at ${url}` : "An image without an address"}</span>;
  }
  if (type === "progress" && typeof data === "number") return <Progress value={data} />;
  const table = type === "table" ? rowsOf(data) : undefined;
  if (table) return <Table {...table} />;
  return <JsonView value={data} label="What it holds" />;
}

function Progress({ value }: { value: number }) {
  const known = Math.min(100, Math.max(0, value));
  return (
    <span className="flex items-center gap-3 text-[13px]">
      <progress className="progress" max={100} value={known} aria-label="Progress" />
      <span className="num">{`${Math.round(known * 10) / 10} %`}</span>
    </span>
  );
}

function Table({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <div className="overflow-x-auto" role="region" aria-label="Table" tabIndex={0}>
      <table className="table">
        {columns.length > 0 && <thead><tr>{columns.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>}
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) => (
            // Rows of an artifact have no name of their own.
            // oxlint-disable-next-line react/no-array-index-key
            <tr key={index}>{row.map((cell, at) => <td key={columns[at] ?? at} className="num">{cell}</td>)}</tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && <p className="faint text-[13px]">{`The first ${MOST_ROWS} of ${rows.length.toLocaleString("en")} rows.`}</p>}
    </div>
  );
}
