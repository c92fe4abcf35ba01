/**
 * The environment for hostile peers: a session and its peer in memory, over TCP, or over TLS, all in virtual time, and the checks
 * of every session after its end, whatever its peer did.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import type { LdapError, LdapResult } from "../../../src/model/LdapError.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { connect, done, ok, type RecordingPeer } from "../recording/RecordingPeer.ts"
import { listen, type RecordedConnection } from "../recording/RecordingServer.ts"

export type Way = "memory" | "TCP" | "TLS"

export interface World {
  readonly session: LdapSession.LdapSession
  readonly peer: RecordingPeer & Pick<RecordedConnection, "reset">
  /** The further controls of a peer behind a port. */
  readonly connection: RecordedConnection
}

/** A behaviour of a peer, and the session's promise for it. */
export interface Behaviour {
  readonly promise: string
  /** The transports on which it is possible. Default: all. */
  readonly ways?: ReadonlyArray<Way>
  readonly options?: LdapSession.SessionOptions
  /** UnbindRequests that the peer sees, from the first byte to the last. Default 1. */
  readonly unbinds?: 0 | 1
  /**
   * How the peer ends: it closes its side after the client has (default), never closes it (`stays`), or doesn't even read (`deaf`).
   * In the last two cases the client's release takes `closeTimeout`.
   */
  readonly farewell?: "stays" | "deaf"
  readonly run: (world: World) => Effect.Effect<void, unknown, Scope.Scope>
}

const certificates = makeCertificates()

const open = Effect.fnUntraced(function*(way: Way, options: LdapSession.SessionOptions) {
  if (way === "memory") {
    const { client, peer, server, session } = yield* connect(options)
    const nowhere = new Proxy({}, {
      get: () => {
        throw new Error("not in memory")
      }
    }) as RecordedConnection
    return {
      session,
      accept: Effect.succeed({ peer: { ...peer, reset: server.reset }, connection: nowhere }),
      isGone: () => !client.isOpen()
    }
  }
  const server = yield* listen({ certificate: certificates.server, secure: way === "TLS" })
  const url = `${way === "TLS" ? "ldaps" : "ldap"}://127.0.0.1:${server.port}`
  return {
    session: LdapSession.make({ url, tls: { ca: certificates.ca.cert }, ...options }),
    accept: Effect.map(server.accept, (connection) => ({ peer: connection, connection })),
    isGone: () => server.open() === 0
  }
})

/** Waits, turn by turn of the event loop, since fibers and sockets end in later turns. */
const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    let turns = 0
    return Effect.whileLoop({
      while: () => !condition() && turns++ < 10_000,
      body: () => Effect.yieldNow,
      step: () => {}
    })
  })

export const run = Effect.fnUntraced(function*(way: Way, behaviour: Behaviour) {
  const { unbinds = 1 } = behaviour
  const world = yield* open(way, behaviour.options ?? {})
  const outer = yield* Effect.scope
  const scope = yield* Scope.make()
  let fibers = 0
  const played = Effect.gen(function*() {
    const session = yield* Scope.provide(world.session, scope)
    const { connection, peer } = yield* world.accept
    if (behaviour.farewell === undefined) {
      // It outlives the session, as a server does, and isn't counted.
      yield* Effect.andThen(peer.ended, peer.end).pipe(
        Effect.forkIn(outer),
        Effect.provideService(Metric.FiberRuntimeMetrics, undefined)
      )
    }
    yield* Effect.scoped(behaviour.run({ session, peer, connection }))
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
    if (behaviour.farewell === "stays") {
      yield* peer.expect("UnbindRequest")
      yield* peer.ended
    }
    if (behaviour.farewell !== undefined) yield* TestClock.adjust("5 seconds")
    yield* Fiber.join(closing)
    assert.strictEqual((yield* Effect.flip(session.delete("cn=late"))).reason._tag, "SessionClosed")
    return peer
  }).pipe(
    Effect.scoped,
    Effect.provideService(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => fibers++,
      recordFiberEnd: () => fibers--
    })
  )
  const peer = yield* played
  yield* until(() => fibers === 0)
  assert.strictEqual(fibers, 0, "fibers that are left")
  if (behaviour.farewell === undefined) {
    yield* until(world.isGone)
    assert.isTrue(world.isGone(), "the connection is left")
  }
  const seen = peer.events.join()
  if (behaviour.farewell === "deaf") {
    assert.isAtMost(peer.count("UnbindRequest"), 1, seen)
  } else {
    assert.strictEqual(peer.count("UnbindRequest"), unbinds, seen)
    if (unbinds === 1) {
      const goodbye = way === "TLS" ? ["UnbindRequest", "close_notify", "FIN"] : ["UnbindRequest", "FIN"]
      assert.deepStrictEqual(peer.events.slice(-goodbye.length), goodbye, seen)
    }
  }
  if (behaviour.farewell !== "deaf") assert.strictEqual(peer.octetsAfterUnbind(), 0, seen)
}, Effect.scoped)

