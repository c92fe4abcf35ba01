import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapSubschema from "../../../src/schema/LdapSubschema.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { attributeTypes, contentRules, objectClasses } from "../definitions.ts"

const attributeType = (text: string) => Result.getOrThrow(LdapSubschema.parseAttributeType(text))
const objectClass = (text: string) => Result.getOrThrow(LdapSubschema.parseObjectClass(text))
const failure = (text: string): LdapSubschema.DefinitionSyntaxError => {
  const result = LdapSubschema.parseObjectClass(text)
  return Result.isFailure(result) ? result.failure : assert.fail(`${text} was accepted`)
}

const schema = LdapSubschema.fromEntry(
  LdapEntry.make("cn=Subschema", { attributeTypes, objectClasses, dITContentRules: contentRules })
)

describe("definitions", () => {
  it("an attribute type, with everything", () => {
    const type = attributeType(
      "( 1.2.3 NAME ( 'a' 'b' ) DESC 'it\\27s \\5C' OBSOLETE SUP name EQUALITY e ORDERING o SUBSTR s " +
        "SYNTAX 1.2.4{64} SINGLE-VALUE COLLECTIVE NO-USER-MODIFICATION USAGE dSAOperation X-ORIGIN ( 'x' 'y' ) x-z 'q' )"
    )
    assert.deepStrictEqual(type, {
      _tag: "AttributeType",
      oid: "1.2.3",
      names: ["a", "b"],
      description: "it's \\",
      obsolete: true,
      extensions: new Map([["X-ORIGIN", ["x", "y"]], ["X-Z", ["q"]]]),
      superior: "name",
      equality: "e",
      ordering: "o",
      substring: "s",
      syntax: "1.2.4",
      length: 64,
      singleValue: true,
      collective: true,
      noUserModification: true,
      usage: "dSAOperation"
    })
  })

  it("an attribute type with nothing", () => {
    const type = attributeType("( 1.2.3 )")
    assert.deepStrictEqual([type.names, type.syntax, type.length, type.usage, type.singleValue], [
      [],
      undefined,
      undefined,
      "userApplications",
      false
    ])
  })

  it("object classes", () => {
    const person = objectClass(objectClasses[1]!)
    assert.deepStrictEqual([person.superiors, person.kind, person.must, person.may], [
      ["top"],
      "structural",
      ["sn", "cn"],
      ["userPassword", "description"]
    ])
    assert.strictEqual(objectClass("( 1.2 SUP ( a $ b ) AUXILIARY )").kind, "auxiliary")
    assert.strictEqual(objectClass("( 1.2 ABSTRACT )").kind, "abstract")
    assert.strictEqual(objectClass("( 1.2 )").kind, "structural")
    assert.deepStrictEqual(objectClass("( 1.2 SUP ( a $ b ) )").superiors, ["a", "b"])
  })

  it("the examples of RFC 4512 section 4.1 of the other kinds", () => {
    const { getOrThrow } = Result
    assert.strictEqual(
      getOrThrow(LdapSubschema.parseMatchingRule("( 2.5.13.2 NAME 'caseIgnoreMatch' SYNTAX 1.2.3 )")).syntax,
      "1.2.3"
    )
    assert.deepStrictEqual(
      getOrThrow(LdapSubschema.parseMatchingRuleUse("( 2.5.13.16 APPLIES ( givenName $ surname ) )")).applies,
      ["givenName", "surname"]
    )
    const syntax = getOrThrow(LdapSubschema.parseSyntax("( 1.2.5 DESC 'Bit String' X-NOT-HUMAN-READABLE 'TRUE' )"))
    assert.deepStrictEqual([syntax.description, syntax.extensions.get("X-NOT-HUMAN-READABLE")], ["Bit String", [
      "TRUE"
    ]])
    const content = getOrThrow(
      LdapSubschema.parseDitContentRule(
        "( 2.5.6.4 DESC 'x' AUX ( a $ b ) MUST c MAY ( d ) NOT ( x121Address $ telexNumber ) )"
      )
    )
    assert.deepStrictEqual([content.auxiliaries, content.must, content.may, content.not], [
      ["a", "b"],
      ["c"],
      ["d"],
      ["x121Address", "telexNumber"]
    ])
    const structure = getOrThrow(
      LdapSubschema.parseDitStructureRule("( 2 DESC 'x' FORM uddiContactNameForm SUP ( 1 3 ) )")
    )
    assert.deepStrictEqual([structure.oid, structure.form, structure.superiors], ["2", "uddiContactNameForm", [
      "1",
      "3"
    ]])
    const form = getOrThrow(
      LdapSubschema.parseNameForm("( 1.3.6.1.1.10.15.1 NAME 'f' OC uddiBusinessEntity MUST ( k ) MAY d )")
    )
    assert.deepStrictEqual([form.objectClass, form.must, form.may], ["uddiBusinessEntity", ["k"], ["d"]])
  })

  it("what Active Directory and Samba send", () => {
    const type = attributeType(
      "( 1.2.840.113556.1.4.1 NAME 'name' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15{255}' SINGLE-VALUE NO-USER-MODIFICATION )"
    )
    assert.deepStrictEqual([type.syntax, type.length, type.singleValue], ["1.3.6.1.4.1.1466.115.121.1.15", 255, true])
    const user = objectClass(
      "( 1.2.840.113556.1.5.9 NAME 'user' SUP organizationalPerson STRUCTURAL MUST (cn ) MAY (a $ b$c))"
    )
    assert.deepStrictEqual([user.must, user.may], [["cn"], ["a", "b", "c"]])
  })

  it("what 389-ds and old servers send", () => {
    const type = attributeType(
      "( nsRole_x-oid NAME 'ns_Role' DESC '' syntax 1.2.3 X-ORIGIN 'it's ours' usage DirectoryOperation )"
    )
    assert.deepStrictEqual([type.oid, type.names, type.description, type.syntax, type.usage], [
      "nsRole_x-oid",
      ["ns_Role"],
      undefined,
      "1.2.3",
      "directoryOperation"
    ])
    assert.deepStrictEqual(type.extensions.get("X-ORIGIN"), ["it's ours"])
    const odd = objectClass(
      "(1.2 NAME 'a'DESC 'b' SUP 'top' MUST ( 'x' 'y' ) SOMETHING SOMEHOW 'z' MAY ( ) AUXILIARY ) and more"
    )
    assert.deepStrictEqual([odd.superiors, odd.must, odd.may, odd.kind], [["top"], ["x", "y"], [], "auxiliary"])
  })

  it("says where it went wrong", () => {
    for (
      const text of [
        "",
        "  ",
        "1.2.3",
        "( )",
        "( 1.2",
        "( 1.2 NAME )",
        "( 1.2 NAME 'a )",
        "( 1.2 MUST ( a $ ( b ) ) )",
        ")"
      ]
    ) {
      const { message, position } = failure(text)
      assert.isAtMost(position, text.length, text)
      assert.include(message, "not a schema definition")
    }
    assert.strictEqual(failure("( 1.2 NAME )").position, 11)
    assert.include(failure("( 1.2 NAME 'a )").message, "quoted text has no closing quotation mark")
  })

  it("hostile text is answered quickly", () => {
    const long = "x".repeat(450_000)
    failure(`( 1.2 DESC '${long}`)
    failure(`( 1.2 DESC '${"'a".repeat(220_000)}`)
    failure("(".repeat(450_000))
    failure(`( ${"a ".repeat(220_000)}`)
    failure(long.repeat(2))
    assert.strictEqual(objectClass(`( 1.2 DESC '${long}' )`).description, long)
    assert.strictEqual(
      objectClass(`( 1.2 MAY ( ${Array.from({ length: 50_000 }, (_, i) => `a${i}`).join(" $ ")} ) )`).may.length,
      50_000
    )
  })

  const piece = Arbitrary.schema(
    Schema.Literals([
      "(",
      ")",
      "$",
      "'",
      " ",
      "1.2",
      "NAME",
      "MUST",
      "SUP",
      "X-A",
      "a",
      "'b'",
      "\\27",
      "{64}",
      "SYNTAX",
      "ü"
    ])
  )
  it.prop("any text is read or refused", [Arbitrary.array(piece, { maxLength: 14 })], ([parts]) => {
    for (const text of [parts.join(""), `( 1.2 ${parts.join(" ")} )`]) {
      for (
        const parse of [
          LdapSubschema.parseAttributeType,
          LdapSubschema.parseObjectClass,
          LdapSubschema.parseDitStructureRule
        ]
      ) {
        const result: Result.Result<LdapSubschema.Definition, LdapSubschema.DefinitionSyntaxError> = parse(text)
        if (Result.isFailure(result)) assert.isAtMost(result.failure.position, text.length)
        else assert.isAbove(result.success.oid.length, -1)
      }
    }
  }, { arbitrary: { runs: 500 } })
})

