import type { CodegenConfig } from "@graphql-codegen/cli";

/** Types of every operation, from the schema the backend commits. */
const config: CodegenConfig = {
  schema: "../backend/schema.graphql",
  documents: ["src/**/*.graphql"],
  generates: {
    "src/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: {
          BigInt: "number",
          Cursor: "string",
          DateTime: "string",
          Duration: "string",
          JSON: "unknown",
          Key: "string",
        },
      },
    },
  },
};

export default config;
