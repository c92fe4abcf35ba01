import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import { dnKey, nameKey } from "../../../src/model/dn/nameKey.ts"

const expected = (name: string): string | undefined =>
  Result.getOrUndefined(Result.map(LdapDn.parse(name, { lenient: true }), LdapDn.normalize))

const piece = Arbitrary.schema(
  Schema.Literals([
    "cn=a",
    "CN = B ",
    "ou=c",
    "commonName=D",
    "cn=e+sn=f",
    `cn="g,h"`,
    "cn=i\\,j",
    "cn=k\\",
    "cn=#040161",
    "cn=l;ou=m",
    "cn=",
    "n",
    " ",
    ""
  ])
)

describe("nameKey", () => {
  it.prop(
    "gives each name its own key, whatever names came before it",
    [Arbitrary.array(Arbitrary.array(piece, { minLength: 1, maxLength: 3 }), { maxLength: 20 })],
    ([names]) => {
      for (const pieces of names) {
        const name = pieces.join(",")
        assert.strictEqual(dnKey(name), expected(name))
        assert.strictEqual(nameKey(name), expected(name) ?? name.toLowerCase())
      }
    }
  )

  it("takes no separator for a part of a name with the same end", () => {
    for (const name of ["cn=a;ou=b,dc=x", "cn=c,dc=x", "cn=c\\,dc=x", `cn="c,dc=x`, "cn=d,dc=x", "cn=d,", "cn=d"]) {
      assert.strictEqual(dnKey(name), expected(name))
    }
  })
})
