/**
 * The same client for slapd and for the directory in memory, with the same entries in both, and the comparison of their answers.
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { afterAll, inject } from "vitest"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { attributesFrom, type AttributesInput, type LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import type { LdapModification } from "../../../src/model/LdapModification.ts"
import type { RequestOperation, SearchRequest } from "../../../src/protocol/LdapMessage.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base, directory } from "../../servers/directory.ts"
import { ensureSlapd, startSlapd } from "../../servers/slapd/slapd.ts"
import { type Answer, connect, fromSocket, type RawClient, searchRequest } from "../RawClient.ts"

/** A slapd for this file only, if there is one: in the shared one other test files add entries during the comparison. */
const start = () => {
  const found = ensureSlapd()
  return "path" in found ? startSlapd(found.path) : undefined
}

export const slapd = inject("slapd") === undefined ? undefined : await start()
afterAll(() => slapd?.stop())

export const people = `ou=people,${base}`
export const scratch = `ou=scratch,${base}`
export const alice = `uid=alice,${people}`

/** The same client of both servers. */
export const toSlapd = Effect.suspend(() =>
  Effect.flatMap(NodeSocket.makeNet({ host: slapd?.host ?? "", port: slapd?.port ?? 0 }), fromSocket)
)

export const both = Effect.suspend(() => bothWith())

export const bothWith = Effect.fnUntraced(function*(options?: InMemoryDirectory.Options) {
  const facts = slapd
  if (facts === undefined) return yield* Effect.die("no slapd")
  const memory = yield* InMemoryDirectory.make({ ldif: directory(facts.urls.ldap), admin, sizeLimit: 500, ...options })
  return { theirs: yield* toSlapd, ours: yield* connect(memory) }
})

/**
 * slapd escapes in hexadecimal (`\\2C`) what others escape with a backslash alone, and it escapes more than necessary (RFC 4514
 * section 2.4), such as an equals sign. Both forms mean the same.
 */
export const sameEscapes = (text: string): string =>
  text.replace(/\\([0-9a-fA-F]{2}|.)/g, (_, escaped: string) => {
    const special = escaped.length === 1 ? escaped : String.fromCharCode(Number.parseInt(escaped, 16))
    return "\"+,;<>\\# ".includes(special) ? `\\${special}` : special
  })

const factsOf = (entry: LdapEntry): ReadonlyArray<string> => [
  sameEscapes(entry.dn),
  ...entry.attributes.map(({ description, values }) =>
    `${description}: ${values.map((value) => sameEscapes(Buffer.from(value).toString("utf8"))).sort().join(" | ")}`
  ).sort()
]

/** Controls whose content is the same on both servers. */
const said = (control: LdapControl.LdapControl): unknown => {
  const kinds = [LdapControl.sortResponse, LdapControl.virtualListViewResponse]
  const kind = kinds.find(({ oid }) => oid === control.oid)
  if (kind !== undefined) {
    const { contextId: _, ...rest } = { contextId: undefined, ...Result.getOrThrow(kind.decode(control)) }
    return { oid: control.oid, ...rest }
  }
  for (const kind of [LdapControl.preReadResponse, LdapControl.postReadResponse]) {
    if (kind.oid === control.oid)
      return { oid: kind.oid, entry: factsOf(Result.getOrThrow(kind.decode(control))) }
  }
  return { oid: control.oid }
}

/** The compared parts of an answer. The order of entries and attributes may differ. */
export const facts = (answer: Answer) => ({
  kind: answer.operation._tag,
  code: answer.result.code,
  matchedDn: sameEscapes(answer.result.matchedDn),
  referrals: answer.result.referrals,
  references: answer.references.map((uris) => uris.join(" ")).sort(),
  controls: answer.controls.map(said),
  entries: answer.entries
    .map(factsOf)
    .sort((a, b) => (a[0] ?? "") < (b[0] ?? "") ? -1 : 1)
})

export type Case = readonly [name: string, request: RequestOperation, controls?: ReadonlyArray<LdapControl.LdapControl>]

/** Sends each request to both servers in turn, as an identity that may do it. */
export const compareAll = Effect.fnUntraced(function*(
  who: (raw: RawClient) => Effect.Effect<unknown>,
  cases: ReadonlyArray<Case>,
  options?: InMemoryDirectory.Options
) {
  const { ours, theirs } = yield* bothWith(options)
  yield* compareOn(ours, theirs, who, cases)
})

export const compareOn = Effect.fnUntraced(function*(
  ours: RawClient,
  theirs: RawClient,
  who: (raw: RawClient) => Effect.Effect<unknown>,
  cases: ReadonlyArray<Case>
) {
  yield* who(ours)
  yield* who(theirs)
  const differences: Array<unknown> = []
  for (const [name, request, controls] of cases) {
    const expected = facts(yield* theirs.request(request, controls))
    const found = facts(yield* ours.request(request, controls))
    if (JSON.stringify(found) !== JSON.stringify(expected)) differences.push({ name, slapd: expected, memory: found })
  }
  assert.strictEqual(JSON.stringify(differences, undefined, 1), "[]")
})

export const asAdmin = (raw: RawClient) => raw.bind(admin.dn, admin.password)
export const asAnonymous = () => Effect.void

export const search = (from: string, filter?: string, options?: Partial<SearchRequest>): Case => [
  `search ${from} ${filter ?? ""} ${JSON.stringify(options ?? {})}`,
  searchRequest(from, filter, options)
]
export const find = (filter: string): Case => search(people, filter, { attributes: ["cn"] })
export const add = (dn: string, attributes: AttributesInput): Case => [
  `add ${dn}`,
  { _tag: "AddRequest", dn, attributes: attributesFrom(attributes) }
]
export const modify = (dn: string, ...changes: ReadonlyArray<LdapModification>): Case => [
  `modify ${dn} ${changes.map(({ attribute, operation }) => `${operation} ${attribute}`).join()}`,
  { _tag: "ModifyRequest", dn, changes }
]
export const remove = (dn: string): Case => [`delete ${dn}`, { _tag: "DeleteRequest", dn }]
export const rename = (dn: string, newRdn: string, newSuperior?: string, deleteOldRdn = true): Case => [
  `rename ${dn} to ${newRdn} ${newSuperior ?? ""}`,
  { _tag: "ModifyDnRequest", dn, newRdn, deleteOldRdn, newSuperior }
]
export const compare = (dn: string, attribute: string, value: string): Case => [
  `compare ${dn} ${attribute}=${value}`,
  { _tag: "CompareRequest", dn, attribute, value: Buffer.from(value) }
]
export const bind = (name: string, password: string, version = 3): Case => [
  `bind ${name} ${version}`,
  { _tag: "BindRequest", version, name, authentication: { _tag: "Simple", password: Buffer.from(password) } }
]
