/**
 * The tasks of text.ts that run on Node: this library, and what ldapts and ldapjs have. Each task returns a function that does all
 * of its work once, and the number of items in it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { FilterParser } from "ldapts"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as LdapDn from "../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import * as LdapUrl from "../../src/model/url/LdapUrl.ts"
import * as filterFloor from "./peers/filterFloor.ts"
import * as ldifFloor from "./peers/ldifFloor.ts"
import { person, personDn } from "./servers/directory.ts"

/** One pass. What it returns is kept until the pass is over, so that the work isn't optimised away. */
export interface Task {
  readonly pass: () => unknown
  readonly items: number
}

const texts = 2_000

/** Filters as programs write them. No two are the same, since an engine may remember the last text. */
export const filters: ReadonlyArray<string> = Array.from({ length: texts }, (_, i) => {
  const { attributes } = person(i)
  const cn = String(attributes.find(([name]) => name === "cn")![1][0])
  return [
    `(uid=u${i})`,
    "(objectClass=*)",
    `(&(objectClass=person)(uid=u${i}))`,
    `(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))(sAMAccountName=u${i}))`,
    `(|(cn=${cn}*)(mail=*${i}@example.org)(telephoneNumber=*${i}*))`,
    `(&(objectClass=groupOfNames)(member=${personDn(i)}))`,
    `(&(modifyTimestamp>=202601${10 + (i % 20)}120000Z)(|(departmentNumber=D-${i % 97})(!(l=London))))`,
    `(cn=${cn} \\28contractor\\29)`
  ][i % 8]!
})

/** Names as servers send them: people, groups, values with escapes, several attributes in an RDN. */
export const dns: ReadonlyArray<string> = Array.from({ length: texts }, (_, i) =>
  [
    personDn(i),
    `cn=g${i},ou=groups,dc=example,dc=org`,
    `cn=Lovelace\\, Ada ${i},ou=People and Groups,o=Example,c=GB`,
    `CN=User ${i},OU=Sales,OU=Berlin,DC=corp,DC=example,DC=com`,
    `cn=Zoë ${i}+employeeNumber=${i},ou=people,dc=example,dc=org`
  ][i % 5]!)

export const urls: ReadonlyArray<string> = Array.from({ length: texts }, (_, i) =>
  [
    `ldap://ldap${i}.example.org/${personDn(i)}`,
    `ldaps://ldap.example.org:636/ou=people,dc=example,dc=org?cn,mail?sub?(uid=u${i})`,
    `ldap://ds${i}.corp.example.com/CN=User%20${i},OU=Sales,DC=corp,DC=example,DC=com??base`,
    `ldap://[2001:db8::${(i % 9_999) + 1}]/dc=example,dc=org??one?(objectClass=*)`
  ][i % 4]!)

const each = (texts: ReadonlyArray<string>, parse: (text: string) => unknown): () => Task => () => ({
  pass: () => texts.map(parse),
  items: texts.length
})

const parsed = (file: string): ReadonlyArray<Ldif.LdifRecord> => Result.getOrThrow(Ldif.parse(readFileSync(file)))

/** The parts of ldapjs in use. It has no types. */
interface Ldapjs {
  readonly DN: { readonly fromString: (text: string) => unknown }
  readonly parseFilter: (text: string) => unknown
  readonly url: { readonly parse: (text: string, parsesDn: boolean) => unknown }
}

const require = createRequire(import.meta.url)
const ldapjs = () => require("ldapjs") as Ldapjs

/** By peer and task. The file is LDIF. */
export const nodeTasks: Readonly<Record<string, Readonly<Record<string, (file: string) => Task>>>> = {
  effectLdap: {
    "LDIF parsed": (file) => {
      const octets = readFileSync(file)
      return { pass: () => Result.getOrThrow(Ldif.parse(octets)), items: parsed(file).length }
    },
    "LDIF formatted": (file) => {
      const records = parsed(file)
      return { pass: () => Ldif.format(records), items: records.length }
    },
    "filters parsed": each(filters, (text) => Result.getOrThrow(LdapFilter.parse(text))),
    "DNs parsed": each(dns, (text) => Result.getOrThrow(LdapDn.parse(text))),
    "URLs parsed": each(urls, (text) => Result.getOrThrow(LdapUrl.parse(text)))
  },
  "effectLdap, a stream": {
    "LDIF parsed": (file) => {
      const octets = readFileSync(file)
      const chunks = Array.from(
        { length: Math.ceil(octets.length / 65_536) },
        (_, i) => octets.subarray(i * 65_536, (i + 1) * 65_536)
      )
      return {
        pass: () => Effect.runSync(Stream.runCount(Stream.fromIterable(chunks).pipe(Ldif.decode()))),
        items: parsed(file).length
      }
    },
    "LDIF formatted": (file) => {
      const records = parsed(file)
      return {
        pass: () =>
          Effect.runSync(
            Stream.runFold(Stream.fromIterable(records).pipe(Ldif.encode()), () => 0, (sum, text) => sum + text.length)
          ),
        items: records.length
      }
    }
  },
  "the least": {
    "LDIF parsed": (file) => {
      const pieces = readFileSync(file, "latin1").match(/[^]{1,65536}(?:\n\n|$)/g) ?? []
      const octets = pieces.map((piece) => Buffer.from(piece, "latin1"))
      return {
        pass: () => ldifFloor.count(octets.map((octets) => octets.toString("latin1"))),
        items: parsed(file).length
      }
    }
  },
  "the least, with bytes": { "filters parsed": each(filters, filterFloor.withBytes) },
  "the least, with text": { "filters parsed": each(filters, filterFloor.withText) },
  ldapts: {
    "filters parsed": each(filters, (text) => FilterParser.parseString(text))
  },
  ldapjs: {
    "filters parsed": each(filters, (text) => ldapjs().parseFilter(text)),
    "DNs parsed": each(dns, (text) => ldapjs().DN.fromString(text)),
    "URLs parsed": each(urls, (text) => ldapjs().url.parse(text, true))
  }
}
