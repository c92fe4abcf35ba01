import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { LdapControl } from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import { InvalidRequest, ProtocolViolation } from "../../src/model/LdapError.ts"
import { decode, encode } from "../../src/protocol/LdapCodec.ts"
import { type LdapMessage, maxInt, OperationTag, type ProtocolOperation } from "../../src/protocol/LdapMessage.ts"
import { anyMessage, messageOf, operations, plain } from "./arbitraries.ts"
import { goldens } from "./goldens/servers.ts"

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")
const text = (value: string): Buffer => Buffer.from(value)

/** An element in hex. It has its own encoder, since BerWriter is under test. */
const el = (tag: string, ...content: ReadonlyArray<string>): string => {
  const body = content.join("")
  const length = body.length / 2
  return tag + (length < 0x80 ? "" : "81") + length.toString(16).padStart(2, "0") + body
}
const str = (value: string, tag = "04"): string => el(tag, text(value).toString("hex"))
const set = (...values: ReadonlyArray<string>): string => el("31", ...values)
const seq = (...content: ReadonlyArray<string>): string => el("30", ...content)
/** A message around an operation. */
const env = (messageId: string, operation: string, ...controls: ReadonlyArray<string>): string =>
  seq(el("02", messageId), operation, ...(controls.length === 0 ? [] : [el("a0", ...controls)]))

const decoded = (hex: string): LdapMessage => Result.getOrThrow(decode(octets(hex)))

const refused = (hex: string): string => {
  const result = decode(octets(hex))
  if (Result.isSuccess(result)) return assert.fail(`was taken for ${JSON.stringify(plain(result.success))}`)
  assert.instanceOf(result.failure, ProtocolViolation)
  return result.failure.detail
}

const hexOf = (message: LdapMessage): string => Buffer.from(Result.getOrThrow(encode(message))).toString("hex")

const message = (
  messageId: number,
  operation: ProtocolOperation,
  controls: ReadonlyArray<LdapControl> = []
): LdapMessage => ({ messageId, operation, controls })

const ok = { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }

const bind = { _tag: "BindRequest", version: 3, name: "" } as const

const search = {
  _tag: "SearchRequest",
  base: "",
  scope: "base",
  derefAliases: "never",
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: LdapFilter.present("objectClass"),
  attributes: []
} as const

/** The content of a plain response: success, no matched DN, no text. */
const success = "0a010004000400"

// ---------------------------------------------------------------------------------------------------------------------
// Bytes written by hand from RFC 4511
// ---------------------------------------------------------------------------------------------------------------------

