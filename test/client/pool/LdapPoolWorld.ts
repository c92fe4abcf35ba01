/**
 * Servers in memory for tests of pools. Every connection has a peer that records messages and answers them, unless a test makes it
 * silent. Connections are counted on the client's side, from before one is opened until it is closed.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapTransport from "../../../src/connection/LdapTransport.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import { ConnectFailed, LdapError } from "../../../src/model/LdapError.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as RecordingPeer from "../../session/recording/RecordingPeer.ts"

export interface Connection {
  readonly peer: RecordingPeer.RecordingPeer
  /** Breaks the connection as a crash of the server does. */
  readonly reset: Effect.Effect<void>
  /** Requests that were not answered. */
  readonly held: Array<RecordingPeer.Request>
}

export interface World {
  readonly open: Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>
  readonly connections: Array<Connection>
  /** The number of open connections, and the largest number so far. */
  readonly count: { open: number; most: number }
  /** The behaviour of the servers. */
  readonly server: {
    refuses: boolean
    /** Whether a request gets no answer. */
    holds: (request: RecordingPeer.Request, connection: Connection) => boolean
    /** The result code of an answer. */
    code: (request: RecordingPeer.Request, connection: Connection) => number
    /** Whether the server closes the connection after an unbind, as servers do. */
    closes: boolean
  }
}

export const name = "cn=reader"

const auth = LdapAuth.simple(name, Redacted.make("secret"))

/** Answers like a server with one user and one entry. */
export const answer = (
  { peer }: Connection,
  { messageId, operation }: RecordingPeer.Request,
  code = 0
): Effect.Effect<void> => {
  const result = { ...RecordingPeer.ok, code }
  switch (operation._tag) {
    case "BindRequest":
      return peer.send(messageId, { _tag: "BindResponse", result })
    case "SearchRequest":
      return Effect.andThen(
        code === 0 ? peer.send(messageId, RecordingPeer.entry(operation.base)) : Effect.void,
        peer.send(messageId, { _tag: "SearchResultDone", result })
      )
    case "AddRequest":
      return peer.send(messageId, { _tag: "AddResponse", result })
    case "DeleteRequest":
      return peer.send(messageId, { _tag: "DeleteResponse", result })
    case "ExtendedRequest":
      return peer.send(messageId, { _tag: "ExtendedResponse", result, value: Buffer.from(`dn:${name}`) })
    default:
      return Effect.void
  }
}

export const make = (options?: LdapSession.SessionOptions): Effect.Effect<World, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const connections: Array<Connection> = []
    const count = { open: 0, most: 0 }
    const server: World["server"] = { refuses: false, holds: () => false, code: () => 0, closes: true }
    const serve = (connection: Connection): Effect.Effect<void> =>
      Effect.flatMap(connection.peer.next, (request) => {
        if (request.operation._tag === "UnbindRequest") return server.closes ? connection.peer.end : Effect.void
        if (!server.holds(request, connection)) return answer(connection, request, server.code(request, connection))
        return Effect.sync(() => void connection.held.push(request))
      })
    const transport: LdapTransport.LdapTransport = {
      server: "ldap://peer",
      connect: Effect.gen(function*() {
        if (server.refuses) {
          const reason = new ConnectFailed({ kind: "refused", detail: "connection refused" })
          return yield* new LdapError({ reason, operation: "connect" })
        }
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            count.most = Math.max(count.most, ++count.open)
          }),
          () => Effect.sync(() => count.open--)
        )
        const [near, far] = yield* MemorySocket.pair()
        const peer = yield* Effect.orDie(Scope.provide(RecordingPeer.over(far), scope))
        const connection: Connection = { peer, reset: far.reset, held: [] }
        connections.push(connection)
        yield* Effect.forkIn(Effect.forever(serve(connection)), scope, { startImmediately: true })
        return yield* LdapTransport.fromSocket(near, { protection: "local", server: "ldap://peer" }).connect
      })
    }
    return { open: LdapSession.fromTransport(transport, { auth, ...options }), connections, count, server }
  })