describe("LdapSubschema", () => {
  it("finds definitions by any name, and keeps those that can't be read apart", () => {
    assert.deepStrictEqual(schema.unreadable, [])
    for (const name of ["cn", "COMMONNAME", "2.5.4.3", "cn;lang-de"]) {
      assert.strictEqual(schema.attributeType(name)?.oid, "2.5.4.3", name)
    }
    assert.strictEqual(schema.attributeType("__proto__"), undefined)
    assert.strictEqual(schema.objectClass("Person")?.oid, "2.5.6.6")
    const broken = LdapSubschema.fromEntry(
      LdapEntry.make("cn=x", { objectClasses: ["( 1.2 NAME 'a' )", "broken"], attributeTypes: [] })
    )
    assert.strictEqual(broken.objectClass("a")?.oid, "1.2")
    assert.deepStrictEqual(broken.unreadable.map(({ text }) => text), ["broken"])
  })

  it("types have what their superiors say", () => {
    const cn = schema.attributeType("cn")
    assert.deepStrictEqual([cn?.syntax, cn?.length, cn?.equality], [
      "1.3.6.1.4.1.1466.115.121.1.15",
      32768,
      "caseIgnoreMatch"
    ])
  })

  it("names are the same by the rules of their types", () => {
    const isSame = (self: string, that: string) =>
      LdapDn.isEqual(Result.getOrThrow(LdapDn.parse(self)), Result.getOrThrow(LdapDn.parse(that)), {
        values: (type) => schema.valueRule(type)
      })
    assert.isTrue(isSame("cn=Ada,uid=x,unknown=Y", "commonName=ADA,UID=X,unknown=y"))
    assert.isFalse(isSame("homeDirectory=/home/ada,dc=x", "homeDirectory=/home/Ada,dc=x"))
    assert.isFalse(isSame("xHome=/home/ada,dc=x", "xHome=/home/Ada,dc=x"))
    assert.isTrue(isSame("xHome=/home/ada,dc=x", "XHOME=/home/ada,dc=X"))
  })

  it("superior classes, nearest first, and cycles end", () => {
    assert.deepStrictEqual(schema.superiors("inetOrgPerson").map(({ names }) => names[0]), [
      "inetOrgPerson",
      "person",
      "top"
    ])
    const cyclic = LdapSubschema.make({
      objectClasses: [objectClass("( 1.1 NAME 'a' SUP b )"), objectClass("( 1.2 NAME 'b' SUP a )")]
    })
    assert.deepStrictEqual(cyclic.superiors("a").map(({ oid }) => oid), ["1.1", "1.2"])
  })

  it("attributes of object classes, by their main names", () => {
    const { allowed, required } = schema.attributesOf("inetOrgPerson", "posixAccount", "unknown")
    assert.deepStrictEqual([...required].sort(), ["cn", "objectClass", "sn", "uid", "uidNumber"])
    assert.deepStrictEqual([...allowed].sort(), ["description", "displayName", "userCertificate", "userPassword"])
    const device = schema.attributesOf("device", "colored")
    assert.includeMembers([...device.required], ["cn", "description"])
    assert.deepStrictEqual([...device.allowed].sort(), ["displayName", "xColor"])
  })
})

