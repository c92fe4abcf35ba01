/** The suite on slapd, over each of its transports, and slapd's own log of how sessions end. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import type { SlapdFacts } from "../../servers/slapd/slapd.ts"
import { closedConnections } from "../../servers/slapd/slapdLog.ts"
import { suite } from "./suite.ts"

const slapd = inject("slapd")

const ways = (slapd: SlapdFacts) => {
  const tls = { ca: slapd.certificates.ca.cert }
  return {
    ldap: { url: slapd.urls.ldap },
    ldaps: { url: slapd.urls.ldaps, tls },
    StartTLS: { url: slapd.urls.ldap, startTls: true, tls },
    ldapi: { url: slapd.urls.ldapi },
    ...(slapd.urls.ldap6 === undefined ? {} : { IPv6: { url: slapd.urls.ldap6 } })
  } satisfies Record<string, LdapSession.SessionConfig>
}

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const all = ways(slapd)
  for (const [name, config] of Object.entries(all)) {
    suite({
      name: `slapd over ${name}`,
      quirks: { rdnRemoval: "NamingViolation" },
      session: (options) => LdapSession.make({ ...config, ...options })
    })
  }

  describe("S1: slapd's own log", () => {
    const auth = LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
    /** A search that marks the connection in slapd's log. */
    const mark = (session: LdapSession.LdapSession, marker: string) =>
      session.lookup(`cn=${marker},ou=people,${slapd.base}`)
    const closed = (marker: string, count: number) =>
      Effect.promise(() => closedConnections(slapd.logFile, marker, { count }))

    it.live.each(Object.keys(all))(
      "%s: each connection ends in one UNBIND, nothing after it, and a good close",
      (name) =>
        Effect.gen(function*() {
          const config = all[name as keyof typeof all] as LdapSession.SessionConfig
          const marker = `unbind-${name}`
          const program = Effect.scoped(
            Effect.gen(function*() {
              const session = yield* LdapSession.make({ ...config, auth })
              yield* mark(session, marker)
              const fiber = yield* Effect.forkChild(Stream.runDrain(session.search({ base: slapd.base })))
              yield* Effect.yieldNow
              yield* Fiber.interrupt(fiber)
              // In flight at the release.
              yield* Effect.forkChild(Effect.exit(Stream.runDrain(session.search({ base: slapd.base }))))
              yield* Effect.yieldNow
            })
          )
          yield* Effect.all(Array.from({ length: 10 }, () => program), { concurrency: "unbounded" })
          for (const connection of yield* closed(marker, 10)) {
            assert.strictEqual(connection.unbinds, 1, connection.lines.join("\n"))
            assert.strictEqual(connection.closed, "")
          }
        })
    )

    it.live("sessions whose fibers are interrupted at random end in one UNBIND too", () =>
      Effect.gen(function*() {
        const marker = "unbind-interrupted"
        yield* Effect.forEach(
          Array.from({ length: 40 }, (_, i) => i),
          (i) =>
            Effect.gen(function*() {
              const ready = yield* Effect.forkChild(
                Effect.scoped(
                  Effect.gen(function*() {
                    const session = yield* LdapSession.make({ url: slapd.urls.ldap })
                    yield* mark(session, marker)
                    yield* Effect.forEach(
                      Array.from({ length: 20 }),
                      () => Stream.runDrain(session.search({ base: `ou=many,${slapd.base}` })),
                      {
                        concurrency: 4,
                        discard: true
                      }
                    )
                  })
                )
              )
              yield* Effect.sleep(i % 15)
              yield* Fiber.interrupt(ready)
            }),
          { concurrency: 8, discard: true }
        )
        // A session that ends by itself, so that there is at least one of them.
        yield* Effect.scoped(
          Effect.flatMap(LdapSession.make({ url: slapd.urls.ldap }), (session) => mark(session, marker))
        )
        for (const connection of yield* closed(marker, 1)) {
          assert.strictEqual(connection.unbinds, 1, connection.lines.join("\n"))
          assert.strictEqual(connection.closed, "")
        }
      }))

    it.live("S5: with cancel: true a search is cancelled, and slapd answers", () =>
      Effect.gen(function*() {
        const marker = "cancel-one"
        yield* Effect.scoped(
          Effect.gen(function*() {
            const session = yield* LdapSession.make({ url: slapd.urls.ldap, auth })
            yield* mark(session, marker)
            yield* Stream.runDrain(Stream.take(session.search({ base: slapd.base, cancel: true }), 1))
            yield* mark(session, marker)
          })
        )
        const [connection] = yield* closed(marker, 1)
        assert.strictEqual(connection!.abandons, 0)
        assert.isTrue(
          connection!.lines.some((line) => line.includes("EXT oid=1.3.6.1.1.8")),
          connection!.lines.join("\n")
        )
        assert.strictEqual(connection!.unbinds, 1)
      }))

    it.live("S5: an interrupted search is abandoned, and slapd stops", () =>
      Effect.gen(function*() {
        const marker = "abandon-one"
        yield* Effect.scoped(
          Effect.gen(function*() {
            const session = yield* LdapSession.make({ url: slapd.urls.ldap, auth })
            yield* mark(session, marker)
            yield* Stream.runDrain(Stream.take(session.search({ base: slapd.base }), 1))
            yield* mark(session, marker)
          })
        )
        const [connection] = yield* closed(marker, 1)
        assert.strictEqual(connection!.abandons, 1)
        assert.strictEqual(connection!.unbinds, 1)
      }))
  })
})
