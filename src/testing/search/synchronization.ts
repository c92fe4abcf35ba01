/**
 * Content synchronization (RFC 4533). A cookie is the number of the last change that the client knows. A client with a cookie gets
 * the entries that changed since, and the UUIDs of the unchanged ones. It deletes its other entries (the present phase of
 * section 3.3.1).
 */
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"

const prefix = "change="

const cookieFor = (number: number): Uint8Array => Buffer.from(`${prefix}${number}`)

/** How many UUIDs of unchanged entries one message has. */
const setSize = 1000

export interface Synchronization {
  readonly cookie: Uint8Array
  /** The controls of an entry of the refresh; `undefined` if the client has its current state. */
  readonly onEntry: (entry: DirectoryEntry) => ReadonlyArray<LdapControl.LdapControl> | undefined
  /** The messages between the refresh and the changes that follow it. */
  readonly phases: (persists: boolean) => ReadonlyArray<Uint8Array>
  /** The control for an entry that has changed; `undefined` if the change doesn't concern the client. */
  readonly onChange: (entry: DirectoryEntry, number: number, covered: boolean) => LdapControl.LdapControl | undefined
}

/** `undefined` if the client must begin again, since its cookie is unknown. */
export const begin = (
  state: DirectoryState,
  { cookie: given, reloadHint = false }: LdapControl.SyncRequest
): Synchronization | undefined => {
  const read = given === undefined || given.length === 0 ? 0 : numberOf(given, state.changes.number)
  if (read === undefined && !reloadHint) return undefined
  const since = given === undefined || given.length === 0 ? undefined : read
  const cookie = cookieFor(state.changes.number)
  const known = new Set<string>()
  const unchanged: Array<string> = []
  return {
    cookie,
    onEntry: (entry) => {
      const { uuid } = entry.history
      known.add(uuid)
      if (since !== undefined && entry.changed <= since) {
        unchanged.push(uuid)
        return undefined
      }
      return [LdapControl.syncState.make({ state: "add", entryUuid: uuid })]
    },
    phases: (persists) => {
      const infos: Array<LdapControl.SyncInfo> = []
      for (let at = 0; at < unchanged.length; at += setSize) {
        infos.push({ _tag: "SyncIdSet", refreshDeletes: false, entryUuids: unchanged.slice(at, at + setSize) })
      }
      if (persists) infos.push({ _tag: "RefreshPresent", cookie, refreshDone: true })
      return infos.map(LdapControl.encodeSyncInfo)
    },
    onChange: ({ history: { uuid }, present }, number, covered) => {
      const had = known.has(uuid)
      const has = present && covered
      if (!had && !has) return undefined
      if (has) known.add(uuid)
      else known.delete(uuid)
      return LdapControl.syncState.make({
        state: has ? (had ? "modify" : "add") : "delete",
        entryUuid: uuid,
        cookie: cookieFor(number)
      })
    }
  }
}

const numberOf = (cookie: Uint8Array, most: number): number | undefined => {
  const [, digits] = /^change=(\d{1,15})$/.exec(Buffer.from(cookie).toString("latin1")) ?? []
  return digits === undefined || Number(digits) > most ? undefined : Number(digits)
}
