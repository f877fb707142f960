/** Markdown as people write it; HTML in it is shown as text. */
import { Suspense } from "react";
import { lazyPart } from "@/lib/code";

const Rendered = lazyPart(async () => (await import("@/ui/MarkdownText")).MarkdownText);

/** The text itself until what renders it is there. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <Suspense fallback={<p className="whitespace-pre-wrap">{text}</p>}>
        <Rendered text={text} />
      </Suspense>
    </div>
  );
}

/** Markdown within a line of other text: its weight and slant, and nothing that begins a line of its own. */
export function MarkdownLine({ text }: { text: string }) {
  return (
    <Suspense fallback={text}>
      <Rendered text={text} isLine />
    </Suspense>
  );
}
