/** Files, names and sockets of Node for Kerberos. Only this file and datagrams.ts do input and output. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { SrvRecord } from "node:dns"
import { lookup, resolveSrv } from "node:dns/promises"
import { readdir, readFile } from "node:fs/promises"
import { connect, isIPv6 } from "node:net"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import { messageOf } from "../../../model/messageOf.ts"
import { failed } from "../kerberosFailure.ts"
import { askByDatagrams, causeOf, connectedDatagrams } from "./datagrams.ts"
import type { KdcAddress, KerberosSystem } from "./KerberosSystem.ts"

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** Larger than any answer: tickets with many groups have some tens of kilobytes. */
const mostBytes = 1024 * 1024

const unreachable = ({ host, port }: KdcAddress, protocol: string, why: string): KerberosFailed =>
  failed("kdcUnreachable", `${protocol} ${isIPv6(host) ? `[${host}]` : host}:${port}: ${why}`)

/** Each message has its length in four bytes before it (RFC 4120 section 7.2.2). */
const askTcp = (address: KdcAddress, message: Uint8Array): Effect.Effect<Uint8Array, KerberosFailed> =>
  Effect.callback((resume) => {
    const socket = connect({ host: address.host, port: address.port })
    const end = (outcome: Effect.Effect<Uint8Array, KerberosFailed>) => {
      socket.destroy()
      resume(outcome)
    }
    const fail = (why: string) => end(Effect.fail(unreachable(address, "tcp", why)))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(message.length)
    socket.write(Buffer.concat([length, message]))
    const received: Array<Buffer> = []
    let size = 0
    let expected: number | undefined
    socket.on("data", (chunk) => {
      received.push(chunk)
      size += chunk.length
      if (size < 4) return
      expected ??= Buffer.concat(received).readUInt32BE() + 4
      if (expected > mostBytes) fail(`an answer of ${expected} bytes, which is more than ${mostBytes}`)
      else if (size > expected) fail("more bytes than the answer's length says")
      else if (size === expected) end(Effect.succeed(Buffer.concat(received).subarray(4)))
    })
    socket.on("error", (error) => fail(error.message))
    socket.on("close", () => fail("the KDC closed the connection without an answer"))
    return Effect.sync(() => socket.destroy())
  })

/** The first bytes of AS-REP, TGS-REP and KRB-ERROR. */
const answers = new Set<number | undefined>([0x6b, 0x6d, 0x7e])

/**
 * A datagram socket has one address family, so the name is resolved first. IPv4 is preferred, since datagrams use only one address.
 */
const resolved = (
  address: KdcAddress
): Effect.Effect<{ readonly address: string; readonly family: number }, KerberosFailed> =>
  Effect.tryPromise({
    try: () => lookup(address.host, { order: "ipv4first" }),
    catch: (cause) => unreachable(address, "udp", messageOf(cause))
  })

const askUdp = (address: KdcAddress, message: Uint8Array): Effect.Effect<Uint8Array, KerberosFailed> =>
  Effect.flatMap(resolved(address), (found) => askDatagrams(address, found, message))

/**
 * Sent again each second until an answer arrives, since datagrams can get lost. A datagram that isn't a KDC's answer is ignored.
 */
const askDatagrams = (
  address: KdcAddress,
  found: { readonly address: string },
  message: Uint8Array
): Effect.Effect<Uint8Array, KerberosFailed> =>
  Effect.flatMap(connectedDatagrams(found.address, address.port), (socket) =>
    askByDatagrams(socket, message, {
      accept: ({ payload }) => (answers.has(payload[0]) ? payload : undefined),
      resend: Schedule.spaced("1 second")
    })).pipe(
      Effect.mapError((error) => unreachable(address, "udp", messageOf(causeOf(error))))
    )

/** Addresses of services, in the order in which to try them. */
export const addressesOf = (records: ReadonlyArray<SrvRecord>): ReadonlyArray<KdcAddress> =>
  records
    // A single dot means that the service isn't available (RFC 2782). Port 0 is invalid.
    .filter(({ name, port }) => name !== "" && name !== "." && port > 0)
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
    .map(({ name, port }): KdcAddress => ({ host: name, port }))

export const nodeSystem: KerberosSystem = {
  readFile: (path) =>
    Effect.tryPromise({ try: () => readFile(path), catch: (cause) => cause }).pipe(
      Effect.catch((cause) =>
        isMissing(cause)
          ? Effect.succeed(undefined)
          : Effect.fail(failed("noCredentials", `${path} can't be read: ${messageOf(cause)}`))
      )
    ),
  listDirectory: (path) =>
    Effect.orElseSucceed(
      Effect.map(Effect.tryPromise(() => readdir(path)), (names) => names.sort()),
      (): ReadonlyArray<string> => []
    ),
  environment: (name) => process.env[name],
  lookupService: (name) =>
    Effect.tryPromise(() => resolveSrv(name)).pipe(
      Effect.map(addressesOf),
      Effect.orElseSucceed((): ReadonlyArray<KdcAddress> => [])
    ),
  ask: (address, protocol, message) =>
    // Sockets throw for invalid port numbers.
    address.port < 1 || address.port > 65_535
      ? Effect.fail(unreachable(address, protocol, "it has an invalid port number"))
      : protocol === "tcp"
      ? askTcp(address, message)
      : askUdp(address, message)
}
