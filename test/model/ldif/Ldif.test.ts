import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import { recordWriter } from "../../../src/model/ldif/LdifText.ts"

const parse = (text: string, options?: { readonly strict?: boolean }) => Result.getOrThrow(Ldif.parse(text, options))

const failure = (text: string, options?: { readonly strict?: boolean }): Ldif.LdifSyntaxError => {
  const result = Ldif.parse(text, options)
  return Result.isFailure(result) ? result.failure : assert.fail(`${JSON.stringify(text)} was accepted`)
}

/** Records as plain data: bytes as text if they are UTF-8, and without the line unless it is requested. */
const plain = (records: ReadonlyArray<Ldif.LdifRecord>, withLines = false): unknown =>
  JSON.parse(JSON.stringify(records, (key, value: unknown) => {
    if (key === "line" && !withLines) return undefined
    if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1")
    // Buffers arrive here in the form of their toJSON.
    if (typeof value === "object" && value !== null && "data" in value && Array.isArray(value.data)) {
      return Buffer.from(value.data).toString("latin1")
    }
    return value
  }))

const attributes = (record: Ldif.LdifRecord | undefined): Record<string, ReadonlyArray<string>> =>
  record?._tag === "Entry" || record?._tag === "Add"
    ? Object.fromEntries(
      record.attributes.map(({ description, values }) => [description, values.map((v) => Buffer.from(v).toString())])
    )
    : assert.fail(`${record?._tag} has no attributes`)

