/**
 * The AS exchange (RFC 4120 section 3.1): requests a ticket-granting ticket with a long-term key. The client proves that it knows
 * the key by the encrypted time. The KDC proves it by the reply, which only that key decrypts.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import type { Credential } from "../credentials/Credential.ts"
import type { ClientKey, KeySource } from "../credentials/KeySource.ts"
import { type EncryptionType, KeyUsage } from "../crypto/EncryptionType.ts"
import { describeType } from "../crypto/encryptionTypes.ts"
import { rc4Hmac } from "../crypto/rc4Hmac.ts"
import { type Asked, clientRefused, failed } from "../kerberosFailure.ts"
import { application, decoding } from "../messages/Der.ts"
import { ErrorCode, type KdcError, methodsOf, readError, typeInfoOf } from "../messages/kdcError.ts"
import { MessageType, readReply } from "../messages/kdcReply.ts"
import {
  encodeAsRequest,
  encryptedTimestamp,
  KdcOption,
  type KdcRequestBody,
  Preauthentication
} from "../messages/kdcRequest.ts"
import { format, NameType, type Principal, sameName, ticketGranting } from "../messages/Principal.ts"
import { isFollowed, lifetime, microsOf, newNonce, readPart, untrusted } from "./exchange.ts"
import type { KdcTransport } from "./kdcTransport.ts"

/** The maximum number of referrals of a client, and of messages to each realm. */
const mostReferrals = 5
const mostMessages = 6

/** `types` are the allowed types of the session key, in order of preference. */
export const authenticate = Effect.fnUntraced(function*(
  transport: KdcTransport,
  client: Principal,
  source: KeySource,
  types: ReadonlyArray<EncryptionType>
): Effect.fn.Return<Credential, KerberosFailed> {
  if (source.types.length === 0) {
    return yield* failed(
      "noCredentials",
      `no key of ${format(client)} has an allowed encryption type`
    )
  }
  let realm = client.realm
  for (let referrals = 0; referrals <= mostReferrals; referrals++) {
    const outcome = yield* authenticateIn({ transport, client: { ...client, realm }, source, types })
    if (typeof outcome !== "string") return outcome
    realm = outcome
  }
  return yield* untrusted(`${format(client)} is referred to more than ${mostReferrals} realms`)
})

interface Conversation {
  readonly transport: KdcTransport
  readonly client: Principal
  readonly source: KeySource
  readonly types: ReadonlyArray<EncryptionType>
}

/** The ticket, or the realm to which the client is referred (RFC 6806 section 7). */
const authenticateIn = Effect.fnUntraced(function*(
  conversation: Conversation
): Effect.fn.Return<Credential | string, KerberosFailed> {
  const { client, transport } = conversation
  let proof: ClientKey | undefined
  const exchange = Effect.gen(function*() {
    let offset = 0
    for (let sent = 0; sent < mostMessages; sent++) {
      const now = yield* Clock.currentTimeMillis
      const body = bodyFor(conversation, proof, now + offset)
      const data = proof === undefined ? [] : [encryptedTimestamp(proof.key, proof.version, microsOf(now + offset))]
      const answer = yield* transport.exchange(client.realm, encodeAsRequest(body, data))
      if (answer[0] !== application(MessageType.error)) return yield* accept(conversation, body, answer, offset, proof)
      const error = decoding(answer, readError)
      if (Result.isFailure(error)) return yield* untrusted(error.failure)
      const { code, clientRealm, serverTime } = error.success
      if (code === ErrorCode.preauthenticationRequired && proof === undefined) {
        proof = yield* chooseKey(conversation, error.success)
      } else if (code === ErrorCode.clockSkew && offset === 0 && isFollowed(serverTime, now)) {
        offset = serverTime - now
      } else if (code === ErrorCode.wrongRealm && client.type === NameType.enterprise && clientRealm !== undefined) {
        return clientRealm
      } else return yield* clientRefused(error.success, asked(conversation, now))
    }
    return yield* untrusted("it repeats the same request for a proof")
  })
  return yield* Effect.ensuring(exchange, Effect.sync(() => proof?.wipe()))
})

const asked = ({ client, source }: Conversation, now: number): Asked => ({
  name: format(client),
  realm: client.realm,
  has: source.has,
  now
})

/**
 * A KDC uses the best of these types both for the session key and for the choice among the account's own keys. If an account has
 * only an rc4-hmac key, an AES type must be listed too, or the session key would be rc4-hmac as well.
 */
