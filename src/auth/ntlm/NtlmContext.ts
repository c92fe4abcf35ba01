/**
 * An NTLM version 2 context ([MS-NLMP]), the client's end. A signature over all three messages (MIC) protects them from changes. A
 * server that offers less is refused: LAN Manager, version 1 and 56-bit keys are not accepted.
 *
 * NTLM itself doesn't prove the server's identity. SPNEGO's signature of the negotiation does, since only the server, or its domain
 * controller, knows the session key. Servers make that signature if the messages of the session are protected. Otherwise TLS must
 * prove the server's identity.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { hmac } from "../crypto/hashing.ts"
import { bindingsHash } from "../kerberos/gss/channelBindings.ts"
import { fail, type SigningContext, signingContext } from "../kerberos/gss/signingContext.ts"
import type { GssFailure, GssProtection } from "../kerberos/GssContext.ts"
import { NtlmMessageProtection } from "./NtlmMessageProtection.ts"
import {
  AvId,
  type AvPair,
  type Challenge,
  decodeChallenge,
  encodeAuthenticate,
  encodeNegotiate,
  encodePairs,
  micOffset,
  NtlmFlag
} from "./ntlmMessages.ts"
import { encryptSessionKey, respond } from "./ntlmV2.ts"

export interface NtlmContextOptions {
  readonly user: string
  readonly domain: string
  /** NTLM's hash of the password (NTOWFv2). It is overwritten after the server's challenge is answered. */
  readonly key: Redacted.Redacted<Uint8Array>
  /** As in `ldap/dc1.example.com`. */
  readonly targetName: string
  readonly protection: GssProtection
  readonly channelBindings: Uint8Array | undefined
}

export interface NtlmContext extends SigningContext {
  /** SPNEGO's signatures were exchanged. */
  readonly onSigned: () => void
}

/** The flags that a server must set. */
const demanded = NtlmFlag.unicode | NtlmFlag.ntlm | NtlmFlag.extendedSecurity | NtlmFlag.targetInfo | NtlmFlag.key128

const flagsFor = (protection: GssProtection): number =>
  NtlmFlag.unicode | NtlmFlag.requestTarget | NtlmFlag.ntlm | NtlmFlag.alwaysSign | NtlmFlag.extendedSecurity |
  NtlmFlag.targetInfo | NtlmFlag.key128 | NtlmFlag.version |
  (protection === "none" ? 0 : NtlmFlag.sign | NtlmFlag.keyExchange) |
  (protection === "confidentiality" ? NtlmFlag.seal : 0)

/** The pair with the flags. It says that there is a signature over the three messages. */
const hasMic = 2

/** Since 1601, in units of 100 nanoseconds. */
const fileTime = (millis: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE((BigInt(Math.floor(millis)) + 11_644_473_600_000n) * 10_000n)
  return bytes
}

const littleEndian = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

export const ntlmContext = (options: NtlmContextOptions): NtlmContext => {
  const { protection } = options
  const wanted = flagsFor(protection)

  const ask = Effect.sync(() => {
    const negotiate = encodeNegotiate(wanted)
    return { token: negotiate, asked: negotiate }
  })

  const answer = Effect.fnUntraced(function*(
    token: Uint8Array,
    negotiate: Buffer
  ): Effect.fn.Return<{ readonly token: Uint8Array; readonly messages: NtlmMessageProtection }, GssFailure> {
    const decoded = decodeChallenge(token)
    if (Result.isFailure(decoded)) return yield* fail(`the server's token is malformed: ${decoded.failure}`)
    const challenge = decoded.success
    const isWeak =
      ((demanded | (wanted & (NtlmFlag.sign | NtlmFlag.seal | NtlmFlag.keyExchange))) & ~challenge.flags) !== 0
    if (isWeak) {
      return yield* fail(
        "the server doesn't offer what is required of NTLM: version 2, keys of 128 bits, and signatures"
      )
    }
    const now = yield* Clock.currentTimeMillis
    const { message, sessionKey } = authenticate(options, challenge, wanted & challenge.flags, now, randomBytes)
    hmac("md5", sessionKey, negotiate, token, message).copy(message, micOffset)
    const messages = new NtlmMessageProtection(
      sessionKey,
      (wanted & NtlmFlag.keyExchange) !== 0,
      // LDAP servers also encrypt if signatures were negotiated: Windows does, and Samba (LDAP_STYLE in its sources).
      protection !== "none"
    )
    sessionKey.fill(0)
    return { token: message, messages }
  })

  const { context, messages } = signingContext({
    protection,
    ask,
    // The key is used for only one answer.
    believe: (token, negotiate) =>
      Effect.ensuring(answer(token, negotiate), Effect.sync(() => Redacted.value(options.key).fill(0)))
  })
  return { ...context, onSigned: () => messages()?.restart() }
}

/** The answer, without the signature over the three messages, and the session key. */
export const authenticate = (
  { channelBindings, domain, key, targetName, user }: Omit<NtlmContextOptions, "protection">,
  { challenge, targetInfo }: Challenge,
  flags: number,
  now: number,
  random: (bytes: number) => Buffer
): { readonly message: Buffer; readonly sessionKey: Buffer } => {
  const find = (id: number) => targetInfo.find((pair) => pair.id === id)?.value
  const replaced = new Set<number>([AvId.flags, AvId.targetName, AvId.channelBindings])
  const theirFlags = find(AvId.flags)
  const pairs: ReadonlyArray<AvPair> = [
    ...targetInfo.filter(({ id }) => !replaced.has(id)),
    { id: AvId.flags, value: littleEndian((theirFlags?.length === 4 ? theirFlags.readUInt32LE() : 0) | hasMic) },
    { id: AvId.channelBindings, value: bindingsHash(channelBindings) },
    { id: AvId.targetName, value: Buffer.from(targetName, "utf16le") }
  ]
  const theirTime = find(AvId.timestamp)
  const { response, sessionBaseKey } = respond({
    key: Redacted.value(key),
    serverChallenge: challenge,
    clientChallenge: random(8),
    timestamp: theirTime?.length === 8 ? theirTime : fileTime(now),
    targetInfo: encodePairs(pairs)
  })
  const isExchanged = (flags & NtlmFlag.keyExchange) !== 0
  const sessionKey = isExchanged ? random(16) : sessionBaseKey
  const message = encodeAuthenticate({
    flags,
    domain,
    user,
    response,
    encryptedSessionKey: isExchanged ? encryptSessionKey(sessionBaseKey, sessionKey) : Buffer.alloc(0)
  })
  if (isExchanged) sessionBaseKey.fill(0)
  return { message, sessionKey }
}
