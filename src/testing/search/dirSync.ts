/**
 * DirSync (MS-ADTS 3.1.1.3.4.1.3): the changes in a naming context since the client's last request. A new entry is returned with all
 * attributes. A changed entry has the changed attributes; removed ones have no values. A deleted entry has the name of a
 * tombstone of Active Directory and `isDeleted`. All entries have their objectGUID.
 *
 * A cookie is a position in the order of changes, so a client can receive the changes in parts.
 */
import { type Description, isSubtypeOf } from "../../model/attribute/AttributeTypes.ts"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields, SearchRequest } from "../../protocol/LdapMessage.ts"
import type { DirectoryState, Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { guidOf, tombstoneDn } from "../directory/DomainController.ts"
import { answer } from "../operations/directoryResult.ts"
import type { RequestControls } from "../operations/requestControls.ts"
import { encodeFound, type FoundEntry } from "./entrySelection.ts"
import { SearchCursor, start } from "./search.ts"

/** A part of the changes. */
export interface Part {
  readonly entries: ReadonlyArray<FoundEntry>
  readonly response: LdapControl.LdapControl
}

/** The position after an entry: the number of its last change, and its place among entries with the same number. */
interface Place {
  readonly change: number
  readonly place: number
}

const prefix = "dirsync="

const cookieAt = ({ change, place }: Place): Uint8Array => Buffer.from(`${prefix}${change}.${place}`)

const placeIn = (cookie: Uint8Array, last: number): Place | undefined => {
  const [, change, place] = /^dirsync=(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(cookie).toString("latin1")) ?? []
  return change === undefined || Number(change) > last ? undefined : { change: Number(change), place: Number(place) }
}

/** The position after all entries with that number. */
const lastPlace = 999_999_999_999_999

const invalidCookie = answer(LdapResultCode.unwillingToPerform, "the DirSync cookie is not one of this directory")

/** The next part, or the refusal. */
export const changesSince = (
  state: DirectoryState,
  request: SearchRequest,
  requester: Requester,
  controls: RequestControls,
  asked: LdapControl.DirSyncRequest
): Part | ResultFields => {
  const base = state.readName(request.base)
  if (base !== undefined && !state.isSuffix(base)) {
    return asked.objectSecurity
      ? answer(LdapResultCode.unwillingToPerform, "DirSync is for a naming context as a whole")
      : answer(LdapResultCode.insufficientAccessRights, "DirSync is for a naming context as a whole")
  }
  if (!asked.objectSecurity && !state.isAdministrator(requester)) {
    return answer(LdapResultCode.insufficientAccessRights, "DirSync without objectSecurity is for the administrator")
  }
  const first = asked.cookie.length === 0
  const since = first ? { change: -1, place: 0 } : placeIn(asked.cookie, state.changes.number)
  if (since === undefined) return invalidCookie
  const cursor = start(state, { ...request, scope: "subtree", sizeLimit: 0 }, requester, {
    ...controls,
    manageDsaIt: true
  })
  if (!(cursor instanceof SearchCursor)) return cursor
  const changed: Array<DirectoryEntry> = []
  for (let step = cursor.step(); step._tag !== "Done"; step = cursor.step()) {
    if (step._tag === "Found") changed.push(step.entry)
  }
  // A client without a cookie has no entries that could be deleted.
  if (!first) changed.push(...state.changes.deletions.filter((entry) => cursor.covers(entry)))
  const waiting = changed.filter((entry) => isAfter(entry, since))
    .sort((a, b) => a.changed - b.changed || a.place - b.place)
  const entries: Array<FoundEntry> = []
  let bytes = 0
  let last: Place = { change: state.changes.number, place: lastPlace }
  for (const [i, entry] of waiting.entries()) {
    const found = entry.present
      ? news(state, request, cursor.select(entry), entry, since)
      : tombstone(state, request, entry)
    entries.push(found)
    bytes += encodeFound(0, found, []).length
    if (asked.maxBytes > 0 && bytes >= asked.maxBytes && i < waiting.length - 1) {
      last = { change: entry.changed, place: entry.place }
      break
    }
  }
  const moreResults = entries.length < waiting.length
  return { entries, response: LdapControl.dirSyncResponse.make({ moreResults, cookie: cookieAt(last) }) }
}

const isAfter = (entry: DirectoryEntry, { change, place }: Place): boolean =>
  entry.changed > change || (entry.changed === change && entry.place > place)

/** The attributes to send for an entry: all of them if the client doesn't have the entry yet, otherwise the changed ones. */
const news = (
  state: DirectoryState,
  request: SearchRequest,
  { attributes, dn }: FoundEntry,
  entry: DirectoryEntry,
  since: Place
): FoundEntry => {
  const isNew = entry.added > since.change || (entry.added === since.change && entry.place > since.place)
  const keyOf = (description: string) => state.types.find(description.replace(/;range=[^;]*$/, ""))?.key ?? ""
  const changedSince = (key: string) => (entry.attributeChanges.get(key) ?? 0) > since.change
  const kept = isNew ? attributes : attributes.filter(({ description }) => changedSince(keyOf(description)))
  const isAsked = askedFor(state, request)
  const gone = isNew ? [] : [...entry.attributeChanges.keys()].flatMap((key): ReadonlyArray<LdapAttribute> => {
    const parsed = state.types.find(key)
    if (parsed === undefined || !isAsked(parsed) || entry.attributes.has(key) || !changedSince(key)) return []
    return [{ description: [parsed.type.name, ...parsed.options].join(";"), values: [] }]
  })
  const own = kept.filter(({ description }) => keyOf(description) !== "objectguid")
  return { dn, attributes: [...own, ...gone, guidAttribute(entry)] }
}

/** A deleted entry. A domain controller also sends its new name, and the attributes that it has lost, without values. */
const tombstone = (state: DirectoryState, request: SearchRequest, entry: DirectoryEntry): FoundEntry => {
  const kept = state.domainController?.tombstoneOf(entry)
  const isAsked = askedFor(state, request)
  const lost = kept === undefined ?
    [] :
    [...entry.attributes.values()].flatMap(({ description, parsed }) =>
      kept.attributes.has(parsed.key) || !isAsked(parsed) ? [] : [{ description, values: [] }]
    )
  const name = kept?.attributes.get("name")
  return {
    dn: tombstoneDn(entry).toString().replaceAll("\n", "\\0A"),
    attributes: [
      ...(name !== undefined && isAsked(name.parsed) ? [{ description: "name", values: name.values }] : []),
      ...lost,
      { description: "isDeleted", values: [Buffer.from("TRUE")] },
      guidAttribute(entry)
    ]
  }
}

/** Whether the client has asked for an attribute. */
const askedFor = (state: DirectoryState, { attributes }: SearchRequest): (parsed: Description) => boolean => {
  const asked = attributes.flatMap((name) => state.types.find(name) ?? [])
  const all = attributes.length === 0 || attributes.includes("*")
  return (parsed) => all || asked.some((one) => isSubtypeOf(parsed, one))
}

/** The objectGUID of the entry, or else its entryUUID in the byte order of Active Directory. */
const guidAttribute = (entry: DirectoryEntry): LdapAttribute => {
  const own = entry.values("objectguid")
  if (own.length > 0) return { description: "objectGUID", values: own }
  return { description: "objectGUID", values: [guidOf(entry.history.uuid)] }
}
