import { defineConfig } from "vitest/config";
import { aliases } from "./aliases.mjs";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: { alias: aliases },
  // vmForks has an environment of its own, which scans every HTML file; one of ours names files
  // that a build makes.
  environments: { __vitest_vm__: { optimizeDeps: { noDiscovery: true } } },
  test: {
    environment: "jsdom",
    // Modules and a DOM of its own for each file, but jsdom is loaded once by each worker.
    pool: "vmForks",
    include: ["test/**/*.test.{ts,tsx}"],
    maxWorkers: 2,
    testTimeout: 120_000, // seconds say more about the machine than about the code
    setupFiles: ["test/setup.ts"],
    coverage: {
      include: ["src/**"],
      exclude: ["src/protocol.ts", "src/**/*.css"],
      thresholds: { lines: 95, branches: 85 }, // percent
    },
    // Bundled like the real thing, so that the stand-ins are what is tested.
    server: { deps: { inline: ["markdown-it"] } },
  },
});
