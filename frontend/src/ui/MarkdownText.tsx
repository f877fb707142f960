/** Renders Markdown: loaded only where there is some. */
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";

const COMPONENTS: Components = {
  a: ({ href, children }) => <a href={href} rel="noreferrer noopener" target="_blank">{children}</a>,
  // An image of another site would tell that site who looks: its address is shown in its place.
  img: ({ src, alt }) => <a href={typeof src === "string" ? src : undefined} rel="noreferrer noopener" target="_blank">{alt || "Image"}</a>,
  table: ({ children }) => <div className="overflow-x-auto"><table className="table">{children}</table></div>,
  pre: ({ children }) => <pre className="command" tabIndex={0}>{children}</pre>,
};

const WITHIN_A_LINE = ["strong", "em", "del", "code"];

export function MarkdownText({ text, isLine = false }: { text: string; isLine?: boolean }) {
  if (isLine) return <ReactMarkdown remarkPlugins={[remarkGfm]} allowedElements={WITHIN_A_LINE} unwrapDisallowed>{text}</ReactMarkdown>;
  return <ReactMarkdown remarkPlugins={[remarkGfm]} components={COMPONENTS}>{text}</ReactMarkdown>;
}
