/**
 * Maps user names and authorization identities (RFC 4513 section 5.2.1.8) to the names of entries.
 */
import { normalize } from "../../model/attribute/matchingRules.ts"
import { anonymous, type DirectoryState, parseDn, type Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"

/** The entry with this `uid`; `undefined` if there is none, or more than one. */
export const userEntry = (state: DirectoryState, name: string): DirectoryEntry | undefined => {
  const uid = state.types.find("uid")
  const key = uid === undefined ? undefined : normalize(uid.type.rule, Buffer.from(name))
  const found = uid === undefined || key === undefined ? undefined : state.tree.index.find(uid.type, key)
  const [entry, ...others] = found ?? []
  return others.length === 0 ? entry : undefined
}

/** Reads `dn:` and a name, `u:` and a user name, or the empty string for anonymous; `undefined` if there is no such identity. */
export const identify = (state: DirectoryState, authzId: string): Requester | undefined => {
  if (authzId === "") return anonymous
  if (authzId.startsWith("dn:")) {
    const dn = parseDn(authzId.slice(3))
    return dn === undefined ? undefined : dn.rdns.length === 0 ? anonymous : { dn: state.tree.find(dn)?.dn ?? dn }
  }
  if (!authzId.startsWith("u:")) return undefined
  const name = authzId.slice(2)
  const entry = userEntry(state, name)
  if (entry !== undefined) return { dn: entry.dn }
  return isAdministratorName(state, name) ? { dn: state.administrator.dn } : undefined
}

/** The administrator's user name is the value of its RDN: `admin` for `cn=admin,dc=example,dc=org`. */
export const isAdministratorName = ({ administrator: { dn } }: DirectoryState, name: string): boolean =>
  dn.rdns[0]?.attributes.some(({ value }) => Buffer.from(value).toString("utf8") === name) === true

/** Whether one identity may act as another: the administrator as any, others only as themselves. */
export const mayActAs = (state: DirectoryState, requester: Requester, other: Requester): boolean =>
  state.isAdministrator(requester) || (requester.dn !== undefined && requester.dn.key === other.dn?.key)

/** The authorization identity in the form of Who am I? (RFC 4532). */
export const authzIdOf = ({ dn }: Requester): string => dn === undefined ? "" : `dn:${dn.toString()}`
