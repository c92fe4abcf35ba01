/** Parsing and formatting texts, beside ldapts, ldapjs, and JSON. */
import * as Result from "effect/Result"
import { FilterParser } from "ldapts"
import { createRequire } from "node:module"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdapUrl from "../../../src/model/url/LdapUrl.ts"
import { ldif, person, personDn } from "../servers/directory.ts"
import type { Pair, Pairs } from "./Pair.ts"

/** The parts of ldapjs in use. It has no types. */
interface Ldapjs {
  readonly DN: { readonly fromString: (text: string) => unknown }
  readonly url: { readonly parse: (text: string, parsesDn: boolean) => unknown }
}

const ldapjs = createRequire(import.meta.url)("ldapjs") as Ldapjs

const numbers = Array.from({ length: 3_000 }, (_, i) => i)

const each = (
  texts: ReadonlyArray<string>,
  own: (text: string) => unknown,
  other: (text: string) => unknown
): Pair => ({ own: () => texts.map(own), other: () => texts.map(other) })

export const make = (): Promise<Pairs> => {
  const people = numbers.map(person)
  const text = people.map(ldif).join("")
  const records = Result.getOrThrow(Ldif.parse(text))
  const plain = people.map(({ attributes, dn }) => ({ dn, ...Object.fromEntries(attributes) }))
  const json = JSON.stringify(plain)
  return Promise.resolve({
    pairs: {
      "LDIF parsed": { own: () => Result.getOrThrow(Ldif.parse(text)), other: () => JSON.parse(json) as unknown },
      "LDIF formatted": { own: () => Ldif.format(records), other: () => JSON.stringify(plain) },
      filters: each(
        numbers.map((i) => `(&(objectClass=person)(|(uid=u${i})(cn=Ada ${i}*))(!(l=London)))`),
        (text) => Result.getOrThrow(LdapFilter.parse(text)),
        (text) => FilterParser.parseString(text)
      ),
      names: each(
        numbers.map(personDn),
        (text) => Result.getOrThrow(LdapDn.parse(text)),
        (text) => ldapjs.DN.fromString(text)
      ),
      URLs: each(
        numbers.map((i) => `ldap://ldap.example.org/${personDn(i)}?cn,mail?sub?(uid=u${i})`),
        (text) => Result.getOrThrow(LdapUrl.parse(text)),
        (text) => ldapjs.url.parse(text, true)
      )
    }
  })
}
