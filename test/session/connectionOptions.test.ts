/**
 * The time limits of the steps of a session: the TLS handshake, and writes that the peer doesn't accept. Each error names its
 * option.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Net from "node:net"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { connect, done, settle } from "./recording/RecordingPeer.ts"

/** A server on a port. `serve` is called with each connection. */
const listening = (serve: (socket: Net.Socket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: Net.Server; readonly sockets: Set<Net.Socket> }>((resume) => {
        const sockets = new Set<Net.Socket>()
        const server = Net.createServer({ pauseOnConnect: true }, (socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          serve(socket)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
      }),
      ({ server, sockets }) =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    ),
    ({ server }) => (server.address() as Net.AddressInfo).port
  )

const large = "x".repeat(20_000_000)
const compare = (session: LdapSession.LdapSession, value: string): Effect.Effect<boolean, LdapError> =>
  session.compare("cn=a", "description", value)

describe("writeTimeout", () => {
  it.effect("a peer that takes nothing ends the session: what was not sent is not in doubt", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ requestTimeout: "Infinity", closeTimeout: "1 second" })
      const session = yield* opening
      yield* peer.stall
      const first = yield* Effect.forkChild(Effect.flip(compare(session, large.slice(0, 1_000_000))), {
        startImmediately: true
      })
      yield* settle
      const second = yield* Effect.forkChild(Effect.flip(compare(session, "small")), { startImmediately: true })
      yield* settle
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(first.pollUnsafe())
      yield* TestClock.adjust("1 second")
      for (const [fiber, inDoubt] of [[first, true], [second, false]] as const) {
        const { message, reason } = yield* Fiber.join(fiber)
        assert.deepInclude(reason, { _tag: "ConnectionLost", inDoubt })
        assert.include(message, "writeTimeout")
      }
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* TestClock.adjust("1 second")
    }))

  it.effect("a peer that reads again in time loses nothing", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ requestTimeout: "Infinity", closeTimeout: 0 })
      const session = yield* opening
      yield* peer.stall
      const comparing = yield* Effect.forkChild(compare(session, large.slice(0, 1_000_000)), { startImmediately: true })
      yield* settle
      yield* TestClock.adjust("29 seconds")
      yield* peer.resume
      const { messageId } = yield* peer.expect("CompareRequest")
      yield* TestClock.adjust("1 hour")
      yield* peer.send(messageId, {
        ...done,
        _tag: "CompareResponse",
        result: { code: 6, matchedDn: "", diagnosticMessage: "", referrals: [] }
      })
      assert.isTrue(yield* Fiber.join(comparing))
    }))

  it.live(
    "over TCP: one that stops reading ends the session, one that is only slow doesn't",
    () =>
      Effect.gen(function*() {
        const silent = yield* listening(() => {})
        const limits = { requestTimeout: "Infinity", writeTimeout: "300 millis", closeTimeout: "100 millis" } as const
        const stopped = yield* LdapSession.make({ url: `ldap://127.0.0.1:${silent}`, ...limits })
        const { reason } = yield* Effect.flip(compare(stopped, large))
        assert.strictEqual(reason._tag, "ConnectionLost")

        // Takes the large request in some two seconds, with pauses, and then closes.
        let taken = 0
        const slow = yield* listening((socket) => {
          socket.on("data", ({ length }) => {
            taken += length
            socket.pause()
            if (taken >= large.length) socket.destroy()
            else setTimeout(() => socket.resume(), 5)
          })
          socket.resume()
        })
        const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${slow}`, ...limits })
        const begun = Date.now()
        const error = yield* Effect.flip(compare(session, large))
        assert.isAtLeast(taken, large.length)
        assert.isAbove(Date.now() - begun, 600)
        assert.notInclude(error.message, "writeTimeout")
      }),
    20_000
  )

  it.effect("Infinity is no limit, and text that is no duration is refused", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({
        requestTimeout: "Infinity",
        writeTimeout: "Infinity",
        closeTimeout: 0
      })
      const session = yield* opening
      yield* peer.stall
      const comparing = yield* Effect.forkChild(compare(session, large.slice(0, 1_000_000)), { startImmediately: true })
      yield* settle
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(comparing.pollUnsafe())
      for (const field of ["writeTimeout", "tlsTimeout"]) {
        const wrong = { url: "ldap://127.0.0.1:1", [field]: "soon" as never }
        assert.deepInclude((yield* Effect.flip(Effect.scoped(LdapSession.make(wrong)))).reason, {
          _tag: "InvalidRequest",
          field
        })
      }
    }))
})

describe("tlsTimeout", () => {
  it.live("ends a handshake that gets no answer, while connectTimeout has time left", () =>
    Effect.gen(function*() {
      const port = yield* listening((socket) => void socket.resume())
      const error = yield* Effect.flip(Effect.scoped(
        LdapSession.make({ url: `ldaps://127.0.0.1:${port}`, connectTimeout: "1 minute", tlsTimeout: "100 millis" })
      ))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
      assert.include(error.message, "tlsTimeout")
    }))

  it.live("doesn't lengthen connectTimeout, which then ends the handshake and names itself", () =>
    Effect.gen(function*() {
      const port = yield* listening((socket) => void socket.resume())
      const error = yield* Effect.flip(Effect.scoped(
        LdapSession.make({ url: `ldaps://127.0.0.1:${port}`, connectTimeout: "100 millis", tlsTimeout: "1 minute" })
      ))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
      assert.include(error.message, "connectTimeout")
    }))

  it.live.each(
    [["tlsTimeout", { tlsTimeout: "100 millis" }], ["connectTimeout", { connectTimeout: "100 millis" }]] as const
  )(
    "of StartTLS: %s",
    ([option, limits]) =>
      Effect.gen(function*() {
        const granted = Buffer.from("300c02010178070a010004000400", "hex")
        const port = yield* listening((socket) => {
          socket.once("data", () => void socket.write(granted))
          socket.resume()
        })
        const error = yield* Effect.flip(Effect.scoped(
          LdapSession.make({ url: `ldap://127.0.0.1:${port}`, startTls: true, closeTimeout: 0, ...limits })
        ))
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
        assert.include(error.message, option)
      })
  )
})

describe("localAddress", () => {
  it.live("is where connections come from", () =>
    Effect.gen(function*() {
      const froms: Array<string | undefined> = []
      const port = yield* listening((socket) => {
        froms.push(socket.remoteAddress)
        socket.resume()
      })
      for (const host of ["127.0.0.1", "localhost"]) {
        yield* Effect.scoped(
          LdapSession.make({ url: `ldap://${host}:${port}`, localAddress: "127.0.0.9", closeTimeout: 0 })
        )
      }
      assert.deepStrictEqual(froms, ["127.0.0.9", "127.0.0.9"])
    }))

  it.live("fails as a configuration does: no address, one of another family, one of another machine", () =>
    Effect.gen(function*() {
      const port = yield* listening(() => {})
      const failure = (localAddress: string) =>
        Effect.flip(Effect.scoped(LdapSession.make({ url: `ldap://127.0.0.1:${port}`, localAddress })))
      for (const localAddress of ["eth0", "", "127.0.0.1:80", "::1", null as never, 5 as never]) {
        const { message, reason } = yield* failure(localAddress)
        assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "invalid" })
        assert.include(message, "localAddress")
      }
      const { message, reason } = yield* failure("192.0.2.1")
      assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "other" })
      assert.include(message, "localAddress")
    }))
})
