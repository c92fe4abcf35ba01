/**
 * Whether a copy is what a server has: UUIDs, names and values.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { MemoryCopy } from "../../src/changes/LdapChanges.ts"
import { uuidFromGuid, uuidFromText } from "../../src/changes/LdapChanges.ts"
import type { LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import type { LdapOperations, SearchOptions } from "../../src/session/LdapSession.ts"
import { keyOf } from "./histories.ts"

export type UuidAttribute = "entryUUID" | "objectGUID" | "nsUniqueId"

export const uuidIn = (entry: LdapEntry, attribute: UuidAttribute): string =>
  (attribute === "objectGUID" ? uuidFromGuid(entry.getBytes(attribute)!) : uuidFromText(entry.get(attribute)!))!

export const lineOf = (uuid: string, dn: string, entry: LdapEntry): string =>
  `${uuid} ${keyOf(dn)} ${entry.getAll("description").join("|")}`

export const linesOf = (copy: MemoryCopy): ReadonlyArray<string> =>
  [...copy.rows.values()].map(({ dn, entry, uuid }) => lineOf(uuid, dn, entry)).sort()

export const linesOnServer = (
  session: Pick<LdapOperations, "search">,
  search: SearchOptions,
  uuid: UuidAttribute
): Effect.Effect<ReadonlyArray<string>, LdapError> =>
  Effect.map(
    Stream.runCollect(session.search({ ...search, attributes: ["description", uuid], pageSize: 500 })),
    (entries) => entries.map((entry) => lineOf(uuidIn(entry, uuid), entry.dn, entry)).sort()
  )
