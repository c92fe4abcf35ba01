import { defineConfig } from "vitest/config"
import { WaitingLast } from "./test/servers/setup/WaitingLast.ts"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    globalSetup: ["test/servers/setup/setup.ts"],
    sequence: { sequencer: WaitingLast },
    // All cores: most of the time goes into waiting for servers.
    maxWorkers: "100%",
    // Nothing here measures time: a slow machine may take as long as it needs.
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
