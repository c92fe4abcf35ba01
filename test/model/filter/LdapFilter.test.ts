import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { BerError, BerReader } from "../../../src/ber/BerReader.ts"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"

const { and, equals, ldapFilter, not, or, present } = LdapFilter

const parsed = (text: string, maxDepth?: number): LdapFilter.LdapFilter =>
  Result.getOrThrow(LdapFilter.parse(text, { maxDepth }))

const refused = (text: string, maxDepth?: number): LdapFilter.FilterSyntaxError => {
  const result = LdapFilter.parse(text, { maxDepth })
  if (Result.isSuccess(result)) return assert.fail(`${text} was taken for ${LdapFilter.format(result.success)}`)
  return result.failure
}

const encoded = (filter: LdapFilter.LdapFilter): Buffer => {
  const writer = new BerWriter()
  LdapFilter.encode(filter, writer)
  return writer.finish()
}

const decoded = (hex: string, maxDepth?: number): LdapFilter.LdapFilter =>
  LdapFilter.decode(new BerReader(Buffer.from(hex.replaceAll(" ", ""), "hex")), maxDepth)

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return assert.fail("nothing was thrown")
}

const octets = (...values: ReadonlyArray<number>): Buffer => Buffer.from(values)
const text = (value: string): Buffer => Buffer.from(value)

/** `(!(!…(cn=a)…))` in which `depth` levels nest. */
const deepText = (depth: number): string => `${"(!".repeat(depth - 1)}(cn=a)${")".repeat(depth - 1)}`

const deepFilter = (depth: number): LdapFilter.LdapFilter => {
  let filter: LdapFilter.LdapFilter = equals("cn", "a")
  for (let i = 1; i < depth; i++) filter = i % 3 === 0 ? and(filter) : i % 3 === 1 ? or(filter) : not(filter)
  return filter
}

// ---------------------------------------------------------------------------------------------------------------------
// Arbitrary filters
// ---------------------------------------------------------------------------------------------------------------------

const hostile = Schema.Literals([
  "*",
  "(",
  ")",
  "\\",
  "\0",
  "\n",
  "é",
  "\u{1f600}",
  "\\2a",
  "*)(uid=*",
  "))(|(cn=*",
  "${…}"
])

/** Text and bytes, often with characters that have a meaning in filters. */
const anyValue: Arbitrary.Arbitrary<string | Uint8Array> = Arbitrary.schema(
  Schema.Union([
    Schema.String,
    Schema.Array(Schema.Union([hostile, Schema.String])),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  ])
).pipe(Arbitrary.map((parts) =>
  typeof parts === "string"
    ? parts.toWellFormed()
    : parts.some((part) => typeof part === "number")
    ? Buffer.from(parts.map(Number))
    : parts.join("").toWellFormed()
))

const anyAttribute = Arbitrary.schema(
  Schema.Literals(["cn", "CN;lang-fr", "2.5.4.3", "userCertificate;binary;x-1", "a_b", "o-1"])
)

const anyRule = Arbitrary.schema(Schema.Literals(["caseExactMatch", "1.2.840.113556.1.4.803", "dn", "DN"]))

const comparisons = {
  equals,
  greaterOrEqual: LdapFilter.greaterOrEqual,
  lessOrEqual: LdapFilter.lessOrEqual,
  approx: LdapFilter.approx,
  startsWith: LdapFilter.startsWith,
  endsWith: LdapFilter.endsWith,
  contains: LdapFilter.contains
}

const anyKind = Arbitrary.schema(Schema.Literals([
  "equals",
  "greaterOrEqual",
  "lessOrEqual",
  "approx",
  "startsWith",
  "endsWith",
  "contains",
  "present",
  "substrings",
  "attribute",
  "rule",
  "attribute and rule"
]))

const anyItem: Arbitrary.Arbitrary<LdapFilter.LdapFilter> = Arbitrary.all({
  kind: anyKind,
  attribute: anyAttribute,
  rule: anyRule,
  flag: Arbitrary.schema(Schema.Boolean),
  value: anyValue,
  values: Arbitrary.array(anyValue, { maxLength: 4 })
}).pipe(Arbitrary.map(({ attribute, flag, kind, rule, value, values }): LdapFilter.LdapFilter => {
  // Without the flag a rule of this name can't be said, which has a test of its own.
  const dnAttributes = flag || rule.toLowerCase() === "dn"
  switch (kind) {
    case "present":
      return present(attribute)
    case "substrings":
      return LdapFilter.substrings(attribute, { initial: values[0], any: values.slice(1), final: value })
    case "attribute":
      return LdapFilter.extensible({ attribute, value, dnAttributes: flag })
    case "rule":
      return LdapFilter.extensible({ rule, value, dnAttributes })
    case "attribute and rule":
      return LdapFilter.extensible({ attribute, rule, value, dnAttributes })
    default:
      return comparisons[kind](attribute, value)
  }
}))

