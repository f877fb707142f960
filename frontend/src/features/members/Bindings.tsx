/** The roles somebody holds, each with where. */
import type { MemberBindingFragment } from "@/generated/graphql";

export function placeOf(binding: MemberBindingFragment): string {
  if (binding.isOrganizationWide) return "everywhere";
  const place = binding.workspace?.name ?? "a workspace";
  return binding.objectId ? `one object of ${place}` : place;
}

export function Bindings({ bindings }: { bindings: readonly MemberBindingFragment[] }) {
  return bindings.map((binding) => (
    <span key={binding.id} className="tag mr-1">
      {binding.role.name}
      {binding.isOrganizationWide ? "" : ` · ${placeOf(binding)}`}
    </span>
  ));
}