describe("Ldif.parse, the examples of RFC 2849", () => {
  it("1: a simple file with two entries", () => {
    const records = parse(
      `version: 1
dn: cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com
objectclass: top
objectclass: person
objectclass: organizationalPerson
cn: Barbara Jensen
cn: Barbara J Jensen
cn: Babs Jensen
sn: Jensen
uid: bjensen
telephonenumber: +1 408 555 1212
description: A big sailing fan.

dn: cn=Bjorn Jensen, ou=Accounting, dc=airius, dc=com
objectclass: top
objectclass: person
objectclass: organizationalPerson
cn: Bjorn Jensen
sn: Jensen
telephonenumber: +1 408 555 1212
`,
      { strict: true }
    )
    assert.deepStrictEqual(records.map(({ _tag, dn, line }) => [_tag, dn, line]), [
      ["Entry", "cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com", 2],
      ["Entry", "cn=Bjorn Jensen, ou=Accounting, dc=airius, dc=com", 14]
    ])
    assert.deepStrictEqual(attributes(records[0])["cn"], ["Barbara Jensen", "Barbara J Jensen", "Babs Jensen"])
    assert.deepStrictEqual(Object.keys(attributes(records[1])), ["objectclass", "cn", "sn", "telephonenumber"])
  })

  it("2: a folded value", () => {
    const [record] = parse(
      `version: 1
dn:cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com
objectclass:top
description:Babs is a big sailing fan, and travels extensively in sea
 rch of perfect sailing conditions.
title:Product Manager, Rod and Reel Division
`,
      { strict: true }
    )
    assert.deepStrictEqual(attributes(record)["description"], [
      "Babs is a big sailing fan, and travels extensively in search of perfect sailing conditions."
    ])
  })

  it("3: a value in base64, folded too", () => {
    const [record] = parse(
      `version: 1
dn: cn=Gern Jensen, ou=Product Testing, dc=airius, dc=com
uid: gernj
description:: V2hhdCBhIGNhcmVmdWwgcmVhZGVyIHlvdSBhcmUhICBUaGlzIHZhbHVl
 IGlzIGJhc2UtNjQtZW5jb2RlZCBiZWNhdXNlIGl0IGhhcyBhIGNvbnRyb2wgY2hhcmFjdG
 VyIGluIGl0IChhIENSKS4NICBCeSB0aGUgd2F5LCB5b3Ugc2hvdWxkIHJlYWxseSBnZXQgb
 3V0IG1vcmUu
`,
      { strict: true }
    )
    assert.deepStrictEqual(attributes(record)["description"], [
      "What a careful reader you are!  This value is base-64-encoded because it has a control character in it " +
      "(a CR).\r" +
      "  By the way, you should really get out more."
    ])
  })

  it("4: names in base64, options and comments", () => {
    const records = parse(
      `version: 1
dn:: b3U95Za25qWt6YOoLG89QWlyaXVz
# dn:: ou=<JapaneseOU>,o=Airius
objectclass: top
objectclass: organizationalUnit
ou:: 5Za25qWt6YOo
# ou:: <JapaneseOU>
ou;lang-ja:: 5Za25qWt6YOo
# ou;lang-ja:: <JapaneseOU>
ou;lang-ja;phonetic:: 44GI44GE44GO44KH44GG44G2
ou;lang-en: Sales
description: Japanese office
`,
      { strict: true }
    )
    assert.strictEqual(records[0]?.dn, "ou=営業部,o=Airius")
    const read = attributes(records[0])
    assert.deepStrictEqual(read["ou"], ["営業部"])
    assert.deepStrictEqual(read["ou;lang-ja"], ["営業部"])
    assert.deepStrictEqual(read["ou;lang-ja;phonetic"], ["えいぎょうぶ"])
    assert.deepStrictEqual(read["ou;lang-en"], ["Sales"])
  })

  it("5: a value at a URL is refused", () => {
    const error = failure(`version: 1
dn: cn=Horatio Jensen, ou=Product Testing, dc=airius, dc=com
cn: Horatio Jensen
jpegphoto:< file:///usr/local/directory/photos/hjensen.jpg
`)
    assert.strictEqual(
      error.message,
      "not LDIF, in line 4: the value is at file:///usr/local/directory/photos/hjensen.jpg, " +
        "and values are not read from URLs"
    )
  })

  it("6: every kind of change", () => {
    const records = parse(
      `version: 1
# Add a new entry
dn: cn=Fiona Jensen, ou=Marketing, dc=airius, dc=com
changetype: add
objectclass: top
cn: Fiona Jensen

# Delete an existing entry
dn: cn=Robert Jensen, ou=Marketing, dc=airius, dc=com
changetype: delete

# Modify an entry's relative distinguished name
dn: cn=Paul Jensen, ou=Product Development, dc=airius, dc=com
changetype: modrdn
newrdn: cn=Paula Jensen
deleteoldrdn: 1

# Rename an entry and move all of its children to a new location
dn: ou=PD Accountants, ou=Product Development, dc=airius, dc=com
changetype: modrdn
newrdn: ou=Product Development Accountants
deleteoldrdn: 0
newsuperior: ou=Accounting, dc=airius, dc=com

# Modify an entry: add, delete all, replace, delete one
dn: cn=Paula Jensen, ou=Product Development, dc=airius, dc=com
changetype: modify
add: postaladdress
postaladdress: 123 Anystreet $ Sunnyvale, CA $ 94086
-
delete: description
-
replace: telephonenumber
telephonenumber: +1 408 555 1234
telephonenumber: +1 408 555 5678
-
delete: facsimiletelephonenumber
facsimiletelephonenumber: +1 408 555 9876
-
`,
      { strict: true }
    )
    assert.deepStrictEqual(
      plain(records, true),
      plain([
        {
          ...Ldif.add("cn=Fiona Jensen, ou=Marketing, dc=airius, dc=com", { objectclass: "top", cn: "Fiona Jensen" }),
          line: 3
        },
        { ...Ldif.remove("cn=Robert Jensen, ou=Marketing, dc=airius, dc=com"), line: 9 },
        {
          ...Ldif.modifyDn("cn=Paul Jensen, ou=Product Development, dc=airius, dc=com", { newRdn: "cn=Paula Jensen" }),
          line: 13
        },
        {
          ...Ldif.modifyDn("ou=PD Accountants, ou=Product Development, dc=airius, dc=com", {
            newRdn: "ou=Product Development Accountants",
            deleteOldRdn: false,
            newSuperior: "ou=Accounting, dc=airius, dc=com"
          }),
          line: 19
        },
        {
          ...Ldif.modify("cn=Paula Jensen, ou=Product Development, dc=airius, dc=com", [
            LdapModification.add("postaladdress", "123 Anystreet $ Sunnyvale, CA $ 94086"),
            LdapModification.remove("description"),
            LdapModification.replace("telephonenumber", ["+1 408 555 1234", "+1 408 555 5678"]),
            LdapModification.remove("facsimiletelephonenumber", "+1 408 555 9876")
          ]),
          line: 26
        }
      ], true)
    )
  })

  it("7: a control", () => {
    const records = parse(
      `version: 1
dn: ou=Product Development, dc=airius, dc=com
control: 1.2.840.113556.1.4.805 true
changetype: delete
`,
      { strict: true }
    )
    assert.deepStrictEqual(
      plain(records),
      plain([
        Ldif.delete("ou=Product Development, dc=airius, dc=com", {
          controls: [LdapControl.make("1.2.840.113556.1.4.805", { critical: true })]
        })
      ])
    )
  })
})

