/**
 * Vitest's global set-up: the real servers that the test files share, one of each for a whole run.
 *
 * A test file takes a server with `inject` and leaves its tests out where there is none:
 *
 *     const slapd = inject("slapd")
 *     describe.skipIf(slapd === undefined)("against slapd", () => { … slapd!.urls.ldap … })
 */
import type { TestProject } from "vitest/node"
import { ensureSlapd, type SlapdFacts, startSlapd } from "./slapd.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Undefined where the machine has no slapd: the tests that need it are skipped. */
    readonly slapd: SlapdFacts | undefined
  }
}

const missing = (server: string, reason: string): void => {
  if (process.env["CI"] === "true") throw new Error(`CI runs no tests without ${server}: ${reason}`)
  console.warn(`\n*** ${server} is missing, so the tests that need it are SKIPPED: ${reason}\n`)
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const slapd = ensureSlapd()
  if ("missing" in slapd) {
    missing("slapd", slapd.missing)
    project.provide("slapd", undefined)
    return async () => {}
  }
  const { stop, ...facts } = await startSlapd(slapd.path)
  project.provide("slapd", facts)
  return stop
}
