import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const A_JOURNEY_MS = 120_000;

/** The first look is at a workspace in which nothing has run: journeys go in the order of their names. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((one, other) => one.moduleId.localeCompare(other.moduleId));
  }
}

/** Journeys through a running server in a real browser; tests/e2e starts both. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    environment: "node",
    include: [process.env["HEADGATE_JOURNEYS"] ?? "journeys/**/*.journey.ts"],
    testTimeout: A_JOURNEY_MS,
    hookTimeout: A_JOURNEY_MS,
    fileParallelism: false,
    sequence: { sequencer: ByName },
    bail: 1,
  },
});