describe("Ldif.parse", () => {
  it("reads nothing from nothing", () => {
    for (const text of ["", "\n\n", "version: 1\n", "version:1", "# a comment\n folded\n", "\r\n#\r\n"]) {
      assert.deepStrictEqual(parse(text), [])
    }
  })

  it("reads CRLF and LF, folded anywhere, with any number of blank lines, and no line feed at the end", () => {
    const expected = plain([Ldif.entry("cn=a", { cn: "a", sn: ["b", ""] }), Ldif.entry("cn=b", { cn: "b" })])
    for (
      const text of [
        "dn: cn=a\ncn: a\nsn: b\nsn:\n\ndn: cn=b\ncn: b\n",
        "\n\nversion: 1\n\n\ndn: cn=a\ncn: a\nsn: b\nsn:\n\n\n\ndn: cn=b\ncn: b",
        "version: 1\r\ndn: cn=a\r\ncn: a\r\nsn: b\r\nsn: \r\n\r\ndn: cn=b\r\ncn: b\r\n\r\n",
        "d\n n\n :\n  \n c\n n=a\nc\r\n n: a\nsn::Yg\n ==\nsn::\n\ndn: cn=b\ncn:   b\n",
        "#\n#\n #x\ndn: cn=a\n# x\n cn: y\ncn: a\nsn: b\nsn::  \n#\n\n# x\n\ndn: cn=b\n# x\ncn: b\n#",
        "\ufeffversion: 1\ndn: cn=a\ncn: a\nsn: b\nsn:\n\ndn: cn=b\ncn: b\n"
      ]
    ) assert.deepStrictEqual(plain(parse(text)), expected, JSON.stringify(text))
  })

  it("puts the values of an attribute together, without regard to case, and keeps options apart", () => {
    const [record] = parse("dn: x=y\nCN: a\nsn: s\ncn: b\ncn;lang-de: c\ncN: d\nmember;range=0-1: m\n")
    assert.deepStrictEqual(attributes(record), {
      CN: ["a", "b", "d"],
      sn: ["s"],
      "cn;lang-de": ["c"],
      "member;range=0-1": ["m"]
    })
  })

  it.each([3, 40, 1_500])("puts values together in records of %i names, in any order and case", (count) => {
    const names = Array.from({ length: count }, (_, i) => `attribute${i}`)
    const lines = [...names, ...names.toReversed(), ...names.map((name) => name.toUpperCase())]
      .map((name, i) => `${name}: ${i}${"x".repeat(i % 7 === 0 ? 300 : 3)}`)
    const expected = names.map((name, i): [string, ReadonlyArray<string>] => [
      name,
      [i, 2 * count - 1 - i, 2 * count + i].map((i) => `${i}${"x".repeat(i % 7 === 0 ? 300 : 3)}`)
    ])
    const record = `dn: cn=a\n${lines.join("\n")}\n`
    for (const each of parse(`${record}\n${record}`)) {
      assert.deepStrictEqual(Object.entries(attributes(each)), expected)
    }
  })

  it("checks names in strict texts, also after texts that weren't", () => {
    const record = "dn: cn=a\ncn: a\na_b: x\n\n"
    assert.lengthOf(parse(record + record), 2)
    assert.strictEqual(failure(record, { strict: true }).detail, `"a_b" is not an attribute description`)
  })

  it("keeps spaces at the end of a value, and what looks like syntax within one", () => {
    const [record] = parse("dn: x=y\na: b  \nc: d: e:: f # g\n")
    assert.deepStrictEqual(attributes(record), { a: ["b  "], c: ["d: e:: f # g"] })
  })

  it("reads an attribute named like a property of objects", () => {
    const [record] = parse("dn: x=y\nconstructor: a\nhasOwnProperty: b\n")
    assert.deepStrictEqual(attributes(record), { constructor: ["a"], hasOwnProperty: ["b"] })
  })

  it("reads controls with and without criticality and value", () => {
    const [record] = parse(
      "dn: x=y\ncontrol: 1.1\ncontrol: 1.2 false\ncontrol: 1.3 true: a:b\ncontrol: 1.4:: /w==\ncontrol: 1.5:\n" +
        "changetype: modify\nincrement: n\nn: 2\n-\n"
    )
    assert.deepStrictEqual(
      plain(record === undefined ? [] : [record]),
      plain([
        Ldif.modify("x=y", [LdapModification.increment("n", 2)], {
          controls: [
            LdapControl.make("1.1"),
            LdapControl.make("1.2"),
            LdapControl.make("1.3", { critical: true, value: Buffer.from("a:b") }),
            LdapControl.make("1.4", { value: Uint8Array.of(0xff) }),
            LdapControl.make("1.5", { value: new Uint8Array() })
          ]
        })
      ])
    )
  })

  it.each([
    [" dn: x=y\ncn: a\n", 1, "there is no line that it could continue"],
    ["dn: x=y\ncn: a\n\n folded\n", 4, "there is no line that it could continue"],
    ["version: 2\ndn: x=y\ncn: a\n", 1, `version "2"`],
    ["dn: x=y\ncn: a\n\nversion: 2\ndn: x=z\n", 4, `version "2"`],
    ["dn: x=y\ncn: a\nversion: 1\ndn: x=z\ncn: b\n", 4, `a second "dn:"`],
    ["dn: x=y\ncn: a\ndn: x=z\ncn: b\n", 3, `a second "dn:"`],
    ["dn: x=y\ncn: a\n \ndn: x=z\ncn: b\n", 4, `a second "dn:"`],
    ["dn: x=y\nchangetype: add\ncn: a\nDN: x=z\n", 4, `a second "dn:"`],
    ["dn: x=y\nchangetype: modify\nadd: cn\ncn: a\n-\ndn: x=z\ncn: b\n", 6, `a second "dn:"`],
    ["dn: x=y\ncn: a\nchangetype: delete\n", 3, `"changetype:" must come directly after "dn:"`],
    ["dn: x=y\nchangetype: add\ncn: a\nchangetype: add\n", 4, `"changetype:" must come directly after "dn:"`],
    ["dn: x=y\nreplace: mail\nmail: a\n", 2, `"changetype: modify" is missing`],
    ["dn: x=y\nreplace: mail\nMAIL: a\n-\nadd: cn\ncn: b\n-\n", 2, `"changetype: modify" is missing`],
    ["dn: x=y\ndelete: mail\n", 2, `"changetype: modify" is missing`],
    ["dn: x=y\nreplace: mail\n-\n", 2, `"changetype: modify" is missing`],
    ["dn: x=y\ncn: a\n-\n", 3, `"changetype: modify" is missing`],
    ["dn: x=y\nnewrdn: x=z\ndeleteoldrdn: 1\n", 2, `"changetype: modrdn" is missing`],
    ["cn: a\n", 1, `must begin with "dn:"`],
    ["dn: x=y\n# a\n b\ncn: a\n c\nsn\n", 6, `no colon in "sn"`],
    ["dn: x=y\ncn : a\n", 2, `"cn " is not an attribute description`],
    ["dn: x=y\n: a\n", 2, "is not an attribute description"],
    ["dn: x=y\ncn;: a\n", 2, "is not an attribute description"],
    ["dn: x=y\ncn:: YQ\n", 2, `"YQ" is not base64`],
    ["dn: x=y\ncn:: YQ= =\n", 2, "is not base64"],
    ["dn: x=y\ncn:: Y===\n", 2, "is not base64"],
    ["dn: x=y\ncn:: YQ--\n", 2, "is not base64"],
    ["dn: x=y\ncn: a\0\n", 2, "NUL"],
    ["dn: x=y\rcn: a\n", 1, "carriage return"],
    ["dn:: /w==\ncn: a\n", 1, "not UTF-8"],
    ["dn: x=y\nchangetype: nothing\n", 2, `unknown changetype "nothing"`],
    ["dn: x=y\nchangetype: add\n", 2, "has no attributes"],
    ["dn: x=y\nchangetype: delete\ncn: a\n", 3, "nothing follows"],
    ["dn: x=y\ncontrol: 1.2\ncn: a\n", 3, `expected "changetype:"`],
    ["dn: x=y\ncontrol: x\nchangetype: delete\n", 2, "object identifier"],
    ["dn: x=y\ncontrol: 1.2 maybe\nchangetype: delete\n", 2, `found "maybe"`],
    ["dn: x=y\ncontrol: 1.2 true true\nchangetype: delete\n", 2, `found "true true"`],
    ["dn: x=y\ncontrol: 1.2:< file:///x\nchangetype: delete\n", 2, "URL"],
    ["dn: x=y\nchangetype: modify\ncn: a\n-\n", 3, `expected "add:"`],
    ["dn: x=y\nchangetype: modify\nadd: cn\n-\n", 3, "takes values"],
    ["dn: x=y\nchangetype: modify\nadd: cn\nsn: a\n-\n", 4, `expected a value of "cn"`],
    ["dn: x=y\nchangetype: modify\nadd: c n\nc n: a\n-\n", 3, "is not an attribute description"],
    ["dn: x=y\nchangetype: modify\n-\n", 3, "no colon"],
    ["dn: x=y\nchangetype: moddn\nnewrdn: a=b\n", 3, `expected "deleteoldrdn:"`],
    ["dn: x=y\nchangetype: moddn\ndeleteoldrdn: 1\nnewrdn: a=b\n", 3, `expected "newrdn:"`],
    ["dn: x=y\nchangetype: moddn\nnewrdn: a=b\ndeleteoldrdn: yes\n", 4, "0 or 1"],
    ["dn: x=y\nchangetype: moddn\nnewrdn: a=b\ndeleteoldrdn: 1\nnewsuperior: c=d\ncn: a\n", 6, "nothing follows"]
  ])("refuses %j in line %i", (text, line, detail) => {
    const error = failure(text)
    assert.include(error.detail, detail)
    assert.strictEqual(error.line, line)
    assert.include(error.message, `line ${line}`)
  })

  it.each([
    ["dn: x=y\ncn: é\n", 2],
    ["dn: é=y\ncn: a\n", 1],
    ["dn: x=y\n", 1],
    ["dn: x=y\nc_n: a\n", 2],
    ["dn: x=y\ncn: :a\n", 2],
    ["dn: x=y\nchangetype: modify\n", 2],
    ["dn: x=y\nchangetype: modify\nadd: cn\ncn: a\n", 4],
    ["dn: x=y\nchangetype: modify\nadd: cn\ncn: a\n- \n", 5],
    ["dn: x=y\ncn: a\n\ndn: x=z\nchangetype: delete\n", 4],
    ["\ufeffdn: x=y\ncn: a\n", 1]
  ])("reads %j, and refuses line %i when strict", (text, line) => {
    parse(text)
    assert.strictEqual(failure(text, { strict: true }).line, line)
  })
})