const examples: ReadonlyArray<readonly [string, string, LdapMessage]> = [
  [
    "an anonymous bind",
    "30 0c 02 01 01 60 07 02 01 03 04 00 80 00",
    message(1, { ...bind, authentication: { _tag: "Simple", password: Buffer.alloc(0) } })
  ],
  [
    "a simple bind",
    env("01", el("60", "020103", str("cn=a"), str("pwd", "80"))),
    message(1, { ...bind, name: "cn=a", authentication: { _tag: "Simple", password: text("pwd") } })
  ],
  [
    "a SASL bind without credentials",
    env("02", el("60", "020103", "0400", el("a3", str("EXTERNAL")))),
    message(2, { ...bind, authentication: { _tag: "Sasl", mechanism: "EXTERNAL" } })
  ],
  [
    "a SASL bind whose credentials are empty, which is not the same",
    env("02", el("60", "020103", "0400", el("a3", str("EXTERNAL"), "0400"))),
    message(2, { ...bind, authentication: { _tag: "Sasl", mechanism: "EXTERNAL", credentials: Buffer.alloc(0) } })
  ],
  [
    "a bind response in the middle of SASL",
    env("02", el("61", "0a010e", "0400", "0400", "870200ff")),
    message(2, { _tag: "BindResponse", result: { ...ok, code: 14 }, serverCredentials: octets("00ff") })
  ],
  ["an unbind", "30 05 02 01 02 42 00", message(2, { _tag: "UnbindRequest" })],
  [
    "an unbind with a control",
    "300e 020102 4200 a007 3005 0403 312e32",
    message(2, { _tag: "UnbindRequest" }, [new LdapControl({ oid: "1.2", critical: false })])
  ],
  [
    "a search of the root DSE",
    "3025 020101 6320 0400 0a0100 0a0100 020100 020100 010100 870b 6f626a656374436c617373 3000",
    message(1, search)
  ],
  [
    "a search with everything",
    env(
      "03",
      el(
        "63",
        str("dc=a"),
        "0a0102",
        "0a0103",
        "020200ff",
        "02047fffffff",
        "0101ff",
        el("a3", str("b"), str("c")),
        seq(str("cn"), str("*"), str("+"), str("mail"))
      )
    ),
    message(3, {
      ...search,
      base: "dc=a",
      scope: "subtree",
      derefAliases: "always",
      sizeLimit: 255,
      timeLimit: maxInt,
      typesOnly: true,
      filter: LdapFilter.equals("b", "c"),
      attributes: ["cn", "*", "+", "mail"]
    })
  ],
  [
    "a reference",
    env("03", el("73", str("ldap:///"), str("ldap://a"))),
    message(3, { _tag: "SearchResultReference", uris: ["ldap:///", "ldap://a"] })
  ],
  ["the end of a search", "300c 020103 6507 0a0100 0400 0400", message(3, { _tag: "SearchResultDone", result: ok })],
  [
    "a referral, with matched DN and diagnostic message",
    env("03", el("65", "0a010a", str("dc=a"), str("!"), el("a3", str("ldap:///"), str("ldap://b")))),
    message(3, {
      _tag: "SearchResultDone",
      result: { code: 10, matchedDn: "dc=a", diagnosticMessage: "!", referrals: ["ldap:///", "ldap://b"] }
    })
  ],
  [
    "a result code beyond one byte: e-syncRefreshRequired",
    env("03", el("65", "0a021000", "0400", "0400")),
    message(3, { _tag: "SearchResultDone", result: { ...ok, code: 4096 } })
  ],
  [
    "a modification of each kind",
    env(
      "04",
      el(
        "66",
        str("dc=a"),
        seq(
          seq("0a0100", seq(str("b"), set(str("1"), str("2")))),
          seq("0a0101", seq(str("b"), set())),
          seq("0a0102", seq(str("c"), set(str("3")))),
          seq("0a0103", seq(str("d"), set(str("-1"))))
        )
      )
    ),
    message(4, {
      _tag: "ModifyRequest",
      dn: "dc=a",
      changes: [
        { operation: "add", attribute: "b", values: [text("1"), text("2")] },
        { operation: "delete", attribute: "b", values: [] },
        { operation: "replace", attribute: "c", values: [text("3")] },
        { operation: "increment", attribute: "d", values: [text("-1")] }
      ]
    })
  ],
  ["a modify response", "300c 020104 6707 0a0100 0400 0400", message(4, { _tag: "ModifyResponse", result: ok })],
  [
    "an add",
    env("05", el("68", str("dc=a"), seq(seq(str("n"), set("0401ff", "0400"))))),
    message(5, { _tag: "AddRequest", dn: "dc=a", attributes: [{ description: "n", values: [octets("ff"), text("")] }] })
  ],
  [
    "an add response",
    "300c 020105 6907 0a0144 0400 0400",
    message(5, { _tag: "AddResponse", result: { ...ok, code: 68 } })
  ],
  ["a delete, which is primitive", env("06", str("dc=a", "4a")), message(6, { _tag: "DeleteRequest", dn: "dc=a" })],
  [
    "a delete response",
    "300c 020106 6b07 0a0142 0400 0400",
    message(6, { _tag: "DeleteResponse", result: { ...ok, code: 66 } })
  ],
  [
    "a rename",
    env("07", el("6c", str("cn=a"), str("cn=b"), "0101ff")),
    message(7, { _tag: "ModifyDnRequest", dn: "cn=a", newRdn: "cn=b", deleteOldRdn: true })
  ],
  [
    "a move",
    env("07", el("6c", str("cn=a"), str("cn=b"), "010100", str("o=x", "80"))),
    message(7, { _tag: "ModifyDnRequest", dn: "cn=a", newRdn: "cn=b", deleteOldRdn: false, newSuperior: "o=x" })
  ],
  [
    "a move to the root, which is not a rename",
    env("07", el("6c", str("cn=a"), str("cn=b"), "010100", "8000")),
    message(7, { _tag: "ModifyDnRequest", dn: "cn=a", newRdn: "cn=b", deleteOldRdn: false, newSuperior: "" })
  ],
  ["a rename's response", "300c 020107 6d07 0a0100 0400 0400", message(7, { _tag: "ModifyDnResponse", result: ok })],
  [
    "a compare",
    env("08", el("6e", str("cn=a"), seq(str("b"), "040100"))),
    message(8, { _tag: "CompareRequest", dn: "cn=a", attribute: "b", value: octets("00") })
  ],
  [
    "a compare response",
    "300c 020108 6f07 0a0106 0400 0400",
    message(8, { _tag: "CompareResponse", result: { ...ok, code: 6 } })
  ],
  [
    "an abandon, an INTEGER without its tag",
    "3006 020109 5001 05",
    message(9, { _tag: "AbandonRequest", abandoned: 5 })
  ],
  [
    "an abandon of a larger message id",
    "3008 02020100 5002 00ff",
    message(256, { _tag: "AbandonRequest", abandoned: 255 })
  ],
  [
    "StartTLS (section 4.14.1)",
    env("0a", el("77", str("1.3.6.1.4.1.1466.20037", "80"))),
    message(10, { _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.1466.20037" })
  ],
  [
    "an extended request with an empty value",
    "300c 02010a 7707 8003 312e32 8100",
    message(10, { _tag: "ExtendedRequest", oid: "1.2", value: Buffer.alloc(0) })
  ],
  [
    "the Notice of Disconnection (section 4.4.1): message id 0",
    env("00", el("78", "0a0134", "0400", "0400", str("1.3.6.1.4.1.1466.20036", "8a"))),
    message(0, { _tag: "ExtendedResponse", result: { ...ok, code: 52 }, oid: "1.3.6.1.4.1.1466.20036" })
  ],
  [
    "an extended response with referrals, a name and a value",
    env("0a", el("78", "0a010a", "0400", "0400", el("a3", str("ldap:///")), str("1.2", "8a"), "8b01ff")),
    message(10, {
      _tag: "ExtendedResponse",
      result: { ...ok, code: 10, referrals: ["ldap:///"] },
      oid: "1.2",
      value: octets("ff")
    })
  ],
  [
    "an extended response with a value alone",
    "300f 02010a 780a 0a0100 0400 0400 8b01 ff",
    message(10, { _tag: "ExtendedResponse", result: ok, value: octets("ff") })
  ],
  ["an intermediate response with nothing", "3005 02010b 7900", message(11, { _tag: "IntermediateResponse" })],
  [
    "an intermediate response",
    "300d 02010b 7908 8003 312e32 8101 ff",
    message(11, { _tag: "IntermediateResponse", oid: "1.2", value: octets("ff") })
  ],
  [
    "controls of each kind; FALSE is the default and stays out (section 5.1)",
    env(
      "01",
      "4200",
      seq(str("1.2")),
      seq(str("1.3"), "0101ff"),
      seq(str("1.4"), "0400"),
      seq(str("1.5"), "0101ff", "040100")
    ),
    message(1, { _tag: "UnbindRequest" }, [
      new LdapControl({ oid: "1.2", critical: false }),
      new LdapControl({ oid: "1.3", critical: true }),
      new LdapControl({ oid: "1.4", critical: false, value: Buffer.alloc(0) }),
      new LdapControl({ oid: "1.5", critical: true, value: octets("00") })
    ])
  ]
]

describe("bytes of RFC 4511", () => {
  it.each(examples)("%s", (_, hex, expected) => {
    assert.deepStrictEqual(plain(decoded(hex)), plain(expected))
    assert.strictEqual(hexOf(expected), hex.replaceAll(" ", ""))
  })

  it("an entry, in both directions", () => {
    const hex = env(
      "03",
      el("64", str("dc=a"), seq(seq(str("cn;x-1"), set(str("x"), "0400", "0402c328")), seq(str("mail"), set())))
    )
    const message = decoded(hex)
    assert.deepStrictEqual(plain(message.operation), {
      _tag: "SearchResultEntry",
      entry: {
        dn: "dc=a",
        attributes: [
          { description: "cn;x-1", values: [{ hex: "78" }, { hex: "" }, { hex: "c328" }] },
          { description: "mail", values: [] }
        ]
      }
    })
    assert.strictEqual(hexOf(message), hex)
  })

  it("has an example of every operation", () => {
    const tags = new Set([...examples.map(([, , { operation }]) => operation._tag), "SearchResultEntry"])
    assert.sameMembers([...tags], Object.keys(OperationTag))
  })

  it("numbers scopes, alias dereferencing and modify operations as the RFCs do", () => {
    const searched = (scope: string, deref: string): string =>
      env("01", el("63", "0400", scope, deref, "020100", "020100", "010100", "870161", "3000"))
    for (
      const [scope, hex] of [["base", "0a0100"], ["one", "0a0101"], ["subtree", "0a0102"], [
        "subordinates",
        "0a0103"
      ]] as const
    ) {
      assert.strictEqual(
        hexOf(message(1, { ...search, filter: LdapFilter.present("a"), scope })),
        searched(hex, "0a0100")
      )
    }
    for (
      const [derefAliases, hex] of [
        ["never", "0a0100"],
        ["searching", "0a0101"],
        ["finding", "0a0102"],
        ["always", "0a0103"]
      ] as const
    ) {
      const sent = message(1, { ...search, filter: LdapFilter.present("a"), derefAliases })
      assert.strictEqual(hexOf(sent), searched("0a0100", hex))
    }
  })
})

describe("what real servers answered", () => {
  it.each(goldens)("$server: $request", ({ hex, message }) => {
    const answer = decoded(hex)
    assert.deepStrictEqual(plain(answer), message)
    assert.deepStrictEqual(plain(decoded(hexOf(answer))), message)
  })

  it.each(goldens.filter(({ request }) => request !== "sorted"))(
    "$server: $request is encoded as the server did",
    ({ hex }) => {
      assert.strictEqual(hexOf(decoded(hex)), hex)
    }
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Any message
// ---------------------------------------------------------------------------------------------------------------------

describe("decode gives back what was encoded", () => {
  for (const [tag, operation] of Object.entries(operations)) {
    it.prop(tag, [messageOf(operation)], ([message]) => {
      const hex = hexOf(message)
      const back = decoded(hex)
      assert.strictEqual(back.operation._tag, tag)
      assert.deepStrictEqual(plain(back), plain(message))
      assert.strictEqual(hexOf(back), hex)
    }, { timeout: 30_000, arbitrary: { runs: 60 } })
  }
})

// ---------------------------------------------------------------------------------------------------------------------
// Encodings that are accepted, although this encoder writes others
// ---------------------------------------------------------------------------------------------------------------------

describe("accepts", () => {
  it.each<readonly [string, string, LdapMessage]>([
    [
      "lengths in more bytes than needed, everywhere",
      "3084 00000013 028101 01 6184 00000009 0a8101 00 048100 0400",
      message(1, { _tag: "BindResponse", result: ok })
    ],
    [
      "an explicit FALSE of a control",
      env("01", "4200", seq(str("1.2"), "010100")),
      message(1, { _tag: "UnbindRequest" }, [new LdapControl({ oid: "1.2", critical: false })])
    ],
    [
      "TRUE by another byte than ff",
      env("01", "4200", seq(str("1.2"), "010101")),
      message(1, { _tag: "UnbindRequest" }, [new LdapControl({ oid: "1.2", critical: true })])
    ],
    ["an empty list of controls", "3007 020101 4200 a000", message(1, { _tag: "UnbindRequest" })],
    [
      "text that is not UTF-8, with U+FFFD in its place",
      env("01", el("65", "0a0131", "0400", "0402c328")),
      message(1, { _tag: "SearchResultDone", result: { ...ok, code: 49, diagnosticMessage: "\ufffd(" } })
    ],
    [
      "a result code of the future",
      env("01", el("65", "0a047fffffff", "0400", "0400")),
      message(1, { _tag: "SearchResultDone", result: { ...ok, code: maxInt } })
    ],
    [
      "LDAP version 2",
      env("01", el("60", "020102", "0400", "8000")),
      message(1, { ...bind, version: 2, authentication: { _tag: "Simple", password: text("") } })
    ]
  ])("%s", (_, hex, expected) => {
    assert.deepStrictEqual(plain(decoded(hex)), plain(expected))
  })

  // RFC 4511 section 4: clients and servers must ignore trailing components whose tags they don't recognize.
  const added = "9e01ff" + el("be", "040161")
  it.each<readonly [string, string, string]>([
    ["a message", seq("020101", "4200"), seq("020101", "4200", added)],
    [
      "a message before its controls",
      seq("020101", "4200", el("a0", seq(str("1.2")))),
      seq("020101", "4200", added, el("a0", seq(str("1.2"))))
    ],
    ["a control", env("01", "4200", seq(str("1.2"))), env("01", "4200", seq(str("1.2"), added))],
    [
      "a control with a value",
      env("01", "4200", seq(str("1.2"), "0400")),
      env("01", "4200", seq(str("1.2"), "0400", added))
    ],
    ["a result", env("01", el("65", success)), env("01", el("65", success, added))],
    [
      "a result before its referrals",
      env("01", el("65", success, el("a3", str("ldap:///")))),
      env("01", el("65", success, added, el("a3", str("ldap:///"))))
    ],
    ["a bind response", env("01", el("61", success, "8700")), env("01", el("61", success, added, "8700", added))],
    [
      "an extended response",
      env("01", el("78", success, "8a01318b00")),
      env("01", el("78", success, added, "8a01318b00", added))
    ],
    ["an intermediate response", env("01", el("79", "8001318100")), env("01", el("79", "8001318100", added))],
    ["an entry", env("01", el("64", "0400", seq())), env("01", el("64", "0400", seq(), added))],
    [
      "an attribute of an entry",
      env("01", el("64", "0400", seq(seq(str("cn"), set(str("x")))))),
      env("01", el("64", "0400", seq(seq(str("cn"), set(str("x")), added))))
    ],
    [
      "a simple bind",
      env("01", el("60", "020103", "0400", "8000")),
      env("01", el("60", "020103", "0400", "8000", added))
    ],
    [
      "SASL credentials",
      env("01", el("60", "020103", "0400", el("a3", str("X")))),
      env("01", el("60", "020103", "0400", el("a3", str("X"), added)))
    ],
    [
      "an add, and an attribute of it",
      env("01", el("68", "0400", seq(seq(str("cn"), set())))),
      env("01", el("68", "0400", seq(seq(str("cn"), set(), added)), added))
    ],
    [
      "a modify, and a change of it",
      env("01", el("66", "0400", seq(seq("0a0100", seq(str("cn"), set()))))),
      env("01", el("66", "0400", seq(seq("0a0100", seq(str("cn"), set(), added), added)), added))
    ],
    [
      "a compare",
      env("01", el("6e", "0400", seq(str("cn"), "0400"))),
      env("01", el("6e", "0400", seq(str("cn"), "0400", added), added))
    ],
    ["a rename", env("01", el("6c", "0400", "0400", "010100")), env("01", el("6c", "0400", "0400", "010100", added))],
    ["an extended request", env("01", el("77", "800131")), env("01", el("77", "800131", added))],
    [
      "a search",
      env("01", el("63", "0400", "0a0100", "0a0100", "020100", "020100", "010100", "870161", "3000")),
      env("01", el("63", "0400", "0a0100", "0a0100", "020100", "020100", "010100", "870161", "3000", added))
    ]
  ])("elements of a later version of the protocol in %s", (_, hex, extended) => {
    assert.notStrictEqual(extended, hex)
    assert.deepStrictEqual(plain(decoded(extended)), plain(decoded(hex)))
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// What is refused
// ---------------------------------------------------------------------------------------------------------------------

const searchOf = (scope: string, deref: string, size: string, time: string, typesOnly: string): string =>
  env("01", el("63", "0400", scope, deref, size, time, typesOnly, "870161", "3000"))

describe("decode refuses", () => {
  it.each<readonly [string, string, string]>([
    ["nothing", "", "cut short after 0 bytes"],
    ["a message that is cut short", "300c 020101 6107 0a0100 0400 04", "cut short after 13 bytes"],
    ["two messages", "30050201014200 30050201024200", "more than one"],
    ["a message and a half", "30050201014200 3005", "cut short"],
    ["an empty message", "3000", "found the end"],
    ["a message without an operation", "3003 020101", "without an operation"],
    ["a message id below 0", "3005 0201ff 4200", "negative"],
    ["a message id beyond 2^31 - 1", "3009 02050080000000 4200", "range"],
    ["a message id of another type", "3005 040101 4200", "expected element 0x02"],
    ["an operation that LDAP doesn't have", "3005 020101 7e00", "unknown operation 0x7e"],
    ["an operation with a universal tag", "3005 020101 3000", "unknown operation 0x30"],
    ["a constructed unbind", "3005 020101 6200", "unknown operation 0x62"],
    ["a primitive bind", "3005 020101 4000", "unknown operation 0x40"],
    ["an unbind with content", "3006 020101 4201 00", "unexpected bytes"],
    ["an unbind with an element", "3007 020101 4202 8000", "unexpected bytes"],
    ["an operation that passes the end of its message", "3005 020101 4201 00", "passes the end"],
    ["an indefinite length inside", "300a 020101 6180 0a0100 0000", "indefinite"],
    ["protocol version 0", env("01", el("60", "020100", "0400", "8000")), "version 0"],
    ["protocol version 128", env("01", el("60", "02020080", "0400", "8000")), "version 128"],
    ["a bind without authentication", env("01", el("60", "020103", "0400")), "authentication"],
    ["a bind with the choice of LDAPv2's Kerberos", env("01", el("60", "020103", "0400", "8100")), "authentication"],
    ["SASL without a mechanism", env("01", el("60", "020103", "0400", "a300")), "expected element 0x04"],
    ["scope 4", searchOf("0a0104", "0a0100", "020100", "020100", "010100"), "scope 4"],
    ["scope -1", searchOf("0a01ff", "0a0100", "020100", "020100", "010100"), "scope -1"],
    ["alias dereferencing 4", searchOf("0a0100", "0a0104", "020100", "020100", "010100"), "alias dereferencing 4"],
    ["a size limit below 0", searchOf("0a0100", "0a0100", "0201ff", "020100", "010100"), "size limit -1"],
    ["a time limit below 0", searchOf("0a0100", "0a0100", "020100", "0201ff", "010100"), "time limit -1"],
    ["a boolean of two bytes", searchOf("0a0100", "0a0100", "020100", "020100", "01020000"), "boolean"],
    ["modify operation 4", env("01", el("66", "0400", seq(seq("0a0104", seq(str("a"), set()))))), "operation 4"],
    ["an add whose values are a SEQUENCE", env("01", el("68", "0400", seq(seq(str("a"), seq())))), "0x31"],
    ["an abandon of nothing", "3005 020101 5000", "message id of 0 bytes"],
    ["an abandon of five bytes", "300a 020101 5005 0000000001", "message id of 5 bytes"],
    ["an abandon of a negative id", "3006 020101 5001 ff", "negative"],
    ["a result code that is an INTEGER", env("01", el("65", "020100", "0400", "0400")), "expected element 0x0a"],
    ["a result without a message", env("01", el("65", "0a0100", "0400")), "found the end"],
    ["a referral that holds integers", env("01", el("65", success, el("a3", "020101"))), "expected element 0x04"],
    ["a reference to nothing", env("01", el("73")), "without a URI"],
    ["an extended request without a name", env("01", el("77", "8100")), "expected element 0x80"],
    ["a control that is no sequence", env("01", "4200", "040131"), "expected element 0x30"],
    ["a control without an OID", env("01", "4200", "3000"), "found the end"],
    ["a control whose criticality is empty", env("01", "4200", seq(str("1"), "0100")), "boolean"],
    ["a control with two values", env("01", "4200", seq(str("1"), "0400", "0400")), "unexpected"],
    [
      "a control whose value is before its criticality",
      env("01", "4200", seq(str("1"), "0400", "0101ff")),
      "unexpected"
    ],
    ["an entry without attributes", env("01", el("64", "0400")), "found the end"],
    ["an attribute without values", env("01", el("64", "0400", seq(seq(str("a"))))), "found the end"],
    ["an attribute with two sets", env("01", el("64", "0400", seq(seq(str("a"), set(), set())))), "unexpected"],
    [
      "a value that passes the end of its set",
      "3014 020101 640f 0400 300b 3009 0401 61 3104 0403 6162",
      "passes the end"
    ]
  ])("%s", (_, hex, detail) => {
    assert.include(refused(hex), detail)
  })

  it("says at which byte of the message the fault is", () => {
    assert.include(refused("3005 020101 7e00"), "at byte 5")
    assert.include(refused("3005 0201ff 4200"), "at byte")
  })
})

describe("encode refuses what has no encoding", () => {
  const untyped = (u: unknown): never => u as never
  it.each<readonly [string, LdapMessage, string]>([
    ["a message id below 0", message(-1, { _tag: "UnbindRequest" }), "message id -1"],
    ["a message id beyond 2^31 - 1", message(2 ** 31, { _tag: "UnbindRequest" }), "message id 2147483648"],
    ["a message id that is no integer", message(1.5, { _tag: "UnbindRequest" }), "message id 1.5"],
    ["an abandon beyond 2^31 - 1", message(1, { _tag: "AbandonRequest", abandoned: 2 ** 31 }), "message id 2147483648"],
    ["a size limit below 0", message(1, { ...search, sizeLimit: -1 }), "size limit -1"],
    ["a size limit beyond 2^31 - 1", message(1, { ...search, sizeLimit: 3e9 }), "size limit 3000000000"],
    ["a time limit that is no number", message(1, { ...search, timeLimit: Number.NaN }), "time limit NaN"],
    ["a scope that isn't there", message(1, { ...search, scope: untyped("children") }), "scope children"],
    ["another alias dereferencing", message(1, { ...search, derefAliases: untyped(3) }), "alias dereferencing 3"],
    [
      "another modification",
      message(1, {
        _tag: "ModifyRequest",
        dn: "",
        changes: [{ operation: untyped("remove"), attribute: "a", values: [] }]
      }),
      "modify operation remove"
    ],
    [
      "a version beyond 127",
      message(1, { ...bind, version: 128, authentication: { _tag: "Simple", password: text("") } }),
      "version 128"
    ],
    ["a reference to nothing", message(1, { _tag: "SearchResultReference", uris: [] }), "without a URI"],
    [
      "a result code beyond 32 bits",
      message(1, { _tag: "AddResponse", result: { ...ok, code: 2 ** 40 } }),
      "1099511627776 is not"
    ]
  ])("%s", (_, message, detail) => {
    const result = encode(message)
    if (Result.isSuccess(result)) return assert.fail(`was encoded as ${Buffer.from(result.success).toString("hex")}`)
    assert.instanceOf(result.failure, InvalidRequest)
    assert.strictEqual(result.failure.field, message.operation._tag)
    assert.include(result.failure.detail, detail)
  })
})

it.prop("every message has one encoding", [anyMessage], ([message]) => {
  assert.strictEqual(hexOf(message), hexOf(decoded(hexOf(message))))
}, { timeout: 30_000, arbitrary: { runs: 100 } })
