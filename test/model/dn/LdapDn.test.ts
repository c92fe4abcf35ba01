import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as HashSet from "effect/HashSet"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"

const { ldapDn } = LdapDn

const dn = (text: string): LdapDn.LdapDn => Result.getOrThrow(LdapDn.parse(text))
const lenient = (text: string): LdapDn.LdapDn => Result.getOrThrow(LdapDn.parse(text, { lenient: true }))

const failure = (text: string, options?: { readonly lenient: boolean }): LdapDn.DnSyntaxError => {
  const result = LdapDn.parse(text, options)
  return Result.isFailure(result) ? result.failure : assert.fail(`"${text}" was accepted`)
}

/** Types and values: the values as text if possible, otherwise as hexadecimal digits. */
const content = (name: LdapDn.LdapDn) =>
  name.rdns.map((rdn) => rdn.attributes.map(({ text, type }) => [type, text] as const))

const octets = (name: LdapDn.LdapDn): ReadonlyArray<ReadonlyArray<string>> =>
  name.rdns.map((rdn) => rdn.attributes.map(({ value }) => Buffer.from(value).toString("hex")))

// Text on which parsers of names are most likely to fail, and any other text.
const piece = Arbitrary.schema(Schema.Literals([
  ...Array.from(" \\,+;<>\"#=\0\n\r\t/'%$`{}aAbC01é€ß😀\u0131\u0301\u200b\u00a0"),
  "  ",
  "\\2c",
  "\\20",
  "#04",
  ",cn=x",
  "${",
  "SS",
  "ﬁ"
]))
const nasty = Arbitrary.map(Arbitrary.array(piece, { maxLength: 8 }), (parts) => parts.join(""))
const anyText = Arbitrary.map(Arbitrary.schema(Schema.String), (text) => text.toWellFormed())
const value: Arbitrary.Arbitrary<string | Uint8Array> = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Literals(["nasty", "nasty", "text", "octets"])),
  (kind): Arbitrary.Arbitrary<string | Uint8Array> =>
    kind === "nasty" ? nasty : kind === "text" ? anyText : Arbitrary.schema(Schema.Uint8Array)
)
const type = Arbitrary.schema(Schema.Literals(["cn", "CN", "2.5.4.3", "uid", "ou", "x-y", "1.2.3", "dc"]))
const attribute = Arbitrary.all([type, value])
const rdn = Arbitrary.map(
  Arbitrary.array(attribute, { minLength: 1, maxLength: 3 }),
  // The builder of several attributes takes a record, so each type occurs once.
  (attributes) => LdapDn.rdn(Object.fromEntries(attributes))
)
const name = Arbitrary.map(Arbitrary.array(rdn, { maxLength: 4 }), LdapDn.make)
const runs = { arbitrary: { runs: 500 } }

describe("comparison by a schema", () => {
  const read = (text: string) => Result.getOrThrow(LdapDn.parse(text))
  const values = (type: string): LdapDn.ValueRule => (type.toLowerCase() === "uid" ? "exact" : "caseIgnore")

  it("says for each type how its values are compared", () => {
    const name = read("uid=Ada+cn=Lovelace,OU=People")
    assert.isTrue(LdapDn.isEqual(name, read("cn=LOVELACE+UID=Ada,ou=people"), { values }))
    assert.isFalse(LdapDn.isEqual(name, read("uid=ada+cn=Lovelace,ou=People"), { values }))
    assert.isTrue(LdapDn.isEqual(name, read("uid=ada+cn=Lovelace,ou=People")))
    assert.isFalse(LdapDn.isEqual(name, read("uid=Ada+cn=lovelace,ou=People"), { values: "exact" }))
  })

  it("doesn't count one attribute twice", () => {
    const all = () => "exact" as const
    assert.isTrue(LdapDn.isEqual(read("cn=a+cn=A"), read("cn=A+cn=a"), { values: all }))
    assert.isFalse(LdapDn.isEqual(read("cn=a+cn=A"), read("cn=a+cn=a"), { values: all }))
  })
})

