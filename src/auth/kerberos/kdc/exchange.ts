/** What the two exchanges with a KDC have in common: what is asked for, and what of an answer is believed. */
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
 * How far the KDC's clock is followed, in milliseconds. The error that tells its time is not authenticated, and a proof made for another
 * day could be kept until then.
 */
const mostSkew = 24 * 3600 * 1000

export const isFollowed = (serverTime: number, now: number): boolean => Math.abs(serverTime - now) <= mostSkew

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

export interface Expected {
  readonly body: KdcRequestBody
  /** What stands in clear text beside the part. */
  readonly ticket: Ticket
  /** What the session key may be of. */
  readonly types: ReadonlyArray<EncryptionType>
  /** By how many milliseconds the KDC's clock is ahead of this machine's. */
  readonly offset: number
}

/** What the decrypted part of a reply gives, if it answers this request. */
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
    return failed("encryptionType", `the KDC gives a session key of ${part.key.type.name}, which is not allowed`)
  }
  // What is in clear text has to be what was encrypted.
  if (!sameName(ticket.service, part.service) || ticket.realm !== part.serviceRealm) {
    return untrusted("the ticket is for another service than the KDC says")
  }
  // A KDC that wants no proof doesn't compare the clocks, so this is where they are seen to differ.
  return part.endTime > now + offset ? undefined : failed(
    "clockSkew",
    "the KDC gives a ticket that has ended already by this machine's clock. Set the clock, or run NTP"
  )
}
