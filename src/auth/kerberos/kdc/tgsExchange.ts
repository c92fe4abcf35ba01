/**
 * The TGS exchange (RFC 4120 section 3.3): requests a ticket for a service with a ticket-granting ticket. If the KDC doesn't know
 * the service, it can return a ticket-granting ticket for another realm instead (a referral, RFC 6806 section 8). Referrals are
 * followed up to a limit, and never twice to the same realm.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import type { Credential } from "../credentials/Credential.ts"
import { realmOfHost } from "../credentials/krb5Conf.ts"
import { type EncryptionType, KeyUsage } from "../crypto/EncryptionType.ts"
import { type Asked, failed, serviceRefused } from "../kerberosFailure.ts"
import { encodeApRequest } from "../messages/application.ts"
import { application, decoding } from "../messages/Der.ts"
import { ErrorCode, readError } from "../messages/kdcError.ts"
import { MessageType, readReply } from "../messages/kdcReply.ts"
import { encodeTgsRequest, KdcOption, type KdcRequestBody } from "../messages/kdcRequest.ts"
import { format, grantsFor, type PrincipalName, sameName, ticketGranting } from "../messages/Principal.ts"
import { isFollowed, lifetime, microsOf, newNonce, readPart, untrusted } from "./exchange.ts"
import type { KdcTransport } from "./kdcTransport.ts"

/** The maximum number of realms on the path to a service. */
const mostHops = 10

/** A ticket for `service`, which is the name of a host. `realm` is the service's realm if it is known. */
export const ticketFor = Effect.fnUntraced(function*(
  transport: KdcTransport,
  granting: Credential,
  service: PrincipalName,
  realm: string | undefined,
  types: ReadonlyArray<EncryptionType>
): Effect.fn.Return<Credential, KerberosFailed> {
  const [, host = ""] = service.components
  const wanted = realm ?? realmOfHost(transport.configuration, host)
  let current = granting
  const visited = new Set([realmOf(current)])
  for (let hops = 0; hops <= mostHops; hops++) {
    const here = realmOf(current)
    // If the realm is known, its ticket-granting ticket is requested first.
    const asksFor = wanted === undefined || wanted === here ? service : ticketGranting(wanted)
    const found = yield* ask(transport, current, asksFor, service, types)
    const next = grantsFor(found.service)
    if (next === undefined) {
      if (asksFor !== service)
        return yield* untrusted("it contains a ticket for a service that was not requested")
      return found
    }
    if (visited.has(next))
      return yield* untrusted(`the referrals between realms form a circle (${[...visited, next].join(", ")})`)
    visited.add(next)
    current = found
  }
  return yield* untrusted(`the path to ${format(service)} has more than ${mostHops} realms`)
})

/** The realm whose KDC accepts this ticket-granting ticket. */
const realmOf = ({ service, serviceRealm }: Credential): string => grantsFor(service) ?? serviceRealm

const ask = Effect.fnUntraced(function*(
  transport: KdcTransport,
  granting: Credential,
  service: PrincipalName,
  goal: PrincipalName,
  types: ReadonlyArray<EncryptionType>
): Effect.fn.Return<Credential, KerberosFailed> {
  const realm = realmOf(granting)
  let { offset } = granting
  for (let isAgain = false;; isAgain = true) {
    const now = yield* Clock.currentTimeMillis
    const body: KdcRequestBody = {
      options: KdcOption.canonicalize,
      realm,
      service,
      till: now + offset + lifetime,
      nonce: newNonce(),
      encryptionTypes: types.map(({ id }) => id)
    }
    const answer = yield* transport.exchange(
      realm,
      encodeTgsRequest(body, (encoded) => proof(granting, encoded, now + offset))
    )
    if (answer[0] !== application(MessageType.error)) return yield* accept(granting, body, answer, types, offset)
    const error = decoding(answer, readError)
    if (Result.isFailure(error)) return yield* untrusted(error.failure)
    const { code, serverTime } = error.success
    if (code === ErrorCode.clockSkew && !isAgain && isFollowed(serverTime, now)) {
      offset = serverTime - now
      continue
    }
    const asked: Asked = { name: format({ ...goal, realm }), realm, has: "ticket", now }
    return yield* serviceRefused(error.success, asked)
  }
})

/** The AP-REQ of the ticket-granting ticket, with a checksum of the request's body. */
const proof = ({ client, key, ticket }: Credential, body: Uint8Array, now: number): Uint8Array =>
  encodeApRequest(ticket, key, KeyUsage.tgsRequestAuthenticator, 0, {
    client,
    time: microsOf(now),
    checksum: { type: key.type.checksumId, bytes: key.checksum(KeyUsage.tgsRequestChecksum, body) }
  })

const accept = Effect.fnUntraced(function*(
  granting: Credential,
  body: KdcRequestBody,
  answer: Uint8Array,
  types: ReadonlyArray<EncryptionType>,
  offset: number
): Effect.fn.Return<Credential, KerberosFailed> {
  const reply = decoding(answer, (reader) => readReply(reader, MessageType.tgsReply))
  if (Result.isFailure(reply)) return yield* untrusted(reply.failure)
  const { client, clientRealm, encrypted, ticket } = reply.success
  if (encrypted.type !== granting.key.type.id)
    return yield* untrusted("it is not encrypted with the ticket's session key")
  if (clientRealm !== granting.client.realm || !sameName(client, granting.client))
    return yield* untrusted("it is for another client")
  const plaintext = granting.key.decrypt(KeyUsage.tgsReply, encrypted.cipher)
  if (plaintext === undefined) return yield* untrusted("the KDC that made it doesn't know the session key")
  const part = yield* readPart(plaintext, { body, ticket, types, offset })
  if (part.serviceRealm !== body.realm)
    return yield* failed("untrustedReply", "the ticket is not of the KDC's realm")
  return { ...part, client: granting.client }
})