describe("LdapDn.parse", () => {
  it("reads the examples of RFC 4514 section 4", () => {
    assert.deepStrictEqual(content(dn("UID=jsmith,DC=example,DC=net")), [
      [["UID", "jsmith"]],
      [["DC", "example"]],
      [["DC", "net"]]
    ])
    assert.deepStrictEqual(content(dn("OU=Sales+CN=J.  Smith,DC=example,DC=net")), [
      [["OU", "Sales"], ["CN", "J.  Smith"]],
      [["DC", "example"]],
      [["DC", "net"]]
    ])
    assert.deepStrictEqual(content(dn(`CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net`))[0], [
      ["CN", `James "Jim" Smith, III`]
    ])
    assert.deepStrictEqual(content(dn("CN=Before\\0dAfter,DC=example,DC=net"))[0], [["CN", "Before\rAfter"]])
    assert.deepStrictEqual(content(dn("1.3.6.1.4.1.1466.0=#04024869")), [[["1.3.6.1.4.1.1466.0", "Hi"]]])
    assert.deepStrictEqual(content(dn("CN=Lu\\C4\\8Di\\C4\\87")), [[["CN", "Lučić"]]])
  })

  it("reads the root", () => {
    assert.deepStrictEqual(dn("").rdns, [])
    assert.isTrue(LdapDn.isEqual(dn(""), LdapDn.root))
  })

  it("keeps escaped spaces at both ends, however they are escaped", () => {
    assert.deepStrictEqual(content(dn("cn=\\ a\\ ")), [[["cn", " a "]]])
    assert.deepStrictEqual(content(dn("cn=\\20a\\20,dc=x"))[0], [["cn", " a "]])
    assert.deepStrictEqual(content(dn("cn=\\ ")), [[["cn", " "]]])
    assert.deepStrictEqual(content(dn("cn=a  \\ ")), [[["cn", "a   "]]])
  })

  it("reads escapes next to one another and to text", () => {
    assert.deepStrictEqual(content(dn("cn=\\,\\2c\\+a\\C3\\A9b\\\\\\\"")), [[["cn", ",,+aéb\\\""]]])
    assert.deepStrictEqual(content(dn("cn=é\\c3\\a9\\=é")), [[["cn", "éé=é"]]])
  })

  it("reads empty values, equals signs in values, and sharps that don't come first", () => {
    assert.deepStrictEqual(content(dn("cn=,ou=a=b=,o=a#")), [[["cn", ""]], [["ou", "a=b="]], [["o", "a#"]]])
  })

  it("keeps bytes that are not UTF-8", () => {
    assert.deepStrictEqual(octets(dn("cn=\\ff\\C4a")), [["ffc461"]])
    assert.strictEqual(LdapDn.format(dn("cn=\\ff\\C4a\\,")), "cn=\\ff\\c4a\\,")
  })

  it("takes the content of BER strings, and keeps other elements apart", () => {
    assert.isTrue(LdapDn.isEqual(dn("uid=#0403616461"), dn("uid=ada")))
    assert.isTrue(LdapDn.isEqual(dn("uid=#0c03414441"), dn("uid=ada")))
    assert.strictEqual(LdapDn.format(dn("uid=#0403616461")), "uid=ada")
    const integer = dn("x=#02010A")
    assert.strictEqual(integer.rdns[0]?.attributes[0]?.berTag, 2)
    assert.deepStrictEqual(octets(integer), [["0a"]])
    assert.strictEqual(LdapDn.format(integer), "x=#02010a")
    assert.isFalse(LdapDn.isEqual(integer, dn("x=\\0a")))
    assert.isFalse(LdapDn.isEqual(integer, dn("x=#0A010A")))
    assert.isTrue(LdapDn.isEqual(integer, dn("X=#0281010a"), { values: "exact" }))
  })

  it.each([
    ["cn", 2, `expected "="`],
    ["cn=a,", 5, "ends where an attribute type should begin"],
    ["cn=a,,dc=x", 5, "expected an attribute type"],
    ["cn=a+", 5, "ends where"],
    ["=a", 0, "expected an attribute type"],
    ["c n=a", 0, "not an attribute type"],
    ["1.2.=a", 0, "not an attribute type"],
    ["01.2=a", 0, "not an attribute type"],
    ["1=a", 0, "not an attribute type"],
    ["cn;lang-de=a", 2, `expected "="`],
    ["OID.2.5.4.3=a", 0, "not an attribute type"],
    ["cn= a", 3, "a space at the start of a value"],
    ["cn=a ", 4, "a space at the end of a value"],
    ["cn=a ,dc=x", 4, "a space at the end of a value"],
    ["cn=a;dc=x", 4, "separates RDNs only in the old form"],
    [`cn="a"`, 3, "must be escaped"],
    ["cn=a<b", 4, "must be escaped"],
    ["cn=a>b", 4, "must be escaped"],
    ["cn=a\0b", 4, "NUL must be escaped"],
    ["cn=a\\", 4, "a backslash must be followed"],
    ["cn=a\\4", 4, "a backslash must be followed"],
    ["cn=a\\x41", 4, "a backslash must be followed"],
    ["cn=#", 3, "even number"],
    ["cn=#040", 3, "even number"],
    ["cn=#0402zz", 8, "not a hexadecimal digit"],
    ["cn=#0402616200", 3, "not one BER element"],
    ["cn=#04056162", 3, "not one BER element"],
    ["cn=\ud83d", 3, "surrogate"],
    ["cn=😀\udc00", 5, "surrogate"]
  ])("refuses %j at %i", (text, position, detail) => {
    const error = failure(text)
    assert.include(error.detail, detail)
    assert.strictEqual(error.position, position)
    assert.strictEqual(error.text, text)
  })

  it("shows the place of an error, and not the whole of a long name", () => {
    assert.strictEqual(
      failure("uid=ada,people,dc=example").message,
      `not a distinguished name: expected "=" after the attribute type "people", at position 14: ` +
        `"uid=ada,people <-- HERE ,dc=example"`
    )
    const error = failure(`${"dc=x,".repeat(1000)}y${",dc=z".repeat(1000)}`)
    assert.isBelow(error.message.length, 250)
    assert.include(error.message, "dc=x,y <-- HERE ,dc=z")
    assert.notInclude(failure("cn=a\nb<").message, "\n")
  })

  it("reads the old forms with lenience", () => {
    assert.deepStrictEqual(content(lenient(` CN = "Kille, \\"Steve\\" #1" ; O=Isode  +  OID.2.5.4.6 = GB `)), [
      [["CN", `Kille, "Steve" #1`]],
      [["O", "Isode"], ["2.5.4.6", "GB"]]
    ])
    assert.deepStrictEqual(content(lenient("cn= \\ a \\  ,x_y=")), [[["cn", " a  "]], [["x_y", ""]]])
    assert.deepStrictEqual(content(lenient("cn = #0401 , 1=#414243")), [[["cn", "\u0004\u0001"]], [["1", "ABC"]]])
  })

  it.each([`cn="a`, `cn="a"b`, `cn="a\\"`, `cn=a"b"`, "cn=a;", "cn=a,,dc=b", "cn", " ,cn=a", "cn=a\tb=<"])(
    "refuses %j with lenience, too",
    (text) => {
      failure(text, { lenient: true })
    }
  )

  it("reads names of 100,000 RDNs and values of a million characters, without overflow", { timeout: 20_000 }, () => {
    const long = dn(new Array(100_000).fill("ou=a").join(","))
    assert.strictEqual(long.rdns.length, 100_000)
    assert.strictEqual(LdapDn.format(long).length, 499_999)
    assert.isTrue(LdapDn.isDescendantOf(LdapDn.child(long, LdapDn.rdn("cn", "x")), long))
    assert.strictEqual(LdapDn.concat(long, long).rdns.length, 200_000)
    assert.strictEqual(LdapDn.rename(long, LdapDn.rdn("cn", "x")).rdns.length, 100_000)
    assert.strictEqual(ldapDn`ou=a,${long}`.rdns.length, 100_001)
    assert.strictEqual(dn(new Array(100_000).fill("ou=a").join("+")).rdns[0]?.attributes.length, 100_000)
    for (const value of [" ".repeat(1e6) + "x", "x" + " ".repeat(1e6) + "x", "\\20".repeat(1e6), "\\\\".repeat(1e6)]) {
      lenient(`cn=${value}`)
      lenient(`cn="${value}"`)
    }
    failure(`${"1.".repeat(5_000_000)}x=1`)
    dn(`${"1.".repeat(5_000_000)}1=1`)
    dn(`${"a-".repeat(5_000_000)}1=1`)
    failure(`cn=x${" ".repeat(1e6)}`)
  })
})

