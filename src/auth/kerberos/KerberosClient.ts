/**
 * Tickets for services: the identity of the client, the exchanges with KDCs, and the cache. It is independent of LDAP;
 * kerberosProvider.ts makes contexts from the tickets.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { InvalidRequest, type KerberosFailed } from "../../model/LdapError.ts"
import type { Credential } from "./credentials/Credential.ts"
import { identify, type Identity } from "./credentials/identity.ts"
import { type CachedTicket, TicketCache, timeLeft } from "./credentials/TicketCache.ts"
import type { EncryptionType } from "./crypto/EncryptionType.ts"
import { byNames, defaultEncryptionTypes } from "./crypto/encryptionTypes.ts"
import { rc4Hmac } from "./crypto/rc4Hmac.ts"
import { authenticate } from "./kdc/asExchange.ts"
import { type KdcSettings, type KdcTransport, makeTransport } from "./kdc/kdcTransport.ts"
import { ticketFor } from "./kdc/tgsExchange.ts"
import { failed } from "./kerberosFailure.ts"
import { type KerberosOptions, listOf, millisOf } from "./KerberosOptions.ts"
import { format, type PrincipalName, sameName, ticketGranting } from "./messages/Principal.ts"
import type { KerberosSystem } from "./system/KerberosSystem.ts"

export interface KerberosClient {
  /** The allowed types of a service's session key, in order of preference. */
  readonly types: ReadonlyArray<EncryptionType>
  /** A ticket for a service, from the cache if possible. `realm` is the service's realm if it is known. */
  readonly ticket: (
    service: PrincipalName,
    realm: string | undefined
  ) => Effect.Effect<CachedTicket, KerberosFailed | InvalidRequest>
}

export const makeClient = (options: KerberosOptions, system: KerberosSystem): KerberosClient => {
  const cache = new TicketCache()
  const keyTypes = byNames(options.encryptionTypes ?? defaultEncryptionTypes)
  // rc4-hmac has its own token format (RFC 4757 section 7), which isn't implemented: it is supported only for the account's key.
  const types = keyTypes.filter((type) => type !== rc4Hmac)

  const ticket: KerberosClient["ticket"] = Effect.fnUntraced(function*(service, realm) {
    if (types.length === 0) {
      const detail =
        "at least one AES type is required, since keys of sessions are always AES; rc4-hmac is only for the account's own key"
      return yield* new InvalidRequest({ field: "encryptionTypes", detail })
    }
    const identity = yield* identify(options, system, keyTypes)
    const { forService, granting: kept }: Kept = identity._tag === "Tickets"
      ? choose(identity, service, realm, yield* Clock.currentTimeMillis)
      : {}
    if (forService !== undefined) return { credential: forService, proved: () => {} }
    const client = format(identity.client)
    const granting = `${client} krbtgt`
    const ofKdc = Effect.gen(function*() {
      const transport = yield* makeTransport(system, settingsOf(options, identity.client.realm))
      const { credential, proved } = identity._tag === "Tickets"
        ? { credential: kept ?? (yield* noGrantingTicket(identity)), proved: () => {} }
        : yield* cache.get(granting, authenticated(identity, transport, types))
      return yield* ticketFor(transport, credential, service, realm, types).pipe(
        Effect.tap(() => Effect.sync(proved)),
        Effect.tapError(({ kind }) =>
          Effect.sync(() => {
            if (kind === "serviceUnknown") proved()
            // The KDC may refuse a ticket-granting ticket that it issued earlier.
            else if (kind !== "kdcUnreachable") cache.forget(granting)
          })
        )
      )
    })
    return yield* cache.get(`${client} ${format({ ...service, realm })}`, ofKdc)
  })
  return { types, ticket }
}

const authenticated = (
  { client, source }: Extract<Identity, { readonly _tag: "Keys" }>,
  transport: KdcTransport,
  types: ReadonlyArray<EncryptionType>
): Effect.Effect<Credential, KerberosFailed | InvalidRequest> =>
  Effect.flatMap(
    source,
    (source) => Effect.ensuring(authenticate(transport, client, source, types), Effect.sync(source.wipe))
  )

/** The tickets of a credential cache file that can be used now: the service's own, or else the ticket-granting ticket. */
interface Kept {
  readonly forService?: Credential | undefined
  readonly granting?: Credential | undefined
}

/** Chooses one and overwrites the keys of all others, since a file may contain tickets for many services. */
const choose = (
  { cache, client }: Extract<Identity, { readonly _tag: "Tickets" }>,
  service: PrincipalName,
  realm: string | undefined,
  now: number
): Kept => {
  const best = (isWanted: (credential: Credential) => boolean) =>
    cache.credentials
      .filter((credential) => credential.key.type !== rc4Hmac && timeLeft(credential, now) > 0 && isWanted(credential))
      .sort((a, b) => b.endTime - a.endTime)[0]
  const own = ticketGranting(client.realm)
  const forService = best((kept) =>
    sameName(kept.service, service) && (realm ?? kept.serviceRealm) === kept.serviceRealm
  )
  const granting = forService === undefined
    ? best((kept) => sameName(kept.service, own) && kept.serviceRealm === client.realm)
    : undefined
  for (const credential of cache.credentials) {
    if (credential !== forService && credential !== granting) credential.key.wipe()
  }
  return { forService, granting }
}

const noGrantingTicket = ({ client, path }: Extract<Identity, { readonly _tag: "Tickets" }>): KerberosFailed =>
  failed(
    "noCredentials",
    `the credential cache ${path} has no ticket of ${
      format(client)
    } that lasts; run kinit, or give a password or a keytab`
  )

const settingsOf = (options: KerberosOptions, realm: string): KdcSettings => {
  const kdcs = new Map(Object.entries(options.kdcsOf ?? {}).map(([name, value]) => [name, listOf(value)]))
  if (options.kdc !== undefined) kdcs.set(realm, listOf(options.kdc))
  return {
    kdcs,
    krb5Conf: options.krb5Conf,
    attemptMillis: millisOf(options.kdcAttemptTimeout, 3000),
    timeoutMillis: millisOf(options.kdcTimeout, 15_000)
  }
}
