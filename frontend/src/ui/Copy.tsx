/** Something to copy: an id, a command. */
import { tell } from "@/ui/toasts";

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  };
  return <button type="button" className="button is-small shrink-0" onClick={() => void copy()}>{label}</button>;
}

/** An id in full, with a button that copies it. */
export function Id({ id }: { id: string }) {
  return (
    <span className="flex max-w-full flex-wrap items-center gap-x-2 gap-y-1">
      <span className="mono min-w-0 break-all">{id}</span>
      <Copy text={id} />
    </span>
  );
}

/** A command to run elsewhere. */
export function Command({ text }: { text: string }) {
  return (
    <div className="command-line">
      <code className="command" tabIndex={0}>{text}</code>
      <Copy text={text} />
    </div>
  );
}