describe("LdapDn.format", () => {
  it("escapes what must be escaped and nothing else", () => {
    const written = (value: string) => LdapDn.rdn("cn", value).toString().slice(3)
    assert.strictEqual(written(`"+,;<>\\=#'/`), `\\"\\+\\,\\;\\<\\>\\\\=#'/`)
    assert.strictEqual(written(" a b "), "\\ a b\\ ")
    assert.strictEqual(written(" "), "\\ ")
    assert.strictEqual(written("   "), "\\  \\ ")
    assert.strictEqual(written("#a #"), "\\#a #")
    assert.strictEqual(written("\0"), "\\00")
    assert.strictEqual(written("é\r"), "é\r")
  })

  it("keeps the types and the order of attributes", () => {
    for (const text of ["", "UID=a+Cn=b,2.5.4.3=c", "cn=,o="]) assert.strictEqual(LdapDn.format(dn(text)), text)
  })

  it.prop("what is written reads as the same name", [name], ([name]) => {
    const read = dn(LdapDn.format(name))
    assert.deepStrictEqual(octets(read), octets(name))
    assert.isTrue(LdapDn.isEqual(read, name, { values: "exact" }))
    assert.deepStrictEqual(octets(lenient(LdapDn.format(name))), octets(name))
  }, runs)

  it.prop("parse never throws, and what it reads can be written and read", [nasty], ([text]) => {
    for (const candidate of [text, `cn=${text}`, `cn=a,${text}`, `cn="${text}"`]) {
      for (const options of [{}, { lenient: true }]) {
        const result = LdapDn.parse(candidate, options)
        if (Result.isSuccess(result)) {
          const again = LdapDn.parse(LdapDn.format(result.success), options)
          assert.deepStrictEqual(octets(Result.getOrThrow(again)), octets(result.success))
        }
      }
    }
  }, runs)
})

