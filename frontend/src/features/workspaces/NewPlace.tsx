/** Making a workspace or an organization: a name, and the same in addresses. */
import { useState } from "react";
import { slugOf } from "@/lib/slugs";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";

export interface NewPlaceProps {
  what: "workspace" | "organization";
  isOpen: boolean;
  isBusy: boolean;
  onClose: () => void;
  onMake: (given: { name: string; slug: string }) => void;
  refusals: readonly { message: string; path?: string[] | null }[];
  /** What stands before the slug: meridian/ */
  before: string;
}

export function NewPlace({ what, isOpen, isBusy, onClose, onMake, refusals, before }: NewPlaceProps) {
  const [name, setName] = useState("");
  const [own, setOwn] = useState<string>();
  const slug = own ?? slugOf(name);
  const problem = (field: string): string | undefined => refusals.find(({ path }) => path?.[0] === field)?.message;
  const other = refusals.find(({ path }) => !["name", "slug"].includes(path?.[0] ?? ""))?.message;
  const lacks = !name.trim() ? "Give it a name." : !slug ? "Say what it is called in addresses." : undefined;
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={`New ${what}`}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button isPrimary isBusy={isBusy} lacks={lacks} onClick={() => onMake({ name: name.trim(), slug })}>Make it</Button>
        </>
      }
    >
      <TextField label="Name" isRequired value={name} onChange={setName} problem={problem("name")} autoComplete="off" />
      <TextField label="In addresses" isRequired value={slug} onChange={setOwn} problem={problem("slug")} hint={<code>{`${before}${slug || "…"}`}</code>} className="mono" autoComplete="off" />
      {other && <p className="field-problem" role="alert">{other}</p>}
    </Dialog>
  );
}
