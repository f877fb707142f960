/** A state's sign and name. */
import { StateGlyph } from "@/ui/StateGlyph";
import { lookOf } from "@/ui/states";

export function StateLabel({ type, name }: { type: string; name: string }) {
  const { tone } = lookOf(type, name);
  return (
    <span className={`state-label tone-${tone}`} data-state={type}>
      <StateGlyph type={type} name={name} size={12} />
      <span>{name}</span>
    </span>
  );
}