describe("LdapDn.rdn", () => {
  it("makes RDNs of one attribute and of several", () => {
    assert.strictEqual(LdapDn.rdn("cn", "Ada, Countess").toString(), "cn=Ada\\, Countess")
    assert.strictEqual(LdapDn.rdn({ cn: "Ada", "1.2.3": Uint8Array.of(0xff) }).toString(), "cn=Ada+1.2.3=\\ff")
    assert.strictEqual(LdapDn.rdn("cn", "Ada").get("CN"), "Ada")
    assert.isUndefined(LdapDn.rdn("cn", "Ada").get("sn"))
  })

  it("throws for what can't be a type", () => {
    for (const type of ["", "a b", "cn=x,ou", "cn+", "é", "1", "1..2"]) {
      assert.throws(() => LdapDn.rdn(type, "x"), LdapDn.DnSyntaxError)
    }
    assert.throws(() => LdapDn.rdn({}), LdapDn.DnSyntaxError)
  })

  it("keeps half a surrogate pair, for the request that uses the name to refuse", () => {
    assert.strictEqual(ldapDn`cn=${"\ud800"}`.toString(), "cn=\ud800")
    assert.strictEqual(LdapDn.rdn("cn", "\ud800").toString(), "cn=\ud800")
    const template = Result.getOrThrow(LdapDn.template("cn={{x}}"))
    assert.isTrue(Result.isFailure(template.dn({ x: "\ud800" })))
  })
})

