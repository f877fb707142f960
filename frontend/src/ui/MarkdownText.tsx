/** Renders Markdown: loaded only where there is some. */
export function MarkdownText({ text }: { text: string }) {
  return <p className="whitespace-pre-wrap">{text}</p>;
}
