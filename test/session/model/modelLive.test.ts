/** The programs of model.ts, fewer of them, over real sockets and against slapd. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import { LdapError } from "../../../src/model/LdapError.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { ensureSlapd, startSlapd } from "../../servers/slapd/slapd.ts"
import { closedConnections } from "../../servers/slapd/slapdLog.ts"
import { settle } from "../recording/RecordingPeer.ts"
import * as RecordingServer from "../recording/RecordingServer.ts"
import { assertPassed, closesAfterUnbind, type Environment, falsified, noTotals, programs, runIn } from "./model.ts"

const certificates = makeCertificates()
const tls = { ca: certificates.ca.cert, servername: "localhost" }
const limits = { closeTimeout: 100, requestTimeout: "5 seconds", connectTimeout: "5 seconds" } as const

/** Real time passes here. The promises don't depend on how much time a program requests. */
const live = {
  isExact: false,
  // One at a time, since the connections that a peer accepts are distinguished by their order.
  most: 1,
  settle: Effect.andThen(settle, Effect.sleep(1)),
  time: (millis: number) => Effect.sleep(Math.min(millis, 3)),
  finish: (closing: ReadonlyArray<Fiber.Fiber<unknown>>) =>
    Effect.timeoutOrElse(Fiber.awaitAll(closing), { duration: "20 seconds", orElse: () => Effect.succeed([]) })
}

const overSockets = (server: RecordingServer.RecordingServer, url: string) => (peers: Scope.Scope): Environment => ({
  ...live,
  peers,
  connect: Effect.gen(function*() {
    const session = yield* LdapSession.make({ url, tls, ...limits })
    const peer = yield* server.accept
    yield* Effect.forkIn(closesAfterUnbind(peer), peers)
    return {
      session,
      peer,
      reset: peer.reset,
      handshake: Effect.asVoid(Effect.forkIn(peer.startTls, peers)),
      written: () => peer.received,
      octetsAfterUnbind: peer.octetsAfterUnbind,
      // A peer that stopped reading doesn't see the end.
      gone: Effect.void
    }
  })
})

const check = (environment: (peers: Scope.Scope) => Environment, runs: number) =>
  Effect.gen(function*() {
    const totals = noTotals()
    const result = yield* Arbitrary.checkEffect(programs, (program) =>
      runIn(environment, program, totals).pipe(
        Effect.as(true),
        Effect.catchDefect(falsified)
      ), { runs, size: 60, maxShrinks: 100 })
    return { result, totals }
  })

describe("programs at random over real sockets", () => {
  it.live.each(["ldap", "ldaps"] as const)("%s: 60 of them keep every promise", (scheme) =>
    Effect.gen(function*() {
      const server = yield* RecordingServer.listen({ certificate: certificates.server, secure: scheme === "ldaps" })
      const { result, totals } = yield* check(overSockets(server, `${scheme}://127.0.0.1:${server.port}`), 60)
      assertPassed(result)
      assert.isAtLeast(totals.connections, 180)
      assert.strictEqual(totals.connections, server.opened())
    }), 120_000)
})

const isRefused = (defect: unknown): defect is LdapError =>
  defect instanceof LdapError && defect.reason._tag === "ConnectFailed" && defect.reason.kind === "refused"

describe.skipIf(inject("slapd") === undefined)("programs at random against slapd", () => {
  // They have their own slapd, since they crash it in rare cases; then they are tried on another.
  it.live("60 of them: slapd's log has one UNBIND for each connection", () =>
    Effect.gen(function*() {
      const found = ensureSlapd()
      assert("path" in found)
      const slapd = yield* Effect.acquireRelease(
        Effect.promise(() => startSlapd(found.path)),
        ({ stop }) => Effect.promise(stop)
      )
      const marker = `cn=model-${process.pid}`
      const environment = (peers: Scope.Scope): Environment => ({
        ...live,
        peers,
        connect: Effect.gen(function*() {
          const auth = LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
          const session = yield* LdapSession.make({
            url: slapd.urls.ldap,
            tls: { ca: slapd.certificates.ca.cert },
            auth,
            ...limits
          })
          // This line distinguishes the connection from others in slapd's log.
          yield* session.lookup(`${marker},${slapd.base}`)
          return {
            session,
            peer: undefined,
            reset: Effect.void,
            handshake: Effect.void,
            // Assumed here; slapd's log is checked at the end.
            written: () => [{ messageId: 1, operation: { _tag: "UnbindRequest" }, controls: [] }],
            octetsAfterUnbind: () => 0,
            gone: Effect.void
          }
        })
      })
      const { result, totals } = yield* check(environment, 60)
      assertPassed(result)
      const count = totals.connections
      assert.isAbove(count, 180)
      const connections = yield* Effect.promise(() => closedConnections(slapd.logFile, marker, { count }))
      for (const connection of connections) {
        assert.strictEqual(connection.unbinds, 1, connection.lines.join("\n"))
        assert.strictEqual(connection.closed, "", connection.lines.join("\n"))
      }
    }).pipe(
      Effect.scoped,
      // Only this case is retried: a broken promise fails at once.
      Effect.catchDefect((defect) => isRefused(defect) ? Effect.fail(defect) : Effect.die(defect)),
      Effect.retry({ times: 4 }),
      Effect.orDie
    ), 120_000)
})