describe("LdapSubschema.validate", () => {
  const dn = "uid=ada,dc=example"
  const good = { objectClass: ["inetOrgPerson", "posixAccount"], uid: "ada", cn: "Ada", sn: "L", uidNumber: "1" }
  const problems = (attributes: LdapEntry.AttributesInput, name = dn) =>
    LdapSubschema.validate(schema, { dn: name, attributes })
  const P = LdapSubschema.SchemaProblem

  it("finds nothing in a good entry", () => {
    assert.deepStrictEqual(problems(good), [])
    assert.deepStrictEqual(LdapSubschema.validate(schema, LdapEntry.make("UID=Ada,dc=example", good)), [])
  })

  it.each([
    ["missing", { sn: [] as Array<string> }, [P.NoValues({ attribute: "sn" })]],
    ["not allowed", { xColor: "TRUE" }, [P.AttributeNotAllowed({ attribute: "xColor" })]],
    ["unknown", { foo: "x" }, [P.UnknownAttribute({ attribute: "foo" })]],
    ["several", { displayName: ["a", "b"] }, [P.SeveralValues({ attribute: "displayName", count: 2 })]],
    ["the server's", { createTimestamp: "20240101000000Z" }, [P.NotModifiable({ attribute: "createTimestamp" })]],
    ["syntax", { uidNumber: "x1" }, [P.InvalidValue({ attribute: "uidNumber", index: 0, detail: "not an integer" })]],
    ["name", { uid: "bob" }, [P.NamingValueMissing({ attribute: "uid", value: "ada" })]],
    ["class", { objectClass: ["posixAccount", "foo", "person"] }, [P.UnknownObjectClass({ objectClass: "foo" })]],
    ["structure", { objectClass: ["posixAccount", "extensibleObject"] }, [P.NoStructuralClass()]],
    ["structures", { objectClass: ["person", "device", "extensibleObject"], description: "x" }, [
      P.SeveralStructuralClasses({ objectClasses: ["person", "device"] }),
      P.AuxiliaryNotAllowed({ objectClass: "extensibleObject", structuralClass: "device" })
    ]]
  ] as ReadonlyArray<
    readonly [string, Record<string, string | Array<string>>, ReadonlyArray<LdapSubschema.SchemaProblem>]
  >)(
    "%s",
    (_, change, expected) => {
      assert.deepStrictEqual(problems({ ...good, ...change }), expected)
      for (const problem of expected) assert.isAbove(LdapSubschema.describe(problem).length, 10)
    }
  )

  it("missing attributes, by whichever class requires them", () => {
    assert.deepStrictEqual(
      problems({ objectClass: ["inetOrgPerson", "posixAccount"], userid: "ada", commonName: "Ada" }),
      [
        P.MissingAttribute({ attribute: "sn", objectClass: "person" }),
        P.MissingAttribute({ attribute: "uidNumber", objectClass: "posixAccount" })
      ]
    )
    assert.deepStrictEqual(problems({ cn: "x" }, "cn=x"), [
      P.NoObjectClass(),
      P.AttributeNotAllowed({ attribute: "cn" })
    ])
    assert.deepStrictEqual(
      LdapSubschema.validate(schema, { dn, attributes: { ...good, sn: [] } }, { provided: ["surname"] }),
      [P.NoValues({ attribute: "sn" })]
    )
    const { sn: _, ...without } = good
    assert.deepStrictEqual(LdapSubschema.validate(schema, { dn, attributes: without }, { provided: ["surname"] }), [])
  })

  it("content rules, extensibleObject and names that aren't", () => {
    const device = { objectClass: ["device", "colored"], cn: "d", description: "x" }
    assert.deepStrictEqual(problems({ ...device, "x-color": "red" }, "cn=d"), [
      P.AttributePrecluded({ attribute: "x-color", structuralClass: "device" })
    ])
    assert.deepStrictEqual(problems({ objectClass: ["device"], cn: "d" }, "cn=d"), [
      P.MissingAttribute({ attribute: "description", objectClass: "device" })
    ])
    assert.deepStrictEqual(
      problems({ objectClass: ["person", "extensibleObject"], cn: "d", sn: "s", xColor: "TRUE" }, "cn=d"),
      []
    )
    assert.deepStrictEqual(problems(good, "<GUID=1>").map(({ _tag }) => _tag), ["InvalidName"])
    assert.deepStrictEqual(problems(good, "a_b=1,dc=x").map(({ _tag }) => _tag), ["NamingValueMissing"])
  })

  it("doesn't repeat values", () => {
    const all = problems({
      ...good,
      uidNumber: "s3cr3t",
      displayName: ["s3cr3t", "t"],
      userPassword: "s3cr3t",
      foo: "s3cr3t"
    })
    assert.strictEqual(all.length, 3)
    assert.notInclude(JSON.stringify(all), "s3cr3t")
  })
})

