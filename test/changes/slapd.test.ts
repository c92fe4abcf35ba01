/**
 * Following slapd: content synchronization with the overlay syncprov, the access log, and a scan; the server is restarted and connections
 * are cut while a random history runs.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { inject, vi } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import { findExecutable } from "../servers/installation.ts"
import { running } from "../servers/running.ts"
import { launchSlapd, type Slapd } from "../servers/slapd/slapd.ts"
import { linesOf } from "./sameAs.ts"
import { slapcat } from "./stored.ts"
import { followed, polled } from "./suite.ts"

const slapd = inject("slapd")

const base = "o=followed"

/** A separate database with both overlays, and the database of its log. */
const configuration = (folder: string) => {
  mkdirSync(join(folder, "log"))
  mkdirSync(join(folder, "followed"))
  return `
moduleload accesslog
database mdb
suffix cn=accesslog
rootdn cn=admin,dc=example,dc=com
directory ${folder}/log
maxsize 67108864
dbnosync
index reqStart,reqEnd,objectClass,reqResult eq
access to * by * read
limits * size=unlimited

database mdb
suffix "${base}"
rootdn cn=admin,dc=example,dc=com
directory ${folder}/followed
maxsize 67108864
dbnosync
index objectClass,entryCSN,entryUUID eq
access to * by * read
limits * size=unlimited
overlay syncprov
syncprov-sessionlog 1000
overlay accesslog
logdb cn=accesslog
logops writes
logsuccess TRUE
`
}

describe.skipIf(slapd === undefined)("following slapd", () => {
  const own = Effect.acquireRelease(
    Effect.promise(() => running(launchSlapd(findExecutable("slapd")!, { configuration }))),
    (server: Slapd) => Effect.promise(() => server.stop())
  )
  const clientOf = (server: Slapd) =>
    LdapClient.make({
      url: server.urls.ldap,
      allowInsecureAuth: true,
      auth: LdapAuth.simple(server.admin.dn, Redacted.make(server.admin.password))
    })
  const place = {
    top: `ou=top,${base}`,
    leafType: "cn",
    leaf: (cn: string) => ({ objectClass: ["device"], cn }),
    unit: (ou: string) => ({ objectClass: ["organizationalUnit"], ou })
  }

  const prepared = Effect.gen(function*() {
    const server = yield* own
    const client = yield* clientOf(server)
    yield* client.add(base, { objectClass: "organization", o: "followed" })
    yield* client.add(place.top, place.unit("top"))
    return { client, server }
  })

  it.live.each(["contentSync", "accesslog", "scan"] as const)(
    "by %s: after each poll the copy is what the server has, also after crashes of the consumer",
    (source) =>
      Effect.flatMap(prepared, ({ client }) => polled({ client, place, source, uuid: "entryUUID", seed: 18 }, 8))
  )

  it.live(
    "auto chooses content synchronization if the database has the overlay, and gives the reason",
    () =>
      Effect.gen(function*() {
        const { client } = yield* prepared
        const chosen = yield* LdapChanges.choose(client, { base: place.top })
        assert.strictEqual(chosen.source, "contentSync")
        // The other database has no overlay, but the server lists the control for all databases.
        const other = yield* LdapChanges.choose(client, { base: "dc=example,dc=com" })
        assert.strictEqual(other.source, "accesslog")
        assert.deepStrictEqual(other.refused.map(({ source }) => source), [
          "contentSync",
          "dirSync",
          "usn",
          "changelog"
        ])
      })
  )

  it.live(
    "connections are cut while it follows, and in the end the copy equals the server's entries",
    () =>
      Effect.gen(function*() {
        const { client, server } = yield* prepared
        // The server is killed and started again on the same files.
        const started: Array<ChildProcess> = []
        const restart = Effect.promise(async () => {
          const pid = Number(await readFile(join(server.directory, "slapd.pid"), "utf8"))
          const args = [
            "-d",
            "0",
            "-f",
            join(server.directory, "slapd.conf"),
            "-h",
            [server.urls.ldap, server.urls.ldapi].join(" ")
          ]
          if (started.length === 0) process.kill(pid, "SIGTERM")
          else started.at(-1)!.kill("SIGKILL")
          await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 })
          started.push(spawn(findExecutable("slapd")!, args, { stdio: "ignore" }))
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => started.at(-1)?.kill("SIGKILL")))
        const copy = yield* followed(
          { client, place, source: "contentSync", uuid: "entryUUID", seed: 5 },
          40,
          (change) => change % 13 === 12 ? restart : Effect.void
        )
        assert.isAtLeast(copy.rows.size, 3)
        assert.lengthOf(started, 3)
        assert.deepStrictEqual(linesOf(copy), yield* slapcat(join(server.directory, "slapd.conf"), base, place.top))
      }),
    60_000
  )
})

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