describe("Ldif.parse, files of other programs", () => {
  const names = (text: string | Uint8Array) =>
    Result.getOrThrow(Ldif.parse(text)).map((record) => [record.dn, attributes(record)])

  it("reads version: 1 again, and byte order marks, where files were put together", () => {
    assert.deepStrictEqual(
      names(
        "\ufeffversion: 1\ndn: x=y\ncn: a\n\n\ufeffversion: 1\n\ndn: x=z\ncn: b\n\n\ufeff# comment\n\ufeffdn: x=w\ncn: c\n"
      ),
      [["x=y", { cn: ["a"] }], ["x=z", { cn: ["b"] }], ["x=w", { cn: ["c"] }]]
    )
    assert.strictEqual(failure("version: 1\ndn: x=y\ncn: a\n\nversion: 1\ndn: x=z\ncn: b\n", { strict: true }).line, 5)
  })

  it("skips tabs after a colon, unless strict, where they belong to the value", () => {
    assert.deepStrictEqual(names("dn:\tx=y\ncn:\t a\nsn::\tYQ==\n"), [["x=y", { cn: ["a"], sn: ["a"] }]])
    assert.deepStrictEqual(attributes(parse("dn: x=y\ncn: \ta\n", { strict: true })[0]), { cn: ["\ta"] })
  })

  it("takes control for an attribute where no changetype follows and it can't be a control", () => {
    assert.deepStrictEqual(
      names("dn: control=sdf,dc=root\ncontrol: sdf\nobjectClass: sdfControl\n"),
      [["control=sdf,dc=root", { control: ["sdf"], objectClass: ["sdfControl"] }]]
    )
    assert.deepStrictEqual(names("dn: x=y\ncn: a\ncontrol: 1.2.3\n"), [["x=y", { cn: ["a"], control: ["1.2.3"] }]])
  })

  it("writes an attribute called control, or like a change, so that it is read as one", () => {
    for (const name of ["control", "replace", "add", "newrdn"]) {
      const written = Ldif.format([Ldif.entry("x=y", { [name]: ["1.2.3", "cn"], cn: "a" })])
      assert.deepStrictEqual(attributes(parse(written)[0]), { cn: ["a"], [name]: ["1.2.3", "cn"] })
      assert.include(Ldif.format([Ldif.entry("x=y", { [name]: "1.2.3" })]), "# left out")
    }
  })

  it.each(["utf16le", "utf16be"] as const)("reads bytes in %s, with a byte order mark or without", (encoding) => {
    for (const mark of ["\ufeff", ""]) {
      const octets = Buffer.from(`${mark}version: 1\r\ndn: cn=Zoë 😀\r\ncn: Zoë 😀\r\n`, "utf16le")
      const text = encoding === "utf16be" ? octets.swap16() : octets
      assert.deepStrictEqual(names(text), [["cn=Zoë 😀", { cn: ["Zoë 😀"] }]])
    }
  })

  it("reads bytes in UTF-8, and refuses what is neither", () => {
    assert.deepStrictEqual(names(Buffer.from("\ufeffdn: cn=é\ncn: é\n")), [["cn=é", { cn: ["é"] }]])
    assert.deepStrictEqual(names(Buffer.alloc(0)), [])
    const broken = Ldif.parse(
      Buffer.concat([Buffer.from("dn: x=y\n", "utf16le"), Buffer.from([0x00, 0xd8, 0x41, 0x00])])
    )
    assert.strictEqual(
      Result.isFailure(broken) && broken.failure.detail,
      "not UTF-16, although the text began as UTF-16"
    )
  })

  it.each([undefined, null, 5, {}, ["dn: x=y"]])("answers %j with a failure", (text) => {
    assert.isTrue(Result.isFailure(Ldif.parse(text as never)))
  })
})