describe("ldapDn", () => {
  it("puts in values and names", () => {
    const base = ldapDn`dc=example,dc=org`
    assert.strictEqual(ldapDn`uid=${"a,b"},ou=people,${base}`.toString(), "uid=a\\,b,ou=people,dc=example,dc=org")
    assert.strictEqual(ldapDn`${LdapDn.rdn("cn", "x")},${base}`.toString(), "cn=x,dc=example,dc=org")
    assert.strictEqual(ldapDn`${base}`.toString(), "dc=example,dc=org")
    assert.strictEqual(ldapDn``.toString(), "")
    assert.strictEqual(ldapDn`cn=x,${LdapDn.root}`.toString(), "cn=x")
    assert.strictEqual(ldapDn`${LdapDn.root},cn=x`.toString(), "cn=x")
    assert.strictEqual(ldapDn`cn=${Uint8Array.of(0xff)}`.toString(), "cn=\\ff")
  })

  it("lets a value be a part of a value, and leaves the escapes of the name alone", () => {
    assert.strictEqual(ldapDn`cn=${"Ada,"} ${" L"}\2c\,${""}+sn=${"L"}`.toString(), "cn=Ada\\,  L\\,\\,+sn=L")
    assert.deepStrictEqual(content(ldapDn`cn=${" "}`), [[["cn", " "]]])
    assert.deepStrictEqual(content(ldapDn`cn=x\2c${"a"}\+${"b"}\2cy z`), [[["cn", "x,a+b,y z"]]])
    assert.deepStrictEqual(content(ldapDn`cn=\C3${Uint8Array.of(0xa9)}`), [[["cn", "é"]]])
    assert.deepStrictEqual(content(ldapDn`cn=\\${"a"}`), [[["cn", "\\a"]]])
  })

  it("throws for literal text that is no name, and for a value in the wrong place", () => {
    const cases: ReadonlyArray<() => unknown> = [
      () => ldapDn`cn`,
      () => ldapDn`cn=${"a"},`,
      () => ldapDn`cn= ${"a"}`,
      () => ldapDn`cn=${"a"} ,dc=x`,
      () => ldapDn`cn=${"a"};dc=x`,
      () => ldapDn`cn=#${"0401"}`,
      () => ldapDn`cn=\2${"c"}`,
      () => ldapDn`${"cn=x"},dc=x`,
      () => ldapDn`${"cn"}=x`,
      () => ldapDn`c${"n"}=x`,
      () => ldapDn`cn=a${LdapDn.root}`,
      () => ldapDn`${LdapDn.root}${LdapDn.root}`,
      () => ldapDn`${LdapDn.rdn("cn", "x")}+sn=y`,
      // A literal NUL, which could otherwise be taken for the position of a value.
      () => ldapDn(Object.assign(["", ""], { raw: ["cn=\0", ""] }), "a"),
      () => ldapDn(Object.assign(["", ""], { raw: ["cn=", ",\0"] }), "a"),
      () => ldapDn(Object.assign([""], { raw: ["cn=\0"] }))
    ]
    for (const make of cases) assert.throws(make, LdapDn.DnSyntaxError)
    assert.throws(
      () => ldapDn`ou=${"people"},${"dc=x"}`,
      /only an LdapDn or an Rdn can be interpolated .* at position 8: "ou=\$\{…\}, <-- HERE \$\{…\}"/
    )
  })

  it.prop("any value is exactly that value in one RDN", [value], ([value]) => {
    const expected = Buffer.from(value).toString("hex")
    const made = ldapDn`uid=${value},ou=people,${ldapDn`dc=example`}`
    for (const name of [made, dn(LdapDn.format(made)), lenient(LdapDn.format(made))]) {
      assert.deepStrictEqual(octets(name), [[expected], [Buffer.from("people").toString("hex")], ["6578616d706c65"]])
      assert.strictEqual(name.rdns[0]?.attributes[0]?.type, "uid")
    }
  }, runs)
})

