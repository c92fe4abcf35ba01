/** `replica` on slapd with content synchronization, into a SQLite file. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, inject } from "vitest"
import { accountsBase } from "../servers/slapd/accounts.ts"
import { runCli } from "./runCli.ts"

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-replica-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(slapd === undefined)("replica", () => {
  const database = join(folder, "copy.db")
  const base = `ou=${crypto.randomUUID()},${accountsBase}`
  const env = {
    LDAP_URL: slapd?.urls.ldap ?? "",
    LDAP_BIND_DN: slapd?.admin.dn ?? "",
    LDAP_PASSWORD: slapd?.admin.password ?? "",
    LDAP_ALLOW_INSECURE_AUTH: "true",
    LDAP_BASE: base,
    EFFECT_LDAP_DATABASE: database
  }
  const cli = (...args: ReadonlyArray<string>) =>
    Effect.map(
      runCli(args, { env }),
      ({ code, stderr, stdout }) => ({ code, text: stdout.toString(), said: stderr })
    )

  it.live("run --once brings a copy up to date, verify compares it, and a mass deletion needs a confirmation", () =>
    Effect.gen(function*() {
      expect(yield* cli("replica", "status")).toMatchObject({ code: 82 })
      const records = [
        `dn: ${base}\nobjectClass: organizationalUnit\n`,
        ...Array.from({ length: 9 }, (_, n) => `dn: cn=p${n},${base}\nobjectClass: person\nsn: x\n`)
      ]
      expect((yield* runCli(["import", "-"], { env, stdin: records.join("\n") })).code).toBe(0)

      const first = yield* cli("replica", "run", "--once")
      expect(first).toMatchObject({ code: 0, text: "" })
      expect(first.said).toContain("10 entries: 10 added, 0 changed, 0 moved, 0 deleted.")
      expect(yield* cli("replica", "verify")).toMatchObject({ code: 0, text: "" })

      // One line of JSON for each state; the last one has the totals.
      yield* cli("modify", `cn=p0,${base}`, "--replace", "sn=y")
      yield* cli("delete", `cn=p1,${base}`)
      const second = yield* cli("replica", "run", "--once", "--json", "--max-deletions", "1")
      const states = second.text.trimEnd().split("\n").map((line) => JSON.parse(line))
      expect(states.length).toBeGreaterThan(1)
      expect(states.at(-1)).toMatchObject({ phase: "stopped", entries: 9, modified: 1, deleted: 1 })

      const status = JSON.parse((yield* cli("replica", "status", "--json")).text)
      expect(status).toMatchObject({ name: "default", entries: 9, hasCheckpoint: true })
      expect(status.holder).toBeUndefined()
      expect((yield* cli("replica", "status")).text).toContain("entries     9\n")
      expect(yield* cli("replica", "status", "--name", "other")).toMatchObject({ code: 82 })

      // A wrong row is found and repaired.
      const sql = new DatabaseSync(database)
      sql.exec("UPDATE ldap_replica_entry SET hash = 'wrong' WHERE dn LIKE 'cn=p2,%'")
      sql.close()
      expect(yield* cli("replica", "verify", "--settle", "1 millis")).toMatchObject({
        code: 5,
        text: `~ cn=p2,${base}\n`
      })
      const repaired = yield* cli("replica", "verify", "--repair", "--settle", "1 millis")
      expect(repaired).toMatchObject({ code: 0, text: "" })
      expect(repaired.said).toContain("1 differences were repaired.")

      // Eight of nine entries are gone: they are not deleted from the copy without a confirmation.
      for (const n of [0, 2, 3, 4, 5, 6, 7, 8]) yield* cli("delete", `cn=p${n},${base}`)
      const stopped = yield* cli("replica", "run", "--once")
      expect(stopped.code).toBe(1)
      expect(stopped.said).toContain("8 of 9 entries would be deleted")
      expect(JSON.parse((yield* cli("replica", "status", "--json")).text).entries).toBe(9)
      const confirmed = yield* cli("replica", "run", "--once", "--confirm-deletions", "8")
      expect(confirmed.code).toBe(0)
      expect(confirmed.said).toContain("1 entries: 0 added, 0 changed, 0 moved, 8 deleted.")
      yield* cli("delete", base)
    }))

  it.live("may have more entries than a page if the server is scanned", () =>
    Effect.gen(function*() {
      const many = `ou=many,${slapd!.base}`
      const { code, said } = yield* cli("replica", "run", "--once", "-d", join(folder, "many.db"), "-b", many)
      expect(said).toContain("the directory is followed by scan")
      expect(said).toContain("1201 entries: 1201 added")
      expect(code).toBe(0)
    }))

  it.effect("refuses a database that can't be one, and a password in an argument", () =>
    Effect.gen(function*() {
      expect(yield* cli("replica", "verify", "-d", join(folder, "missing.db"))).toMatchObject({ code: 82 })
      expect(yield* cli("replica", "run", "-d", "mysql://host/x")).toMatchObject({ code: 89 })
      const refused = yield* cli("replica", "status", "-d", "postgres://ldap:hunter2@host/x")
      expect(refused.code).toBe(89)
      expect(refused.said).not.toContain("hunter2")
      expect(yield* cli("replica", "run", "--once", "--max-deletions", "many")).toMatchObject({ code: 89 })
    }))
})
