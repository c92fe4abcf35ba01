/**
 * The three messages of NTLM ([MS-NLMP] section 2.2.1): the client's abilities, the server's challenge, the client's answer. All
 * numbers are little-endian. Texts are UTF-16 without a terminator. Pure.
 */
import * as Result from "effect/Result"

const signature = Buffer.from("NTLMSSP\0")

/** Bits of the flags (section 2.2.2.5). */
export const NtlmFlag = {
  unicode: 0x0000_0001,
  requestTarget: 0x0000_0004,
  sign: 0x0000_0010,
  seal: 0x0000_0020,
  ntlm: 0x0000_0200,
  alwaysSign: 0x0000_8000,
  extendedSecurity: 0x0008_0000,
  targetInfo: 0x0080_0000,
  version: 0x0200_0000,
  key128: 0x2000_0000,
  keyExchange: 0x4000_0000
} as const

/** The numbers of pairs in the server information (section 2.2.2.1). */
export const AvId = { end: 0, flags: 6, timestamp: 7, targetName: 9, channelBindings: 10 } as const

export interface AvPair {
  readonly id: number
  readonly value: Buffer
}

/** The version, eight bytes of zeros; servers ignore it. */
const version = Buffer.alloc(8)

export const encodeNegotiate = (flags: number): Buffer => {
  const message = Buffer.alloc(32)
  signature.copy(message)
  message.writeUInt32LE(1, 8)
  message.writeUInt32LE(flags >>> 0, 12)
  return Buffer.concat([message, version])
}

export interface Challenge {
  readonly flags: number
  /** Eight bytes. */
  readonly challenge: Buffer
  /** Without the pair that marks the end. */
  readonly targetInfo: ReadonlyArray<AvPair>
}

/**
 * Limits of the server information. It usually has some hundred bytes and ten kinds of pairs. The client sends it back in a field
 * of at most 65,535 bytes.
 */
const mostInfoBytes = 8192
const mostPairs = 64

export const decodeChallenge = (token: Uint8Array): Result.Result<Challenge, string> => {
  const message = Buffer.from(token.buffer, token.byteOffset, token.byteLength)
  if (message.length < 48 || !message.subarray(0, 8).equals(signature) || message.readUInt32LE(8) !== 2) {
    return Result.fail("it is not an NTLM challenge")
  }
  const flags = message.readUInt32LE(20)
  const start = message.readUInt32LE(44)
  const info = message.subarray(start, start + message.readUInt16LE(40))
  if (start < 48 || info.length !== message.readUInt16LE(40))
    return Result.fail("a field exceeds the end of the message")
  if (info.length > mostInfoBytes) {
    return Result.fail(`the server information has ${info.length} bytes, more than ${mostInfoBytes}`)
  }
  const targetInfo = (flags & NtlmFlag.targetInfo) === 0 ? Result.succeed([]) : decodePairs(info)
  return Result.map(targetInfo, (targetInfo) => ({
    flags,
    challenge: Buffer.from(message.subarray(24, 32)),
    targetInfo
  }))
}

const decodePairs = (bytes: Buffer): Result.Result<ReadonlyArray<AvPair>, string> => {
  const pairs: Array<AvPair> = []
  for (let at = 0; at + 4 <= bytes.length;) {
    const id = bytes.readUInt16LE(at)
    const length = bytes.readUInt16LE(at + 2)
    if (id === AvId.end)
      return length === 0
        ? Result.succeed(pairs)
        : Result.fail("a list of pairs has a malformed end")
    const value = bytes.subarray(at + 4, at + 4 + length)
    if (value.length !== length) break
    if (pairs.length === mostPairs) return Result.fail(`a list of more than ${mostPairs} pairs`)
    if (pairs.some((pair) => pair.id === id)) return Result.fail("a list of pairs has a duplicate")
    pairs.push({ id, value: Buffer.from(value) })
    at += 4 + length
  }
  return Result.fail("a list of pairs has no end")
}

export const encodePairs = (pairs: ReadonlyArray<AvPair>): Buffer =>
  Buffer.concat([...pairs, { id: AvId.end, value: Buffer.alloc(0) }].map(({ id, value }) => {
    const head = Buffer.alloc(4)
    head.writeUInt16LE(id, 0)
    head.writeUInt16LE(value.length, 2)
    return Buffer.concat([head, value])
  }))

export interface Authenticate {
  readonly flags: number
  readonly domain: string
  readonly user: string
  readonly response: Uint8Array
  readonly encryptedSessionKey: Uint8Array
}

/** The position of the signature over all three messages. It is zero until the signature is computed. */
export const micOffset = 72
const headBytes = 88

export const encodeAuthenticate = (message: Authenticate): Buffer => {
  const head = Buffer.alloc(headBytes)
  signature.copy(head)
  head.writeUInt32LE(3, 8)
  const payload: Array<Uint8Array> = []
  let offset = headBytes
  // There is no LAN Manager response: it is zeros, as the server's timestamp requires (section 3.1.5.1.2).
  const fields = [
    Buffer.alloc(24),
    message.response,
    Buffer.from(message.domain, "utf16le"),
    Buffer.from(message.user, "utf16le"),
    Buffer.alloc(0),
    message.encryptedSessionKey
  ]
  for (const [i, value] of fields.entries()) {
    head.writeUInt16LE(value.length, 12 + i * 8)
    head.writeUInt16LE(value.length, 14 + i * 8)
    head.writeUInt32LE(offset, 16 + i * 8)
    payload.push(value)
    offset += value.length
  }
  head.writeUInt32LE(message.flags >>> 0, 60)
  version.copy(head, 64)
  return Buffer.concat([head, ...payload])
}
