/**
 * The AS exchange (RFC 4120 section 3.1): a ticket-granting ticket for a long-term key. The client proves that it knows the key by the
 * encrypted time, and the KDC proves it by the reply, which only that key decrypts.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomInt } from "node:crypto"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import type { Credential } from "../credentials/Credential.ts"
import type { ClientKey, KeySource } from "../credentials/KeySource.ts"
import { KeyUsage } from "../crypto/EncryptionType.ts"
import { describeType } from "../crypto/encryptionTypes.ts"
import { type Asked, clientRefused, failed } from "../kerberosFailure.ts"
import { application, decoding } from "../messages/Der.ts"
import { ErrorCode, type KdcError, methodsOf, readError, typeInfoOf } from "../messages/kdcError.ts"
import { MessageType, readReply, readReplyPart, type ReplyPart } from "../messages/kdcReply.ts"
import {
  encodeAsRequest,
  encryptedTimestamp,
  KdcOption,
  type KdcRequestBody,
  type Micros,
  Preauthentication
} from "../messages/kdcRequest.ts"
import { format, NameType, type Principal, sameName, ticketGranting } from "../messages/Principal.ts"
import type { KdcTransport } from "./kdcTransport.ts"

/** Realms that a client may be sent on to, and messages to each. */
const mostReferrals = 5
const mostMessages = 6

/**
 * How far the KDC's clock is followed, in milliseconds. The error that tells its time is not authenticated, and a proof made for another
 * day could be kept until then.
 */
const mostSkew = 24 * 3600 * 1000

/** How long a ticket is asked for, in milliseconds; the KDC gives less. */
export const lifetime = 24 * 3600 * 1000

/** A moment as messages have it. Those of one authenticator after the other never are the same. */
export const microsOf = (millis: number): Micros => ({
  millis: Math.floor(millis / 1000) * 1000,
  microseconds: (Math.floor(millis) % 1000) * 1000 + randomInt(1000)
})

export const newNonce = (): number => randomInt(1, 0x7fff_ffff)

export const untrusted = (what: string): KerberosFailed =>
  failed("untrustedReply", `the KDC's reply is not to be believed: ${what}`)

export const authenticate = Effect.fnUntraced(function*(
  transport: KdcTransport,
  client: Principal,
  source: KeySource
): Effect.fn.Return<Credential, KerberosFailed> {
  if (source.types.length === 0) {
    return yield* failed(
      "noCredentials",
      `there is no key of ${format(client)} with an encryption type that is allowed`
    )
  }
  let realm = client.realm
  for (let referrals = 0; referrals <= mostReferrals; referrals++) {
    const outcome = yield* authenticateIn(transport, { ...client, realm }, source)
    if (typeof outcome !== "string") return outcome
    realm = outcome
  }
  return yield* untrusted(`${format(client)} is referred to more than ${mostReferrals} realms`)
})

interface Conversation {
  readonly transport: KdcTransport
  readonly client: Principal
  readonly source: KeySource
}

/** The ticket, or the realm to which the client is referred (RFC 6806 section 7). */
const authenticateIn = Effect.fnUntraced(function*(
  transport: KdcTransport,
  client: Principal,
  source: KeySource
): Effect.fn.Return<Credential | string, KerberosFailed> {
  const conversation: Conversation = { transport, client, source }
  let proof: ClientKey | undefined
  const exchange = Effect.gen(function*() {
    let offset = 0
    for (let sent = 0; sent < mostMessages; sent++) {
      const now = yield* Clock.currentTimeMillis
      const body = bodyFor(client, source, now + offset)
      const data = proof === undefined ? [] : [encryptedTimestamp(proof.key, proof.version, microsOf(now + offset))]
      const answer = yield* transport.exchange(client.realm, encodeAsRequest(body, data))
      if (answer[0] !== application(MessageType.error)) return yield* accept(conversation, body, answer, offset, proof)
      const error = decoding(answer, readError)
      if (Result.isFailure(error)) return yield* untrusted(error.failure)
      const { code, clientRealm, serverTime } = error.success
      if (code === ErrorCode.preauthenticationRequired && proof === undefined) {
        proof = yield* chooseKey(conversation, error.success)
      } else if (code === ErrorCode.clockSkew && offset === 0 && Math.abs(serverTime - now) <= mostSkew) {
        offset = serverTime - now
      } else if (code === ErrorCode.wrongRealm && client.type === NameType.enterprise && clientRealm !== undefined) {
        return clientRealm
      } else return yield* clientRefused(error.success, asked(conversation, now))
    }
    return yield* untrusted("it goes on asking for the same")
  })
  return yield* Effect.ensuring(exchange, Effect.sync(() => proof?.wipe()))
})

