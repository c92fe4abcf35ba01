/**
 * The encryption types against the test vectors of RFC 3961, 3962, 8009 and 4757, and of MIT's sources (crypto_tests: t_decrypt.c,
 * t_derive.c, t_cksums.c, t_str2key.c).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import { AesCts } from "../../../../src/auth/kerberos/crypto/aesCts.ts"
import * as Sha1 from "../../../../src/auth/kerberos/crypto/aesSha1.ts"
import * as Sha2 from "../../../../src/auth/kerberos/crypto/aesSha2.ts"
import { constantOf, type EncryptionType } from "../../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { byId, byNames, defaultEncryptionTypes } from "../../../../src/auth/kerberos/crypto/encryptionTypes.ts"
import { nFold } from "../../../../src/auth/kerberos/crypto/nFold.ts"
import { rc4Hmac } from "../../../../src/auth/kerberos/crypto/rc4Hmac.ts"
import { below, random } from "../../../fuzz/mutate.ts"

const { aes128Sha1, aes256Sha1 } = Sha1
const { aes128Sha2, aes256Sha2 } = Sha2
const hex = (text: string): Buffer => Buffer.from(text, "hex")

describe("n-fold (RFC 3961 appendix A.1)", () => {
  it.each([
    ["012345", 8, "be072631276b1955"],
    ["password", 7, "78a07b6caf85fa"],
    ["Rough Consensus, and Running Code", 8, "bb6ed30870b7f0e0"],
    ["password", 21, "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e"],
    ["MASSACHVSETTS INSTITVTE OF TECHNOLOGY", 24, "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"],
    ["Q", 21, "518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15".replaceAll(" ", "")],
    ["ba", 21, "fb25d531 ae897449 9f52fd92 ea9857c4 ba24cf29 7e".replaceAll(" ", "")],
    ["kerberos", 8, "6b65726265726f73"],
    ["kerberos", 16, "6b65726265726f737b9b5b2b93132b93"],
    ["kerberos", 21, "8372c236344e5f1550cd0747e15d62ca7a5a3bcea4"],
    ["kerberos", 32, "6b65726265726f737b9b5b2b93132b935c9bdcdad95c9899c4cae4dee6d6cae4"]
  ])("%s to %i bytes", (text, bytes, expected) => {
    assert.strictEqual(nFold(Buffer.from(text), bytes).toString("hex"), expected)
  })
})

describe("AES with ciphertext stealing (RFC 3962 appendix B)", () => {
  const key = new AesCts(Buffer.from("chicken teriyaki"))
  const text = Buffer.from("I would like the General Gau's Chicken, please, and wonton soup.")
  it.each([
    [17, "c6353568f2bf8cb4d8a580362da7ff7f97"],
    [31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"],
    [32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"],
    [47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"],
    [48, "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8"],
    [
      64,
      "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8" +
      "4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8"
    ]
  ])("%i bytes", (length, expected) => {
    const plaintext = text.subarray(0, length)
    assert.strictEqual(key.encrypt(plaintext).toString("hex"), expected)
    assert.deepStrictEqual(key.decrypt(hex(expected)), plaintext)
  })

  it("is its own inverse for all lengths, and refuses less than a block", () => {
    for (let length = 16; length < 100; length++) {
      const plaintext = Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0xff))
      const ciphertext = key.encrypt(plaintext)
      assert.strictEqual(ciphertext.length, length)
      assert.deepStrictEqual(key.decrypt(ciphertext), plaintext)
    }
    assert.throws(() => key.encrypt(Buffer.alloc(15)), RangeError)
    assert.throws(() => key.decrypt(Buffer.alloc(15)), RangeError)
  })
})

describe("derived keys (RFC 8009 appendix A, t_derive.c)", () => {
  it.each<readonly [EncryptionType, string, 0x99 | 0xaa | 0x55, string]>([
    [aes128Sha1, "42263c6e89f4fc28b8df68ee09799f15", 0x99, "34280a382bc92769b2da2f9ef066854b"],
    [aes128Sha1, "42263c6e89f4fc28b8df68ee09799f15", 0xaa, "5b14fc4e250e14ddf9dccf1af6674f53"],
    [aes128Sha1, "42263c6e89f4fc28b8df68ee09799f15", 0x55, "4ed31063621684f09ae8d89991af3e8f"],
    [
      aes256Sha1,
      "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
      0x99,
      "bfab388bdcb238e9f9c98d6a878304f04d30c82556375ac507a7a852790f4674"
    ],
    [
      aes256Sha1,
      "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
      0xaa,
      "c7cfd9cd75fe793a586a542d87e0d1396f1134a104bb1a9190b8c90ada3ddf37"
    ],
    [
      aes256Sha1,
      "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
      0x55,
      "97151b4c76945063e2eb0529dc067d97d7bba90776d8126d91f34f3101aea8ba"
    ],
    [aes128Sha2, "3705d96080c17728a0e800eab6e0d23c", 0x99, "b31a018a48f54776f403e9a396325dc3"],
    [aes128Sha2, "3705d96080c17728a0e800eab6e0d23c", 0xaa, "9b197dd1e8c5609d6e67c3e37c62c72e"],
    [aes128Sha2, "3705d96080c17728a0e800eab6e0d23c", 0x55, "9fda0e56ab2d85e1569a688696c26a6c"],
    [
      aes256Sha2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      0x99,
      "ef5718be86cc84963d8bbb5031e9f5c4ba41f28faf69e73d"
    ],
    [
      aes256Sha2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      0xaa,
      "56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49"
    ],
    [
      aes256Sha2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      0x55,
      "69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f"
    ]
  ])("%# of each type", (type, base, kind, expected) => {
    const constant = constantOf(2, kind)
    const derived = type === aes128Sha1 || type === aes256Sha1
      ? Sha1.deriveKey(hex(base), constant)
      : Sha2.deriveKey(type === aes128Sha2 ? "sha256" : "sha384", hex(base), constant, expected.length / 2)
    assert.strictEqual(derived.toString("hex"), expected)
  })
})

describe("keys of passwords (RFC 3962 appendix B, RFC 8009 appendix A)", () => {
  const athena = Buffer.from("ATHENA.MIT.EDUraeburn")
  const odd = hex("1234567878563412")
  const equal = Buffer.from("pass phrase equals block size")
  const exceeds = Buffer.from("pass phrase exceeds block size")
  const clef = Buffer.from("EXAMPLE.COMpianist")
  const withRandom = Buffer.concat([hex("10df9dd783e5bc8acea1730e74355f61"), athena])
  it.effect.each<readonly [EncryptionType, string, Buffer, number, string]>([
    [aes128Sha1, "password", athena, 1, "42263c6e89f4fc28b8df68ee09799f15"],
    [aes256Sha1, "password", athena, 1, "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161"],
    [aes128Sha1, "password", athena, 2, "c651bf29e2300ac27fa469d693bdda13"],
    [aes256Sha1, "password", athena, 2, "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff"],
    [aes128Sha1, "password", athena, 1200, "4c01cd46d632d01e6dbe230a01ed642a"],
    [aes256Sha1, "password", athena, 1200, "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a"],
    [aes128Sha1, "password", odd, 5, "e9b23d52273747dd5c35cb55be619d8e"],
    [aes256Sha1, "password", odd, 5, "97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31"],
    [aes128Sha1, "X".repeat(64), equal, 1200, "59d1bb789a828b1aa54ef9c2883f69ed"],
    [aes256Sha1, "X".repeat(64), equal, 1200, "89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34"],
    [aes128Sha1, "X".repeat(65), exceeds, 1200, "cb8005dc5f90179a7f02104c0018751d"],
    [aes256Sha1, "X".repeat(65), exceeds, 1200, "d78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b"],
    [aes128Sha1, "\u{1d11e}", clef, 50, "f149c1f2e154a73452d43e7fe62a56e5"],
    [aes256Sha1, "\u{1d11e}", clef, 50, "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e"],
    [aes128Sha2, "password", withRandom, 32_768, "089bca48b105ea6ea77ca5d2f39dc5e7"],
    [aes256Sha2, "password", withRandom, 32_768, "45bd806dbf6a833a9cffc1c94589a222367a79bc21c413718906e9f578a78467"],
    // RFC 4757 section 2: the salt is not used.
    [rc4Hmac, "foo", athena, 0, "ac8e657f83df82beea5d43bdaf7800cc"]
  ])("vector %#", ([type, password, salt, iterations, expected]) =>
    Effect.gen(function*() {
      const key = yield* type.fromPassword(Buffer.from(password), salt, iterations)
      assert.strictEqual(Buffer.from(key.reveal()).toString("hex"), expected)
    }))
})

describe("decryption (t_decrypt.c)", () => {
  it.each<readonly [EncryptionType, number, key: string, plaintext: string, ciphertext: string]>([
    [rc4Hmac, 0, "f81fec39255f5784e850c4377c88bd85", "", "02c1eb15586144122ec717763dd348bf00434ddc6585954c"],
    [rc4Hmac, 1, "67d1300d281223867f9647ff48721273", "31", "6156e0cc04e0a0874f9fda008f498a7adbbc80b70b14dddbc0"],
    [
      rc4Hmac,
      2,
      "3e40ab6093695281b3ac1a9304224d98",
      "392062797465737373",
      "0f9ad121d99d4a09448e4f1f718c4f5cbe6096262c66f29df232a87c9f98755d55"
    ],
    [
      rc4Hmac,
      3,
      "4ba2fbf0379faed87a254d3b353d5a7e",
      "31332062797465732062797465",
      "612c57568b17a70352bae8cf26fb9459a6f3353cd35fd439db3107cbec765d326dfc04c1dd"
    ],
    [
      rc4Hmac,
      4,
      "68f263db3fce15d031c9eab02d67107a",
      "333020627974657320627974657320627974657320627974657320627974",
      "95f9047c3ad75891c2e9b04b16566dc8b6eb9ce4231afb2542ef87a7b5a0f260a99f0460508de0cecc632d07c354124e46c5d2234eb8"
    ],
    [aes128Sha1, 0, "5a5c0f0ba54f3828b2195e66ca24a289", "", "49ff8e11c173d9583a3254fbe7b1f1df36c538e8416784a1672e6676"],
    [
      aes128Sha1,
      1,
      "98450e3f3baa13f5c99beb936981b06f",
      "31",
      "f86742f537b35dc2174a4dbaa920faf9042090b065e1ebb1cad9a65394"
    ],
    [
      aes128Sha1,
      2,
      "9062430c8cda3388922e6d6a509f5b7a",
      "392062797465737373",
      "68fb9679601f45c78857b2bf820fd6e53eca8d42fd4b1d7024a09205abb7cd2ec26c355d2f"
    ],
    [
      aes128Sha1,
      3,
      "033ee6502c54fd23e27791e987983827",
      "31332062797465732062797465",
      "ec366d0327a933bf49330e650e49bc6b974637fe80bf532fe51795b4809718e6194724db948d1fd637"
    ],
    [
      aes128Sha1,
      4,
      "dceeb70b3de76562e689226c76429148",
      "333020627974657320627974657320627974657320627974657320627974",
      "c96081032d5d8eeb7e32b4089f789d0faa481dea74c0f97cbf3146ddfcf8e800156ecb532fc203e30ff600b63b350939fece510f02d7ff1e7bac"
    ],
    [
      aes256Sha1,
      0,
      "17f275f2954f2ed1f90c377ba7f4d6a369aa0136e0bf0c927ad6133c693759a9",
      "",
      "e5094c55ee7b38262e2b044280b069379a95bf95bd8376fb3281b435"
    ],
    [
      aes256Sha1,
      1,
      "b9477e1ff0329c0050e20ce6c72d2dff27e8fe541ab0954429a9cb5b4f7b1e2a",
      "31",
      "406150b97aeb76d43b36b62cc1ecdfbe6f40e95755e0beb5c27825f3a4"
    ],
    [
      aes256Sha1,
      2,
      "b1ae4cd8462aff1677053cc9279aac30b796fb81ce21474dd3ddbcfea4ec76d7",
      "392062797465737373",
      "09957aa25fcaf88f7b39e4406e633012d5fea21853f6478da7065caef41fd454a40824eec5"
    ],
    [
      aes256Sha1,
      3,
      "e5a72be9b7926c1225bafef9c1872e7ba4cdb2b17893d84abd90acdd8764d966",
      "31332062797465732062797465",
      "d8f1aafeec84587cc3e700a774e56651a6d693e174ec4473b5e6d96f80297a653fb818ad893e719f96"
    ],
    [
      aes256Sha1,
      4,
      "f1c795e9248a09338d82c3f8d5b567040b0110736845041347235b1404231398",
      "333020627974657320627974657320627974657320627974657320627974",
      "d1137a4d634cfece924dbc3bf6790648bd5cff7de0e7b99460211d0daef3d79a295c688858f3b34b9cbd6eebae81daf6b734d4d498b6714f1c1d"
    ],
    [
      aes128Sha2,
      2,
      "3705d96080c17728a0e800eab6e0d23c",
      "",
      "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718"
    ],
    [
      aes128Sha2,
      2,
      "3705d96080c17728a0e800eab6e0d23c",
      "000102030405",
      "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c"
    ],
    [
      aes128Sha2,
      2,
      "3705d96080c17728a0e800eab6e0d23c",
      "000102030405060708090a0b0c0d0e0f",
      "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3"
    ],
    [
      aes128Sha2,
      2,
      "3705d96080c17728a0e800eab6e0d23c",
      "000102030405060708090a0b0c0d0e0f1011121314",
      "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c186b39a413c2f92ca9b8334a287ffcbfc"
    ],
    [
      aes256Sha2,
      2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      "",
      "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c"
    ],
    [
      aes256Sha2,
      2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      "000102030405",
      "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2"
    ],
    [
      aes256Sha2,
      2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      "000102030405060708090a0b0c0d0e0f",
      "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f68cf51f14d798c2273f35df574d1f932e40c4ff255b36a266"
    ],
    [
      aes256Sha2,
      2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      "000102030405060708090a0b0c0d0e0f1011121314",
      "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62"
    ]
  ])("vector %#", (type, usage, key, plaintext, ciphertext) => {
    assert.strictEqual(type.key(hex(key)).decrypt(usage, hex(ciphertext))?.toString("hex"), plaintext)
  })
})

describe("encryption with a known confounder (RFC 8009 appendix A)", () => {
  const short = "000102030405"
  const block = "000102030405060708090a0b0c0d0e0f"
  const long = `${block}1011121314`
  const [key128, key256] = [
    "3705d96080c17728a0e800eab6e0d23c",
    "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52"
  ]
  it.each<readonly [EncryptionType, key: string, confounder: string, plaintext: string, ciphertext: string]>([
    [
      aes128Sha2,
      key128,
      "7e5895eaf2672435bad817f545a37148",
      "",
      "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718"
    ],
    [
      aes128Sha2,
      key128,
      "7bca285e2fd4130fb55b1a5c83bc5b24",
      short,
      "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c"
    ],
    [
      aes128Sha2,
      key128,
      "56ab21713ff62c0a1457200f6fa9948f",
      block,
      "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3"
    ],
    [
      aes128Sha2,
      key128,
      "a7a4e29a4728ce10664fb64e49ad3fac",
      long,
      "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c186b39a413c2f92ca9b8334a287ffcbfc"
    ],
    [
      aes256Sha2,
      key256,
      "f764e9fa15c276478b2c7d0c4e5f58e4",
      "",
      "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c"
    ],
    [
      aes256Sha2,
      key256,
      "b80d3251c1f6471494256ffe712d0b9a",
      short,
      "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2"
    ],
    [
      aes256Sha2,
      key256,
      "53bf8a0d105265d4e276428624ce5e63",
      block,
      "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f68cf51f14d798c2273f35df574d1f932e40c4ff255b36a266"
    ],
    [
      aes256Sha2,
      key256,
      "763e65367e864f02f55153c7e3b58af1",
      long,
      "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62"
    ]
  ])("vector %#", (type, key, confounder, plaintext, ciphertext) => {
    assert.strictEqual(type.key(hex(key)).encrypt(2, hex(plaintext), hex(confounder)).toString("hex"), ciphertext)
  })
})

describe("checksums (t_cksums.c, RFC 8009 appendix A)", () => {
  const numbers = "000102030405060708090a0b0c0d0e0f1011121314"
  it.each<readonly [EncryptionType, number, key: string, data: Buffer, checksum: string]>([
    [
      aes128Sha1,
      3,
      "9062430c8cda3388922e6d6a509f5b7a",
      Buffer.from("eight nine ten eleven twelve thirteen"),
      "01a4b088d45628f6946614e3"
    ],
    [
      aes256Sha1,
      4,
      "b1ae4cd8462aff1677053cc9279aac30b796fb81ce21474dd3ddbcfea4ec76d7",
      Buffer.from("fourteen"),
      "e08739e3279e2903ec8e3836"
    ],
    [
      rc4Hmac,
      6,
      "f7d3a155af5e238a0b7a871a96ba2ab2",
      Buffer.from("seventeen eighteen nineteen twenty"),
      "eb38cc97e2230f59da4117dc5859d7ec"
    ],
    [aes128Sha2, 2, "3705d96080c17728a0e800eab6e0d23c", hex(numbers), "d78367186643d67b411cba9139fc1dee"],
    [
      aes256Sha2,
      2,
      "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
      hex(numbers),
      "45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a"
    ]
  ])("vector %#", (type, usage, key, data, expected) => {
    const made = type.key(hex(key))
    assert.strictEqual(made.checksum(usage, data).toString("hex"), expected)
    assert.isTrue(made.verify(usage, data, hex(expected)))
    assert.isFalse(made.verify(usage + 1, data, hex(expected)))
    assert.isFalse(made.verify(usage, data, hex(expected).subarray(1)))
    assert.isFalse(made.verify(usage, data, new Uint8Array()))
  })
})

const types = [aes256Sha2, aes128Sha2, aes256Sha1, aes128Sha1, rc4Hmac]

describe.each(types.map((type) => [type.name, type] as const))("%s", (_, type) => {
  const key = type.key(Buffer.from(Array.from({ length: type.keyBytes }, (_, i) => i + 1)))

  it("gives back what it encrypts, for one purpose, unchanged, and of every length", () => {
    const numbers = random(type.id)
    for (let length = 0; length < 100; length++) {
      const plaintext = Buffer.from(Array.from({ length }, () => below(numbers, 256)))
      const ciphertext = key.encrypt(7, plaintext)
      assert.strictEqual(ciphertext.length, plaintext.length + type.overhead)
      assert.deepStrictEqual(key.decrypt(7, ciphertext), plaintext)
      assert.isUndefined(key.decrypt(6, ciphertext))
      const at = below(numbers, ciphertext.length)
      assert.isUndefined(key.decrypt(7, ciphertext.subarray(0, at)))
      ciphertext[at]! ^= 1 << below(numbers, 8)
      assert.isUndefined(key.decrypt(7, ciphertext))
    }
  })

  it("never encrypts the same twice alike", () => {
    assert.notDeepEqual(key.encrypt(1, Buffer.from("a")), key.encrypt(1, Buffer.from("a")))
  })

  it("takes only keys of its length, keeps its own copy, and wipes it", () => {
    assert.throws(() => type.key(Buffer.alloc(type.keyBytes - 1)), RangeError)
    const bytes = Buffer.alloc(type.keyBytes, 5)
    const made = type.key(bytes)
    bytes.fill(6)
    assert.deepStrictEqual(Buffer.from(made.reveal()), Buffer.alloc(type.keyBytes, 5))
    assert.notInclude(inspect(made, { depth: 9, showHidden: true }), "05 05 05")
    assert.strictEqual(JSON.stringify({ ...made, type: 0 }), `{"type":0}`)
    made.encrypt(1, Buffer.from("a"))
    made.wipe()
    assert.deepStrictEqual(Buffer.from(made.reveal()), Buffer.alloc(type.keyBytes))
  })
})

describe("the list", () => {
  it("leaves out rc4-hmac unless it is asked for, and puts the best first", () => {
    assert.notInclude(defaultEncryptionTypes, "rc4-hmac")
    assert.deepStrictEqual(byNames(["rc4-hmac", "aes128-cts-hmac-sha1-96"]).map(({ id }) => id), [17, 23])
    assert.deepStrictEqual(byNames(defaultEncryptionTypes).map(({ id }) => id), [20, 19, 18, 17])
    assert.isUndefined(byId(3))
  })
})
