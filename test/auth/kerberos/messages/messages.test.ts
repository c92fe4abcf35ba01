/**
 * Messages against the reference encodings of MIT's sources (tests/asn.1/reference_encode.out, in mitEncodings.json), and against what
 * DER doesn't allow.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { aes256Sha1 } from "../../../../src/auth/kerberos/crypto/aesSha1.ts"
import { KeyUsage } from "../../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { encodeApRequest, readApReply, readApReplyPart } from "../../../../src/auth/kerberos/messages/application.ts"
import { decoding, type DerReader, encoding } from "../../../../src/auth/kerberos/messages/Der.ts"
import { readEncrypted, readTicket } from "../../../../src/auth/kerberos/messages/encrypted.ts"
import { readError, typeInfoOf } from "../../../../src/auth/kerberos/messages/kdcError.ts"
import { readPreauthentications, readReply, readReplyPart } from "../../../../src/auth/kerberos/messages/kdcReply.ts"
import { encodeAsRequest, encodeBody, encodeTgsRequest } from "../../../../src/auth/kerberos/messages/kdcRequest.ts"

const goldens = JSON.parse(readFileSync(new URL("mitEncodings.json", import.meta.url), "utf8")) as Record<
  string,
  string
>

const golden = (name: string): Buffer => Buffer.from(goldens[name]!, "hex")

const decoded = <A>(name: string, read: (reader: DerReader) => A): A => Result.getOrThrow(decoding(golden(name), read))

/** The values of MIT's ktest.c. */
const name = { type: 1, components: ["hftsai", "extra"] }
const realm = "ATHENA.MIT.EDU"
const time = Date.UTC(1994, 5, 10, 6, 3, 17)
const body = { options: 0xfedcba90, realm, service: name, till: time, nonce: 42, encryptionTypes: [0, 1] }
const cipher = Buffer.from("krbASN.1 test message")

describe("what is sent, as MIT writes it", () => {
  it("AS-REQ", () => {
    assert.strictEqual(encodeAsRequest(body, []).toString("hex"), goldens["as_req"])
  })

  it("the body of a request, and TGS-REQ with the proof over it", () => {
    assert.strictEqual(encodeBody(body).toString("hex"), goldens["kdc_req_body"])
    const proved: Array<string> = []
    const request = encodeTgsRequest(body, (bytes) => {
      proved.push(Buffer.from(bytes).toString("hex"))
      return Buffer.from("pa-data")
    })
    assert.deepStrictEqual(proved, [goldens["kdc_req_body"]])
    // MIT's example has no proof, and a list of two without one elsewhere. The parts are the same.
    const element = goldens["padata_sequence"]!.slice(4, 40).replace("a10302010d", "a103020101")
    const whole = `30${(0x67 + 0x16).toString(16)}a103020105a20302010ca3143012${element}a45b${goldens["kdc_req_body"]}`
    assert.strictEqual(request.toString("hex"), `6c${(0x69 + 0x16).toString(16)}${whole}`)
    assert.strictEqual(goldens["tgs_req"], `6c693067a103020105a20302010ca45b${goldens["kdc_req_body"]}`)
  })

  it("AP-REQ: MIT's ticket in it, and what only the key opens", () => {
    const ticket = decoded("ticket", readTicket)
    const key = aes256Sha1.key(Buffer.alloc(32, 1))
    const request = encodeApRequest(ticket, key, KeyUsage.apRequestAuthenticator, 0xfedcba98, {
      client: { ...name, realm },
      time: { millis: time, microseconds: 123_456 },
      checksum: { type: 1, bytes: Buffer.from("1234") },
      sequence: 17
    })
    // The same as MIT's up to the encrypted part.
    const theirs = goldens["ap_req"]!
    const from = theirs.indexOf("a003020105")
    const to = theirs.indexOf("a4253023")
    assert.include(request.toString("hex"), theirs.slice(from, to))
    const encrypted = Result.getOrThrow(
      decoding(request, (reader) => {
        const content = reader.enter(0x6e).sequence()
        for (let i = 0; i < 4; i++) content.raw()
        return content.required(4, readEncrypted)
      })
    )
    const plaintext = key.decrypt(KeyUsage.apRequestAuthenticator, encrypted.cipher)!.toString("hex")
    // MIT's example also has a key and authorization data.
    const authenticator = goldens["authenticator"]!
    assert.include(
      plaintext,
      authenticator.slice(authenticator.indexOf("a003020105"), authenticator.indexOf("a613"))
    )
    assert.isTrue(plaintext.endsWith("a703020111"))
  })

  it("numbers of 32 bits as integers with a sign that is not there", () => {
    const bytes = (value: number) => encoding((writer) => writer.uint32(value)).toString("hex")
    assert.deepStrictEqual([0, 127, 128, 0x7fffffff, 0x80000000, 0xffffffff].map(bytes), [
      "020100",
      "02017f",
      "02020080",
      "02047fffffff",
      "02050080000000",
      "020500ffffffff"
    ])
  })
})

