/**
 * Connects to a server over Node sockets: looks up its addresses, tries them, and does the TLS handshake if TLS is asked for.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapConnection } from "../LdapConnection.ts"
import { lookupsOf } from "./addressLookup.ts"
import { raceAddresses } from "./addressRace.ts"
import { type Address, describeConnect, describeRace, failure, lateHandshake } from "./connectFailures.ts"
import { NodeConnection, type NodeTarget, prepare } from "./NodeConnection.ts"

/**
 * Connects, including the TLS handshake. The addresses of a host are tried as in RFC 8305 (happy eyeballs); the result is one
 * connection. Interruption stops all attempts at once. The caller sets the time limit for the whole.
 */
export const connect = (target: NodeTarget): Effect.Effect<LdapConnection, LdapError, Scope.Scope> =>
  Effect.suspend(() => {
    if (target.tls === undefined) return reach(target)
    const prepared = prepare(target, target.tls)
    if (Result.isFailure(prepared)) return Effect.fail(prepared.failure)
    return Effect.flatMap(
      reach(target),
      (connection) => Effect.as(shakeHands(target, connection.handshake(prepared.success)), connection)
    )
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

const reach = (target: NodeTarget): Effect.Effect<NodeConnection, LdapError, Scope.Scope> => {
  const { address, localAddress, server } = target
  const family = localAddress === undefined ? 0 : Net.isIP(localAddress)
  if ("host" in address && family !== 0 && Net.isIP(address.host) === otherFamily(family)) {
    const detail = `${address.host} can't be reached from the localAddress ${localAddress}: one is IPv4, the other IPv6`
    return Effect.fail(failure(server)({ kind: "invalid", detail }))
  }
  // A given socket needs no address. An IP address needs no lookup and has no alternatives to try.
  if (target.open !== undefined || "path" in address || Net.isIP(address.host) !== 0) {
    return open(target, address, (cause) => failure(server)(describeConnect(cause, address)))
  }
  const { host, port } = address
  const connectTo = (host: string) => open(target, { host, port }, (cause) => cause)
  return Effect.flatMap(
    lookupsOf(host, family),
    (lookups) => raceAddresses({ lookups, connect: connectTo })
  ).pipe(Effect.mapError((reasons) => failure(server)(describeRace(reasons, address))))
}

const otherFamily = (family: number): number => family === 4 ? 6 : 4

/** One connection attempt; closing its scope releases all of it. */
const open = <E>(
  target: NodeTarget,
  address: Address,
  describe: (cause: Error) => E
): Effect.Effect<NodeConnection, E, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const scope = Context.get(context, Scope.Scope)
    let connection: NodeConnection | undefined
    return Effect.andThen(
      // Registered before the socket is made, so that it is always destroyed.
      Scope.addFinalizer(scope, Effect.suspend(() => connection === undefined ? Effect.void : connection.destroy)),
      Effect.callback<NodeConnection, E>((resume) => {
        // Nothing would destroy the socket any more.
        if (scope.state._tag === "Closed") return resume(Effect.interrupt)
        try {
          connection = new NodeConnection(
            target,
            address,
            (opened, cause) => resume(cause === undefined ? Exit.succeed(opened) : Exit.fail(describe(cause)))
          )
        } catch (cause) {
          // A function of the program may make the socket, and may throw.
          resume(Exit.fail(describe(cause instanceof Error ? cause : new Error(String(cause)))))
        }
      })
    )
  })
