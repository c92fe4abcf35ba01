/** NTLM version 2 against the examples of [MS-NLMP] section 4.2. */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { authenticate } from "../../../src/auth/ntlm/NtlmContext.ts"
import { NtlmMessageProtection } from "../../../src/auth/ntlm/NtlmMessageProtection.ts"
import {
  AvId,
  decodeChallenge,
  encodeAuthenticate,
  encodePairs,
  NtlmFlag
} from "../../../src/auth/ntlm/ntlmMessages.ts"
import { encryptSessionKey, keysOf, ntowf, respond } from "../../../src/auth/ntlm/ntlmV2.ts"

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex")
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le")

/** Section 4.2.1. */
const sessionKey = Buffer.alloc(16, 0x55)
const challenge = hex(`
  4e544c4d53535000 02000000 0c000c00 38000000 33828ae2 0123456789abcdef 0000000000000000 24002400 44000000
  060070170000000f 530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000
`.replaceAll(/\s/g, ""))

describe("[MS-NLMP] 4.2.4", () => {
  const key = ntowf(utf16("Password"), "User", "Domain")
  const decoded = Result.getOrThrow(decodeChallenge(challenge))
  const { response, sessionBaseKey } = respond({
    key,
    serverChallenge: decoded.challenge,
    clientChallenge: Buffer.alloc(8, 0xaa),
    timestamp: Buffer.alloc(8),
    targetInfo: encodePairs(decoded.targetInfo)
  })

  it("4.2.4.3: the challenge", () => {
    assert.strictEqual(decoded.flags, 0xe28a8233)
    assert.deepStrictEqual(decoded.challenge, hex("0123456789abcdef"))
    assert.deepStrictEqual(decoded.targetInfo, [{ id: 2, value: utf16("Domain") }, { id: 1, value: utf16("Server") }])
  })

  it("4.2.4.1.1 NTOWFv2", () => {
    assert.deepStrictEqual(key, hex("0c868a403bfd7a93a3001ef22ef02e3f"))
  })

  it("4.2.4.1.2 and 4.2.4.2.2: the session base key, and the proof", () => {
    assert.deepStrictEqual(sessionBaseKey, hex("8de40ccadbc14a82f15cb0ad0de95ca3"))
    assert.deepStrictEqual(response.subarray(0, 16), hex("68cd0ab851e51c96aabc927bebef6a1c"))
  })

  it("4.2.4.2.3: the encrypted session key", () => {
    assert.deepStrictEqual(encryptSessionKey(sessionBaseKey, sessionKey), hex("c5dad2544fc9799094ce1ce90bc9d03e"))
  })

  it("4.2.4.4: keys, a signature, and what is encrypted", () => {
    const { sealing, signing } = keysOf(sessionKey, "client-to-server")
    assert.deepStrictEqual(sealing, hex("59f600973cc4960a25480a7c196e4c58"))
    assert.deepStrictEqual(signing, hex("4788dc861b4782f35d43fd98fe1a2d39"))
    const wrapped = new NtlmMessageProtection(sessionKey, true, true).wrap(utf16("Plaintext"))
    assert.deepStrictEqual(wrapped, hex("01000000 7fb38ec5c55d4976 00000000 54e50165bf1936dc996020c1811b0f06fb5f"))
  })
})

describe("the answer of this side", () => {
  const options = {
    user: "User",
    domain: "Domain",
    key: Redacted.make<Uint8Array>(ntowf(utf16("Password"), "User", "Domain")),
    targetName: "ldap/dc1.example.com",
    channelBindings: Buffer.from("tls-server-end-point:hash")
  }
  const decoded = Result.getOrThrow(decodeChallenge(challenge))

  /** A field of the message. */
  const field = (message: Buffer, i: number): Buffer => {
    const start = message.readUInt32LE(16 + i * 8)
    return message.subarray(start, start + message.readUInt16LE(12 + i * 8))
  }

  it("has no answer in the manner of LAN Manager, says that it is signed, and what it is bound to", () => {
    const { message } = authenticate(options, decoded, NtlmFlag.keyExchange, 0, (bytes) => Buffer.alloc(bytes, 0xaa))
    assert.deepStrictEqual(field(message, 0), Buffer.alloc(24))
    assert.deepStrictEqual(field(message, 2), utf16("Domain"))
    assert.deepStrictEqual(field(message, 3), utf16("User"))
    const response = field(message, 1)
    // The proof covers the pairs, so the key proves them too.
    const expected = respond({
      key: ntowf(utf16("Password"), "User", "Domain"),
      serverChallenge: hex("0123456789abcdef"),
      clientChallenge: Buffer.alloc(8, 0xaa),
      timestamp: response.subarray(24, 32),
      targetInfo: response.subarray(44, response.length - 4)
    })
    assert.deepStrictEqual(response, expected.response)
    assert.strictEqual(response.readBigUInt64LE(24), 116_444_736_000_000_000n)
    const again = Buffer.concat([challenge.subarray(0, 68), response.subarray(44, response.length - 4)])
    again.writeUInt16LE(response.length - 48, 40)
    const pairs = new Map(Result.getOrThrow(decodeChallenge(again)).targetInfo.map(({ id, value }) => [id, value]))
    assert.deepStrictEqual(pairs.get(AvId.flags), hex("02000000"))
    assert.deepStrictEqual(pairs.get(AvId.targetName), utf16("ldap/dc1.example.com"))
    assert.strictEqual(pairs.get(AvId.channelBindings)?.length, 16)
    assert.notDeepEqual(pairs.get(AvId.channelBindings), Buffer.alloc(16))
  })

  it("takes the server's time, and its pairs but for those that are this side's", () => {
    const time = hex("0102030405060708")
    const targetInfo = [
      { id: AvId.timestamp, value: time },
      { id: AvId.flags, value: hex("01000000") },
      { id: AvId.channelBindings, value: Buffer.alloc(16, 9) }
    ]
    const { message } = authenticate(options, { ...decoded, targetInfo }, 0, 0, (bytes) => Buffer.alloc(bytes))
    assert.deepStrictEqual(field(message, 1).subarray(24, 32), time)
    assert.isFalse(message.includes(Buffer.alloc(16, 9)))
    assert.isTrue(message.includes(hex("0600040003000000")))
    // Without a key exchange it contains no key.
    assert.strictEqual(field(message, 5).length, 0)
  })

  it("letters without a capital of their own stay", () => {
    const of = (user: string) => ntowf(utf16("x"), user, "").toString("hex")
    assert.strictEqual(of("straße"), of("STRAßE"))
    assert.notStrictEqual(of("straße"), of("STRASSE"))
    assert.strictEqual(of("ÿé"), of("ŸÉ"))
  })

  it("fields are where they say", () => {
    const message = encodeAuthenticate({
      flags: 0x80000001,
      domain: "D",
      user: "U",
      response: Buffer.from("response"),
      encryptedSessionKey: Buffer.from("key")
    })
    assert.strictEqual(message.readUInt32LE(60), 0x80000001)
    assert.deepStrictEqual([1, 5].map((i) => field(message, i).toString()), ["response", "key"])
  })
})
