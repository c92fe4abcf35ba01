import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as LdapUrl from "../../../src/model/url/LdapUrl.ts"
import type { SearchOptions } from "../../../src/session/LdapSession.ts"

const parse = (text: string) => Result.getOrThrow(LdapUrl.parse(text))

const failure = (text: string): LdapUrl.LdapUrlSyntaxError => {
  const result = LdapUrl.parse(text)
  return Result.isFailure(result) ? result.failure : assert.fail(`${JSON.stringify(text)} was accepted`)
}

const filter = (url: LdapUrl.LdapUrl) => LdapFilter.format(LdapUrl.filter(url))

/** Bytes of filters come in more than one class. */
const fields = (url: LdapUrl.LdapUrl) => ({
  scheme: url.scheme,
  host: url.host,
  port: url.port,
  dn: url.dn,
  attributes: url.attributes,
  scope: url.scope,
  filter: url.filter === undefined ? undefined : LdapFilter.format(url.filter),
  extensions: url.extensions
})

describe("LdapUrl.parse, the examples of RFC 4516 section 4", () => {
  it("names an entry, on a server or on the one that the reader knows", () => {
    const anywhere = parse("ldap:///o=University%20of%20Michigan,c=US")
    assert.isUndefined(anywhere.host)
    assert.strictEqual(anywhere.dn, "o=University of Michigan,c=US")
    assert.deepStrictEqual(anywhere.attributes, [])
    assert.strictEqual(LdapUrl.scope(anywhere), "base")
    assert.strictEqual(filter(anywhere), "(objectClass=*)")
    const there = parse("ldap://ldap1.example.net/o=University%20of%20Michigan,c=US")
    assert.strictEqual(there.host, "ldap1.example.net")
    assert.strictEqual(LdapUrl.port(there), 389)
  })

  it("has attributes, a port, a scope, a filter", () => {
    assert.deepStrictEqual(
      parse("ldap://ldap1.example.net/o=University%20of%20Michigan,c=US?postalAddress").attributes,
      ["postalAddress"]
    )
    const babs = parse("ldap://ldap1.example.net:6666/o=University%20of%20Michigan,c=US??sub?(cn=Babs%20Jensen)")
    assert.strictEqual(babs.port, 6666)
    assert.strictEqual(babs.scope, "subtree")
    assert.strictEqual(filter(babs), "(cn=Babs Jensen)")
    const upper = parse("LDAP://ldap1.example.com/c=GB?objectClass?ONE")
    assert.strictEqual(upper.scheme, "ldap")
    assert.strictEqual(upper.scope, "one")
  })

  it("decodes percent-encoding, and nothing else", () => {
    assert.strictEqual(parse("ldap://ldap2.example.com/o=Question%3f,c=US?mail").dn, "o=Question?,c=US")
    const octets = parse("ldap://ldap3.example.com/o=Babsco,c=US???(four-octet=%5c00%5c00%5c00%5c04)")
    assert.deepStrictEqual(LdapUrl.filter(octets), LdapFilter.equals("four-octet", Buffer.from([0, 0, 0, 4])))
    assert.strictEqual(
      parse("ldap://ldap.example.com/o=An%20Example%5C2C%20Inc.,c=US").dn,
      "o=An Example\\2C Inc.,c=US"
    )
  })

  it("takes what means the same for equal", () => {
    const [first, second, third] = [
      "ldap://ldap.example.net",
      "ldap://ldap.example.net/",
      "ldap://ldap.example.net/?"
    ].map(parse)
    assert.isTrue(Equal.equals(first, second) && Equal.equals(second, third))
    assert.strictEqual(Hash.hash(first), Hash.hash(third))
  })

  it("has extensions, critical or not", () => {
    assert.deepStrictEqual(parse("ldap:///??sub??e-bindname=cn=Manager%2cdc=example%2cdc=com").extensions, [
      { type: "e-bindname", value: "cn=Manager,dc=example,dc=com", critical: false }
    ])
    assert.deepStrictEqual(parse("ldap:///??sub??!e-bindname=cn=Manager%2cdc=example%2cdc=com,1.2.3,x=").extensions, [
      { type: "e-bindname", value: "cn=Manager,dc=example,dc=com", critical: true },
      { type: "1.2.3", critical: false },
      { type: "x", value: "", critical: false }
    ])
  })
})

