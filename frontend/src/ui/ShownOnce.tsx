/** A secret that is shown this once: whoever closes it without copying has to make another. */
import { Button } from "@/ui/Button";
import { Command } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";

export interface ShownOnceProps {
  title: string;
  /** What it is good for. */
  children: string;
  secret: string | undefined;
  onClose: () => void;
}

export function ShownOnce({ title, children, secret, onClose }: ShownOnceProps) {
  return (
    <Dialog isOpen={secret !== undefined} onClose={onClose} title={title} description={children} foot={<Button isPrimary onClick={onClose}>I have copied it</Button>}>
      {secret !== undefined && <Command text={secret} />}
      <p className="notice m-0">It is not kept here and cannot be shown again.</p>
    </Dialog>
  );
}
