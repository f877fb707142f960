/** What can be done with a key: give it a new secret, or end it. */
import { useState } from "react";
import { ApiKeyRevokeDocument, ApiKeyRotateDocument, type KeyRowFragment } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Confirm } from "@/ui/Confirm";
import { Menu } from "@/ui/Menu";

const OVERLAP_SECONDS = 24 * 60 * 60;

export interface KeyActionsProps {
  apiKey: KeyRowFragment;
  isLive: boolean;
  onSecret: (secret: string) => void;
  onChanged: () => void;
}

export function KeyActions({ apiKey, isLive, onSecret, onChanged }: KeyActionsProps) {
  const rotate = useAct(ApiKeyRotateDocument);
  const revoke = useAct(ApiKeyRevokeDocument);
  const [asked, setAsked] = useState<"rotate" | "revoke">();
  const close = (): void => setAsked(undefined);
  const name = apiKey.name.slice(0, 80);
  if (!isLive) return null;
  return (
    <>
      <Menu
        label="⋯"
        name={`What can be done with ${name}`}
        className="icon-button"
        entries={[
          { label: "New secret…", onSelect: () => setAsked("rotate") },
          { label: "Revoke…", isDanger: true, onSelect: () => setAsked("revoke") },
        ]}
      />
      <Confirm
        isOpen={asked === "rotate"}
        onClose={close}
        isDanger={false}
        title={`Give ${name} a new secret?`}
        verb="Make it"
        onConfirm={async () => {
          const done = await rotate.act({ input: { id: apiKey.id }, overlapSeconds: OVERLAP_SECONDS });
          if (done?.secret) onSecret(done.secret);
        }}
      >
        The old secret stays good for a day, so that programs can be given the new one.
      </Confirm>
      <Confirm
        isOpen={asked === "revoke"}
        onClose={close}
        title={`Revoke ${name}?`}
        verb="Revoke it"
        onConfirm={async () => {
          if (await revoke.act({ input: { id: apiKey.id } })) onChanged();
        }}
      >
        Whatever uses it is refused from this moment on. This cannot be taken back.
      </Confirm>
    </>
  );
}