describe("LdapSubschema.read", () => {
  const session = (options: InMemoryDirectory.Options) =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make(options)
      return yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
    })

  it.effect("says what is missing", () =>
    Effect.gen(function*() {
      const nothing = yield* Effect.flip(LdapSubschema.read({ lookup: () => Effect.succeedNone }))
      assert.strictEqual(nothing.reason._tag, "InvalidRequest")
      assert.include(nothing.message, "the root DSE names no subschemaSubentry")
      const invisible = yield* Effect.flip(LdapSubschema.read({
        lookup: (dn) =>
          dn === "dc=x" ? Effect.succeedSome(LdapEntry.make("dc=x", { subschemaSubentry: "cn=s" })) : Effect.succeedNone
      }, { entry: "dc=x" }))
      assert.include(invisible.message, "cn=s")
      assert.include(invisible.message, "no subschema is visible there")
    }))

  it.effect("reads through any client", () =>
    Effect.gen(function*() {
      const client = yield* session({
        entries: [{ dn: "cn=s", attributes: { objectClass: ["subschema"], cn: "s", objectClasses, attributeTypes } }]
      })
      const asked: Array<unknown> = []
      const read = yield* LdapSubschema.read({
        lookup: (dn, options) => {
          asked.push([dn, options?.filter])
          return dn === ""
            ? Effect.succeedSome(LdapEntry.make("", { subschemaSubentry: "cn=s" }))
            : client.lookup(dn, options)
        }
      })
      assert.deepStrictEqual(asked, [["", undefined], ["cn=s", "(objectClass=subschema)"]])
      assert.strictEqual(read.objectClasses.length, objectClasses.length)
      assert.strictEqual(read.attributeTypes.length, attributeTypes.length)
    }))
})

