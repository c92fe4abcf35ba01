/**
 * Finds the KDCs of a realm and tries them one after the other: those in the program's options, those in krb5.conf, those in DNS
 * (RFC 4120 section 7.2.3). TCP comes first: tickets of Active Directory don't fit into datagrams, and an attacker who can't see
 * the connection can't forge an answer in it. UDP is used if no KDC accepts a connection.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import { type Krb5Conf, readKrb5Conf } from "../credentials/krb5Conf.ts"
import { failed } from "../kerberosFailure.ts"
import { application, decoding } from "../messages/Der.ts"
import { ErrorCode, readError } from "../messages/kdcError.ts"
import { MessageType } from "../messages/kdcReply.ts"
import type { KdcAddress, KerberosSystem } from "../system/KerberosSystem.ts"
import { readConfiguration } from "./configuration.ts"

export interface KdcSettings {
  /** KDCs by realm, from the program's options. */
  readonly kdcs: ReadonlyMap<string, ReadonlyArray<string>>
  /** Path of the configuration. `undefined`: KRB5_CONFIG or /etc/krb5.conf. `false`: none. */
  readonly krb5Conf: string | false | undefined
  /** Time limit for one KDC over one protocol, in milliseconds. */
  readonly attemptMillis: number
  /** Time limit for an exchange with all KDCs, in milliseconds. */
  readonly timeoutMillis: number
}

/** Sends messages to KDCs, for one bind. */
export interface KdcTransport {
  readonly configuration: Krb5Conf
  /** Fails with `kdcUnreachable`, which lists all attempts. */
  readonly exchange: (realm: string, message: Uint8Array) => Effect.Effect<Uint8Array, KerberosFailed>
}

export const makeTransport = Effect.fnUntraced(function*(
  system: KerberosSystem,
  settings: KdcSettings
): Effect.fn.Return<KdcTransport, KerberosFailed> {
  const configuration = readKrb5Conf(yield* readConfiguration(system, settings.krb5Conf))
  return {
    configuration,
    exchange: (realm, message) =>
      Effect.timeoutOrElse(exchange(system, settings, configuration, realm, message), {
        duration: settings.timeoutMillis,
        orElse: () =>
          Effect.fail(failed("kdcUnreachable", `no KDC of ${realm} has answered within ${settings.timeoutMillis} ms`))
      })
  }
})

const exchange = Effect.fnUntraced(function*(
  system: KerberosSystem,
  settings: KdcSettings,
  configuration: Krb5Conf,
  realm: string,
  message: Uint8Array
): Effect.fn.Return<Uint8Array, KerberosFailed> {
  const addresses = yield* locate(system, settings, configuration, realm)
  const failures: Array<string> = []
  for (const protocol of ["tcp", "udp"] as const) {
    for (const address of addresses) {
      if (address.protocol !== undefined && address.protocol !== protocol) continue
      const asked = Effect.timeoutOrElse(system.ask(address, protocol, message), {
        duration: settings.attemptMillis,
        orElse: () =>
          Effect.fail(failed(
            "kdcUnreachable",
            `${protocol} ${address.host}:${address.port}: no answer within ${settings.attemptMillis} ms`
          ))
      })
      const answer = yield* Effect.result(asked)
      if (Result.isFailure(answer)) failures.push(answer.failure.detail)
      else if (isUnavailable(answer.success)) {
        failures.push(
          `${protocol} ${address.host}:${address.port}: the KDC says to use another KDC, or TCP`
        )
      } else return answer.success
    }
  }
  return yield* failed("kdcUnreachable", `no KDC of ${realm} can be reached (${failures.join("; ")})`)
})

/** Whether the answer says to use another KDC, or TCP. */
const isUnavailable = (answer: Uint8Array): boolean => {
  if (answer[0] !== application(MessageType.error)) return false
  const error = decoding(answer, readError)
  return Result.isSuccess(error) &&
    (error.success.code === ErrorCode.serviceUnavailable || error.success.code === ErrorCode.responseTooBig)
}

/** The maximum number of KDCs. Realms have some tens at most. */
const mostAddresses = 16

const locate = Effect.fnUntraced(function*(
  system: KerberosSystem,
  settings: KdcSettings,
  configuration: Krb5Conf,
  realm: string
): Effect.fn.Return<ReadonlyArray<KdcAddress>, KerberosFailed> {
  const texts = settings.kdcs.get(realm) ?? configuration.kdcs.get(realm) ?? []
  const addresses: Array<KdcAddress> = []
  for (const text of texts) {
    const address = parseAddress(text)
    if (address === undefined)
      return yield* failed("kdcUnreachable", `${JSON.stringify(text)} is not the address of a KDC`)
    addresses.push(address)
  }
  // The realm can come from a referral and is part of a DNS query, so it must look like a domain.
  if (addresses.length === 0 && configuration.lookupKdc && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(realm)) {
    for (const protocol of ["tcp", "udp"] as const) {
      const found = yield* system.lookupService(`_kerberos._${protocol}.${realm}`)
      addresses.push(...found.map((address) => ({ ...address, protocol })))
    }
  }
  return addresses.length > 0 ? addresses.slice(0, mostAddresses) : yield* failed(
    "kdcUnreachable",
    `no KDC of the realm ${realm} is known: set the option kdc, add it to krb5.conf, or publish _kerberos._tcp.${realm} in DNS`
  )
})

/** `host`, `host:port`, `[::1]:port`, optionally with `tcp/` or `udp/` before it. */
export const parseAddress = (text: string): KdcAddress | undefined => {
  const parts =
    /^(?:(tcp|udp)\/)?(?:\[([0-9a-f:.%]+)\]|([^\s:[\]/]+)|([0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*))(?::(\d{1,5}))?$/i.exec(
      text.trim()
    )
  const host = parts?.[2] ?? parts?.[3] ?? parts?.[4]
  const port = Number(parts?.[5] ?? 88)
  if (parts === null || host === undefined || port < 1 || port > 65_535) return undefined
  const protocol = parts[1]?.toLowerCase()
  return { host, port, ...(protocol === "tcp" || protocol === "udp" ? { protocol } : {}) }
}
