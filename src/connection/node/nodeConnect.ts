/**
 * Connects to a server over Node sockets: looks up its addresses, tries them, and does the TLS handshake if TLS is asked for.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapConnection } from "../LdapConnection.ts"
import { lookupsOf } from "./addressLookup.ts"
import { raceAddresses } from "./addressRace.ts"
import { type Address, describeConnect, describeRace, type Failure, failure, lateHandshake } from "./connectFailures.ts"
import { NodeConnection, type NodeTarget, prepare } from "./NodeConnection.ts"

/**
 * Connects, including the TLS handshake. The addresses of a host are tried as in RFC 8305 (happy eyeballs); the result is one
 * connection. Interruption stops all attempts at once. The caller sets the time limit for the whole.
 */
export const connect = (target: NodeTarget): Effect.Effect<LdapConnection, LdapError, Scope.Scope> =>
  Effect.suspend(() => {
    const prepared = target.tls === undefined ? Result.succeed(undefined) : prepare(target, target.tls)
    if (Result.isFailure(prepared)) return Effect.fail(prepared.failure)
    const tls = prepared.success
    const connected = Effect.mapError(reach(target), failure(target.server))
    return tls === undefined
      ? connected
      : Effect.flatMap(connected, (connection) => Effect.as(shakeHands(target, connection.handshake(tls)), connection))
  })

/** The TLS handshake, within its own time limit if it has one. */
const shakeHands = (
  { server, tlsTimeout }: NodeTarget,
  handshake: Effect.Effect<void, LdapError>
): Effect.Effect<void, LdapError> =>
  tlsTimeout === undefined ? handshake : Effect.timeoutOrElse(handshake, {
    duration: tlsTimeout,
    orElse: () => Effect.fail(failure(server)(lateHandshake(tlsTimeout)))
  })

const reach = (target: NodeTarget): Effect.Effect<NodeConnection, Failure, Scope.Scope> => {
  const { address, localAddress } = target
  const family = localAddress === undefined ? 0 : Net.isIP(localAddress)
  if ("host" in address && family !== 0 && Net.isIP(address.host) === otherFamily(family)) {
    const detail = `${address.host} can't be reached from the localAddress ${localAddress}: one is IPv4, the other IPv6`
    return Effect.fail({ kind: "invalid", detail })
  }
  // A given socket needs no address. An IP address needs no lookup and has no alternatives to try.
  if (target.open !== undefined || "path" in address || Net.isIP(address.host) !== 0) {
    return Effect.mapError(open(target, address), (cause) => describeConnect(cause, address))
  }
  const { host, port } = address
  return Effect.flatMap(
    lookupsOf(host, family),
    (lookups) => raceAddresses({ lookups, connect: (host) => open(target, { host, port }) })
  ).pipe(Effect.mapError((reasons) => describeRace(reasons, address)))
}

const otherFamily = (family: number): number => family === 4 ? 6 : 4

/** One connection attempt; closing its scope releases all of it. */
const open = (target: NodeTarget, address: Address): Effect.Effect<NodeConnection, Error, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => {
    let connection: NodeConnection | undefined
    return Effect.andThen(
      // Registered before the socket is made, so that it is always destroyed.
      Scope.addFinalizer(scope, Effect.suspend(() => connection === undefined ? Effect.void : connection.destroy)),
      Effect.callback<NodeConnection, Error>((resume) => {
        // Nothing would destroy the socket any more.
        if (scope.state._tag === "Closed") return resume(Effect.interrupt)
        try {
          connection = new NodeConnection(
            target,
            address,
            (opened, failure) => resume(failure === undefined ? Effect.succeed(opened) : Effect.fail(failure))
          )
        } catch (cause) {
          // A function of the program may make the socket, and may throw.
          resume(Effect.fail(cause instanceof Error ? cause : new Error(String(cause))))
        }
      })
    )
  })
