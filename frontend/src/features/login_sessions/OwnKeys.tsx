/** Where one's own API keys are: each organization keeps them apart. */
import { Link } from "@tanstack/react-router";

export function OwnKeys({ organizations }: { organizations: readonly { slug: string; name: string }[] }) {
  return (
    <section className="grid gap-2" aria-label="API keys">
      <h2>Your API keys</h2>
      {organizations.length === 0 && <p className="faint m-0">You belong to no organization yet, and keys are of one.</p>}
      {organizations.map(({ slug, name }) => (
        <p key={slug} className="m-0"><Link to="/$organization/~/keys" params={{ organization: slug }} search={{}}>{`Keys in ${name}`}</Link></p>
      ))}
    </section>
  );
}
