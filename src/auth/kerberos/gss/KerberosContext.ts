/**
 * A Kerberos context (RFC 4121 section 4.1), the initiator's end. It sends the ticket with a proof. The answer proves that the
 * service could decrypt the ticket. From then on messages are protected by a key that only the two know.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomInt } from "node:crypto"
import type { Credential } from "../credentials/Credential.ts"
import { type EncryptionType, KeyUsage, randomKey } from "../crypto/EncryptionType.ts"
import { describeType } from "../crypto/encryptionTypes.ts"
import type { GssFailure, GssProtection } from "../GssContext.ts"
import { microsOf } from "../kdc/exchange.ts"
import { ApOption, encodeApRequest, readApReply, readApReplyPart } from "../messages/application.ts"
import { decoding } from "../messages/Der.ts"
import { ErrorCode, readError } from "../messages/kdcError.ts"
import type { Micros } from "../messages/kdcRequest.ts"
import { format } from "../messages/Principal.ts"
import { bindingsHash } from "./channelBindings.ts"
import { framed, TokenKind, unframed } from "./mechanismToken.ts"
import { MessageProtection } from "./MessageProtection.ts"
import { fail, type SigningContext, signingContext } from "./signingContext.ts"

/** Flags of a context (RFC 2743 section 1.2.1), as RFC 4121 section 4.1.1.1 numbers them. */
const Flag = { mutual: 2, replay: 4, sequence: 8, confidentiality: 16, integrity: 32 } as const

/**
 * Integrity works without its flag, but a server with SPNEGO takes the flags for the requested protection of the session's
 * messages.
 */
const flagsFor = (protection: GssProtection): number =>
  Flag.mutual | Flag.replay | Flag.sequence |
  (protection === "none" ? 0 : Flag.integrity) |
  (protection === "confidentiality" ? Flag.confidentiality : 0)

/**
 * The checksum field of the authenticator, which has no checksum but the flags of the context and its channel binding (section
 * 4.1.1).
 */
const checksumType = 0x8003

const checksum = (protection: GssProtection, bindings: Uint8Array | undefined): Buffer => {
  const bytes = Buffer.alloc(24)
  bytes.writeUInt32LE(16)
  bindingsHash(bindings).copy(bytes, 4)
  bytes.writeUInt32LE(flagsFor(protection), 20)
  return bytes
}

export interface KerberosContextOptions {
  readonly credential: Credential
  readonly protection: GssProtection
  readonly channelBindings: Uint8Array | undefined
  /** The allowed types of the service's subkey. */
  readonly types: ReadonlyArray<EncryptionType>
  /** Called when the server has proved that it can decrypt the ticket. */
  readonly onProved: () => void
}

export const kerberosContext = (
  { channelBindings, credential, onProved, protection, types }: KerberosContextOptions
): SigningContext => {
  const subkey = randomKey(credential.key.type)
  // Half of the range, so that it stays within 32 bits, since some servers count in 32 bits.
  const sequence = randomInt(0, 0x4000_0000)

  const ask = Effect.map(Clock.currentTimeMillis, (now) => {
    const time = microsOf(now + credential.offset)
    const request = encodeApRequest(
      credential.ticket,
      credential.key,
      KeyUsage.apRequestAuthenticator,
      ApOption.mutualRequired,
      {
        client: credential.client,
        time,
        checksum: { type: checksumType, bytes: checksum(protection, channelBindings) },
        subkey,
        sequence
      }
    )
    return { token: framed(TokenKind.apRequest, request), asked: time }
  })

  const believe = Effect.fnUntraced(function*(
    token: Uint8Array,
    asked: Micros
  ): Effect.fn.Return<{ readonly messages: MessageProtection }, GssFailure> {
    const frame = unframed(token)
    if (Result.isFailure(frame)) return yield* fail(`the server's token is malformed: ${frame.failure}`)
    const { kind, message } = frame.success
    if (kind === TokenKind.error) return yield* fail(refusal(message, credential))
    if (kind !== TokenKind.apReply) return yield* fail("the server's token has an unexpected type")
    const reply = decoding(message, readApReply)
    if (Result.isFailure(reply)) return yield* fail(`the server's token is malformed: ${reply.failure}`)
    const plaintext = reply.success.type === credential.key.type.id
      ? credential.key.decrypt(KeyUsage.apReply, reply.success.cipher)
      : undefined
    if (plaintext === undefined) return yield* fail("the server could not prove that the ticket was for it")
    const part = decoding(plaintext, readApReplyPart)
    plaintext.fill(0)
    if (Result.isFailure(part)) return yield* fail(`the server's token is malformed: ${part.failure}`)
    const { sequence: theirs = 0, subkey: theirKey, time } = part.success
    if (time.millis !== asked.millis || time.microseconds !== asked.microseconds) {
      return yield* fail("the server's proof belongs to another request")
    }
    if (theirKey !== undefined && !types.includes(theirKey.type)) {
      return yield* fail(`the type of the server's key, ${describeType(theirKey.type.id)}, is not allowed`)
    }
    if (theirKey !== undefined) subkey.wipe()
    onProved()
    return { messages: new MessageProtection(theirKey ?? subkey, theirKey !== undefined, sequence, theirs) }
  })

  return signingContext({ protection, ask, believe }).context
}

/** Explains an error that a service sends instead of its proof. The error isn't authenticated. */
const refusal = (message: Uint8Array, { service, serviceRealm }: Credential): string => {
  const error = decoding(message, readError)
  if (Result.isFailure(error)) return "the server refuses the ticket"
  const { code, text } = error.success
  const name = format({ ...service, realm: serviceRealm })
  const why = code === ErrorCode.clockSkew
    ? "its clock and this machine's differ too much"
    : code === ErrorCode.modified || code === ErrorCode.badIntegrity || code === ErrorCode.notUs
    ? `its key differs from the KDC's key for ${name}: its keytab is old, or the name belongs to another server`
    : code === ErrorCode.repeat
    ? "it treats the request as a replay"
    : "it gives no known reason"
  return `the server refuses the ticket for ${name}: ${why} (error ${code}${text === undefined ? "" : `: ${text}`})`
}