describe("LdapDn.isEqual", () => {
  it.each([
    ["CN=Ada", "cn=ada"],
    ["2.5.4.3=Ada", "cn=ada"],
    ["commonName=Ada", "cn=ada"],
    ["0.9.2342.19200300.100.1.25=x", "DC=x"],
    ["0.9.2342.19200300.100.1.1=x", "UserId=x"],
    ["2.5.4.4=x,2.5.4.6=x,2.5.4.7=x,2.5.4.8=x,2.5.4.9=x,2.5.4.10=x,2.5.4.11=x", "sn=x,c=x,l=x,st=x,street=x,o=x,ou=x"],
    ["cn=a+sn=b", "sn=B+cn=A"],
    ["o=A+o=a+o=B", "o=b+o=a+o=A"],
    ["cn=Ada  Lovelace", "cn=ada lovelace"],
    ["cn=\\ Ada\\ \\ ", "cn=ada"],
    ["cn=\\ ", "cn="],
    ["cn=Jürgen", "cn=JU\\cc\\88RGEN"],
    ["cn=Straße", "cn=STRASSE"],
    ["cn=ΟΔΟΣ", "cn=οδος"],
    ["cn=ﬁn", "cn=FIN"],
    ["cn=ℌ", "cn=h"],
    ["cn=a\u00a0b", "cn=A\\09B"],
    ["cn=a\u00adb", "cn=ab"]
  ])("%s equals %s", (a, b) => {
    assert.isTrue(LdapDn.isEqual(dn(a), dn(b)))
    assert.isTrue(LdapDn.isEqual(dn(b), dn(a)))
    assert.isTrue(Equal.equals(dn(a), dn(b)))
    assert.strictEqual(Hash.hash(dn(a)), Hash.hash(dn(b)))
    assert.strictEqual(LdapDn.normalize(dn(a)), LdapDn.normalize(dn(b)))
  })

  it.each([
    ["cn=a", "cn=b"],
    ["cn=a", "sn=a"],
    ["cn=a,dc=x", "cn=a"],
    ["cn=a,dc=x", "cn=a,dc=y"],
    ["cn=a+cn=b", "cn=a,cn=b"],
    ["cn=a+cn=b", "cn=a\\+cn=b"],
    ["cn=a+cn=b+cn=b", "cn=a+cn=a+cn=b"],
    ["cn=a\\,dc=x", "cn=a,dc=x"],
    ["cn=I", "cn=\u0131"],
    ["cn=a b", "cn=ab"],
    ["cn=\\ff", "cn=\\fe"],
    ["cn=\\ff", "cn=ÿ"],
    ["cn=\\ffA", "cn=\\ffa"],
    ["", "cn="]
  ])("%s doesn't equal %s", (a, b) => {
    assert.isFalse(LdapDn.isEqual(dn(a), dn(b)))
    assert.isFalse(LdapDn.isEqual(dn(b), dn(a)))
    assert.isFalse(Equal.equals(dn(a), dn(b)))
    assert.notStrictEqual(LdapDn.normalize(dn(a)), LdapDn.normalize(dn(b)))
  })

  it("compares byte by byte where asked to", () => {
    const exact = { values: "exact" } as const
    assert.isTrue(LdapDn.isEqual(dn("CN=a+2.5.4.4=b"), dn("sn=b+cn=a"), exact))
    assert.isFalse(LdapDn.isEqual(dn("cn=a"), dn("cn=A"), exact))
    assert.isFalse(LdapDn.isEqual(dn("cn=a b"), dn("cn=a  b"), exact))
    assert.isFalse(LdapDn.isEqual(dn("o=a+o=A+o=A"), dn("o=a+o=a+o=A"), exact))
  })

  it.prop("is reflexive and symmetric, and agrees with normalize, Equal and Hash", [name, name], ([a, b]) => {
    assert.isTrue(LdapDn.isEqual(a, a))
    assert.isTrue(LdapDn.isEqual(a, dn(LdapDn.format(a))))
    assert.isTrue(LdapDn.isEqual(a, LdapDn.make(a.rdns), { values: "exact" }))
    assert.strictEqual(LdapDn.isEqual(a, b), LdapDn.isEqual(b, a))
    assert.strictEqual(LdapDn.isEqual(a, b), LdapDn.normalize(a) === LdapDn.normalize(b))
    assert.strictEqual(LdapDn.isEqual(a, b), Equal.equals(a, b))
    if (LdapDn.isEqual(a, b)) assert.strictEqual(Hash.hash(a), Hash.hash(b))
    else assert.isFalse(LdapDn.isEqual(a, b, { values: "exact" }))
  }, runs)

  it.prop("the canonical text is a name that equals the one it is of", [name], ([name]) => {
    const canonical = dn(LdapDn.normalize(name))
    assert.isTrue(LdapDn.isEqual(canonical, name))
    assert.strictEqual(LdapDn.normalize(canonical), LdapDn.normalize(name))
  }, runs)

  it("finds names in a HashSet", () => {
    const set = HashSet.fromIterable([dn("cn=a,dc=x"), dn("CN=A,DC=x"), dn("cn=b")])
    assert.strictEqual(HashSet.size(set), 2)
    assert.isTrue(HashSet.has(set, dn("2.5.4.3=A,dc=X")))
  })
})