const combined = (part: Arbitrary.Arbitrary<LdapFilter.LdapFilter>): Arbitrary.Arbitrary<LdapFilter.LdapFilter> =>
  Arbitrary.all({
    how: Arbitrary.schema(Schema.Literals(["and", "or", "not", "one"])),
    first: part,
    parts: Arbitrary.array(part, { maxLength: 4 })
  }).pipe(
    Arbitrary.map(({ first, how, parts }) =>
      how === "and" ? and(...parts) : how === "or" ? or(...parts) : how === "not" ? not(first) : first
    )
  )

const anyFilter = combined(combined(combined(anyItem)))

/** The characters of filters, and a few others. */
const anyToken = Arbitrary.schema(
  Schema.Literals([..."()()()&|!=*:>\\ \0", "(a=", "(cn", ":=", ":dn", "a", ";x", "1.2", "\\2a"])
)

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

describe("parse", () => {
  // Every example of RFC 4515 section 4.
  const extensible = LdapFilter.extensible
  it.each<readonly [string, LdapFilter.LdapFilter]>([
    ["(cn=Babs Jensen)", equals("cn", "Babs Jensen")],
    ["(!(cn=Tim Howes))", not(equals("cn", "Tim Howes"))],
    [
      "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
      and(equals("objectClass", "Person"), or(equals("sn", "Jensen"), LdapFilter.startsWith("cn", "Babs J")))
    ],
    ["(o=univ*of*mich*)", LdapFilter.substrings("o", { initial: "univ", any: ["of", "mich"] })],
    ["(seeAlso=)", equals("seeAlso", "")],
    [
      "(cn:caseExactMatch:=Fred Flintstone)",
      extensible({ attribute: "cn", rule: "caseExactMatch", value: "Fred Flintstone" })
    ],
    ["(cn:=Betty Rubble)", extensible({ attribute: "cn", value: "Betty Rubble" })],
    [
      "(sn:dn:2.4.6.8.10:=Barney Rubble)",
      extensible({ attribute: "sn", rule: "2.4.6.8.10", value: "Barney Rubble", dnAttributes: true })
    ],
    ["(o:dn:=Ace Industry)", extensible({ attribute: "o", value: "Ace Industry", dnAttributes: true })],
    ["(:1.2.3:=Wilma Flintstone)", extensible({ rule: "1.2.3", value: "Wilma Flintstone" })],
    ["(:DN:2.4.6.8.10:=Dino)", extensible({ rule: "2.4.6.8.10", value: "Dino", dnAttributes: true })],
    [
      "(o=Parens R Us \\28for all your parenthetical needs\\29)",
      equals("o", "Parens R Us (for all your parenthetical needs)")
    ],
    ["(cn=*\\2A*)", LdapFilter.contains("cn", "*")],
    ["(filename=C:\\5cMyFile)", equals("filename", "C:\\MyFile")],
    ["(bin=\\00\\00\\00\\04)", equals("bin", octets(0, 0, 0, 4))],
    ["(sn=Lu\\c4\\8di\\c4\\87)", equals("sn", "Lučić")],
    ["(1.3.6.1.4.1.1466.0=\\04\\02\\48\\69)", equals("1.3.6.1.4.1.1466.0", octets(4, 2, 0x48, 0x69))]
  ])("reads %s of RFC 4515", (source, expected) => {
    assert.deepStrictEqual(parsed(source), expected)
  })

  it("reads the constants of RFC 4526", () => {
    assert.deepStrictEqual(parsed("(&)"), LdapFilter.alwaysTrue)
    assert.deepStrictEqual(parsed("(|)"), LdapFilter.alwaysFalse)
    assert.deepStrictEqual(parsed("(&(|)(!(&)))"), and(LdapFilter.alwaysFalse, not(LdapFilter.alwaysTrue)))
  })

  it("tells the operators apart", () => {
    assert.deepStrictEqual(parsed("(a>=1)"), LdapFilter.greaterOrEqual("a", "1"))
    assert.deepStrictEqual(parsed("(a<=1)"), LdapFilter.lessOrEqual("a", "1"))
    assert.deepStrictEqual(parsed("(a~=1)"), LdapFilter.approx("a", "1"))
    assert.deepStrictEqual(parsed("(a=*)"), present("a"))
    assert.deepStrictEqual(parsed("(a=\\2a)"), equals("a", "*"))
    assert.deepStrictEqual(parsed("(a==>~<:=&|!)"), equals("a", "=>~<:=&|!"))
  })

  it("takes values as bytes: raw text as UTF-8, escapes as they are, also within a letter", () => {
    assert.deepStrictEqual(parsed("(cn=é)"), equals("cn", octets(0xc3, 0xa9)))
    assert.deepStrictEqual(parsed("(cn=\\c3\\a9)"), equals("cn", "é"))
    assert.deepStrictEqual(parsed("(cn=\\ffx\\FE)"), equals("cn", octets(0xff, 0x78, 0xfe)))
    assert.deepStrictEqual(parsed("(cn=\u{1f600}*\\f0\\9f*\\98\\80)"), {
      _tag: "Substrings",
      attribute: "cn",
      initial: text("\u{1f600}"),
      any: [octets(0xf0, 0x9f)],
      final: octets(0x98, 0x80)
    })
  })

  it("gives each value bytes of its own, however long the texts are", () => {
    const values = Array.from({ length: 600 }, (_, i) => `${i}${"é\u{1f600}".repeat(i % 40 === 0 ? i * 10 : i % 7)}`)
    const filters = values.map((value) => parsed(`(|(cn=${value})(sn=\\ff${value}*))`))
    filters.forEach((filter, i) => {
      LdapFilter.parse(`(cn=${"x".repeat(i)}`)
      const value = text(values[i]!)
      const expected = or(equals("cn", value), LdapFilter.startsWith("sn", Buffer.concat([octets(0xff), value])))
      assert.deepStrictEqual(filter, expected)
    })
  })

  it("keeps white space in values and skips it around filters", () => {
    assert.deepStrictEqual(
      parsed(" ( &\n\t(cn= a )\r\n ( ! (b=1) ) ( | ) ) "),
      and(equals("cn", " a "), not(equals("b", "1")), or())
    )
    for (const source of ["(cn =a)", "(cn> =a)", "(cn:dn :=a)", "(cn: =a)", "(c n=a)"]) refused(source)
  })

  it("reads a name before := as the flag only where the grammar does", () => {
    const value = text("x")
    assert.deepStrictEqual(parsed("(:dn:dn:=x)"), { _tag: "Extensible", rule: "dn", value, dnAttributes: true })
    assert.deepStrictEqual(parsed("(cn:Dn:=x)"), { _tag: "Extensible", attribute: "cn", value, dnAttributes: true })
    assert.deepStrictEqual(parsed("(cn;lang-fr:dnx:=x)"), {
      _tag: "Extensible",
      rule: "dnx",
      attribute: "cn;lang-fr",
      value,
      dnAttributes: false
    })
  })

  it.each([
    "(1=x)",
    "(2.5.04.3=x)",
    "(2.5.=x)",
    "(2..5=x)",
    "(cn;=x)",
    "(cn;;x=x)",
    "(;x=x)",
    "(-a=x)",
    "(a.b=x)",
    "(é=x)",
    "(c\\6e=x)",
    "(:a;b:=x)",
    "(a:1:=x)"
  ])("refuses the name in %s", (source) => {
    refused(source)
  })

  it.each<readonly [string, number, string]>([
    ["", 0, "expected a filter"],
    ["cn=foo", 0, "expected a filter"],
    ["(cn=a", 5, `expected ")" for the "(" at position 0`],
    ["(&(cn=a)(|(b=1)", 15, `for the "(" at position 8`],
    ["(!(a=b)(c=d))", 7, `after the one filter that "!" takes`],
    ["(!)", 2, "expected a filter"],
    ["(a=b)(c=d)", 5, "combine filters"],
    ["(a=b))", 5, "closes nothing"],
    ["(a=(b))", 3, "\\28"],
    ["(a=\\2)", 3, "two hexadecimal digits"],
    ["(a=b\\)", 4, "\\5c"],
    ["(a=\0)", 3, "\\00"],
    ["(a=b**c)", 5, `between two "*"`],
    ["(a>=*)", 4, "\\2a"],
    ["(a:=*)", 4, "\\2a"],
    ["(&(a=b)x)", 7, "another filter"],
    ["()", 1, "expected an attribute"],
    ["(a)", 2, "expected an operator"],
    ["(a<b)", 2, `"<="`],
    ["(:dn:=x)", 1, "a matching rule"],
    ["(a::=x)", 3, "a matching rule"],
    ["(a:b:c:=x)", 5, "the last name"],
    ["((a=b)(c=d))", 1, "combined"]
  ])("says what is wrong with %j, and where", (source, position, detail) => {
    const error = refused(source)
    assert.strictEqual(error.position, position)
    assert.include(error.detail, detail)
    assert.strictEqual(error.filter, source)
  })

  it("points at the place, in long texts too", () => {
    const around = "(cn=abcdef)".repeat(100)
    const message = refused(`(&${around}\n(cn=x(y)${around})`).message.split("\n")
    assert.lengthOf(message, 3)
    assert.strictEqual(message[1]?.[message[2]?.indexOf("^") ?? -1], "(")
    assert.include(message[1], "…(cn=x(y)".slice(1))
    assert.isBelow(message[1]?.length ?? 0, 130)
  })

  it("limits the depth, with the position, and needs no stack", () => {
    assert.isTrue(Result.isSuccess(LdapFilter.parse(deepText(100))))
    const error = refused(deepText(101))
    assert.strictEqual(error.position, 200)
    assert.include(error.detail, "deeper than 100")
    assert.strictEqual(refused("(&(a=b))", 1).position, 2)
    const deep = 200_000
    assert.strictEqual(LdapFilter.format(parsed(deepText(deep), deep)), deepText(deep))
  })

  it.prop(
    "answers any text with a filter that prints and parses to itself, or with an error inside of the text",
    [Arbitrary.array(anyToken, { maxLength: 24 })],
    ([tokens]) => {
      const source = tokens.join("")
      const result = LdapFilter.parse(source)
      if (Result.isFailure(result)) {
        assert.isAtLeast(result.failure.position, 0)
        assert.isAtMost(result.failure.position, source.length)
      } else {
        assert.deepStrictEqual(parsed(LdapFilter.format(result.success)), result.success)
      }
    },
    { arbitrary: { runs: 3000 } }
  )
})