describe("LdapSubschema.generate", () => {
  const generate = (options: LdapSubschema.GenerateOptions) =>
    Result.getOrThrow(LdapSubschema.generate(schema, options))

  it("a class with all that is inherited", () => {
    assert.strictEqual(
      generate({ objectClasses: [["inetOrgPerson", "posixAccount"]], single: ["uid"] }),
      `import { LdapSchema } from "effect-ldap"

export class InetOrgPerson extends LdapSchema.Class<InetOrgPerson>("InetOrgPerson")({
  objectClass: ["inetOrgPerson", "posixAccount"],
  fields: {
    dn: LdapSchema.entryDn,
    sn: LdapSchema.nonEmpty(LdapSchema.DirectoryString),
    cn: LdapSchema.nonEmpty(LdapSchema.DirectoryString),
    uid: LdapSchema.DirectoryString,
    uidNumber: LdapSchema.Integer,
    displayName: LdapSchema.optional(LdapSchema.DirectoryString),
    userCertificate: LdapSchema.attribute("userCertificate;binary", LdapSchema.repeated(LdapSchema.Octets)),
    userPassword: LdapSchema.writeOnly(LdapSchema.Password),
    description: LdapSchema.repeated(LdapSchema.DirectoryString)
  }
}) {}
`
    )
  })

  it("names become identifiers, each once, and some attributes may do", () => {
    const source = generate({ objectClasses: ["colored"], module: "./ldap.ts" })
    assert.include(source, "import { LdapSchema } from \"./ldap.ts\"")
    assert.include(source, "xColor: LdapSchema.attribute(\"x-color\", LdapSchema.repeated(LdapSchema.Octets))")
    assert.include(source, "xColor2: LdapSchema.attribute(\"xColor\", LdapSchema.optional(LdapSchema.Boolean))")
    const some = generate({ objectClasses: ["person", "person"], attributes: ["DESCRIPTION"] })
    assert.include(some, "class Person2 ")
    assert.include(some, "/** RFC4519: a person */")
    assert.include(some, "description")
    assert.notInclude(some, "userPassword")
  })

  it("Active Directory: what it sets itself, what its syntaxes don't tell, and what a search can't have", () => {
    const user = LdapSubschema.make({
      objectClasses: [
        objectClass(
          "( 1.2.840.113556.1.5.9 NAME 'user' STRUCTURAL MUST (cn $ objectSid $ nTSecurityDescriptor ) MAY (userAccountControl $ pwdLastSet $ unicodePwd $ tokenGroups $ uSNChanged ) )"
        )
      ],
      attributeTypes: [
        "( 2.5.4.3 NAME 'cn' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
        "( 1.1 NAME 'objectSid' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE NO-USER-MODIFICATION )",
        "( 1.2 NAME 'nTSecurityDescriptor' SYNTAX '1.2.840.113556.1.4.907' SINGLE-VALUE )",
        "( 1.3 NAME 'userAccountControl' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' SINGLE-VALUE )",
        "( 1.4 NAME 'pwdLastSet' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE )",
        "( 1.5 NAME 'unicodePwd' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE )",
        "( 1.6 NAME 'tokenGroups' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' NO-USER-MODIFICATION )",
        "( 1.7 NAME 'uSNChanged' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE NO-USER-MODIFICATION )"
      ].map(attributeType)
    })
    const source = Result.getOrThrow(LdapSubschema.generate(user, { objectClasses: ["user"] }))
    assert.deepStrictEqual(
      source.split("\n").filter((line) => line.startsWith("    ")).map((line) => line.trim().replace(/,$/, "")),
      [
        "dn: LdapSchema.entryDn",
        "cn: LdapSchema.DirectoryString",
        "objectSid: LdapSchema.readOnly(LdapSchema.ObjectSid)",
        "nTSecurityDescriptor: LdapSchema.readOnly(LdapSchema.Octets)",
        "userAccountControl: LdapSchema.optional(LdapSchema.UserAccountControl)",
        "pwdLastSet: LdapSchema.optional(LdapSchema.FileTime)",
        "unicodePwd: LdapSchema.writeOnly(LdapSchema.UnicodePassword)",
        "uSNChanged: LdapSchema.readOnly(LdapSchema.LargeInteger)"
      ]
    )
    const attributes = { objectClass: "user", cn: "a", pwdLastSet: "0" }
    const problems = LdapSubschema.validate(user, { dn: "cn=a", attributes })
    assert.deepStrictEqual(problems, [LdapSubschema.SchemaProblem.UnknownAttribute({ attribute: "objectClass" })])
  })

  it("what a hostile schema says never becomes code", () => {
    const evil = LdapSubschema.make({
      objectClasses: [
        objectClass(
          "( 1.1 NAME 'a\"}); process.exit(); ({' DESC '*/ process.exit() /*' MAY ( 'b`${process.exit()}' $ 'x\"+process.exit()' $ '123' ) )"
        )
      ]
    })
    const name = evil.objectClasses[0]!.names[0]!
    const source = Result.getOrThrow(LdapSubschema.generate(evil, { objectClasses: [name] }))
    const bare = source.replace(/"(?:[^"\\]|\\.)*"/g, "").replace(/\/\*.*?\*\//gs, "")
    assert.notInclude(bare, "exit(")
    assert.match(bare, /^[\w\s{},.()<>:;]*$/)
  })

  it("an unknown class is an error", () => {
    const result = LdapSubschema.generate(schema, { objectClasses: ["person", "nope"] })
    assert.isTrue(Result.isFailure(result) && result.failure.objectClass === "nope")
  })
})