describe("Ldif.format", () => {
  it("writes each kind of record", () => {
    const change = { controls: [LdapControl.make("1.2", { critical: true, value: Buffer.from("v") })] }
    assert.strictEqual(
      Ldif.format([
        LdapEntry.make("cn=é", { cn: ["é", " a", "a ", ":a", "<a", "a:<#", ""] }),
        Ldif.entry("", { "a;x": "b" }),
        Ldif.add("x=y", { cn: "a" }, change),
        Ldif.remove("x=y"),
        Ldif.modify("x=y", [LdapModification.add("cn", ["a", "b"]), LdapModification.remove("sn")]),
        Ldif.modifyDn("x=y", { newRdn: "x=z", newSuperior: "" }),
        Ldif.modifyDn("x=y", { newRdn: "x=z", deleteOldRdn: false })
      ]),
      `version: 1

dn:: Y249w6k=
cn:: w6k=
cn:: IGE=
cn:: YSA=
cn:: OmE=
cn:: PGE=
cn: a:<#
cn:

dn:
a;x: b

dn: x=y
control: 1.2 true: v
changetype: add
cn: a

dn: x=y
changetype: delete

dn: x=y
changetype: modify
add: cn
cn: a
cn: b
-
delete: sn
-

dn: x=y
changetype: moddn
newrdn: x=z
deleteoldrdn: 1
newsuperior:

dn: x=y
changetype: moddn
newrdn: x=z
deleteoldrdn: 0
`
    )
  })

  it("folds at the width, and never leaves a line longer", () => {
    const record = Ldif.entry("x=y", { description: "a".repeat(200), photo: Uint8Array.of(...Array(100).fill(255)) })
    const widths = (options?: { readonly width: number }) =>
      Ldif.format([record], options).split("\n").slice(1).map(({ length }) => length)
    assert.strictEqual(Math.max(...widths()), 76)
    assert.strictEqual(Math.max(...widths({ width: 20 })), 20)
    for (const width of [0, -1, NaN, 2]) assert.strictEqual(Math.max(...widths({ width })), 2)
    assert.strictEqual(Math.max(...widths({ width: Infinity })), 213)
    for (const width of [2, 3, 20, 76, Infinity]) {
      assert.deepStrictEqual(plain(parse(Ldif.format([record], { width }), { strict: true })), plain([record]))
    }
    const exact = Ldif.entry("x=y", { a: "b".repeat(73) })
    assert.strictEqual(Ldif.format([exact]).split("\n")[3], `a: ${"b".repeat(73)}`)
  })

  it("leaves out a record that would be read as another, and says so", () => {
    const names = ["cn: x\n\ndn: evil=1\ncn", "changetype", "Control", "dn", "a b", "", "é\u2028"]
    for (const name of names) {
      const text = Ldif.format([
        Ldif.entry("x=1", { cn: "a" }),
        Ldif.entry("x=\n2", [{ description: "cn", values: [] }, {
          description: name,
          values: [Buffer.from("delete")]
        }]),
        Ldif.remove("x=3")
      ])
      assert.deepStrictEqual(parse(text).map(({ dn }) => dn), ["x=1", "x=3"])
      assert.match(
        text.replaceAll("\n ", ""),
        /^# left out: the record of "x=\\n2", since LDIF can't write ".*" as a name$/m
      )
      assert.isFalse(/[^\n\x20-\x7e]/.test(text))
    }
    assert.lengthOf(parse(Ldif.format([Ldif.modify("x=y", [LdapModification.remove("a\nb")])])), 0)
    assert.lengthOf(parse(Ldif.format([Ldif.remove("x=y", { controls: [LdapControl.make("1\n2")] })])), 0)
  })

  const text = Arbitrary.map(
    Arbitrary.array(
      Arbitrary.schema(Schema.Literals([...Array.from(" :<#-\n\r\0aé😀"), "dn: x", "\n\n", "x".repeat(80)])),
      {
        maxLength: 6
      }
    ),
    (parts) => parts.join("")
  )
  const octets = Arbitrary.flatMap(
    Arbitrary.schema(Schema.Boolean),
    (asText): Arbitrary.Arbitrary<Uint8Array> =>
      asText ? Arbitrary.map(text, (value) => Buffer.from(value)) : Arbitrary.schema(Schema.Uint8Array)
  )
  const values = Arbitrary.array(octets, { minLength: 1, maxLength: 3 })
  const description = Arbitrary.schema(
    Schema.Literals(["cn", "sn;lang-de", "member;range=0-9", "1.2.3", "x_y", "version"])
  )
  const attributeList = Arbitrary.map(
    Arbitrary.array(Arbitrary.all([description, values]), { minLength: 1, maxLength: 4 }),
    // Each description once, as in a parsed record.
    (pairs) => Array.from(new Map(pairs), ([description, values]) => ({ description, values }))
  )
  const control = Arbitrary.map(
    Arbitrary.all([Arbitrary.schema(Schema.Boolean), Arbitrary.array(octets, { maxLength: 1 })]),
    ([critical, [value]]) => LdapControl.make("1.2.3", { critical, value })
  )
  const controls = Arbitrary.array(control, { maxLength: 2 })
  const operation = Arbitrary.schema(Schema.Literals(["add", "delete", "replace", "increment"]))
  const change = Arbitrary.map(
    Arbitrary.all([operation, description, values, Arbitrary.schema(Schema.Boolean)]),
    ([operation, attribute, values, whole]): LdapModification.LdapModification => ({
      operation,
      attribute,
      // The others take values.
      values: whole && (operation === "delete" || operation === "replace") ? [] : values
    })
  )
  const changes = Arbitrary.array(change, { maxLength: 3 })
  const record = Arbitrary.flatMap(
    Arbitrary.schema(Schema.Literals(["entry", "add", "remove", "modify", "modifyDn"])),
    (kind): Arbitrary.Arbitrary<Ldif.LdifRecord> =>
      Arbitrary.map(
        Arbitrary.all({
          dn: text,
          attributeList,
          controls,
          changes,
          newRdn: text,
          flag: Arbitrary.schema(Schema.Boolean)
        }),
        ({ attributeList, changes, controls, dn, flag, newRdn }) => {
          switch (kind) {
            case "entry":
              return Ldif.entry(dn, attributeList)
            case "add":
              return Ldif.add(dn, attributeList, { controls })
            case "remove":
              return Ldif.remove(dn, { controls })
            case "modify":
              return Ldif.modify(dn, changes, { controls })
            case "modifyDn":
              return Ldif.modifyDn(dn, { newRdn, deleteOldRdn: flag, controls, ...(flag ? { newSuperior: dn } : {}) })
          }
        }
      )
  )
  const records = Arbitrary.array(record, { maxLength: 4 })
  const width = Arbitrary.schema(Schema.Literals([2, 10, 76, 1e9]))

  it.prop("what is written reads as the same records", [records, width], ([records, width]) => {
    assert.deepStrictEqual(plain(parse(Ldif.format(records, { width }))), plain(records))
  }, { arbitrary: { runs: 500 } })

  it.prop("parse never throws", [Arbitrary.array(text), Arbitrary.schema(Schema.Boolean)], ([parts, strict]) => {
    Ldif.parse(parts.join("\n"), { strict })
    Ldif.parse(`dn: ${parts.join("\ncn: ")}`, { strict })
  }, { arbitrary: { runs: 300 } })
})