describe("LdapUrl.parse", () => {
  it("reads addresses and sockets", () => {
    const hosts: ReadonlyArray<readonly [string, string | undefined, number | undefined]> = [
      ["ldap://[2001:db8::7]", "2001:db8::7", 389],
      ["ldaps://[::ffff:192.0.2.1]:1636/", "::ffff:192.0.2.1", 1636],
      ["ldap://[fe80::1%25eth0]", "fe80::1%eth0", 389],
      ["ldap://[::]/", "::", 389],
      ["ldapi://%2Frun%2Fslapd%2Fldapi", "/run/slapd/ldapi", undefined],
      ["ldapi:///dc=example", undefined, undefined],
      ["ldap://:1389/", undefined, 1389],
      ["ldap://host:/", "host", 389],
      ["ldap://b%C3%BCcher.example/", "bücher.example", 389]
    ]
    for (const [text, host, port] of hosts) {
      const url = parse(text)
      assert.strictEqual(url.host, host, text)
      assert.strictEqual(LdapUrl.port(url), port, text)
      assert.isTrue(LdapUrl.isEqual(parse(LdapUrl.format(url)), url), text)
    }
  })

  it("refuses what is no server", () => {
    for (
      const text of [
        "ldap://[1:2:3:4:5:6:7]",
        "ldap://[1:2:3:4:5:6:7:8:9]",
        "ldap://[1::2::3]",
        "ldap://[::1.2.3.256]",
        "ldap://[1.2.3.4::]",
        "ldap://[12345::]",
        "ldap://[::1%25]",
        "ldap://[fe80::1%eth0]",
        "ldap://[v1.future]",
        "ldap://[::1",
        "ldap://::1",
        "ldap://host:0",
        "ldap://host:65536",
        "ldap://host:1e3",
        "ldap://host:+389",
        "ldap://ho st",
        "ldap://a@b",
        "ldap://host?dc=x",
        "ldap://host#x",
        "ldapi://%2Fsocket:389",
        "ldap:/host",
        "ldap:",
        "http://host",
        ""
      ]
    ) failure(text)
  })

  it("takes characters that should have been encoded, except control characters (RFC 4516 section 2.1)", () => {
    const url = parse("ldap://host/o=Bücher und \\#{},c=DE??sub?(cn=Ada \\2a 😀)?x=ü #[]")
    assert.strictEqual(url.dn, "o=Bücher und \\#{},c=DE")
    assert.strictEqual(filter(url), "(cn=Ada \\2a 😀)")
    assert.strictEqual(url.extensions[0]?.value, "ü #[]")
    assert.strictEqual(failure("ldap://host/o=a\nb").position, 15)
    assert.strictEqual(parse("ldap:///????x=a%00%0Ab").extensions[0]?.value, "a\0\nb")
  })

  it("knows the selectors of attributes and the names of Active Directory", () => {
    const url = parse("ldap:///%3CGUID=f7e1%3E?*,+,@person,1.1,member;range=0-*,cn;lang-de")
    assert.strictEqual(url.dn, "<GUID=f7e1>")
    assert.deepStrictEqual(url.attributes, ["*", "+", "@person", "1.1", "member;range=0-*", "cn;lang-de"])
    assert.isTrue(Result.isFailure(LdapUrl.dn(url)))
    for (const text of ["ldap:///?a%2Cb", "ldap:///?a=b", "ldap:///?@", "ldap:///?a;", "ldap:///<x=y>"]) failure(text)
  })

  it("says where the mistake is", () => {
    const mistakes: ReadonlyArray<readonly [string, string, RegExp]> = [
      ["ldap://host:9x9/", "9x9/", /port/],
      ["ldap:///cn=%C3%A9%F0%9F%98%80 é,bad,c=DE", ",c=DE", /"="/],
      ["ldap:///dc=x%zz", "%zz", /hexadecimal/],
      ["ldap:///dc=x%C3%28", "%C3", /UTF-8/],
      ["ldap:///dc=x?cn,?sub", "?sub", /attribute/],
      ["ldap:///dc=x??tree", "tree", /scope/],
      ["ldap:///dc=x???(cn=%C3%A9)(", "(", /filter/],
      ["ldap:///dc=x????a,!=b", "=b", /extension/],
      ["ldap:///dc=x????a?b", "?b", /%3F/]
    ]
    for (const [text, at, detail] of mistakes) {
      const error = failure(text)
      assert.strictEqual(text.slice(error.position, error.position + at.length), at, text)
      assert.match(error.detail, detail)
      const [, excerpt, caret] = error.message.split("\n")
      assert.isTrue(excerpt?.slice(caret?.indexOf("^")).startsWith(at), error.message)
    }
  })

  it("shows no password", () => {
    for (
      const text of [
        "ldap://ada:secret@host/",
        "ldap:///????!x-bindpw=secret%zz",
        "ldap:///????bindname=x,X-BINDPW=secret,!",
        "ldap:///bad????X-BINDPW=secret"
      ]
    ) {
      const error = failure(text)
      assert.strictEqual(error.url.length, text.length)
      assert.notInclude(inspect(error) + JSON.stringify(error) + error.message, "secret")
    }
    const url = parse("ldap:///????bindname=cn=ada,!X-BINDPW=secret")
    const unknown = LdapUrl.search(url)
    assert.notInclude(`${url.toString()}${inspect(url)}${JSON.stringify(url)}${inspect(unknown)}`, "secret")
    assert.include(LdapUrl.format(url), "X-BINDPW=secret")
  })

  it("answers large texts at once", () => {
    const many = 1_000_000
    failure(`ldap:///${"%41".repeat(many)}`)
    failure(`ldap:///${"dc=x,".repeat(many / 5)}`)
    failure(`ldap:///dc=x????${"%2C,".repeat(many / 4)}`)
    failure(`ldap:///???${"(!".repeat(many / 2)}`)
    failure(`ldap://[${":".repeat(many)}]`)
    failure(`ldap://${"1".repeat(many)}:${"1".repeat(many)}`)
    failure(`ldap:///dc=x????${"?".repeat(many)}`)
    failure(`ldap://${"@".repeat(many)}`)
    parse(`ldap:///dc=x?${"cn,".repeat(many / 3)}cn`)
  })
})

