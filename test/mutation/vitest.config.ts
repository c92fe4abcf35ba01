/** How run.ts runs tests: like `npm test`, but without real servers, which each of the many runs would have to start. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Generous, since a run shares the machine with another: a slow test must not be mistaken for a hang.
    testTimeout: 10_000,
    maxWorkers: 1
  }
})