describe("LdapDn, relations", () => {
  const base = ldapDn`ou=people,dc=example`
  const ada = ldapDn`uid=ada,ou=People,dc=example`

  it("parent is what is above", () => {
    assert.isTrue(LdapDn.isEqual(LdapDn.parent(ada) ?? LdapDn.root, base))
    assert.isUndefined(LdapDn.parent(LdapDn.root))
    assert.isTrue(LdapDn.isEqual(LdapDn.parent(dn("dc=x")) ?? base, LdapDn.root))
  })

  it("a descendant is below, not the same and not beside", () => {
    assert.isTrue(LdapDn.isDescendantOf(ada, base))
    assert.isTrue(LdapDn.isDescendantOf(ada, LdapDn.root))
    assert.isTrue(LdapDn.isAncestorOf(base, ada))
    assert.isFalse(LdapDn.isDescendantOf(base, ada))
    assert.isFalse(LdapDn.isDescendantOf(base, base))
    assert.isFalse(LdapDn.isDescendantOf(dn("uid=ada,ou=xpeople,dc=example"), base))
    assert.isFalse(LdapDn.isDescendantOf(dn("uid=a\\,ou=people,dc=example"), base))
    assert.isFalse(LdapDn.isDescendantOf(LdapDn.root, LdapDn.root))
  })

  it("the way from a base to an entry leads there again", () => {
    const relative = LdapDn.relativeTo(ada, ldapDn`DC=Example`)
    assert.strictEqual(relative?.toString(), "uid=ada,ou=People")
    assert.strictEqual(LdapDn.concat(relative ?? base, ldapDn`o=new`).toString(), "uid=ada,ou=People,o=new")
    assert.strictEqual(LdapDn.relativeTo(ada, ada)?.rdns.length, 0)
    assert.isUndefined(LdapDn.relativeTo(base, ada))
    assert.isUndefined(LdapDn.relativeTo(ada, dn("dc=other")))
  })

  it("rename changes the RDN, and the superior where one is given", () => {
    const countess = LdapDn.rdn("uid", "countess")
    assert.strictEqual(LdapDn.rename(ada, countess).toString(), "uid=countess,ou=People,dc=example")
    assert.strictEqual(LdapDn.rename(ada, countess, dn("o=x")).toString(), "uid=countess,o=x")
    assert.strictEqual(LdapDn.rename(ada, countess, LdapDn.root).toString(), "uid=countess")
    assert.strictEqual(LdapDn.rename(LdapDn.root, countess).toString(), "uid=countess")
  })

  it.prop("child and parent undo each other; a child is below", [name, rdn], ([name, rdn]) => {
    const child = LdapDn.child(name, rdn)
    assert.deepStrictEqual(LdapDn.parent(child)?.rdns, name.rdns)
    assert.isTrue(LdapDn.isDescendantOf(child, name))
    assert.isFalse(LdapDn.isDescendantOf(name, child))
    const relative = LdapDn.relativeTo(dn(LdapDn.format(child)), name)
    assert.strictEqual(relative?.rdns.length, 1)
  }, runs)
})

describe("LdapDn, shown", () => {
  it("is its text", () => {
    const name = dn("cn=a\\,b,dc=x")
    assert.strictEqual(String(name), "cn=a\\,b,dc=x")
    assert.strictEqual(JSON.stringify({ name, rdn: name.rdns[1] }), `{"name":"cn=a\\\\,b,dc=x","rdn":"dc=x"}`)
    assert.strictEqual(inspect(name), "LdapDn(cn=a\\,b,dc=x)")
    assert.isTrue(LdapDn.isLdapDn(name))
    assert.isFalse(LdapDn.isLdapDn("cn=a"))
  })
})