const asked = ({ client, source }: Conversation, now: number): Asked => ({
  name: format(client),
  realm: client.realm,
  has: source.has,
  now
})

const bodyFor = (client: Principal, source: KeySource, now: number): KdcRequestBody => ({
  options: client.type === NameType.enterprise ? KdcOption.canonicalize : 0,
  client,
  realm: client.realm,
  service: ticketGranting(client.realm),
  till: now + lifetime,
  nonce: newNonce(),
  encryptionTypes: source.types.map(({ id }) => id)
})

/** The first key that the KDC has and this side may use. */
const chooseKey = Effect.fnUntraced(function*(
  { client, source }: Conversation,
  error: KdcError
): Effect.fn.Return<ClientKey, KerberosFailed> {
  const methods = methodsOf(error)
  if (Result.isFailure(methods)) return yield* untrusted(methods.failure)
  const infos = typeInfoOf(methods.success)
  if (Result.isFailure(infos)) return yield* untrusted(infos.failure)
  const info = infos.success.find(({ type }) => source.types.some(({ id }) => id === type))
  const type = source.types.find(({ id }) => id === info?.type)
  if (info === undefined || type === undefined) {
    const offered = infos.success.map(({ type }) => describeType(type)).join(", ") || "none"
    const allowed = source.types.map(({ name }) => name).join(", ")
    return yield* failed(
      "encryptionType",
      `the KDC of ${client.realm} offers ${offered} for ${format(client)}, and this side allows ${allowed}`
    )
  }
  if (!methods.success.some(({ type }) => type === Preauthentication.timestamp)) {
    return yield* failed(
      "refused",
      `the KDC of ${client.realm} wants another proof of ${format(client)} than its password`
    )
  }
  return yield* source.keyFor(type, info)
})

const accept = Effect.fnUntraced(function*(
  { client, source }: Conversation,
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
    return yield* untrusted(`it is encrypted by ${describeType(encrypted.type)}, which is not allowed`)
  const isCanonical = body.options === KdcOption.canonicalize
  if (!isCanonical && clientRealm !== client.realm && clientRealm.toLowerCase() === client.realm.toLowerCase()) {
    return yield* failed("clientUnknown", `the realm of ${format(client)} is written ${clientRealm}: case matters`)
  }
  if (!isCanonical && (clientRealm !== client.realm || !sameName(name, client)))
    return yield* untrusted("it is for another client")
  // A KDC that wants no proof tells here how the key is made of the password.
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
      : untrusted("it was made by a KDC that doesn't know the client's key")
  }
  const part = yield* readPart(plaintext, body)
  if (part.serviceRealm !== client.realm || !sameName(part.service, ticketGranting(client.realm))) {
    return yield* untrusted("the ticket is for another service than the one that gives tickets")
  }
  return {
    client: { ...name, realm: clientRealm },
    service: part.service,
    serviceRealm: part.serviceRealm,
    ticket,
    key: part.key,
    startTime: part.startTime ?? part.authTime,
    endTime: part.endTime,
    offset
  }
})

/** The decrypted part of a reply, if it answers this request. */
export const readPart = Effect.fnUntraced(function*(
  plaintext: Uint8Array,
  { encryptionTypes, nonce }: KdcRequestBody
): Effect.fn.Return<ReplyPart, KerberosFailed> {
  const part = decoding(plaintext, readReplyPart)
  plaintext.fill(0)
  if (Result.isFailure(part)) return yield* untrusted(part.failure)
  if (part.success.nonce !== nonce) return yield* untrusted("it answers another request")
  if (!encryptionTypes.includes(part.success.key.type.id)) {
    return yield* failed(
      "encryptionType",
      `the KDC gives a session key of ${part.success.key.type.name}, which is not allowed`
    )
  }
  return part.success
})
