import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const A_JOURNEY_MS = 120_000;

/** Journeys through a running server in a real browser; tests/e2e starts both. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    environment: "node",
    include: ["journeys/**/*.journey.ts"],
    testTimeout: A_JOURNEY_MS,
    hookTimeout: A_JOURNEY_MS,
    fileParallelism: false,
    bail: 1,
  },
});
