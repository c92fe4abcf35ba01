/**
 * CLDAP: LDAP over UDP, with one datagram for the request and one for the answer, without a connection or a bind (MS-ADTS section
 * 3.1.1.3.1.1.4 and 6.3.3). Domain controllers answer searches of their root DSE over it.
 *
 * **When to use**
 *
 * To find out quickly whether a domain controller answers, what it is, and in which site this machine is. `DomainControllers` uses it to
 * find controllers. For anything else use a session: a datagram can be forged, and must not carry secrets.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as DatagramSocket from "effect/socket/DatagramSocket"
import { randomInt } from "node:crypto"
import { isIP } from "node:net"
import { askByDatagrams, causeOf, connectedDatagrams } from "../auth/kerberos/system/datagrams.ts"
import { lookupsOf } from "../connection/node/addressLookup.ts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { given } from "../model/input/values.ts"
import {
  ConnectFailed,
  fromResult,
  InvalidRequest,
  LdapError,
  type LdapResult,
  ProtocolViolation
} from "../model/LdapError.ts"
import * as Guid from "../model/windows/Guid.ts"
import { encode } from "../protocol/LdapCodec.ts"
import type { LdapMessage } from "../protocol/LdapMessage.ts"
import { LdapParser } from "../protocol/LdapParser.ts"
import { durationProblem } from "../session/input/operationInput.ts"
import type { LdapOperations } from "../session/LdapSession.ts"
import { type NetlogonResponse, readNetlogonResponse } from "./locator/netlogonResponse.ts"

export type { LdapOperations } from "../session/LdapSession.ts"
export type { DomainControllerFlag, NetlogonResponse } from "./locator/netlogonResponse.ts"

/**
 * Opens the socket for one request. Default: a Node socket that accepts datagrams only from this address. A test provides one in memory.
 *
 * @category references
 * @since 0.2.0
 */
export const Datagrams: Context.Reference<
  (address: string, port: number) => Effect.Effect<DatagramSocket.DatagramSocket>
> = Context.Reference("effect-ldap/Cldap/Datagrams", { defaultValue: () => connectedDatagrams })

/**
 * Options of one request.
 *
 * @category models
 * @since 0.2.0
 */
export interface CldapOptions {
  /** Default 389. */
  readonly port?: number | undefined
  /** The time limit for the answer, with all repetitions. Default 3 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** When the datagram is sent again, since datagrams get lost. Default: after half a second, and then after twice as long each time. */
  readonly resend?: Schedule.Schedule<unknown> | undefined
}

/**
 * The names and the account that a ping is about. All are optional.
 *
 * @category models
 * @since 0.2.0
 */
export interface PingOptions {
  /** The DNS name of the domain. A controller of another domain doesn't answer. */
  readonly domain?: string | undefined
  /** The GUID of the domain, which still identifies it after a rename. */
  readonly domainGuid?: string | undefined
  /** The name of this machine. */
  readonly host?: string | undefined
  /** The name of an account; the answer says whether the controller has it. */
  readonly user?: string | undefined
}

const defaultResend = Schedule.exponential("500 millis")

const operation = "cldap"

/** No datagram is larger, and the answer has one entry and one result. */
const parserOptions = { maxMessageSize: 64 * 1024, maxElements: 10_000, maxValues: 50_000 }
const maxMessages = 16

const error = (
  server: string,
  reason: ConnectFailed | InvalidRequest | ProtocolViolation | ReturnType<typeof fromResult>
): LdapError => new LdapError({ reason, operation, server })

/**
 * The root DSE of a server, over UDP.
 *
 * **Details**
 *
 * Fails with `ConnectFailed`: `timeout` if no answer comes in time, `refused` if no server listens on the port, and `dns` if the host has
 * no address. Also fails with the reason of a result code that the server sends. Answers from another address, or with another message id,
 * are ignored. Interruption closes the socket.
 *
 * **Example**
 *
 * ```ts
 * import { Cldap } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const program = Effect.map(Cldap.rootDse("dc1.ad.example.org"), (entry) => entry.get("defaultNamingContext"))
 * ```
 *
 * @category questions
 * @since 0.2.0
 */
export const rootDse = (
  host: string,
  options?: CldapOptions & { readonly attributes?: ReadonlyArray<string> | undefined }
): Effect.Effect<LdapEntry, LdapError> =>
  ask(host, LdapFilter.present("objectClass"), options?.attributes ?? [], options ?? {})

