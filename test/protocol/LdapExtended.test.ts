/** Extended operations: bytes of the RFCs and of real servers, and what must be refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapCodec from "../../src/protocol/LdapCodec.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import { plain } from "./arbitraries.ts"

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"))
const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("hex")

const answer = <A>(operation: LdapExtended.ExtendedOperation<never, A>, hex: string | undefined, oid?: string): A =>
  Result.getOrThrow(operation.decode(hex === undefined ? undefined : octets(hex), oid))

const refusal = <A>(result: Result.Result<A, LdapExtended.ExtendedError>): LdapExtended.ExtendedError => {
  if (Result.isSuccess(result)) assert.fail(`it was accepted: ${JSON.stringify(plain(result.success))}`)
  assert.instanceOf(result.failure, LdapExtended.ExtendedError)
  return result.failure
}

const { cancel, endTransaction, fastBind, passwordModify, startTls, startTransaction, ttlRefresh, whoAmI } =
  LdapExtended

describe("names", () => {
  it("are those of the specifications", () => {
    const operations = {
      startTls,
      whoAmI,
      fastBind,
      passwordModify,
      cancel,
      startTransaction,
      endTransaction,
      ttlRefresh
    }
    assert.deepStrictEqual(Object.fromEntries(Object.entries(operations).map(([name, { oid }]) => [name, oid])), {
      startTls: "1.3.6.1.4.1.1466.20037",
      whoAmI: "1.3.6.1.4.1.4203.1.11.3",
      fastBind: "1.2.840.113556.1.4.1781",
      passwordModify: "1.3.6.1.4.1.4203.1.11.1",
      cancel: "1.3.6.1.1.8",
      startTransaction: "1.3.6.1.1.21.1",
      endTransaction: "1.3.6.1.1.21.3",
      ttlRefresh: "1.3.6.1.4.1.1466.101.119.1"
    })
    assert.strictEqual(LdapExtended.noticeOfDisconnection.oid, "1.3.6.1.4.1.1466.20036")
    assert.strictEqual(LdapExtended.abortedTransactionNotice.oid, "1.3.6.1.1.21.4")
  })
})

describe("whoAmI", () => {
  it("is the example of RFC 4532 section 2, both ways", () => {
    const request = LdapCodec.encode({
      messageId: 2,
      operation: { _tag: "ExtendedRequest", oid: whoAmI.oid, value: whoAmI.encode() },
      controls: []
    })
    assert.strictEqual(
      hexOf(Result.getOrThrow(request)),
      "301e02010277198017312e332e362e312e342e312e343230332e312e31312e33"
    )
    const { operation } = Result.getOrThrow(LdapCodec.decode(octets(
      "30 21 02 01 02 78 1c 0a 01 00 04 00 04 00 8b 13 75 3a 78 78 79 79 7a 40 45 58 41 4d 50 4c 45 2e 4e 45 54"
    )))
    if (operation._tag !== "ExtendedResponse") assert.fail(operation._tag)
    assert.strictEqual(
      Result.getOrThrow(whoAmI.decode(operation.value, operation.oid)),
      "u:xxyyz@EXAMPLE.NET"
    )
  })

  it("accepts the answers of slapd (bound as admin, and anonymous) and of 389 Directory Server", () => {
    assert.strictEqual(
      answer(whoAmI, "646e3a636e3d61646d696e2c64633d6578616d706c652c64633d636f6d"),
      "dn:cn=admin,dc=example,dc=com"
    )
    assert.strictEqual(answer(whoAmI, ""), "")
    assert.strictEqual(answer(whoAmI, undefined), "")
    // The space after the colon is removed.
    assert.strictEqual(answer(whoAmI, "646e3a20636e3d6469726563746f7279206d616e61676572"), "dn:cn=directory manager")
  })

  it("refuses text that is not UTF-8", () => {
    assert.strictEqual(
      refusal(whoAmI.decode(octets("753aff"))).message,
      "who am I operation (1.3.6.1.4.1.4203.1.11.3): text that is not UTF-8"
    )
  })
})

describe.each([
  ["startTls", startTls],
  ["fastBind", fastBind]
])("%s", (_, operation) => {
  it("has no value in either direction", () => {
    assert.isUndefined(operation.encode())
    assert.isUndefined(answer(operation, undefined))
    assert.isUndefined(answer(operation, ""))
    // slapd doesn't send the name of the StartTLS response; 389 Directory Server sends that of the request.
    assert.isUndefined(answer(operation, undefined, operation.oid))
    assert.strictEqual(refusal(operation.decode(octets("00"))).detail, "the answer has a value")
  })

  it("refuses the answer to another operation", () => {
    assert.strictEqual(refusal(operation.decode(undefined, whoAmI.oid)).detail, `the answer is named ${whoAmI.oid}`)
  })
})

describe("passwordModify (RFC 3062)", () => {
  it.each<readonly [string, LdapExtended.PasswordModifyRequest, string | undefined]>([
    ["one's own, generated", {}, undefined],
    ["a user's, generated", { userIdentity: "uid=a" }, "3007 8005 7569643d61"],
    [
      "all fields",
      { userIdentity: "u", oldPassword: Redacted.make("old"), newPassword: Redacted.make(octets("00ff")) },
      "300c 8001 75 8103 6f6c64 8202 00ff"
    ],
    ["an empty one", { newPassword: Redacted.make("") }, "3002 8200"],
    ["text beyond ASCII", { newPassword: Redacted.make("é") }, "3004 8202 c3a9"]
  ])("asks for %s", (_, request, hex) => {
    assert.strictEqual(hexOf(passwordModify.encode(request)), hex?.replaceAll(" ", ""))
  })

  it("keeps the generated password of slapd and of 389 Directory Server hidden", () => {
    for (
      const [hex, password] of [
        ["300a80087a775039394e4243", "zwP99NBC"],
        ["30840000000a8008686230725158375a", "hb0rQX7Z"]
      ] as const
    ) {
      const { generatedPassword } = answer(passwordModify, hex)
      assert.strictEqual(generatedPassword && Redacted.value(generatedPassword), password)
      assert.notInclude(inspect(generatedPassword, { depth: null, showHidden: true }), password)
      assert.notInclude(JSON.stringify({ generatedPassword }), password)
    }
  })

  it("has none if none was generated", () => {
    for (const hex of [undefined, "", "3000"]) {
      assert.deepStrictEqual(answer(passwordModify, hex), { generatedPassword: undefined })
    }
  })

  it("doesn't reveal a password that can't be decoded", () => {
    const error = refusal(passwordModify.decode(octets("3007 8005 73656372ff")))
    assert.strictEqual(error.detail, "text that is not UTF-8")
    assert.notInclude(inspect(error, { depth: null }), "secr")
    assert.include(refusal(passwordModify.decode(octets("3002 8001"))).detail, "passes the end")
    assert.include(refusal(passwordModify.decode(octets("30008000"))).detail, "unexpected bytes")
    assert.include(refusal(passwordModify.decode(octets("3003 040161"))).detail, "unexpected bytes")
  })
})

describe("cancel (RFC 3909)", () => {
  it("names the message", () => {
    assert.strictEqual(hexOf(cancel.encode({ messageId: 1 })), "3003020101")
    assert.strictEqual(hexOf(cancel.encode({ messageId: 2147483647 })), "300602047fffffff")
    assert.isUndefined(answer(cancel, undefined))
  })

  it.each([0, -1, 2 ** 31, 1.5])("has no message %d to cancel", (messageId) => {
    assert.throws(() => cancel.encode({ messageId }), LdapExtended.ExtendedError, /^cancel operation .*message id/)
  })
})

describe("transactions (RFC 5805)", () => {
  it("start with an identifier, which slapd leaves empty", () => {
    assert.isUndefined(startTransaction.encode())
    assert.strictEqual(hexOf(answer(startTransaction, "0102")), "0102")
    assert.strictEqual(hexOf(answer(startTransaction, "")), "")
  })

  it("end with a commit, which is the default, or without", () => {
    assert.strictEqual(hexOf(endTransaction.encode({ identifier: octets("") })), "30020400")
    assert.strictEqual(hexOf(endTransaction.encode({ identifier: octets("74"), commit: true })), "3003040174")
    assert.strictEqual(hexOf(endTransaction.encode({ identifier: octets("74"), commit: false })), "3006010100040174")
  })

  it("tell the update that failed: slapd's answer to one of an entry that isn't there", () => {
    assert.deepStrictEqual(answer(endTransaction, "3003020119"), { failedMessageId: 25, updateControls: [] })
    for (const hex of [undefined, "", "3000"]) {
      assert.deepStrictEqual(answer(endTransaction, hex), { failedMessageId: undefined, updateControls: [] })
    }
  })

  it("bring the controls of each update", () => {
    const { failedMessageId, updateControls } = answer(
      endTransaction,
      "301d 301b 3019 020107 3014 3005 0403 312e32 300b 0403 312e33 0101ff 0401 61"
    )
    assert.isUndefined(failedMessageId)
    assert.deepStrictEqual(plain(updateControls), [{
      messageId: 7,
      controls: plain([
        LdapControl.make("1.2"),
        LdapControl.make("1.3", { critical: true, value: octets("61") })
      ])
    }])
  })

  it.each([
    ["a negative message id", "30030201ff", "is less than 0"],
    ["controls without a message id", "3006 3004 3002 3000", "expected element 0x02"],
    ["a control without an object identifier", "300b 3009 3007 020101 3002 3000", "expected element 0x04"],
    ["bytes behind the value", "300000", "unexpected bytes"],
    ["another value", "0400", "expected element 0x30"]
  ])("are not read of %s", (_, hex, detail) => {
    assert.include(refusal(endTransaction.decode(octets(hex))).detail, detail)
  })

  it("are aborted by a notice that has the identifier", () => {
    const { decode, name } = LdapExtended.abortedTransactionNotice
    assert.strictEqual(hexOf(Result.getOrThrow(decode(octets("0102")))), "0102")
    assert.strictEqual(refusal(decode(undefined)).operation, name)
  })
})

describe("ttlRefresh (RFC 2589)", () => {
  it("names the entry and the seconds", () => {
    assert.strictEqual(hexOf(ttlRefresh.encode({ dn: "cn=a", seconds: 600 })), "300a8004636e3d6181020258")
    assert.strictEqual(hexOf(ttlRefresh.encode({ dn: "", seconds: 31557600 })), "30088000810401e187e0")
  })

  it("takes slapd's answer to 600 seconds, which it names", () => {
    assert.strictEqual(answer(ttlRefresh, "300481020258", "1.3.6.1.4.1.1466.101.119.1"), 600)
  })

  it.each([0, -1, 31557601, 0.5, Number.NaN])("can't ask for %d seconds", (seconds) => {
    assert.throws(() => ttlRefresh.encode({ dn: "cn=a", seconds }), LdapExtended.ExtendedError)
  })

  it.each([undefined, "", "3000", "3003 020101", "3003 8101ff"])("refuses %s", (hex) => {
    refusal(ttlRefresh.decode(hex === undefined ? undefined : octets(hex)))
  })
})

describe("noticeOfDisconnection", () => {
  it("is recognised with any value", () => {
    for (const value of [undefined, octets(""), octets("00")]) {
      assert.isTrue(Result.isSuccess(LdapExtended.noticeOfDisconnection.decode(value)))
    }
  })
})

describe("define", () => {
  const echo = LdapExtended.define({
    oid: "1.2.3",
    name: "echo",
    responseOid: "1.2.4",
    encode: (text: string) => {
      if (text === "") throw new Error("there is nothing to echo")
      return Buffer.from(text)
    },
    decode: (value): Result.Result<string, string> => {
      if (value === undefined) throw new TypeError("there is nothing")
      return value.length > 5 ? Result.fail("too long") : Result.succeed(Buffer.from(value).toString())
    }
  })

  it("makes an operation whose answer may be named in three ways", () => {
    assert.strictEqual(hexOf(echo.encode("hi")), "6869")
    for (const oid of [undefined, "1.2.3", "1.2.4"]) assert.strictEqual(answer(echo, "6869", oid), "hi")
    assert.strictEqual(refusal(echo.decode(octets("6869"), "1.2")).detail, "the answer is named 1.2")
    assert.strictEqual(
      LdapExtended.define({ oid: "1.2", encode: () => undefined, decode: () => Result.void }).name,
      "1.2"
    )
  })

  it("turns every failure into an error that names the operation", () => {
    assert.strictEqual(refusal(echo.decode(undefined)).message, "echo operation (1.2.3): there is nothing")
    assert.strictEqual(refusal(echo.decode(octets("616161616161"))).detail, "too long")
    assert.throws(() => echo.encode(""), LdapExtended.ExtendedError, "echo operation (1.2.3): there is nothing to echo")
  })
})

describe("answers of any kind", () => {
  const operations = [whoAmI, passwordModify, endTransaction, ttlRefresh, startTransaction, cancel, startTls]
  const answers = [
    "300a80087a775039394e4243",
    "300481020258",
    "301d 301b 3019 020107 3014 3005 0403 312e32 300b 0403 312e33 0101ff 0401 61"
  ].map(octets)

  it("are refused wherever they are cut short", () => {
    const [password, ttl, transaction] = answers as [Uint8Array, Uint8Array, Uint8Array]
    for (let length = 1; length < password.length; length++)
      refusal(passwordModify.decode(password.subarray(0, length)))
    for (let length = 0; length < ttl.length; length++) refusal(ttlRefresh.decode(ttl.subarray(0, length)))
    for (let length = 1; length < transaction.length; length++) {
      refusal(endTransaction.decode(transaction.subarray(0, length)))
    }
  })

  it.prop("never make decode throw", [
    Arbitrary.schema(Schema.Uint8Array),
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))
  ], ([value, where]) => {
    for (const operation of operations) {
      operation.decode(value)
      for (const answer of answers) {
        const changed = Uint8Array.from(answer)
        changed[(where >> 8) % changed.length] = where & 0xff
        operation.decode(changed)
      }
    }
  }, { arbitrary: { runs: 500 } })

  it.prop("a password of any text comes back", [Arbitrary.schema(Schema.String)], ([text]) => {
    const password = text.toWellFormed()
    // The request's new password has the form of the response's, with another tag.
    const request = passwordModify.encode({ userIdentity: password })!
    const { generatedPassword } = Result.getOrThrow(passwordModify.decode(request))
    assert.strictEqual(generatedPassword && Redacted.value(generatedPassword), password)
  })
})
