/** How run.ts runs tests: as `npm test` does, but without real servers, which each of many runs would have to start. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Generous, since a run shares the machine with another: what is slow must not pass for what hangs.
    testTimeout: 10_000,
    maxWorkers: 1
  }
})