describe("LdapDn.template", () => {
  const login = { placeholders: ["login"] } as const
  const text = "uid={{login}},ou=people,dc=example,dc=org"

  it.each(
    [
      ["{{x}}", "uid={{login}},ou=people"],
      ["${x}", "uid=${login},ou=people"],
      ["{0}", "uid={0},ou=people"],
      ["%s", "uid=%s,ou=people"]
    ] as const
  )("style %s", (style, text) => {
    const template = Result.getOrThrow(LdapDn.template(text, { ...login, style }))
    const name = (value: string | Uint8Array) => Result.getOrThrow(template.dn({ login: value })).toString()
    assert.strictEqual(name("ada"), "uid=ada,ou=people")
    assert.strictEqual(name("ada,ou=admins"), "uid=ada\\,ou=admins,ou=people")
    assert.strictEqual(name("#x+y "), "uid=\\#x\\+y\\ ,ou=people")
    assert.strictEqual(Result.getOrThrow(template.dn({ login: "a\0b" })).rdns[0]?.get("uid"), "a\0b")
  })

  it("takes a placeholder within a value", () => {
    const template = Result.getOrThrow(LdapDn.template("cn={{login}} (staff),o=x", login))
    assert.strictEqual(Result.getOrThrow(template.dn({ login: "a" })).toString(), "cn=a (staff),o=x")
  })

  it.each([
    ["uid={{user}},o=x", 4, "there is no placeholder {{user}}"],
    ["uid=ada,o=x", 11, "the placeholder {{login}} is missing"],
    ["{{login}},o=x", 0, "only an LdapDn or an Rdn can be interpolated in the position of an RDN"],
    ["uid={{login}}, o=x", 14, "{ lenient: true }"],
    ["uid=\0{{login}},o=x", 4, "only text"]
  ])("refuses %j", (text, position, detail) => {
    const result = LdapDn.template(text, login)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result) && detail !== "only text") assert.include(result.failure.detail, detail)
    if (Result.isFailure(result) && position === 4 && detail.startsWith("there"))
      assert.strictEqual(result.failure.position, 4)
  })

  it("reads leniently if told to", () => {
    const template = Result.getOrThrow(LdapDn.template("uid = {{login}}, o = x", { ...login, lenient: true }))
    assert.strictEqual(Result.getOrThrow(template.dn({ login: " a" })).toString(), "uid=\\ a,o=x")
  })

  it("answers what is neither text nor bytes with a failure", () => {
    const template = Result.getOrThrow(LdapDn.template(text, login))
    for (const value of [undefined, null, 5, {}, []]) {
      assert.isTrue(Result.isFailure(template.dn({ login: value as never })))
      assert.isTrue(Result.isFailure(LdapDn.template(value as never, login)))
      assert.isTrue(Result.isFailure(LdapDn.parse(value as never)))
    }
    assert.isTrue(Result.isFailure(template.dn(undefined as never)))
  })

  it.each(
    [
      ["{{x}}", "cn=#{{login}},o=x"],
      ["${x}", "cn=#${login},o=x"],
      ["{0}", "cn=#{0},o=x"],
      ["%s", "cn=#%s,o=x"],
      ["{{x}}", "{{login}},o=x"],
      ["${x}", "${login}"],
      ["%s", "cn=a,%s"],
      ["{{x}}", "{{login}}=x"],
      ["{{x}}", "cn=\"{{login}}\",o=x"]
    ] as const
  )("an error in style %s of %s shows the placeholder as it is written", (style, text) => {
    for (const lenient of [false, true]) {
      const result = LdapDn.template(text, { placeholders: ["login"], style, lenient })
      if (Result.isSuccess(result)) continue
      assert.strictEqual(result.failure.text, text)
      assert.notMatch(result.failure.message, /NUL|\0|…\}/)
      const [written = ""] = /\{\{login\}\}|\$\{login\}|\{0\}|%s/.exec(text) ?? []
      assert.include(result.failure.message, written)
    }
  })

  it("without options takes any placeholder in the default style", () => {
    const template = Result.getOrThrow(LdapDn.template("uid={{login}},ou={{unit}},o=x"))
    assert.strictEqual(
      Result.getOrThrow(template.dn({ login: "a,b", unit: "u" })).toString(),
      "uid=a\\,b,ou=u,o=x"
    )
    for (const options of [null, 5, { placeholders: "login" }, { placeholders: [5] }, { style: "%s" }]) {
      const result = LdapDn.template("uid={{login}}", options as never)
      assert.strictEqual(Result.isFailure(result), typeof options === "object" && options !== null)
    }
  })

  it.prop("no value is ever syntax", [anyText], ([value]) => {
    const template = Result.getOrThrow(LdapDn.template(text, login))
    const name = Result.getOrThrow(template.dn({ login: value }))
    assert.lengthOf(name.rdns, 4)
    assert.strictEqual(name.rdns[0]?.get("uid"), value)
    assert.isTrue(LdapDn.isEqual(Result.getOrThrow(LdapDn.parse(name.toString())), name))
  })
})

describe("LdapDn.parse, strict", () => {
  it.each(["uid=a, o=x", "cn=\"Smith, John\",o=x", "OID.2.5.4.3=x,o=y", "CN=x;O=y", "cn = a,dc=b", "cn=a ,dc=b"])(
    "says of %s that lenient would read it",
    (text) => {
      const strict = LdapDn.parse(text)
      assert.include(Result.isFailure(strict) ? strict.failure.message : "", "{ lenient: true } accepts")
      assert.isTrue(Result.isSuccess(LdapDn.parse(text, { lenient: true })))
    }
  )

  it.each(["uid", "=a", "uid=a,,o=x", "uid=<a"])("says nothing of the kind of %s", (text) => {
    const strict = LdapDn.parse(text)
    assert.notInclude(Result.isFailure(strict) ? strict.failure.message : "lenient", "lenient")
  })
})
