/** `watch` on slapd with content synchronization: prints the changes since the last run, each once. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, inject } from "vitest"
import { findExecutable } from "../servers/installation.ts"
import { accountsBase } from "../servers/slapd/accounts.ts"
import { type Slapd, startSlapd } from "../servers/slapd/slapd.ts"
import { runCli } from "./runCli.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-ldap-watch-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(inject("slapd") === undefined)("watch", () => {
  /** For this file alone: slapd tells of all entries that were deleted, also of those that the filter leaves out. */
  let slapd: Slapd
  beforeAll(async () => {
    slapd = await startSlapd(findExecutable("slapd")!)
  })
  afterAll(() => slapd?.stop())

  it.live("continues from the stored state, and prints each change once", () =>
    Effect.gen(function*() {
      const state = join(folder, "state")
      const env = {
        LDAP_URL: slapd.urls.ldap,
        LDAP_BIND_DN: slapd.admin.dn,
        LDAP_PASSWORD: slapd.admin.password,
        LDAP_ALLOW_INSECURE_AUTH: "true"
      }
      const marker = crypto.randomUUID()
      const dn = `cn=${marker},${accountsBase}`
      const filter = `(cn=${marker})`
      const watch = (...more: ReadonlyArray<string>) =>
        Effect.map(
          runCli(["watch", filter, "-b", accountsBase, "--once", "--state", state, ...more], { env }),
          ({ code, stdout }) => ({ code, text: stdout.toString() })
        )
      // The entries that exist at the start are not changes.
      expect(yield* watch()).toEqual({ code: 0, text: "" })
      expect(readFileSync(state, "utf8")).toMatch(/^effect-ldap-changes:/)
      expect(statSync(state).mode & 0o077).toBe(0)
      expect((yield* runCli(["add", dn, "objectClass=person", "sn=x"], { env })).code).toBe(0)
      const now = (...more: ReadonlyArray<string>) =>
        Effect.map(
          runCli(["watch", filter, "-b", accountsBase, "--once", ...more], { env }),
          ({ stdout }) => stdout.toString()
        )
      expect(yield* now()).toBe("")
      expect(yield* now("--initial")).toBe(`+ ${dn}\n`)
      // Content synchronization doesn't always know whether an entry is new.
      expect((yield* watch()).text).toMatch(new RegExp(`^[+~] ${dn}\n$`))
      expect(yield* watch()).toEqual({ code: 0, text: "" })
      expect((yield* runCli(["delete", dn], { env })).code).toBe(0)
      const { text } = yield* watch("--json")
      expect(text === "" ? undefined : JSON.parse(text).change).toBe("deleted")
    }))
})