const typesFor = ({ source, types }: Conversation, proof: ClientKey | undefined): ReadonlyArray<EncryptionType> => {
  const own = proof === undefined || proof.key.type === rc4Hmac
    ? source.types
    : source.types.filter((type) => type !== rc4Hmac)
  return own.every((type) => type === rc4Hmac) ? [...types, ...own] : own
}

const bodyFor = (conversation: Conversation, proof: ClientKey | undefined, now: number): KdcRequestBody => {
  const { client } = conversation
  return {
    options: client.type === NameType.enterprise ? KdcOption.canonicalize : 0,
    client,
    realm: client.realm,
    service: ticketGranting(client.realm),
    till: now + lifetime,
    nonce: newNonce(),
    encryptionTypes: typesFor(conversation, proof).map(({ id }) => id)
  }
}

/** The best key that the KDC offers and this side may use. The KDC's offer isn't authenticated, so its order is ignored. */
const chooseKey = Effect.fnUntraced(function*(
  { client, source }: Conversation,
  error: KdcError
): Effect.fn.Return<ClientKey, KerberosFailed> {
  const methods = methodsOf(error)
  if (Result.isFailure(methods)) return yield* untrusted(methods.failure)
  const infos = typeInfoOf(methods.success)
  if (Result.isFailure(infos)) return yield* untrusted(infos.failure)
  const type = source.types.find(({ id }) => infos.success.some(({ type }) => type === id))
  const info = infos.success.find((info) => info.type === type?.id)
  if (info === undefined || type === undefined) {
    const offered = infos.success.map(({ type }) => describeType(type)).join(", ") || "none"
    const allowed = source.types.map(({ name }) => name).join(", ")
    return yield* failed(
      "encryptionType",
      `the KDC of ${client.realm} offers ${offered} for ${format(client)}, but this side allows only ${allowed}`
    )
  }
  if (!methods.success.some(({ type }) => type === Preauthentication.timestamp)) {
    return yield* failed(
      "refused",
      `the KDC of ${client.realm} requires a proof of ${format(client)} other than its password`
    )
  }
  return yield* source.keyFor(type, info)
})

const accept = Effect.fnUntraced(function*(
  { client, source, types }: Conversation,
  body: KdcRequestBody,
  answer: Uint8Array,
  offset: number,
  proved: ClientKey | undefined
): Effect.fn.Return<Credential, KerberosFailed> {
  const reply = decoding(answer, (reader) => readReply(reader, MessageType.asReply))
  if (Result.isFailure(reply)) return yield* untrusted(reply.failure)
  const { client: name, clientRealm, encrypted, preauthentication, ticket } = reply.success
  const type = source.types.find(({ id }) => id === encrypted.type)
  if (type === undefined)
    return yield* untrusted(`its encryption type, ${describeType(encrypted.type)}, is not allowed`)
  const isCanonical = body.options === KdcOption.canonicalize
  if (!isCanonical && clientRealm !== client.realm && clientRealm.toLowerCase() === client.realm.toLowerCase()) {
    return yield* failed(
      "clientUnknown",
      `the realm of ${format(client)} must be written ${clientRealm}: realms are case-sensitive`
    )
  }
  if (!isCanonical && (clientRealm !== client.realm || !sameName(name, client)))
    return yield* untrusted("it is for another client")
  // If a KDC requires no proof, its reply says how to derive the key from the password.
  const infos = typeInfoOf(preauthentication)
  if (Result.isFailure(infos)) return yield* untrusted(infos.failure)
  const info = infos.success.find((info) => info.type === type.id) ??
    { type: type.id, salt: undefined, parameters: undefined }
  const own = proved?.key.type === type ? proved : yield* source.keyFor(type, info, encrypted.version)
  const plaintext = own.key.decrypt(KeyUsage.asReply, encrypted.cipher)
  if (own !== proved) own.wipe()
  if (plaintext === undefined) {
    return yield* proved === undefined
      ? failed(
        "wrongPassword",
        `the ${source.has === "keytab" ? "keytab's key" : "password"} of ${
          format(client)
        } doesn't decrypt the KDC's reply`
      )
      : untrusted("the KDC that made it doesn't know the client's key")
  }
  const part = yield* readPart(plaintext, { body, ticket, types, offset })
  if (part.serviceRealm !== client.realm || !sameName(part.service, ticketGranting(client.realm))) {
    return yield* untrusted("the ticket is not for the ticket-granting service")
  }
  return { ...part, client: { ...name, realm: clientRealm } }
})