// ---------------------------------------------------------------------------------------------------------------------
// Steps that behaviours share
// ---------------------------------------------------------------------------------------------------------------------

export interface InFlight {
  /** A delete, with message id 1. */
  readonly pending: Fiber.Fiber<LdapResult, LdapError>
  /** A search, with message id 2. */
  readonly search: Fiber.Fiber<ReadonlyArray<LdapEntry>, LdapError>
}

/** A delete and a search that wait for their responses. */
export const inFlight = Effect.fnUntraced(function*({ peer, session }: World) {
  const pending = yield* Effect.forkScoped(session.delete("cn=a"), { startImmediately: true })
  assert.strictEqual((yield* peer.expect("DeleteRequest")).messageId, 1)
  const search = yield* Effect.forkScoped(Stream.runCollect(session.search({ base: "" })), { startImmediately: true })
  assert.strictEqual((yield* peer.expect("SearchRequest")).messageId, 2)
  return { pending, search } satisfies InFlight
})

/** The session still works: a delete is answered. All earlier bytes of the peer have been read then. */
export const stillWorks = Effect.fnUntraced(function*({ peer, session }: World) {
  const fiber = yield* Effect.forkScoped(session.delete("cn=still,dc=works"), { startImmediately: true })
  const { messageId } = yield* peer.expect("DeleteRequest")
  yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
  assert.strictEqual((yield* Fiber.join(fiber)).code, 0)
})

/** Answers the operations of {@link inFlight}; both succeed. */
export const answerBoth = Effect.fnUntraced(function*({ peer }: World, { pending, search }: InFlight) {
  yield* peer.send(1, { _tag: "DeleteResponse", result: ok })
  yield* peer.send(2, done)
  assert.strictEqual((yield* Fiber.join(pending)).code, 0)
  return yield* Fiber.join(search)
})

/** The reason for which an operation failed. */
export const reasonOf = <A>(fiber: Fiber.Fiber<A, LdapError>) =>
  Effect.map(Effect.flip(Fiber.join(fiber)), ({ reason }) => reason)

/** An element of BER, with the shortest length. */
export const element = (tag: number, ...content: ReadonlyArray<Uint8Array | string>): Buffer => {
  const body = Buffer.concat(content.map((part) => (typeof part === "string" ? Buffer.from(part) : part)))
  const size = body.length
  const length = size < 0x80
    ? [size]
    : size < 0x1_0000
    ? [0x82, size >> 8, size & 0xff]
    : [0x84, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const number = (value: number) => element(0x02, Buffer.from([value]))

/** A message around an operation that is already encoded. */
export const message = (id: number, operation: Uint8Array, ...more: ReadonlyArray<Uint8Array>): Buffer =>
  element(0x30, number(id), operation, ...more)

/** A response that is a result: the code as its bytes, and any further elements. */
export const result = (tag: number, code: ReadonlyArray<number> = [0], ...more: ReadonlyArray<Uint8Array>): Buffer =>
  element(tag, element(0x0a, Buffer.from(code)), element(0x04), element(0x04), ...more)

export const deleteResponse = 0x6b