describe("LdapUrl.format", () => {
  it("encodes what would be syntax, in each part its own", () => {
    const url = LdapUrl.make({
      scheme: "ldap",
      host: "a/b?c",
      port: 389,
      dn: "cn=50% #1?,dc=é😀",
      attributes: ["a,b?", "cn"],
      scope: "subtree",
      filter: LdapFilter.equals("cn", "what?"),
      extensions: [{ type: "x", value: "a,b?=c", critical: true }, { type: "y" }]
    })
    assert.strictEqual(
      LdapUrl.format(url),
      "ldap://a%2Fb%3Fc:389/cn=50%25%20%231%3F,dc=%C3%A9%F0%9F%98%80?a%2Cb%3F,cn?sub?(cn=what%3F)?!x=a%2Cb%3F=c,y"
    )
  })

  it("leaves out what isn't there", () => {
    assert.strictEqual(LdapUrl.format(LdapUrl.make({})), "ldap://")
    assert.strictEqual(LdapUrl.format(LdapUrl.make({ scheme: "ldapi", host: "/run/ldapi" })), "ldapi://%2Frun%2Fldapi")
    assert.strictEqual(LdapUrl.format(LdapUrl.make({ host: "::1", scope: "one" })), "ldap://[::1]/??one")
    assert.strictEqual(LdapUrl.format(LdapUrl.make({ dn: LdapDn.ldapDn`o=${"a,b"}` })), "ldap:///o=a%5C,b")
    assert.strictEqual(LdapUrl.server(parse("ldaps://[::1]:1636/dc=x??sub")), "ldaps://[::1]:1636")
  })

  const texts = Arbitrary.map(
    Arbitrary.array(Arbitrary.schema(Schema.Literals([...Array.from("a?,=%#/é😀 \0\n\\[]!@:*()"), "%41", "\ud800"])), {
      maxLength: 6
    }),
    (parts) => parts.join("").toWellFormed()
  )
  const given = <A>(of: Arbitrary.Arbitrary<A>) => Arbitrary.array(of, { maxLength: 1 })
  const urls = Arbitrary.map(
    Arbitrary.all({
      scheme: Arbitrary.schema(Schema.Literals(["ldap", "ldaps", "ldapi"])),
      host: Arbitrary.schema(Schema.Literals(["", "a.example", "2001:db8::1", "fe80::1%en/0", "é b?", "/run/x y"])),
      port: given(Arbitrary.schema(Schema.Literals([1, 389, 65535]))),
      dn: Arbitrary.map(texts, (value) => LdapDn.make([LdapDn.rdn("cn", value)])),
      attributes: Arbitrary.array(Arbitrary.schema(Schema.Literals(["cn", "*", "+", "sn;lang-de"])), { maxLength: 3 }),
      scope: given(Arbitrary.schema(Schema.Literals(["base", "one", "subtree", "subordinates"]))),
      filter: given(Arbitrary.map(texts, (value) => LdapFilter.equals("cn", value))),
      extensions: Arbitrary.array(
        Arbitrary.map(Arbitrary.all([given(texts), Arbitrary.schema(Schema.Boolean)]), ([[value], critical]) => ({
          type: "x-y",
          value,
          critical
        })),
        { maxLength: 2 }
      )
    }),
    ({ filter: [filter], port: [port], scheme, scope: [scope], ...parts }) =>
      LdapUrl.make({ ...parts, scheme, port: scheme === "ldapi" ? undefined : port, scope, filter })
  )

  it.prop("what is written reads as the same URL", [urls], ([url]) => {
    const text = LdapUrl.format(url)
    assert.match(text, /^[A-Za-z0-9._~:/?[\]@!$&'()*+,;=%-]*$/)
    const again = parse(text)
    assert.deepStrictEqual(fields(again), fields(url))
    assert.isTrue(Equal.equals(again, url))
    assert.strictEqual(Hash.hash(again), Hash.hash(url))
  }, { arbitrary: { runs: 500 } })

  it.prop("parse never throws", [texts, texts, texts], (parts) => {
    LdapUrl.parse(`ldap://${parts.join("?")}`)
    LdapUrl.parse(`ldap:///${parts.join("?")}`)
    LdapUrl.parse(parts.join(""))
  }, { arbitrary: { runs: 500 } })
})

describe("LdapUrl.isEqual", () => {
  it("compares meaning", () => {
    const url = "ldap://Host.example/cn=Ada,dc=x?cn,sn?base?(objectClass=*)?a=1,!b"
    for (
      const same of [
        "LDAP://host.EXAMPLE:389/CN=ada, DC=X?SN,cn???!B,A=1",
        "ldap://host.example/cn=%41da,dc=x?cn,sn,cn??(objectclass=*)?a=1,!b"
      ]
    ) assert.isTrue(LdapUrl.isEqual(parse(url), parse(same)), same)
    for (
      const other of [
        "ldaps://Host.example/cn=Ada,dc=x?cn,sn???a=1,!b",
        "ldap://Host.example:390/cn=Ada,dc=x?cn,sn???a=1,!b",
        "ldap://Host.example/cn=Ade,dc=x?cn,sn???a=1,!b",
        "ldap://Host.example/cn=Ada,dc=x?cn???a=1,!b",
        "ldap://Host.example/cn=Ada,dc=x?cn,sn?one??a=1,!b",
        "ldap://Host.example/cn=Ada,dc=x?cn,sn??(cn=*)?a=1,!b",
        "ldap://Host.example/cn=Ada,dc=x?cn,sn???a=2,!b",
        "ldap://Host.example/cn=Ada,dc=x?cn,sn???a=1,b"
      ]
    ) assert.isFalse(LdapUrl.isEqual(parse(url), parse(other)), other)
    assert.isFalse(LdapUrl.isEqual(parse("ldapi://%2FA"), parse("ldapi://%2Fa")))
  })
})

describe("LdapUrl.search", () => {
  it("is what a session searches for, defaults put in", () => {
    const options: SearchOptions = Result.getOrThrow(LdapUrl.search(parse("ldap://host/dc=x?cn?sub?(cn=a)?ignored")))
    assert.deepStrictEqual(options, {
      base: "dc=x",
      scope: "subtree",
      filter: LdapFilter.equals("cn", "a"),
      attributes: ["cn"]
    })
    assert.deepStrictEqual(Result.getOrThrow(LdapUrl.search(parse("ldap://host"))), {
      base: "",
      scope: "base",
      filter: LdapFilter.present("objectClass"),
      attributes: []
    })
  })

  it("refuses a critical extension that the caller doesn't know", () => {
    const url = parse("ldap:///????a,!B=1,!c")
    const unknown = LdapUrl.search(url, { extensions: ["b"] })
    assert.isTrue(Result.isFailure(unknown) && unknown.failure.type === "c")
    assert.isTrue(Result.isSuccess(LdapUrl.search(url, { extensions: ["b", "C"] })))
  })
})

describe("LdapUrl.parse, lenient", () => {
  it("reads a filter without its outer parentheses, and the strict error says so", () => {
    const text = "ldap:///o=x??sub?objectClass=crlDistributionPoint"
    const strict = LdapUrl.parse(text)
    assert.include(Result.isFailure(strict) ? strict.failure.message : "", "{ lenient: true } accepts")
    const url = Result.getOrThrow(LdapUrl.parse(text, { lenient: true }))
    assert.strictEqual(LdapUrl.format(url), "ldap:///o=x??sub?(objectClass=crlDistributionPoint)")
  })

  it.each([undefined, null, 5, {}, ["ldap://x"]])("answers %j with a failure", (text) => {
    assert.isTrue(Result.isFailure(LdapUrl.parse(text as never)))
    assert.isTrue(Result.isFailure(LdapFilter.parse(text as never)))
  })
})
