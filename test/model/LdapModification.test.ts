import { assert, describe, it } from "@effect/vitest"
import * as LdapDn from "../../src/model/dn/LdapDn.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"

const text = ({ attribute, operation, values }: LdapModification.LdapModification) => ({
  attribute,
  operation,
  values: values.map((value) => Buffer.from(value).toString())
})

describe("LdapModification", () => {
  it("takes a name as its text", () => {
    const dn = LdapDn.ldapDn`cn=${"King, Ada"},dc=example`
    const member = { operation: "add", attribute: "member", values: ["cn=King\\, Ada,dc=example"] }
    assert.deepStrictEqual(text(LdapModification.add("member", dn)), member)
    assert.deepStrictEqual(text(LdapModification.add("member", [dn])), member)
  })

  it("makes each of the operations of RFC 4511 and RFC 4525", () => {
    assert.deepStrictEqual(text(LdapModification.add("mail", ["a@x", Buffer.from("b@x")])), {
      operation: "add",
      attribute: "mail",
      values: ["a@x", "b@x"]
    })
    assert.deepStrictEqual(text(LdapModification.replace("cn;lang-de", "Jürgen")), {
      operation: "replace",
      attribute: "cn;lang-de",
      values: ["Jürgen"]
    })
    assert.deepStrictEqual(text(LdapModification.remove("mail", "a@x")), {
      operation: "delete",
      attribute: "mail",
      values: ["a@x"]
    })
    assert.deepStrictEqual(text(LdapModification.increment("uidNumber")), {
      operation: "increment",
      attribute: "uidNumber",
      values: ["1"]
    })
  })

  it("takes the whole attribute where no values are given", () => {
    assert.deepStrictEqual(LdapModification.remove("mail").values, [])
    assert.deepStrictEqual(LdapModification.replace("mail").values, [])
  })

  it("counts down, and past the safe integers", () => {
    assert.deepStrictEqual(text(LdapModification.increment("n", -5)).values, ["-5"])
    assert.deepStrictEqual(text(LdapModification.increment("n", 9007199254740993n)).values, ["9007199254740993"])
  })

  it("has delete for another name of remove", () => {
    assert.strictEqual(LdapModification.delete, LdapModification.remove)
  })
})