describe("what is received, as MIT writes it", () => {
  it("AS-REP and TGS-REP", () => {
    const whole = decoded("as_rep", (reader) => readReply(reader, 11))
    assert.deepStrictEqual(whole.client, name)
    assert.strictEqual(whole.clientRealm, realm)
    assert.deepStrictEqual(whole.preauthentication.map(({ type, value }) => [type, Buffer.from(value).toString()]), [
      [13, "pa-data"],
      [13, "pa-data"]
    ])
    assert.deepStrictEqual([whole.ticket.realm, whole.ticket.service, whole.ticket.encryptionType], [realm, name, 0])
    assert.strictEqual(Buffer.from(whole.ticket.encoded).toString("hex"), goldens["ticket"])
    assert.deepStrictEqual([whole.encrypted.type, whole.encrypted.version], [0, 5])
    assert.deepStrictEqual(Buffer.from(whole.encrypted.cipher), cipher)
    const bare = decoded("as_rep without options", (reader) => readReply(reader, 11))
    assert.deepStrictEqual(bare.preauthentication, [])
    assert.deepStrictEqual(decoded("tgs_rep", (reader) => readReply(reader, 13)).client, name)
    assert.isTrue(Result.isFailure(decoding(golden("tgs_rep"), (reader) => readReply(reader, 11))))
  })

  it("KRB-ERROR, with and without what may be left out", () => {
    const error = decoded("error", readError)
    assert.strictEqual(error.code, 60)
    assert.strictEqual(error.serverTime, time + 123.456)
    assert.strictEqual(error.text, "krb5data")
    assert.strictEqual(Buffer.from(error.data!).toString(), "krb5data")
    assert.strictEqual(error.clientRealm, realm)
    const bare = decoded("error without options", readError)
    assert.deepStrictEqual([bare.code, bare.text, bare.data, bare.clientRealm], [60, undefined, undefined, undefined])
  })

  it("ETYPE-INFO2 and lists of preauthentication", () => {
    const infos = Result.getOrThrow(typeInfoOf([{ type: 19, value: golden("etype_info2") }]))
    assert.deepStrictEqual(
      infos.map(({ parameters, salt, type }) => [
        type,
        salt === undefined ? undefined : Buffer.from(salt).toString(),
        Buffer.from(parameters!).toString()
      ]),
      [
        [0, "Morton's #0", "s2k: 0"],
        [1, undefined, "s2k: 1"],
        [2, "Morton's #2", "s2k: 2"]
      ]
    )
    assert.strictEqual(decoded("padata_sequence", readPreauthentications).length, 2)
    assert.deepStrictEqual(decoded("padata_sequence empty", readPreauthentications), [])
  })

  it("versions of keys, with a sign or without", () => {
    assert.strictEqual(decoded("enc_data", readEncrypted).version, 5)
    assert.strictEqual(decoded("enc_data, kvno with the highest bit", readEncrypted).version, 0xff000000)
    assert.strictEqual(decoded("enc_data, kvno of -1", readEncrypted).version, 0xffffffff)
  })

  it("AP-REP", () => {
    assert.deepStrictEqual(Buffer.from(decoded("ap_rep", readApReply).cipher), cipher)
    const bare = decoded("ap_rep_enc_part without options", readApReplyPart)
    assert.deepStrictEqual(bare, {
      time: { millis: time, microseconds: 123_456 },
      subkey: undefined,
      sequence: undefined
    })
  })

  it("keys of DES are refused by name", () => {
    for (
      const [message, read] of [["enc_kdc_rep_part", readReplyPart], ["ap_rep_enc_part", readApReplyPart]] as const
    ) {
      assert.match(
        Result.getOrThrow(Result.flip(decoding(golden(message), read as (reader: DerReader) => unknown))),
        /a key of the unsupported type des-cbc-crc/
      )
    }
  })
})

