import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "services/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/global-postgres.ts",
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
  },
});