/**
 * Asks a domain controller for its properties: the netlogon ping of MS-ADTS section 6.3.3, over UDP.
 *
 * **Details**
 *
 * Fails as {@link rootDse} does, and with `ProtocolViolation` for an answer that can't be decoded. If the controller is not of the domain
 * that the ping names, its answer is empty, and this fails with `ConnectFailed`.
 *
 * Interruption closes the socket.
 *
 * @category questions
 * @since 0.2.0
 */
export const ping = (
  host: string,
  options: PingOptions & CldapOptions = {}
): Effect.Effect<NetlogonResponse, LdapError> =>
  Effect.flatMap(
    pingFilter(host, options),
    (filter) => Effect.flatMap(ask(host, filter, ["Netlogon"], options), (entry) => responseOf(host, entry))
  )

/**
 * The same ping over TCP, on a session (the LDAP ping). Use it in networks that drop datagrams, or over TLS for an answer that can't be
 * forged.
 *
 * Fails with `LdapError`, as `ping` does for the answer. Interruption abandons the request in flight.
 *
 * @category questions
 * @since 0.2.0
 */
export const pingOver = (
  client: Pick<LdapOperations, "lookup"> & { readonly server: string },
  options: PingOptions = {}
): Effect.Effect<NetlogonResponse, LdapError> =>
  Effect.flatMap(
    pingFilter(client.server, options),
    (filter) =>
      Effect.flatMap(client.lookup("", { filter, attributes: ["Netlogon"] }), (entry) =>
        entry._tag === "Some" ? responseOf(client.server, entry.value) : Effect.fail(noResponse(client.server)))
  )

const noResponse = (server: string): LdapError =>
  error(
    server,
    new ConnectFailed({
      kind: "other",
      detail: "the server has no answer to a ping of this domain; it may be of another one"
    })
  )

const responseOf = (server: string, entry: LdapEntry): Effect.Effect<NetlogonResponse, LdapError> => {
  const bytes = entry.getBytes("Netlogon")
  if (bytes === undefined || bytes.length === 0) return Effect.fail(noResponse(server))
  const response = readNetlogonResponse(bytes)
  return Result.isSuccess(response)
    ? Effect.succeed(response.success)
    : Effect.fail(error(server, new ProtocolViolation({ detail: response.failure.message })))
}

/** NETLOGON_NT_VERSION_5, _5EX and _WITH_CLOSEST_SITE (MS-ADTS section 6.3.1.1): the answer in the form that is read here. */
const version = Buffer.from([0x16, 0, 0, 0])