describe("format", () => {
  it.prop("prints what parses to the same filter", [anyFilter], ([filter]) => {
    assert.deepStrictEqual(parsed(LdapFilter.format(filter)), filter)
    assert.isTrue(Result.isSuccess(LdapFilter.validate(filter)))
  }, { arbitrary: { runs: 500 } })

  it("escapes what has a meaning, control characters, and bytes that are not UTF-8; nothing else", () => {
    const printed = (value: string | Uint8Array): string => LdapFilter.format(equals("cn", value))
    assert.strictEqual(printed("\0()*\\\n\u007f"), "(cn=\\00\\28\\29\\2a\\5c\\0a\\7f)")
    assert.strictEqual(printed(" é 中 \u{1f600} \u0085 =~<>&|!"), "(cn= é 中 \u{1f600} \u0085 =~<>&|!)")
    assert.strictEqual(printed("\ufeffa"), "(cn=\ufeffa)")
    // 0xc3 alone, é, an overlong slash, a surrogate, and a truncated letter.
    assert.strictEqual(
      printed(Buffer.from("c3c3a9c0afeda080e282", "hex")),
      "(cn=\\c3é\\c0\\af\\ed\\a0\\80\\e2\\82)"
    )
    assert.strictEqual(printed(new Uint8Array(Buffer.from("xé(y")).subarray(1, 4)), "(cn=é\\28)")
  })

  it("never lets a name become syntax: what it prints for one that isn't valid doesn't parse", () => {
    for (const name of ["cn=*)(uid", "", "a b", "é", "cn;", "1", "*", "a)(b=c"]) {
      const filter = and(
        equals(name, "x"),
        present(name),
        LdapFilter.extensible({ attribute: "cn", rule: name, value: "" })
      )
      for (const part of filter.filters) refused(LdapFilter.format(part))
      refused(LdapFilter.format(filter))
    }
    assert.strictEqual(LdapFilter.format(present("cn=*)(uid")), "(cn\\3d\\2a\\29\\28uid=*)")
    refused(LdapFilter.format(LdapFilter.extensible({ attribute: "cn", rule: "DN", value: "x" })))
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Builders
// ---------------------------------------------------------------------------------------------------------------------

describe("builders", () => {
  it("read like the question", () => {
    const filter = and(
      equals("objectClass", "user"),
      or(LdapFilter.startsWith("sn", "K"), LdapFilter.endsWith("mail", "@x.org"), LdapFilter.contains("cn", "a*b")),
      not(LdapFilter.bitAnd("userAccountControl", 2)),
      LdapFilter.bitOr("groupType", -2147483648n),
      LdapFilter.inChain("memberOf", "cn=All (x),dc=y"),
      LdapFilter.lessOrEqual("uidNumber", 2000)
    )
    assert.strictEqual(
      LdapFilter.format(filter),
      "(&(objectClass=user)(|(sn=K*)(mail=*@x.org)(cn=*a\\2ab*))(!(userAccountControl:1.2.840.113556.1.4.803:=2))" +
        "(groupType:1.2.840.113556.1.4.804:=-2147483648)(memberOf:1.2.840.113556.1.4.1941:=cn=All \\28x\\29,dc=y)" +
        "(uidNumber<=2000))"
    )
  })

  it("leave empty substrings out, and ask for presence where nothing is left", () => {
    assert.deepStrictEqual(LdapFilter.startsWith("cn", ""), present("cn"))
    assert.deepStrictEqual(LdapFilter.endsWith("cn", new Uint8Array(0)), present("cn"))
    assert.deepStrictEqual(LdapFilter.contains("cn", ""), present("cn"))
    assert.deepStrictEqual(LdapFilter.substrings("cn", {}), present("cn"))
    assert.deepStrictEqual(
      LdapFilter.substrings("cn", { initial: "", any: ["", "x", ""], final: "" }),
      LdapFilter.contains("cn", "x")
    )
  })
})

describe("validate", () => {
  const detailOf = (filter: LdapFilter.LdapFilter, maxDepth?: number): string => {
    const result = LdapFilter.validate(filter, { maxDepth })
    return Result.isFailure(result) ? result.failure.message : assert.fail("was found valid")
  }

  it("finds what can't be sent wherever it is, and names it", () => {
    const at = (part: LdapFilter.LdapFilter): LdapFilter.LdapFilter => and(present("a"), or(not(part)))
    const value = text("x")
    const empty = new Uint8Array(0)
    assert.include(detailOf(at(equals("cn)(x", "y"))), `"cn)(x" is not an attribute description`)
    assert.include(detailOf(at(LdapFilter.extensible({ rule: "a;b", value: "y" }))), "not a matching rule")
    assert.include(detailOf(at(LdapFilter.extensible({ rule: "dn", value: "y" }))), "means dnAttributes")
    assert.include(detailOf(at({ _tag: "Extensible", value, dnAttributes: true })), "needs an attribute")
    assert.include(detailOf(at({ _tag: "Substrings", attribute: "cn", any: [] })), "needs a substring")
    assert.include(detailOf(at({ _tag: "Substrings", attribute: "cn", any: [value, empty] })), "can't be empty")
    assert.include(detailOf(at({ _tag: "Substrings", attribute: "a", initial: empty, any: [value] })), "can't be empty")
    assert.include(detailOf(at({ _tag: "Substrings", attribute: "a", any: [value], final: empty })), "can't be empty")
  })

  it("limits the depth and needs no stack", () => {
    assert.isTrue(Result.isSuccess(LdapFilter.validate(deepFilter(100))))
    assert.include(detailOf(deepFilter(101)), "deeper than 100")
    assert.isTrue(Result.isSuccess(LdapFilter.validate(deepFilter(200_000), { maxDepth: 200_000 })))
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// The tag
// ---------------------------------------------------------------------------------------------------------------------

describe("ldapFilter", () => {
  it("text with a lone surrogate makes a filter that no request takes, and isn't read", () => {
    for (
      const filter of [
        ldapFilter`(cn=${"\ud800"})`,
        ldapFilter`(&(a=b)(|(cn=x*${"a\udc00"}*)(c=${"d"})))`,
        equals("cn", "\ud800"),
        LdapFilter.contains("cn", "\ud800x")
      ]
    ) {
      const result = LdapFilter.validate(filter)
      assert.isTrue(Result.isFailure(result) && result.failure.message.includes("surrogate"))
      assert.isTrue(LdapFilter.isEqual(filter, filter))
    }
    const parsed = LdapFilter.parse("(cn=a\ud800)")
    assert.isTrue(Result.isFailure(parsed) && parsed.failure.position === 5)
  })

  it.prop("takes any value as exactly these bytes, never as syntax", [anyValue, anyValue], ([a, b]) => {
    assert.deepStrictEqual(ldapFilter`(uid=${a})`, equals("uid", a))
    assert.deepStrictEqual(
      ldapFilter`(&(objectClass=user)(|(uid=${a})(!(mail>=${b}))(cn:dn:caseExactMatch:=${a})))`,
      and(
        equals("objectClass", "user"),
        or(
          equals("uid", a),
          not(LdapFilter.greaterOrEqual("mail", b)),
          LdapFilter.extensible({ attribute: "cn", rule: "caseExactMatch", value: a, dnAttributes: true })
        )
      )
    )
    assert.deepStrictEqual(
      ldapFilter`(cn=${a}*x${b}*${a})`,
      LdapFilter.substrings("cn", { initial: a, any: [Buffer.concat([text("x"), Buffer.from(b)])], final: a })
    )
    assert.deepStrictEqual(ldapFilter`(cn=*${a}*)`, LdapFilter.contains("cn", a))
    assert.deepStrictEqual(ldapFilter`(cn=${a}${b})`, equals("cn", Buffer.concat([Buffer.from(a), Buffer.from(b)])))
    assert.deepStrictEqual(
      decoded(encoded(ldapFilter`(uid=${a})`).toString("hex")),
      equals("uid", Buffer.from(a))
    )
  }, { arbitrary: { runs: 500 } })

  it("takes numbers, and filters where a filter may stand", () => {
    const active = not(present("locked"))
    assert.deepStrictEqual(ldapFilter`(uidNumber>=${1000})`, LdapFilter.greaterOrEqual("uidNumber", "1000"))
    assert.deepStrictEqual(
      ldapFilter`(accountExpires<=${133_000_000_000_000_001n})`,
      LdapFilter.lessOrEqual("accountExpires", "133000000000000001")
    )
    assert.deepStrictEqual(ldapFilter`(&(uid=a) ${active})`, and(equals("uid", "a"), active))
    assert.deepStrictEqual(ldapFilter`(|${active}${active})`, or(active, active))
    assert.deepStrictEqual(ldapFilter`(!${active})`, not(active))
    assert.deepStrictEqual(ldapFilter`${active}`, active)
  })

  it("takes names as their text", () => {
    const ada = LdapDn.ldapDn`cn=${"King, Ada (Countess)"},dc=example`
    assert.deepStrictEqual(ldapFilter`(member=${ada})`, equals("member", "cn=King\\, Ada (Countess),dc=example"))
    assert.deepStrictEqual(equals("member", ada), ldapFilter`(member=${ada})`)
    assert.deepStrictEqual(LdapFilter.inChain("memberOf", ada), LdapFilter.inChain("memberOf", ada.toString()))
  })

  it("takes a name whose text is made by reading filters", () => {
    const names = Array.from({ length: 3000 }, (_, i) =>
      ({
        rdns: [],
        toString: () => LdapFilter.format(parsed(`(cn=${i})`)).slice(1, -1)
      }) as unknown as LdapDn.LdapDn)
    for (const [i, name] of names.entries()) {
      assert.deepStrictEqual(
        ldapFilter`(&(a=before)(member=x${name}y)(b=behind))`,
        and(equals("a", "before"), equals("member", `xcn=${i}y`), equals("b", "behind"))
      )
    }
  })

  it("needs no stack for values with many holes", () => {
    const holes = 20_000
    const template = Result.getOrThrow(LdapFilter.template(`(cn=${"{{a}}".repeat(holes)})`))
    assert.deepStrictEqual(template.filter({ a: "x" }), equals("cn", "x".repeat(holes)))
  })

  it("reads its literal text as RFC 4515, over several lines, with escapes as they are written", () => {
    assert.deepStrictEqual(
      ldapFilter`
        (&
          (cn=\2a\c3\a9 ${"x"}\5c)
          (sn=*)
        )
      `,
      and(equals("cn", "*é x\\"), present("sn"))
    )
  })

  it("asks for presence when all that stands beside * is empty", () => {
    assert.deepStrictEqual(ldapFilter`(cn=*${""}*)`, present("cn"))
    assert.deepStrictEqual(ldapFilter`(cn=${""}*)`, present("cn"))
    assert.deepStrictEqual(ldapFilter`(cn=${"*"})`, equals("cn", "*"))
  })

  const filter = present("cn")
  // Values that a program without type checks may interpolate.
  const untyped = (u: unknown): string => u as string
  it.each<readonly [string, () => unknown, number, string]>([
    ["an unclosed filter", () => ldapFilter`(cn=${"a"}`, 8, `expected ")"`],
    ["an attribute", () => ldapFilter`(${"cn"}=a)`, 1, "can't be used as a name"],
    ["a part of an attribute", () => ldapFilter`(cn${";x"}=a)`, 3, "can't be used as a name"],
    ["an operator", () => ldapFilter`(cn${"="}a)`, 3, "can't be used as a name"],
    ["a rule", () => ldapFilter`(cn:${"dn"}:=a)`, 4, "can't be used as a name"],
    ["a digit of an escape", () => ldapFilter`(cn=\2${"a"})`, 4, "two hexadecimal digits"],
    ["text as a filter", () => ldapFilter`(&(a=b)${"(c=d)"})`, 7, "can't be used as a filter"],
    ["text as the whole", () => ldapFilter`${"(c=d)"}`, 0, "can't be used as a filter"],
    ["a filter as a value", () => ldapFilter`(&(x=${"y"})(cn=${filter}))`, 14, "a filter can't be a value"],
    ["a filter in parentheses", () => ldapFilter`(${filter})`, 1, "can't be used as a name"],
    ["something behind the end", () => ldapFilter`(cn=a)${filter}`, 6, "ends before this"],
    ["undefined", () => ldapFilter`(cn=${untyped(undefined)})`, 4, "undefined can't be a value"],
    ["null", () => ldapFilter`(cn=${untyped(null)})`, 4, "null can't be a value"],
    ["an object", () => ldapFilter`(cn=${untyped({ toString: () => "*" })})`, 4, "can't be a value"],
    ["a NUL of its own", () => ldapFilter`(cn=${"a"}\u0000)`, 8, "two hexadecimal digits"]
  ])("throws for %s: a mistake in the program", (_, run, position, detail) => {
    const error = thrownBy(run)
    assert.instanceOf(error, LdapFilter.FilterSyntaxError)
    assert.include(error.detail, detail)
    assert.strictEqual(error.position, position)
    assert.notInclude(error.message, "\0")
  })

  it("knows its values by their place: a NUL in the literal text isn't one", () => {
    const strings = Object.assign(["(cn=", "\0)"], { raw: ["(cn=", "\0)"] })
    const error = thrownBy(() => ldapFilter(strings, "a"))
    assert.instanceOf(error, LdapFilter.FilterSyntaxError)
    assert.include(error.detail, "a value can't contain a NUL")
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// BER
// ---------------------------------------------------------------------------------------------------------------------

describe("encode and decode", () => {
  it.each<readonly [string, string]>([
    ["(&)", "a000"],
    ["(|)", "a100"],
    ["(!(a=*))", "a203 8701 61"],
    ["(a=b)", "a306 040161 040162"],
    ["(a>=b)", "a506 040161 040162"],
    ["(a<=b)", "a606 040161 040162"],
    ["(a~=b)", "a806 040161 040162"],
    ["(a=b*c*d*e)", "a411 040161 300c 800162 810163 810164 820165"],
    ["(a=*b)", "a408 040161 3003 820162"],
    ["(a:=b)", "a906 820161 830162"],
    ["(a:dn:1.2:=b)", "a90e 8103312e32 820161 830162 8401ff"],
    ["(:1.2:=b)", "a908 8103312e32 830162"]
  ])("%s", (source, hex) => {
    assert.strictEqual(encoded(parsed(source)).toString("hex"), hex.replaceAll(" ", ""))
    assert.deepStrictEqual(decoded(hex), parsed(source))
  })

  it.prop("decode gives back what was encoded", [anyFilter], ([filter]) => {
    const bytes = encoded(filter)
    const reader = new BerReader(Buffer.concat([bytes, text("rest")]))
    const back = LdapFilter.decode(reader)
    assert.isTrue(LdapFilter.isEqual(back, filter))
    assert.strictEqual(LdapFilter.format(back), LdapFilter.format(filter))
    assert.strictEqual(reader.position, bytes.length)
  }, { arbitrary: { runs: 500 } })

  it("takes an explicit FALSE, the default", () => {
    assert.deepStrictEqual(decoded("a909 820161 830162 840100"), parsed("(a:=b)"))
  })

  it.each([
    ["nothing", ""],
    ["an unknown filter", "aa00"],
    ["a universal sequence", "3006 040161 040162"],
    ["a constructed presence", "a703 040161"],
    ["a not of nothing", "a200"],
    ["a not of two", "a206 870161 870162"],
    ["an assertion without a value", "a303 040161"],
    ["an assertion with a third element", "a309 040161 040162 040163"],
    ["substrings without one", "a405 040161 3000"],
    ["an initial that isn't first", "a40b 040161 3006 810162 800163"],
    ["two initials", "a40b 040161 3006 800162 800163"],
    ["a final that isn't last", "a40b 040161 3006 820162 810163"],
    ["two finals", "a40b 040161 3006 820162 820163"],
    ["an unknown substring", "a40b 040161 3006 810162 830163"],
    ["an empty substring", "a407 040161 3002 8100"],
    ["something behind the substrings", "a40b 040161 3003 810162 040163"],
    ["a match without rule and attribute", "a903 830162"],
    ["a match without a value", "a903 820161"],
    ["a match out of order", "a909 820161 810162 830163"],
    ["a match with something behind", "a909 820161 830162 850101"],
    ["a boolean of two octets", "a90a 820161 830162 84020000"],
    ["an element that ends too late", "a306 040161 040262"],
    ["an and that is cut short", "a008 a306 040161 0401"],
    ["an octet behind a nested filter", "a004 870161 00"]
  ])("refuses %s", (_, hex) => {
    assert.instanceOf(thrownBy(() => decoded(hex)), BerError)
  })

  it("limits the depth of what it decodes, and needs no stack in either direction", () => {
    assert.deepStrictEqual(decoded(encoded(deepFilter(100)).toString("hex")), deepFilter(100))
    const error = thrownBy(() => decoded(encoded(deepFilter(101)).toString("hex")))
    assert.instanceOf(error, BerError)
    assert.include(error.message, "deeper than 100")
    assert.instanceOf(thrownBy(() => decoded("a003 870161", 1)), BerError)
    const deep = deepFilter(20_000)
    assert.isTrue(LdapFilter.isEqual(decoded(encoded(deep).toString("hex"), 20_000), deep))
  })

  it.prop(
    "answers damaged octets with a filter or a BerError",
    [anyFilter, Arbitrary.schema(Schema.Int), Arbitrary.schema(Schema.Int)],
    ([filter, at, octet]) => {
      const bytes = Buffer.from(encoded(filter))
      bytes[Math.abs(at) % bytes.length] = octet & 0xff
      try {
        const back = LdapFilter.decode(new BerReader(bytes))
        assert.isTrue(LdapFilter.isEqual(LdapFilter.decode(new BerReader(encoded(back))), back))
      } catch (error) {
        assert.instanceOf(error, BerError)
      }
    },
    { arbitrary: { runs: 1000 } }
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Comparing and simplifying
// ---------------------------------------------------------------------------------------------------------------------

describe("isEqual", () => {
  it("looks at names without regard to case, at bytes, and at the structure", () => {
    const same = (a: string, b: string): boolean => LdapFilter.isEqual(parsed(a), parsed(b))
    assert.isTrue(same("(&(CN=a)(sn:CaseExactMatch:=b))", "(&(cn=\\61)(SN:caseExactMatch:=b))"))
    assert.isTrue(LdapFilter.isEqual(equals("a", "x"), equals("a", new Uint8Array([0x78]))))
    const different = [
      "(a=b)",
      "(a=B)",
      "(b=b)",
      "(a>=b)",
      "(a<=b)",
      "(a~=b)",
      "(a=*)",
      "(a=b*)",
      "(a=*b)",
      "(a=*b*)",
      "(a=*b*c*)",
      "(a:=b)",
      "(a:dn:=b)",
      "(a:x:=b)",
      "(:x:=b)",
      "(a:x:=c)",
      "(!(a=b))",
      "(!(a=c))",
      "(&(a=b))",
      "(|(a=b))",
      "(&(a=b)(c=d))",
      "(&(c=d)(a=b))",
      "(&)",
      "(|)"
    ]
    for (const a of different) for (const b of different) assert.strictEqual(same(a, b), a === b, `${a} and ${b}`)
  })

  it("needs no stack", () => {
    assert.isTrue(LdapFilter.isEqual(deepFilter(200_000), deepFilter(200_000)))
    assert.isFalse(LdapFilter.isEqual(deepFilter(200_000), deepFilter(200_001)))
  })
})

describe("simplify", () => {
  it.each([
    ["(a=b)", "(a=b)"],
    ["(&(a=b))", "(a=b)"],
    ["(|(&(|(a=b))))", "(a=b)"],
    ["(!(!(a=b)))", "(a=b)"],
    ["(!(!(!(a=b))))", "(!(a=b))"],
    ["(!(&(!(a=b))))", "(a=b)"],
    ["(&(a=1)(&(b=2)(&(c=3)))(d=4))", "(&(a=1)(b=2)(c=3)(d=4))"],
    ["(|(a=1)(|(b=2)(&(c=3)(d=4))))", "(|(a=1)(b=2)(&(c=3)(d=4)))"],
    ["(&(a=1)(|(&(b=2)(c=3))))", "(&(a=1)(b=2)(c=3))"],
    ["(&(a=1)(&))", "(a=1)"],
    ["(&(a=1)(|))", "(&(a=1)(|))"],
    ["(&(&))", "(&)"],
    ["(|)", "(|)"]
  ])("%s becomes %s", (source, expected) => {
    assert.strictEqual(LdapFilter.format(LdapFilter.simplify(parsed(source))), expected)
  })

  /** The result of a filter if every comparison is true or false by `truth`. */
  const holds = (filter: LdapFilter.LdapFilter, truth: (filter: LdapFilter.LdapFilter) => boolean): boolean =>
    filter._tag === "And"
      ? filter.filters.every((part) => holds(part, truth))
      : filter._tag === "Or"
      ? filter.filters.some((part) => holds(part, truth))
      : filter._tag === "Not"
      ? !holds(filter.filter, truth)
      : truth(filter)

  it.prop("keeps the meaning, and has nothing left to simplify", [anyFilter], ([filter]) => {
    const simple = LdapFilter.simplify(filter)
    for (const bit of [0, 1, 2, 3]) {
      const truth = (part: LdapFilter.LdapFilter): boolean => ((LdapFilter.format(part).length >> bit) & 1) === 1
      assert.strictEqual(holds(simple, truth), holds(filter, truth))
    }
    assert.deepStrictEqual(LdapFilter.simplify(simple), simple)
  }, { arbitrary: { runs: 500 } })

  it("needs no stack", () => {
    const simple = LdapFilter.simplify(deepFilter(200_000))
    assert.include(["(cn=a)", "(!(cn=a))"], LdapFilter.format(simple))
  })
})
