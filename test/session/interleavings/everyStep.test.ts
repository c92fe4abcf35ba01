/**
 * S1, S2, S4, S5, S7 under interruption at every step of opening a session, of each operation and of the release. After each
 * interruption there is one unbind with nothing after it, at most one Abandon, no fiber and no connection left, and a session that
 * other fibers can continue to use.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { answering } from "../recording/answering.ts"
import { connect, over, type RecordingPeer } from "../recording/RecordingPeer.ts"
import { listen, type RecordedConnection } from "../recording/RecordingServer.ts"
import { atEveryStep, type Stepping } from "./stepping.ts"

const auth = LdapAuth.simple("cn=a", Redacted.make("secret"))
const sasl = LdapAuth.sasl(LdapSasl.plain({ username: "a", password: Redacted.make("secret") }))

/** Checks the messages on the wire after any interruption. */
const assertWire = (peer: RecordingPeer, most: { readonly unbinds: number; readonly abandons: number }) => {
  const seen = peer.events.join()
  assert.isAtMost(peer.count("AbandonRequest"), most.abandons, seen)
  assert.strictEqual(peer.octetsAfterUnbind(), 0, seen)
  assert.strictEqual(peer.count("UnbindRequest"), most.unbinds, seen)
  if (most.unbinds > 0) assert.strictEqual(peer.events.at(-1), "FIN", seen)
}

const operations: Record<string, (session: LdapSession.LdapSession) => Effect.Effect<unknown, unknown>> = {
  add: (session) => session.add("cn=a", { cn: "a" }),
  bind: (session) => session.bind(auth),
  compare: (session) => session.compare("cn=a", "cn", "a"),
  delete: (session) => session.delete("cn=a"),
  extended: (session) => session.extended("1.3.6.1.4.1.4203.1.11.3"),
  lookup: (session) => session.lookup("cn=a"),
  modify: (session) => session.modify("cn=a", []),
  rename: (session) => session.rename("cn=a", { newRdn: "cn=b" }),
  rootDse: (session) => session.rootDse,
  "search, in pages": (session) => Stream.runDrain(session.search({ base: "", pageSize: 1 })),
  searchResult: (session) => session.searchResult({ base: "" }),
  "search with a lookup for each entry": (session) =>
    Stream.runDrain(Stream.mapEffect(session.search({ base: "" }), ({ dn }) => session.lookup(dn))),
  "bind while others are at work": (session) =>
    Effect.all([session.delete("cn=a"), session.bind(auth), session.delete("cn=b"), session.bind(auth)], {
      concurrency: "unbounded"
    }),
  "bind by SASL while others are at work": (session) =>
    Effect.all([session.delete("cn=a"), session.bind(sasl), session.delete("cn=b"), session.bind(sasl)], {
      concurrency: "unbounded"
    })
}

/** A session whose operation is interrupted while other fibers continue to use it. */
const sharing = (operation: (session: LdapSession.LdapSession) => Effect.Effect<unknown, unknown>, abandons: number) =>
  Effect.fnUntraced(function*({ target }: Stepping) {
    const { client, peer, session: opening } = yield* connect()
    const serving = yield* Effect.forkDetach(answering(peer))
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(opening, scope)
    yield* Fiber.await(yield* target(operation(session)))
    // A bind needs the connection alone, so it returns only if nothing is in flight and no operation holds the connection.
    yield* session.bind(auth)
    assert.strictEqual((yield* session.delete("cn=b")).code, 0)
    yield* Scope.close(scope, Exit.void)
    yield* peer.ended
    assertWire(peer, { unbinds: 1, abandons })
    assert.isFalse(client.isOpen())
    yield* Fiber.interrupt(serving)
  }, Effect.scoped)

/**
 * The expected number of unbinds. If a session was interrupted before it had its connection, it sends none. Between the answer to
 * StartTLS and the end of the handshake nothing may be sent.
 */
const unbindsOf = ({ count, events, kinds }: RecordingPeer): number => {
  const sent = kinds().filter((kind) => kind !== "UnbindRequest")
  if (sent.join() === "ExtendedRequest" && !events.includes("TLS")) return count("UnbindRequest") === 0 ? 0 : 1
  return kinds().length > 0 ? 1 : 0
}

/** Opens a session and releases it, in one fiber. */
const owning = (
  options: LdapSession.SessionOptions,
  use: (session: LdapSession.LdapSession) => Effect.Effect<unknown, unknown>
) =>
  Effect.fnUntraced(function*({ target }: Stepping) {
    const [client, far] = yield* MemorySocket.pair()
    const peer = yield* over(far)
    const serving = yield* Effect.forkDetach(answering(peer))
    let opened = 0
    const counted = Socket.make({
      reader: Effect.tap(client.reader, () => Effect.sync(() => opened++)),
      writer: client.writer
    })
    const session = LdapSession.fromSocket(counted, { protection: "local", ...options })
    yield* Fiber.await(yield* target(Effect.scoped(Effect.flatMap(session, use))))
    if (opened > 0) {
      yield* peer.ended
      assert.isFalse(client.isOpen())
    }
    assertWire(peer, { unbinds: unbindsOf(peer), abandons: 1 })
    yield* Fiber.interrupt(serving)
  }, Effect.scoped)

