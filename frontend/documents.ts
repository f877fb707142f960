/** A plugin of the build: each page brings the operations that it sends, instead of the shell those of all pages. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const GENERATED = fileURLToPath(new URL("./src/generated/graphql.ts", import.meta.url));
const IMPORT = /import\s*\{([^}]*)\}\s*from\s*["']@\/generated\/graphql["'];?/g;
const APART = "document:";

/** Every document is a constant of one line that needs no other: it becomes a module of its own. */
export function documentsApart(): Plugin {
  const documents = new Map<string, string>();
  return {
    name: "documents-apart",
    apply: "build",
    // After types are gone: what is left of an import are documents.
    enforce: "post",
    buildStart() {
      documents.clear();
      for (const [, name, value] of readFileSync(GENERATED, "utf8").matchAll(/^export const (\w+Document) = (\{.*\}) as unknown as /gm)) documents.set(name ?? "", value ?? "");
    },
    resolveId: (id) => (id.startsWith(APART) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${APART}`)) return undefined;
      const name = id.slice(APART.length + 1);
      const value = documents.get(name);
      if (value === undefined) throw new Error(`No operation is called ${name}.`);
      return `export const ${name} = ${value};`;
    },
    transform: (code) =>
      code.replaceAll(IMPORT, (_, names: string) =>
        names
          .split(",")
          .map((name) => name.trim())
          .filter(Boolean)
          .map((name) => `import { ${name} } from "${APART}${name.split(" as ")[0]}";`)
          .join(""),
      ),
  };
}