describe("what DER doesn't allow", () => {
  const failure = (hex: string, read: (reader: DerReader) => unknown): string =>
    Result.getOrThrow(Result.flip(decoding(Buffer.from(hex, "hex"), read)))

  it.each([
    ["a length of two bytes for one", "04810161", (reader: DerReader) => reader.octets(), /more bytes than it needs/],
    ["a length with zeros", "0482000161", (reader: DerReader) => reader.octets(), /more bytes than it needs/],
    ["an indefinite length", "3080020100000000", (reader: DerReader) => reader.sequence(), /indefinite length/],
    ["a length of five bytes", "048500000000016100", (reader: DerReader) => reader.octets(), /./],
    ["a length past the end", "0484ffffffff61", (reader: DerReader) => reader.octets(), /passes the end/],
    ["an integer with a zero too many", "02020001", (reader: DerReader) => reader.int32(), /integer with more bytes/],
    ["an integer with ones too many", "0202ff80", (reader: DerReader) => reader.int32(), /integer with more bytes/],
    ["an integer of no bytes", "0200", (reader: DerReader) => reader.int32(), /integer of 0 bytes/],
    ["an integer of 33 bits", "02050100000000", (reader: DerReader) => reader.int32(), /out of its range/],
    ["an integer of 64 bits", "02087fffffffffffffff", (reader: DerReader) => reader.uint32(), /integer of 8 bytes/],
    ["something behind the message", "02010100", (reader: DerReader) => reader.int32(), /unexpected bytes/],
    ["text that is not UTF-8", "1b01ff", (reader: DerReader) => reader.text(), /not UTF-8/],
    ["text with a control character", "1b020a41", (reader: DerReader) => reader.text(), /control characters/],
    [
      "a time with fractions",
      "181131393934303631303036303331372e315a",
      (reader: DerReader) => reader.time(),
      /not a KerberosTime/
    ],
    [
      "the 31st of February",
      "180f31393934303233313036303331375a",
      (reader: DerReader) => reader.time(),
      /not a KerberosTime/
    ],
    ["flags of one byte", "03020080", (reader: DerReader) => reader.flags(), /32 bits/]
  ])("%s", (_, bytes, read, expected) => {
    assert.match(failure(bytes, read), expected)
  })

  it("more elements than a list may have", () => {
    const many = encoding((writer) =>
      writer.sequence((list) => {
        for (let i = 0; i < 65; i++) list.sequence(() => {})
      })
    )
    assert.match(failure(many.toString("hex"), readPreauthentications), /expected element|more than 64/)
    assert.match(
      failure(many.toString("hex"), (reader) => reader.list(64, (item) => item.raw())),
      /more than 64 elements/
    )
  })

  it("a message that was cut anywhere is never read, and fails without an exception", () => {
    const all = [
      ["as_rep", (reader: DerReader) => readReply(reader, 11)],
      ["error", readError],
      ["ap_rep", readApReply],
      ["ap_rep_enc_part without options", readApReplyPart],
      ["etype_info2", (reader: DerReader) => reader.list(64, (item) => item.raw())]
    ] as const
    for (const [message, read] of all) {
      const whole = golden(message)
      for (let length = 0; length < whole.length; length++) {
        assert.isTrue(Result.isFailure(decoding(whole.subarray(0, length), read as (reader: DerReader) => unknown)))
      }
    }
  })

  it("nesting as deep as the message is long ends where the form ends", () => {
    const deep = Buffer.concat([Buffer.from("3084000fffff", "hex"), Buffer.alloc(0x0fffff, 0x30)])
    assert.isTrue(Result.isFailure(decoding(deep, (reader) => readReply(reader, 11))))
  })
})