const pingFilter = (
  server: string,
  { domain, domainGuid, host, user }: PingOptions
): Effect.Effect<LdapFilter.LdapFilter, LdapError> => {
  const guid = domainGuid === undefined ? undefined : Guid.toBytes(domainGuid)
  const wrong = guid !== undefined && Result.isFailure(guid)
    ? new InvalidRequest({ field: "domainGuid", detail: guid.failure.message })
    : Object.entries({ domain, host, user }).flatMap(([field, text]) =>
      text === undefined || (typeof text === "string" && text.isWellFormed())
        ? []
        : [new InvalidRequest({ field, detail: `${given(text)} was given where text belongs` })]
    )[0]
  if (wrong !== undefined) return Effect.fail(error(server, wrong))
  const parts: ReadonlyArray<readonly [string, string | Uint8Array | undefined]> = [
    ["DnsDomain", domain],
    ["DomainGuid", guid !== undefined && Result.isSuccess(guid) ? guid.success : undefined],
    ["Host", host],
    ["User", user],
    ["NtVer", version]
  ]
  return Effect.succeed(
    LdapFilter.and(...parts.flatMap(([name, value]) => (value === undefined ? [] : [LdapFilter.equals(name, value)])))
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// One question
// ---------------------------------------------------------------------------------------------------------------------

const ask = (
  host: string,
  filter: LdapFilter.LdapFilter,
  attributes: ReadonlyArray<string>,
  options: CldapOptions
): Effect.Effect<LdapEntry, LdapError> =>
  Effect.suspend(() => {
    const { port = 389, resend = defaultResend, timeout = "3 seconds" } = options
    const problem = typeof host !== "string" || host === ""
      ? new InvalidRequest({ field: "host", detail: `${given(host)} was given where a host belongs` })
      : !(Number.isInteger(port) && port > 0 && port < 0x1_0000)
      ? new InvalidRequest({ field: "port", detail: `${given(port)} is no port` })
      : durationProblem("timeout", timeout)
    const server = `cldap://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
    if (problem !== undefined) return Effect.fail(error(server, problem))
    // The id is random, so that the sender of a forged answer has to guess it.
    const id = randomInt(1, 2 ** 31 - 1)
    const message = encode({
      messageId: id,
      operation: {
        _tag: "SearchRequest",
        base: "",
        scope: "base",
        derefAliases: "never",
        sizeLimit: 0,
        timeLimit: 0,
        typesOnly: false,
        filter,
        attributes
      },
      controls: []
    })
    if (Result.isFailure(message)) return Effect.fail(error(server, message.failure))
    return Effect.flatMap(addressOf(host, server), (address) =>
      exchange(server, address, port, message.success, id, resend)).pipe(
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () =>
            Effect.fail(error(
              server,
              new ConnectFailed({
                kind: "timeout",
                detail: `no answer over UDP within ${Duration.format(Duration.fromInputUnsafe(timeout))}`
              })
            ))
        })
      )
  })

/** IPv4 comes before IPv6, since only one address is tried. */
const addressOf = (host: string, server: string): Effect.Effect<string, LdapError> =>
  isIP(host) !== 0 ? Effect.succeed(host) : Effect.gen(function*() {
    const found: Array<string> = []
    let failure: Error | undefined
    for (const lookup of yield* lookupsOf(host)) {
      const addresses = yield* Effect.result(lookup)
      if (Result.isSuccess(addresses)) found.push(...addresses.success)
      else failure = addresses.failure
    }
    const address = found.find((address) => isIP(address) === 4) ?? found[0]
    if (address !== undefined) return address
    const detail = `${host} has no address${failure === undefined ? "" : `: ${failure.message}`}`
    return yield* error(server, new ConnectFailed({ kind: "dns", detail, cause: failure }))
  })

const exchange = Effect.fnUntraced(function*(
  server: string,
  address: string,
  port: number,
  message: Uint8Array,
  id: number,
  resend: Schedule.Schedule<unknown>
): Effect.fn.Return<LdapEntry, LdapError> {
  const datagrams = yield* Datagrams
  const socket = yield* datagrams(address, port)
  const answer = yield* askByDatagrams(socket, message, {
    resend,
    accept: (datagram) => isFrom(datagram, address, port) ? answerIn(datagram.payload, id) : undefined
  }).pipe(
    Effect.mapError((failure) => {
      const cause = causeOf(failure)
      const isRefused = cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED"
      const detail = isRefused
        ? "nothing answers CLDAP at this port"
        : cause instanceof Error
        ? cause.message
        : "the socket failed"
      return error(server, new ConnectFailed({ kind: isRefused ? "refused" : "other", detail, cause }))
    })
  )
  if (answer.entry !== undefined) return answer.entry
  return yield* answer.result.code === 0 ? noResponse(server) : error(server, fromResult(answer.result))
})

/** Sockets in memory, and sockets of a program, may accept datagrams from any address. */
const isFrom = (datagram: DatagramSocket.Datagram, address: string, port: number): boolean =>
  datagram.address.port === port && NetAddress.formatIp(datagram.address.address) === canonicalIp(address)

const canonicalIp = (address: string): string =>
  Result.match(NetAddress.ipFromString(address.replace(/%.*$/, "")), {
    onSuccess: NetAddress.formatIp,
    onFailure: () => address
  })

interface Answer {
  readonly entry: LdapEntry | undefined
  readonly result: LdapResult
}

/** The answer to the request with this id. `undefined` for any other datagram, which is dropped. */
const answerIn = (payload: Uint8Array, id: number): Answer | undefined => {
  const messages: Array<LdapMessage> = []
  const parser = new LdapParser(parserOptions)
  const failure = parser.push(Buffer.from(payload), (message) => {
    if (messages.length < maxMessages) messages.push(message)
  })
  if (failure !== undefined || parser.pending > 0 || messages.some((message) => message.messageId !== id))
    return undefined
  let entry: LdapEntry | undefined
  for (const { operation } of messages) {
    if (operation._tag === "SearchResultEntry") entry ??= operation.entry
    else if (operation._tag === "SearchResultDone") return { entry, result: { ...operation.result, controls: [] } }
    else return undefined
  }
  return undefined
}
