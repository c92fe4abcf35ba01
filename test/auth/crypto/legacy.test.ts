/** MD4 and RC4 against the vectors of RFC 1320 appendix A.5 and RFC 6229 section 2. */
import { assert, describe, it } from "@effect/vitest"
import { md4 } from "../../../src/auth/crypto/md4.ts"
import { Rc4, rc4 } from "../../../src/auth/crypto/Rc4.ts"

describe("MD4", () => {
  it.each([
    ["", "31d6cfe0d16ae931b73c59d7e0c089c0"],
    ["a", "bde52cb31de33e46245e05fbdbd6fb24"],
    ["abc", "a448017aaf21d8525fc10ae87aa6729d"],
    ["message digest", "d9130a8164549fe818874806e1c7014b"],
    ["abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"],
    ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4"],
    [
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
      "e33b4ddc9c38f2199c3e7b164fcc0536"
    ]
  ])("of %j", (text, expected) => {
    assert.strictEqual(md4(Buffer.from(text)).toString("hex"), expected)
  })

  // Computed by OpenSSL's legacy provider, for a length at which the padding needs a block of its own.
  it.each([
    [55, "c889c81dd86c4d2e025778944ea02881"],
    [56, "d5f9a9e9257077a5f08b0b92f348b0ad"],
    [63, "7ea3da77432d44c323671097d1348fc8"],
    [64, "52f5076fabd22680234a3fa9f9dc5732"],
    [119, "e65dd227ccef97fa1d34d70189120f76"],
    [120, "b03ddbd470b47c013e0c7ab2ddd763db"]
  ])("of %i times a", (length, expected) => {
    assert.strictEqual(md4(Buffer.alloc(length, "a")).toString("hex"), expected)
  })
})

describe("RC4", () => {
  it.each([
    ["0102030405", "b2396305f03dc027ccc3524a0a1118a8", "6982944f18fc82d589c403a47a0d0919"],
    ["0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97", "5248c4959014126a6e8a84f11d1a9e1c"]
  ])("with the key %s", (key, first, second) => {
    const stream = new Rc4(Buffer.from(key, "hex"))
    assert.strictEqual(stream.apply(Buffer.alloc(16)).toString("hex"), first)
    assert.strictEqual(stream.apply(Buffer.alloc(16)).toString("hex"), second)
  })

  it("decrypts what it encrypts", () => {
    const key = Buffer.from("Key")
    assert.strictEqual(rc4(key, Buffer.from("Plaintext")).toString("hex"), "bbf316e8d940af0ad3")
    assert.strictEqual(rc4(key, rc4(key, Buffer.from("Plaintext"))).toString(), "Plaintext")
  })
})
