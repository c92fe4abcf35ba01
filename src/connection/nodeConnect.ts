/**
 * Connects to a server over sockets of Node: finds its addresses, tries them, and shakes hands where TLS is wanted.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import type { LdapError } from "../model/LdapError.ts"
import { lookupsOf } from "./addressLookup.ts"
import { raceAddresses } from "./addressRace.ts"
import { type Address, describeConnect, describeRace, type Failure, failure } from "./connectFailures.ts"
import type { LdapConnection } from "./LdapConnection.ts"
import { NodeConnection, type NodeTarget, prepare } from "./NodeConnection.ts"

/**
 * Connects, TLS included. Interruption stops the attempts where they stand. The addresses of a name are tried as RFC 8305 says (happy
 * eyeballs), with one connection as the result; the limit on the time is the caller's, over all of this.
 */
export const connect = (target: NodeTarget): Effect.Effect<LdapConnection, LdapError, Scope.Scope> =>
  Effect.suspend(() => {
    const prepared = target.tls === undefined ? Result.succeed(undefined) : prepare(target, target.tls)
    if (Result.isFailure(prepared)) return Effect.fail(prepared.failure)
    const tls = prepared.success
    const connected = Effect.mapError(reach(target), failure(target.server))
    return tls === undefined
      ? connected
      : Effect.flatMap(connected, (connection) => Effect.as(connection.handshake(tls), connection))
  })

const reach = (target: NodeTarget): Effect.Effect<NodeConnection, Failure, Scope.Scope> => {
  const { address } = target
  // A socket that is given needs no address; an address that is given as one needs no lookup, and has no other beside it.
  if (target.open !== undefined || "path" in address || Net.isIP(address.host) !== 0) {
    return Effect.mapError(open(target, address), (cause) => describeConnect(cause, address))
  }
  const { host, port } = address
  return Effect.flatMap(
    lookupsOf(host),
    (lookups) => raceAddresses({ lookups, connect: (host) => open(target, { host, port }) })
  ).pipe(Effect.mapError((reasons) => describeRace(reasons, address)))
}

/** One attempt to connect, of which nothing is left when the scope is closed. */
const open = (target: NodeTarget, address: Address): Effect.Effect<NodeConnection, Error, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.scope, (scope) => {
      let connection: NodeConnection
      try {
        connection = new NodeConnection(target, address)
      } catch (cause) {
        // A function of the program makes the socket where there is one, and may throw.
        return Effect.fail(cause instanceof Error ? cause : new Error(String(cause)))
      }
      return Effect.andThen(
        Scope.addFinalizer(scope, connection.destroy),
        Effect.as(restore(Deferred.await(connection.connected)), connection)
      )
    })
  )
