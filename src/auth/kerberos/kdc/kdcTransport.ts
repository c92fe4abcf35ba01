/**
 * Finds the KDCs of a realm and asks one after the other: those that the program names, those of krb5.conf, those of DNS (RFC 4120
 * section 7.2.3). TCP comes first, since tickets of Active Directory don't fit into datagrams and an attacker who can't see the
 * connection can't answer in it; UDP comes where no KDC takes a connection.
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
  /** KDCs by realm, as a program names them. */
  readonly kdcs: ReadonlyMap<string, ReadonlyArray<string>>
  /** Path of the configuration; `undefined` for KRB5_CONFIG or /etc/krb5.conf, `false` for none. */
  readonly krb5Conf: string | false | undefined
  /** How long one KDC may take over one protocol, in milliseconds. */
  readonly attemptMillis: number
  /** How long an exchange may take with all KDCs, in milliseconds. */
  readonly timeoutMillis: number
}

/** The way to KDCs, for one bind. */
export interface KdcTransport {
  readonly configuration: Krb5Conf
  /** Fails with `kdcUnreachable`, which names all that was tried. */
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
          `${protocol} ${address.host}:${address.port}: the KDC says that another one, or TCP, must be asked`
        )
      } else return answer.success
    }
  }
  return yield* failed("kdcUnreachable", `no KDC of ${realm} can be reached (${failures.join("; ")})`)
})

/** Whether the answer says to ask elsewhere, or over TCP. */
const isUnavailable = (answer: Uint8Array): boolean => {
  if (answer[0] !== application(MessageType.error)) return false
  const error = decoding(answer, readError)
  return Result.isSuccess(error) &&
    (error.success.code === ErrorCode.serviceUnavailable || error.success.code === ErrorCode.responseTooBig)
}

/** No realm has more than some tens. */
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
    if (address === undefined) return yield* failed("kdcUnreachable", `${JSON.stringify(text)} is no address of a KDC`)
    addresses.push(address)
  }
  // What a referral names goes into a question to DNS, so it has to look like a domain.
  if (addresses.length === 0 && configuration.lookupKdc && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(realm)) {
    for (const protocol of ["tcp", "udp"] as const) {
      const found = yield* system.lookupService(`_kerberos._${protocol}.${realm}`)
      addresses.push(...found.map((address) => ({ ...address, protocol })))
    }
  }
  return addresses.length > 0 ? addresses.slice(0, mostAddresses) : yield* failed(
    "kdcUnreachable",
    `no KDC of the realm ${realm} is known: give the option kdc, name it in krb5.conf, or publish _kerberos._tcp.${realm} in DNS`
  )
})

/** `host`, `host:port`, `[::1]:port`, each perhaps with `tcp/` or `udp/` before it. */
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
