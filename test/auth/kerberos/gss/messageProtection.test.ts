/**
 * Wrapped messages and signatures of an acceptor that is implemented here from RFC 4121. tokens.test.ts uses MIT's library instead.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { aes128Sha1, aes256Sha1 } from "../../../../src/auth/kerberos/crypto/aesSha1.ts"
import { aes128Sha2, aes256Sha2 } from "../../../../src/auth/kerberos/crypto/aesSha2.ts"
import { type KerberosKey, randomKey } from "../../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { MessageProtection } from "../../../../src/auth/kerberos/gss/MessageProtection.ts"

/** The acceptor's end: 22 and 23 are its purposes, 5 its flags with a subkey. */
const acceptor = (key: KerberosKey, first = 100) => {
  let next = first
  const header = (token: string, flags: number, rest: string): Buffer => {
    const sequence = Buffer.alloc(8)
    sequence.writeBigUInt64BE(BigInt(next++))
    return Buffer.concat([Buffer.from(token, "hex"), Buffer.from([flags]), Buffer.from(rest, "hex"), sequence])
  }
  return {
    sealed: (text: string) => {
      const head = header("0504", 7, "ff00000000")
      return Buffer.concat([head, key.encrypt(22, Buffer.concat([Buffer.from(text), head]))])
    },
    signed: (text: string) => {
      const head = header("0504", 5, "ff00000000")
      const checksum = key.checksum(22, Buffer.concat([Buffer.from(text), head]))
      head.writeUInt16BE(checksum.length, 4)
      return Buffer.concat([head, Buffer.from(text), checksum])
    },
    mic: (text: string) => {
      const head = header("0404", 5, "ffffffffff")
      return Buffer.concat([head, key.checksum(23, Buffer.concat([Buffer.from(text), head]))])
    }
  }
}

const kinds = ["sealed", "signed"] as const

describe.each([aes256Sha1, aes128Sha1, aes256Sha2, aes128Sha2].map((type) => [type.name, type] as const))(
  "%s",
  (_, type) => {
    const key = randomKey(type)
    const both = () => ({ messages: new MessageProtection(key, true, 0, 100), server: acceptor(key) })
    const textOf = (messages: MessageProtection, message: Uint8Array) =>
      Result.getOrThrow(messages.unwrap(message)).octets.toString()
    const failureOf = (messages: MessageProtection, message: Uint8Array) =>
      Result.getOrThrow(Result.flip(messages.unwrap(message)))

    it("messages of both kinds and signatures are numbered together", () => {
      const { messages, server } = both()
      for (const text of ["", "a", "0123456789abcdef", "x".repeat(1000)]) {
        assert.strictEqual(textOf(messages, server.sealed(text)), text)
        assert.isTrue(Result.isSuccess(messages.verifyMic(Buffer.from(text), server.mic(text))))
        assert.strictEqual(textOf(messages, server.signed(text)), text)
      }
    })

    it.each(kinds)("repeated, left out or overtaken: %s", (kind) => {
      for (
        const [order, message] of [
          [[0, 0], "a message was received twice"],
          [[0, 2], "a message is missing"],
          [[1], "a message is missing"]
        ] as const
      ) {
        const { messages, server } = both()
        const all = ["one", "two", "three"].map((text) => server[kind](text))
        for (const i of order.slice(0, -1)) textOf(messages, all[i]!)
        assert.strictEqual(failureOf(messages, all[order.at(-1)!]!), message)
      }
      const { messages, server } = both()
      const mic = server.mic("x")
      assert.isTrue(Result.isSuccess(messages.verifyMic(Buffer.from("x"), mic)))
      assert.isTrue(Result.isFailure(messages.verifyMic(Buffer.from("x"), mic)))
    })

    it.each(kinds)("every bit of a message counts, and each byte of it: %s", (kind) => {
      const { length } = both().server[kind]("counted")
      for (let bit = 0; bit < length * 8; bit++) {
        const { messages, server } = both()
        const message = server[kind]("counted")
        message[bit >> 3]! ^= 1 << (bit & 7)
        assert.isTrue(Result.isFailure(messages.unwrap(message)), `bit ${bit}`)
      }
      for (let cut = 0; cut < length; cut++) {
        const { messages, server } = both()
        assert.isTrue(Result.isFailure(messages.unwrap(server[kind]("counted").subarray(0, cut))), `cut to ${cut}`)
      }
    })

    it("a rotated message is the same, by less or more than its length", () => {
      for (const kind of kinds) {
        for (const rotation of [1, 12, 28, 1000, 65_535]) {
          const { messages, server } = both()
          const message = server[kind]("rotated")
          const content = Buffer.from(message.subarray(16))
          const by = rotation % content.length
          Buffer.concat([content.subarray(content.length - by), content.subarray(0, content.length - by)]).copy(
            message,
            16
          )
          message.writeUInt16BE(rotation, 6)
          assert.strictEqual(textOf(messages, message), "rotated")
        }
      }
    })

    it("one's own message, one by another key, and one of another purpose are refused", () => {
      const { messages, server } = both()
      assert.match(failureOf(messages, messages.wrap(Buffer.from("mine"), true)), /was sent by this side/)
      assert.match(failureOf(messages, acceptor(randomKey(type)).sealed("x")), /changed in transit/)
      assert.match(failureOf(messages, server.mic("x")), /unexpected type/)
      const withoutSubkey = new MessageProtection(key, false, 0, 100)
      assert.match(failureOf(withoutSubkey, acceptor(key).sealed("x")), /with another key/)
    })

    it("filling between a sealed text and its header is left out, and can't be more than there is", () => {
      const head = Buffer.from("050407ff000300000000000000000064", "hex")
      const filled = (filling: number) => {
        head.writeUInt16BE(filling, 4)
        return Buffer.concat([head, key.encrypt(22, Buffer.concat([Buffer.from("textzzz"), head]))])
      }
      assert.strictEqual(textOf(both().messages, filled(3)), "text")
      assert.match(failureOf(both().messages, filled(8)), /changed in transit/)
    })
  }
)
