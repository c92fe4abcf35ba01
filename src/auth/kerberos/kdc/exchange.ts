/** The common parts of both exchanges with a KDC: the request, and the checks of the reply. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomInt } from "node:crypto"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import type { Credential } from "../credentials/Credential.ts"
import type { EncryptionType } from "../crypto/EncryptionType.ts"
import { failed } from "../kerberosFailure.ts"
import { decoding } from "../messages/Der.ts"
import type { Ticket } from "../messages/encrypted.ts"
import { readReplyPart, type ReplyPart } from "../messages/kdcReply.ts"
import type { KdcRequestBody, Micros } from "../messages/kdcRequest.ts"
import { sameName } from "../messages/Principal.ts"

/**
 * The maximum correction for the KDC's clock, in milliseconds. The error with the KDC's time isn't authenticated. An attacker could
 * request a proof for a later day and keep it until then.
 */
const mostSkew = 24 * 3600 * 1000

export const isFollowed = (serverTime: number, now: number): boolean => Math.abs(serverTime - now) <= mostSkew

/** The requested lifetime of a ticket, in milliseconds. The KDC may grant less. */
export const lifetime = 24 * 3600 * 1000

/** A time in the form of messages. Two authenticators never have the same time. */
export const microsOf = (millis: number): Micros => ({
  millis: Math.floor(millis / 1000) * 1000,
  microseconds: (Math.floor(millis) % 1000) * 1000 + randomInt(1000)
})

export const newNonce = (): number => randomInt(1, 0x7fff_ffff)

export const untrusted = (what: string): KerberosFailed =>
  failed("untrustedReply", `the KDC's reply can't be trusted: ${what}`)

export interface Expected {
  readonly body: KdcRequestBody
  /** The clear-text fields of the reply. */
  readonly ticket: Ticket
  /** The allowed types of the session key. */
  readonly types: ReadonlyArray<EncryptionType>
  /** How far the KDC's clock is ahead of this machine's, in milliseconds. */
  readonly offset: number
}

/** The ticket in the decrypted part of a reply, if it answers this request. */
export const readPart = Effect.fnUntraced(function*(
  plaintext: Uint8Array,
  expected: Expected
): Effect.fn.Return<Omit<Credential, "client">, KerberosFailed> {
  const decoded = decoding(plaintext, readReplyPart)
  plaintext.fill(0)
  if (Result.isFailure(decoded)) return yield* untrusted(decoded.failure)
  const part = decoded.success
  const wrong = failureOf(part, expected, yield* Clock.currentTimeMillis)
  if (wrong !== undefined) {
    part.key.wipe()
    return yield* wrong
  }
  return {
    service: part.service,
    serviceRealm: part.serviceRealm,
    ticket: expected.ticket,
    key: part.key,
    startTime: part.startTime ?? part.authTime,
    endTime: part.endTime,
    offset: expected.offset
  }
})

const failureOf = (
  part: ReplyPart,
  { body, offset, ticket, types }: Expected,
  now: number
): KerberosFailed | undefined => {
  if (part.nonce !== body.nonce) return untrusted("it answers another request")
  if (!types.includes(part.key.type)) {
    return failed("encryptionType", `the type of the KDC's session key, ${part.key.type.name}, is not allowed`)
  }
  // The clear-text fields must match the encrypted ones.
  if (!sameName(ticket.service, part.service) || ticket.realm !== part.serviceRealm) {
    return untrusted("the encrypted part names another service than the ticket")
  }
  // A KDC that requires no proof doesn't compare the clocks, so a difference is noticed only here.
  return part.endTime > now + offset ? undefined : failed(
    "clockSkew",
    "the ticket from the KDC has already expired by this machine's clock. Set the clock, or run NTP"
  )
}
