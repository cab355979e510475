import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "services/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/global-postgres.ts",
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
    // Files share a process, as what they import is without state of its own: starting one for each costs as much as many of them.
    isolate: false,
  },
});