/** The release, which completes even if its fiber is interrupted. */
const releasing = Effect.fnUntraced(function*({ target }: Stepping) {
  const { client, peer, session } = yield* connect()
  const serving = yield* Effect.forkDetach(answering(peer))
  const scope = yield* Scope.make()
  yield* Scope.provide(session, scope)
  yield* Fiber.await(yield* target(Scope.close(scope, Exit.void)))
  // If the release was interrupted before it began, this runs it.
  yield* Scope.close(scope, Exit.void)
  yield* peer.ended
  assert.isFalse(client.isOpen())
  assertWire(peer, { unbinds: 1, abandons: 0 })
  yield* Fiber.interrupt(serving)
}, Effect.scoped)

const scenarios: Record<string, (stepping: Stepping) => Effect.Effect<void, unknown>> = {
  "opening": owning({}, () => Effect.void),
  "opening and binding": owning({ auth }, () => Effect.void),
  "opening, a search in pages, and the release": owning(
    { auth },
    (session) => Stream.runDrain(session.search({ base: "", pageSize: 1 }))
  ),
  "opening and StartTLS, which can't be had in memory": owning({ startTls: true }, () => Effect.void),
  "the release": releasing,
  ...Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [name, sharing(operation, name.includes("others") ? 2 : 1)])
  )
}

describe.each([false, true])(
  "interrupted at every step, in memory, with fibers that yield: %s",
  (yields) => {
    it.effect.each(Object.keys(scenarios))("%s", (name) =>
      Effect.gen(function*() {
        const steps = yield* atEveryStep({ yields, every: yields ? 3 : 1 }, scenarios[name]!)
        assert.isAbove(steps, 15)
      }), 30_000)
  }
)

const certificates = makeCertificates()
const tls = { ca: certificates.ca.cert }

const ways: Record<string, { readonly scheme: "ldap" | "ldaps"; readonly startTls?: boolean }> = {
  "TCP": { scheme: "ldap" },
  "TLS": { scheme: "ldaps" },
  "StartTLS": { scheme: "ldap", startTls: true }
}

describe("interrupted at every step, on real sockets", () => {
  it.live.each(Object.keys(ways))("%s: opening, binding, a lookup, the release", (name) =>
    Effect.gen(function*() {
      const { scheme, startTls = false } = ways[name]!
      const server = yield* listen({ certificate: certificates.server, secure: scheme === "ldaps" })
      const url = `${scheme}://127.0.0.1:${server.port}`
      const scenario = Effect.fnUntraced(function*({ target }: Stepping) {
        const opening = LdapSession.make({ url, startTls, tls, auth })
        const running = yield* target(Effect.scoped(Effect.flatMap(opening, (session) => session.lookup("cn=a"))))
        const seen: Array<RecordedConnection> = []
        const serving = yield* Effect.forkDetach(
          Effect.forever(
            Effect.flatMap(server.accept, (peer) => {
              seen.push(peer)
              // Whatever is left of a connection that the client has closed is removed with it.
              return Effect.forkChild(
                Effect.raceFirst(answering(peer, peer.startTls), Effect.andThen(peer.ended, peer.reset))
              )
            })
          )
        )
        yield* Fiber.await(running)
        // Connections are accepted in order. When this one has arrived, an earlier one has arrived too.
        yield* knock(server.port)
        while (!seen.some(({ events }) => events[0] === "FIN" && events.length === 1)) yield* Effect.yieldNow
        for (const peer of seen) {
          yield* peer.closed
          const unbinds = unbindsOf(peer)
          assertWire(peer, { unbinds, abandons: 1 })
          if (unbinds === 1 && (scheme === "ldaps" || peer.events.includes("TLS"))) {
            assert.deepStrictEqual(peer.events.slice(-3), ["UnbindRequest", "close_notify", "FIN"])
          }
        }
        yield* Fiber.interrupt(serving)
      })
      const steps = yield* atEveryStep({ yields: false, every: scheme === "ldaps" || startTls ? 2 : 1 }, scenario)
      assert.isAbove(steps, 80)
      assert.strictEqual(server.open(), 0)
    }), 60_000)
})

/** A connection without traffic. */
const knock = (port: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const socket = Net.connect(port, "127.0.0.1", () => socket.end())
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.void))
    socket.resume()
  })
