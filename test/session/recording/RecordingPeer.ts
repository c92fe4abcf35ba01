/**
 * A server that does nothing by itself: it records every PDU and byte that it receives, in order, and sends the answers of the
 * test. This one is in memory, or over any socket of Effect; `RecordingServer` is the same on a port.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import type { LdapControl } from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import { encode, LdapParser } from "../../../src/protocol/LdapCodec.ts"
import type {
  LdapMessage,
  ProtocolOperation,
  RequestOperation,
  ResultFields
} from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"

export type Request = LdapMessage<RequestOperation>

/** An event of a connection. `TLS` is a completed handshake, `RST` every end other than a FIN. */
export type WireEvent = RequestOperation["_tag"] | "bytes after the unbind" | "TLS" | "close_notify" | "FIN" | "RST"

export interface RecordingPeer {
  /** All requests received, in order. */
  readonly received: ReadonlyArray<Request>
  /** The kinds of the requests received, in order. */
  readonly kinds: () => ReadonlyArray<string>
  readonly count: (kind: RequestOperation["_tag"]) => number
  /** The PDUs and how the client's side ended, in order. */
  readonly events: ReadonlyArray<WireEvent>
  /** Bytes received after an unbind. */
  readonly octetsAfterUnbind: () => number
  /** Bytes received, without the overhead of TLS. */
  readonly octetsTaken: () => number
  /** The next PDU that no test step has taken yet. */
  readonly next: Effect.Effect<Request>
  /** The next PDU, which must be of that kind. */
  readonly expect: <T extends RequestOperation["_tag"]>(
    kind: T
  ) => Effect.Effect<LdapMessage<Extract<RequestOperation, { readonly _tag: T }>>>
  readonly send: (
    messageId: number,
    operation: ProtocolOperation,
    controls?: ReadonlyArray<LdapControl>
  ) => Effect.Effect<void>
  readonly sendOctets: (octets: Uint8Array) => Effect.Effect<void>
  /** Closes this side, as FIN does. */
  readonly end: Effect.Effect<void>
  /** Whether the client has closed its side, and how. */
  readonly ended: Effect.Effect<"end" | "reset">
  /** Stops reading from the connection, until it is resumed. */
  readonly stall: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

export const ok: ResultFields = { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }

export const entry = (dn: string, attributes: LdapEntry.AttributesInput = { cn: "x" }): ProtocolOperation => ({
  _tag: "SearchResultEntry",
  entry: LdapEntry.make(dn, attributes)
})

export const done: ProtocolOperation = { _tag: "SearchResultDone", result: ok }

/** A message as it is sent over the connection. */
export const octets = (
  messageId: number,
  operation: ProtocolOperation,
  controls: ReadonlyArray<LdapControl> = []
): Uint8Array => Result.getOrThrow(encode({ messageId, operation, controls }))

/** The recording that all peers share, over any transport. */
export const recorder = (): {
  readonly take: (chunk: Uint8Array) => void
  readonly saw: (event: "TLS" | "close_notify" | "FIN" | "RST") => void
  readonly recorded: Omit<RecordingPeer, "send" | "sendOctets" | "end" | "stall" | "resume">
} => {
  const received: Array<Request> = []
  const events: Array<WireEvent> = []
  const queue = Effect.runSync(Queue.unbounded<Request>())
  const ended = Deferred.makeUnsafe<"end" | "reset">()
  const parser = new LdapParser()
  let octetsTaken = 0
  let unbound = false
  let octetsAfterUnbind = 0
  const next = Queue.take(queue)
  return {
    take: (chunk) => {
      octetsTaken += chunk.length
      if (unbound) {
        octetsAfterUnbind += chunk.length
        events.push("bytes after the unbind")
      }
      const failure = parser.push(chunk, (message) => {
        if (unbound) octetsAfterUnbind += 1
        const request = message as Request
        unbound ||= request.operation._tag === "UnbindRequest"
        received.push(request)
        events.push(request.operation._tag)
        Queue.offerUnsafe(queue, request)
      })
      if (failure !== undefined) throw failure
    },
    saw: (event) => {
      events.push(event)
      if (event === "FIN" || event === "RST") {
        Deferred.doneUnsafe(ended, Effect.succeed(event === "FIN" ? "end" : "reset"))
      }
    },
    recorded: {
      received,
      events,
      kinds: () => received.map(({ operation }) => operation._tag),
      count: (kind) => received.filter(({ operation }) => operation._tag === kind).length,
      octetsAfterUnbind: () => octetsAfterUnbind + parser.pending,
      octetsTaken: () => octetsTaken,
      next,
      expect: (kind) =>
        Effect.map(next, (request) => {
          if (request.operation._tag !== kind) {
            throw new Error(`expected ${kind}, the client sent ${request.operation._tag}`)
          }
          return request as never
        }),
      ended: Deferred.await(ended)
    }
  }
}

/** A peer that reads from the socket until it is told to stall. */
export const over = Effect.fnUntraced(
  function*(socket: Socket.Socket): Effect.fn.Return<RecordingPeer, Socket.SocketError, Scope.Scope> {
    const { recorded, saw, take } = recorder()
    const scope = yield* Effect.scope
    const reader = yield* socket.reader
    const writerScope = yield* Scope.fork(scope)
    const writer = yield* Scope.provide(socket.writer, writerScope)
    const reads = reader.pull.pipe(
      Effect.map((chunks) => {
        for (const chunk of chunks) take(chunk as Uint8Array)
      }),
      Effect.forever,
      Effect.catch((error) =>
        Effect.sync(() => saw(error.reason._tag === "SocketCloseError" && error.reason.code === 1000 ? "FIN" : "RST"))
      ),
      Effect.forkIn(scope, { startImmediately: true })
    )
    let reading = yield* reads
    const sendOctets = (octets: Uint8Array) => Effect.ignore(writer.write(octets))
    return {
      ...recorded,
      send: (messageId, operation, controls) => sendOctets(octets(messageId, operation, controls)),
      sendOctets,
      end: Scope.close(writerScope, Exit.void),
      stall: Effect.suspend(() => Fiber.interrupt(reading)),
      resume: Effect.map(reads, (fiber) => {
        reading = fiber
      })
    }
  }
)

/** A session in memory and the peer that it talks to. The session ends with its scope, the peer with the test. */
export const connect = Effect.fnUntraced(function*(
  options?: LdapSession.SessionOptions & MemorySocket.PairOptions & {
    readonly protection?: "tls" | "local" | "none"
  }
) {
  const [client, server] = yield* MemorySocket.pair(options)
  const peer = yield* over(server)
  const session = LdapSession.fromSocket(client, { protection: "local", server: "ldap://peer", ...options })
  return { peer, session, client, server }
})

/** Runs all fibers that are ready, without time passing. */
export const settle: Effect.Effect<void> = Effect.forEach(Array.from({ length: 5 }), () => Effect.yieldNow, {
  discard: true
})
