import { assert, describe, it } from "@effect/vitest"
import * as LdapMatching from "../../../src/model/attribute/LdapMatching.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapSubschema from "../../../src/schema/LdapSubschema.ts"

describe("LdapMatching.equal, with the standard schemas", () => {
  it.each([
    ["manager", "cn=alice, dc=b", "CN=Alice,DC=b"],
    ["member", LdapDn.ldapDn`cn=a+ou=b,dc=c`, "ou=B+CN=A, DC=C"],
    ["cn", "Ada  Lovelace", " ada lovelace"],
    ["2.5.4.3", "ADA", "ada"],
    ["cn;lang-de", "ADA", "ada"],
    ["mail", "Ada@Example.org", "ada@example.org"],
    ["telephoneNumber", "+49 30 12", "+49-30-12"],
    ["createTimestamp", "20260101000000Z", "20260101010000+0100"],
    ["entryUUID", "597AE2F6-16A6-1027-98F4-ABCDEFABCDEF", "597ae2f6-16a6-1027-98f4-abcdefabcdef"],
    ["objectClass", "Person", "person"],
    ["objectClass", "2.5.6.6", "PERSON"],
    ["uidNumber", "7", 7],
    ["unheardOf", "a", Buffer.from("a")],
    ["jpegPhoto", Buffer.from([255, 1]), Buffer.from([255, 1])],
    // Not names: equal only as bytes.
    ["manager", "unlisted", "unlisted"]
  ])("%s: %s equals %s", (attribute, a, b) => {
    assert.isTrue(LdapMatching.equal(attribute, a, b))
    assert.strictEqual(LdapMatching.key(attribute, a), LdapMatching.key(attribute, b))
  })

  it.each([
    ["homeDirectory", "/home/Ada", "/home/ada"],
    ["manager", "cn=a,dc=b", "cn=a,dc=c"],
    ["manager", "unlisted", "Unlisted"],
    ["unheardOf", "a", "A"],
    ["userPassword", "a", "A"],
    ["uidNumber", "7", "07"],
    ["objectSid", Buffer.from([0x87, 4]), Buffer.from([0x8b, 4])],
    ["jpegPhoto", "A", "a"]
  ])("%s: %s doesn't equal %s", (attribute, a, b) => {
    assert.isFalse(LdapMatching.equal(attribute, a, b))
  })

  it("knows which attributes have no equality rule", () => {
    assert.deepStrictEqual(
      ["jpegPhoto", "facsimileTelephoneNumber", "FAX", "2.5.4.23", "cn", "unheardOf"].map((name) =>
        LdapMatching.hasEquality(name)
      ),
      [false, false, false, false, true, true]
    )
  })

  it("takes what isn't a value for equal to nothing", () => {
    for (const strange of [undefined, null, {}, [], new Date(0), Number.NaN, Symbol("a")]) {
      const value = strange as never
      assert.isFalse(LdapMatching.equal("cn", value, value))
      assert.isFalse(LdapMatching.equal(value, "a", "a"))
      assert.isUndefined(LdapMatching.normalize(value, "a"))
      assert.isUndefined(LdapMatching.normalize("caseIgnoreMatch", value))
    }
  })
})

describe("LdapMatching.equal, with a server's schema", () => {
  const schema = LdapSubschema.fromEntry(LdapEntry.make("cn=schema", {
    attributeTypes: [
      "( 1.1 NAME 'code' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
      "( 1.2 NAME 'subCode' SUP code )",
      "( 1.3 NAME 'boss' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
      "( 1.4 NAME 'blob' SYNTAX 1.3.6.1.4.1.1466.115.121.1.5 )",
      "( 2.5.4.3 NAME 'cn' EQUALITY 2.5.13.5 )"
    ]
  }))
  // Of Active Directory: syntaxes only.
  const active = LdapSubschema.fromEntry(LdapEntry.make("cn=aggregate", {
    attributeTypes: [
      "( 1.1 NAME 'code' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' )",
      "( 1.3 NAME 'boss' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' )",
      "( 1.4 NAME 'blob' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' )",
      "( 1.5 NAME 'exact' SYNTAX '1.2.840.113556.1.4.1362' )"
    ]
  }))

  it("uses the rules that it names, and those of superior types", () => {
    assert.isFalse(LdapMatching.equal("code", "a", "A", { schema }))
    assert.isFalse(LdapMatching.equal("subCode", "a", "A", { schema }))
    assert.isTrue(LdapMatching.equal("subCode", "a", "a ", { schema }))
    assert.isTrue(LdapMatching.equal("1.3", "cn=a, dc=b", "CN=A,dc=b", { schema }))
    assert.isFalse(LdapMatching.equal("cn", "a", "A", { schema }))
    // Not in the server's schema: the standard ones.
    assert.isTrue(LdapMatching.equal("sn", "a", "A", { schema }))
    assert.isFalse(LdapMatching.hasEquality("blob", { schema }))
    assert.isTrue(LdapMatching.hasEquality("code", { schema }))
  })

  it("uses syntaxes where the schema names no rules at all", () => {
    assert.isTrue(LdapMatching.equal("code", "a", "A", { schema: active }))
    assert.isFalse(LdapMatching.equal("exact", "a", "A", { schema: active }))
    assert.isTrue(LdapMatching.equal("boss", "cn=a, dc=b", "CN=A,dc=b", { schema: active }))
    assert.isTrue(LdapMatching.hasEquality("blob", { schema: active }))
  })
})

describe("LdapMatching.normalize", () => {
  it("prepares a value by a rule", () => {
    assert.strictEqual(LdapMatching.normalize("caseIgnoreMatch", "  Ada   LOVELACE "), "ada lovelace")
    assert.strictEqual(LdapMatching.normalize("2.5.13.5", "  Ada   LOVELACE "), "Ada LOVELACE")
    assert.strictEqual(LdapMatching.normalize("numericStringMatch", "1 2 3"), "123")
    assert.strictEqual(LdapMatching.normalize("INTEGERMATCH", "7"), "7")
    assert.isUndefined(LdapMatching.normalize("integerMatch", "007"))
    assert.isUndefined(LdapMatching.normalize("wordMatch", "a"))
  })
})
