import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { documentsApart } from "./documents.ts";
import { hints, PARTS } from "./hints.ts";
import { packed } from "./packed.ts";

const API = process.env["HEADGATE_API"] ?? "http://127.0.0.1:4200";

/** The build goes into the server's distribution; `npm run dev` passes what is not ours to a server. */
export default defineConfig({
  plugins: [react(), tailwindcss(), documentsApart(), hints(), packed()],
  base: "/",
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../backend/headgate_server/http/app_files",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // Few files: each is a request, and a browser goes on once it has them all.
        codeSplitting: {
          groups: [
            { name: "shell", tags: ["$initial"], priority: 2 },
            { name: PARTS, minShareCount: 8, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/graphql": { target: API, ws: true },
      "/auth": { target: API },
    },
  },
  // Tests of components ask for a document in their first line: it takes a second to make.
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
