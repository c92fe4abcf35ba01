/**
 * Two slapd that replicate to each other (mirror mode). A copy follows whichever is running, with a cookie of both, while they are killed
 * in turn and changed in between.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject, vi } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import { findExecutable } from "../servers/installation.ts"
import { answers, freePorts } from "../servers/running.ts"
import { randomOf, step } from "./histories.ts"
import { linesOf } from "./sameAs.ts"
import { slapcat } from "./stored.ts"
import { filter } from "./suite.ts"

const base = "o=mirrored"
const admin = { dn: `cn=admin,${base}`, password: "secret" }

const place = {
  top: `ou=top,${base}`,
  leafType: "cn",
  leaf: (cn: string) => ({ objectClass: ["device"], cn }),
  unit: (ou: string) => ({ objectClass: ["organizationalUnit"], ou })
}

const configuration = (folder: string, id: number, other: number) => `
${["core", "cosine", "inetorgperson"].map((name) => `include /etc/ldap/schema/${name}.schema`).join("\n")}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile ${folder}/slapd.pid
serverID ${id}
sizelimit unlimited
database mdb
suffix "${base}"
rootdn "${admin.dn}"
rootpw ${admin.password}
directory ${folder}
maxsize 67108864
index objectClass,entryCSN,entryUUID eq
access to * by * read
overlay syncprov
syncprov-sessionlog 1000
syncrepl rid=00${id} provider=ldap://127.0.0.1:${other} type=refreshAndPersist retry="1 +" searchbase="${base}"
  bindmethod=simple binddn="${admin.dn}" credentials=${admin.password} keepalive=1:1:1 network-timeout=1
mirrormode on
`

interface Provider {
  readonly url: string
  readonly conf: string
  readonly start: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

const providers = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-ldap-mirror-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const ports = yield* Effect.promise(() => freePorts("127.0.0.1", "127.0.0.1"))
  return yield* Effect.forEach(ports, (port, at) => {
    const own = join(folder, String(at))
    mkdirSync(own)
    const conf = join(own, "slapd.conf")
    writeFileSync(conf, configuration(own, at + 1, ports[1 - at]!))
    const url = `ldap://127.0.0.1:${port}`
    let child: ChildProcess | undefined
    const start = Effect.promise(async () => {
      child = spawn(findExecutable("slapd")!, ["-d", "0", "-f", conf, "-h", url], { stdio: "ignore" })
      await vi.waitUntil(() => answers(port), { timeout: 20_000 })
    })
    const kill = Effect.promise(async () => {
      if (child === undefined) return
      const ended = new Promise((resolve) => child!.once("exit", resolve))
      child.kill("SIGKILL")
      child = undefined
      await ended
    })
    return Effect.as(Effect.addFinalizer(() => kill), { url, conf, start, kill } satisfies Provider)
  })
})

describe.skipIf(inject("slapd") === undefined)("two providers", () => {
  it.live("a copy follows the one that is running, and in the end equals both", () =>
    Effect.gen(function*() {
      const [first, second] = yield* providers
      yield* Effect.all([first!.start, second!.start], { concurrency: 2 })
      const client = yield* LdapClient.make({
        urls: [first!.url, second!.url],
        allowInsecureAuth: true,
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      const again = Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 })
      yield* client.add(base, { objectClass: "organization", o: "mirrored" })
      yield* client.add(place.top, place.unit("top"))
      const copy = LdapChanges.makeCopy()
      const reasons: Array<string> = []
      const fiber = yield* Effect.forkChild(Stream.runForEach(
        LdapChanges.follow(client, {
          base: place.top,
          filter,
          source: "contentSync",
          known: copy.known,
          schedule: Schedule.spaced("100 millis")
        }),
        (change) => {
          if (change._tag === "RefreshStarted") reasons.push(change.reason)
          return copy.apply(change)
        }
      ))
      const random = randomOf(7)
      const counter = { value: 0 }
      const some = Effect.forEach(Array.from({ length: 12 }), () => again(step(client, place, random, counter)), {
        discard: true
      })
      const stored = (provider: Provider) => slapcat(provider.conf, base, place.top)
      /** Waits until both servers and the copy have the same entries. */
      const settled = Effect.gen(function*() {
        for (let turn = 0;; turn++) {
          const [one, other] = [yield* stored(first!), yield* stored(second!)]
          const lines = linesOf(copy)
          if (JSON.stringify(one) === JSON.stringify(other) && JSON.stringify(lines) === JSON.stringify(one)) return
          if (fiber.pollUnsafe() !== undefined) return yield* Effect.die(fiber.pollUnsafe())
          if (turn > 150) return assert.deepStrictEqual({ one, other, lines }, { one, other: one, lines: one })
          yield* Effect.sleep("100 millis")
        }
      })
      yield* some
      yield* settled
      for (const provider of [first!, second!, first!]) {
        yield* provider.kill
        yield* some
        yield* provider.start
        yield* some
        yield* settled
      }
      // A cookie of both providers, with which the other one continues.
      const sids = /"cookie":"([^"]*)"/.exec(Buffer.from(copy.cookie!.split(":")[2]!, "base64url").toString())![1]!
      const cookie = Buffer.from(sids, "base64url").toString()
      assert.match(cookie, /#001#.*#002#/)
      assert.include(reasons.slice(1), "resume")
      yield* Fiber.interrupt(fiber)
    }), 120_000)
})
