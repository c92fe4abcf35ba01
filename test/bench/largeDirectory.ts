/** Directories and groups of any size in memory, and operations on them without a connection. */
import * as Result from "effect/Result"
import { attributesFrom, type AttributesInput } from "../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { LdapModification } from "../../src/model/LdapModification.ts"
import type { SearchRequest } from "../../src/protocol/LdapMessage.ts"
import type { DirectoryState, Requester } from "../../src/testing/directory/DirectoryState.ts"
import { build } from "../../src/testing/directory/initialState.ts"
import { add, modify } from "../../src/testing/operations/updates.ts"
import { SearchCursor, start } from "../../src/testing/search/search.ts"

export const base = "dc=bench"
export const people = `ou=people,${base}`
export const personDn = (i: number): string => `uid=u${i},${people}`
export const group = `cn=all,${base}`

/** Five attributes, about 200 bytes of LDIF. */
export const ldif = (entries: number): string => {
  const records = [
    `dn: ${base}\nobjectClass: domain\ndc: bench\n`,
    `dn: ${people}\nobjectClass: organizationalUnit\nou: people\n`
  ]
  for (let i = 0; i < entries; i++) {
    records.push(
      `dn: ${personDn(i)}\nobjectClass: inetOrgPerson\nuid: u${i}\ncn: Person ${i}\nsn: Family ${i % 5_000}\n` +
        `mail: u${i}@example.org\n`
    )
  }
  return records.join("\n")
}

export const load = (ldif: string): DirectoryState => Result.getOrThrow(build({ ldif }, 0))

/** A directory with a group of so many members, which are indexed. */
export const withGroup = (members: number): DirectoryState => {
  const state = load(ldif(1))
  put(state, group, {
    objectClass: "groupOfNames",
    cn: "all",
    member: Array.from({ length: members }, (_, i) => personDn(i))
  })
  search(state, `(member=${personDn(0)})`)
  return state
}

const requester = (state: DirectoryState): Requester => ({ dn: state.administrator.dn })

/** How many entries match. */
export const search = (state: DirectoryState, filter: string): number => {
  const request: SearchRequest = {
    _tag: "SearchRequest",
    base,
    scope: "subtree",
    derefAliases: "never",
    sizeLimit: 0,
    timeLimit: 0,
    typesOnly: false,
    filter: Result.getOrThrow(LdapFilter.parse(filter)),
    attributes: []
  }
  const cursor = start(state, request, requester(state))
  if (!(cursor instanceof SearchCursor)) throw new Error(`the search was refused with ${cursor.code}`)
  let found = 0
  for (let step = cursor.step(); step._tag !== "Done"; step = cursor.step()) if (step._tag === "Found") found++
  return found
}

const done = ({ code, diagnosticMessage }: { readonly code: number; readonly diagnosticMessage: string }): void => {
  if (code !== 0) throw new Error(`refused with ${code}: ${diagnosticMessage}`)
}

export const put = (state: DirectoryState, dn: string, attributes: AttributesInput): void =>
  done(
    add({
      state,
      request: { _tag: "AddRequest", dn, attributes: attributesFrom(attributes) },
      requester: requester(state),
      now: 1
    })
  )

export const change = (state: DirectoryState, dn: string, changes: ReadonlyArray<LdapModification>): void =>
  done(modify({ state, request: { _tag: "ModifyRequest", dn, changes }, requester: requester(state), now: 1 }))