describe("recordWriter", () => {
  it("writes nothing of a record that could not be written to its end", () => {
    const write = recordWriter({
      inBase64: (description) => {
        if (description === "sn") throw new Error("not this one")
        return false
      }
    })
    const record = (name: string) => LdapEntry.make("cn=a", { cn: "a", [name]: "b" })
    assert.throws(() => write(record("sn")), "not this one")
    assert.strictEqual(write(record("mail")), "\ndn: cn=a\ncn: a\nmail: b\n")
  })
})

describe("Ldif, large texts", () => {
  it("takes time that grows with the text and no stack, whatever is long in it", { timeout: 30_000 }, () => {
    const megabytes = 5
    const many = Ldif.format(
      Array.from(
        { length: megabytes * 5000 },
        (_, i) => Ldif.entry(`uid=${i}`, { uid: String(i), description: "x".repeat(170) })
      )
    )
    assert.lengthOf(parse(many), megabytes * 5000)
    const value = Buffer.alloc(megabytes * 1e6, 0xff)
    const [one] = parse(Ldif.format([Ldif.entry("x=y", { photo: value })]))
    assert.isTrue(one?._tag === "Entry" && Buffer.compare(value, one.attributes[0]?.values[0] ?? Buffer.alloc(0)) === 0)
    parse(`dn: x=y\na${";a".repeat(megabytes * 1e6 / 2)}: x\n`)
    failure(`dn: x=y\na${";a".repeat(megabytes * 1e6 / 2)}!: x\n`)
    failure(`dn: x=y\na:: ${"AAAA".repeat(megabytes * 1e6 / 4)}!\n`)
    failure(`dn: x=y\n${"1.".repeat(megabytes * 1e6 / 2)}\n`)
    parse("\n".repeat(megabytes * 1e6))
    parse(`#${"\n ".repeat(megabytes * 1e6 / 2)}`)
  })
})
