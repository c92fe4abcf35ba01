/**
 * The changes that `LdapChanges` emits, as values, and the contract for their consumer. The code that gets these values from servers is in
 * the sources.
 *
 * **The contract**
 *
 * A consumer keeps one row for each UUID: its DN, its entry, and during a refresh whether the row was named. It handles the changes in
 * their order, and needs no more than this:
 *
 * 1. `RefreshStarted`: no row is named now. A refresh that was interrupted is followed by another `RefreshStarted`.
 * 2. `Added`, `Modified`, `Renamed`: write the row of `uuid`, whether it exists or not, with `dn` and `entry`. The three tags say what
 *    the source knows; they don't say what the consumer has. The row is named.
 * 3. `Present`: the row of `uuid` is unchanged. It is named. If `dn` is given, the row gets that DN.
 * 4. `Deleted`: remove the row of `uuid`. If there is none, do nothing. Rows below it are never removed with it: each has a `Deleted` of
 *    its own, or was moved.
 * 5. When the DN of a row changes (2 or 3), the entries below its old DN move with it, and servers don't send them. Outside a refresh,
 *    replace the old DN by the new one in the DN of every row below the old DN, at once. In a refresh, changes come in no particular
 *    order: keep the pair of old DN and new DN, and wait for `Refreshed`.
 * 6. `Refreshed`: if `deletes` is `"absent"`, remove every row that was not named since `RefreshStarted`; if it is `"named"`, remove
 *    none. Then move the rows that got no DN in this refresh: among the kept pairs take the one whose old DN is the nearest ancestor of
 *    the row's DN, and replace it by the new DN. All pairs apply to the DNs from before the refresh, so that two entries may have
 *    exchanged their names. Pairs of an interrupted refresh stay until the next `Refreshed`.
 * 7. `Checkpoint`: everything before it is covered by its `cookie`. Store the cookie in the same transaction as the rows. After a crash
 *    or an error, go on with the stored cookie as `since`: nothing is lost. Changes that were applied after the stored cookie come once
 *    more, and writing a row again changes nothing (at least once, idempotent). What comes again comes as it is now, not as it was then,
 *    and after a renamed entry come all entries of the view below it, since rule 5 doesn't move them if its row has the new DN already.
 *
 * Two rows may have the same DN within a refresh (an entry was deleted, and another one got its name), so a DN must not be a unique key.
 * A checkpoint never comes between `RefreshStarted` and `Refreshed`. A consumer may commit rows of a long refresh before its end, if it
 * commits the names and pairs (rules 1 and 5) with them. Rows that were written stay
 * when a refresh is interrupted: the next one names them again.
 *
 * @since 0.2.0
 */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"

/**
 * A change, as a consumer gets it.
 *
 * **Details**
 *
 * `Entry` is `LdapEntry`, or the class of `LdapSchema` that was given. The contract is at the top of `LdapChange.ts` and in
 * src/changes/README.md.
 *
 * @category models
 * @since 0.2.0
 */
export type LdapChange<Entry = LdapEntry> =
  | RefreshStarted
  | Added<Entry>
  | Modified<Entry>
  | Renamed<Entry>
  | Present
  | Deleted
  | Refreshed
  | Checkpoint

/**
 * The changes that write a row.
 *
 * @category models
 * @since 0.2.0
 */
export type Upsert<Entry = LdapEntry> = Added<Entry> | Modified<Entry> | Renamed<Entry>

/**
 * An entry is in the view. It is new, or the source doesn't know whether it is. A refresh without a cookie and without `known` has this tag
 * only. So this tag doesn't prove that the entry is new; keep a row for each UUID to know that.
 *
 * @category models
 * @since 0.2.0
 */
export interface Added<out Entry = LdapEntry> extends Written<Entry> {
  readonly _tag: "Added"
}

/**
 * An entry of the view has changed. Its DN may have changed too if the source can't recognise a rename.
 *
 * @category models
 * @since 0.2.0
 */
export interface Modified<out Entry = LdapEntry> extends Written<Entry> {
  readonly _tag: "Modified"
}

/**
 * An entry of the view has another DN. Entries below it moved with it (rule 5 of the contract).
 *
 * @category models
 * @since 0.2.0
 */
export interface Renamed<out Entry = LdapEntry> extends Written<Entry> {
  readonly _tag: "Renamed"
  /** The DN that it had, if the source says it. A consumer uses the DN of its own row. */
  readonly previousDn: string | undefined
}

/**
 * What `Added`, `Modified` and `Renamed` have in common.
 *
 * @category models
 * @since 0.2.0
 */
export interface Written<out Entry> {
  /**
   * Identifies the entry for its whole life: 32 lower-case hexadecimal digits with hyphens, as RFC 4122 writes them. It is the entry's
   * `entryUUID`, its `objectGUID` as Windows writes it (its first three fields are little-endian in the value), or its `nsUniqueId`.
   */
  readonly uuid: string
  /** The name of the entry. */
  readonly dn: string
  /** The entry after the change. */
  readonly entry: Entry
  /**
   * The version of the entry: its `entryCSN`, `uSNChanged` or `modifyTimestamp`. Compare it for equality only. `undefined` if the server
   * doesn't send it. With the option `known` of `follow`, an entry whose version the consumer has is `Present`, and is not sent again.
   */
  readonly version: string | undefined
}

/**
 * An entry is still in the view and has not changed. Only within a refresh.
 *
 * @category models
 * @since 0.2.0
 */
export interface Present {
  readonly _tag: "Present"
  /** The UUID of the entry. */
  readonly uuid: string
  /** Its DN, if the source says it. */
  readonly dn: string | undefined
}

/**
 * An entry has left the view: it was deleted, was moved out of the base, or no longer matches the filter. The consumer may not have a row
 * for it.
 *
 * @category models
 * @since 0.2.0
 */
export interface Deleted {
  readonly _tag: "Deleted"
  /** The UUID of the entry. */
  readonly uuid: string
  /** The DN that it had, if the source says it. */
  readonly dn: string | undefined
}

/**
 * A refresh begins: until {@link Refreshed}, changes come in no particular order, and entries that are not named may be gone.
 *
 * @category models
 * @since 0.2.0
 */
export interface RefreshStarted {
  readonly _tag: "RefreshStarted"
  /**
   * The reason. `initial`: there was no cookie. `resume`: the changes since the cookie follow. `refused`: the server has refused the
   * cookie, or no longer has these changes; the whole view follows, and entries that don't come are gone.
   */
  readonly reason: "initial" | "resume" | "refused"
  /** The source that is followed, and why it was chosen. */
  readonly via: ChosenSource | undefined
}

/**
 * The ways to follow a server. src/changes/README.md has a table of what each of them needs, what it can lose, and what it costs.
 *
 * **Details**
 *
 * - `contentSync`: RFC 4533. slapd with the overlay syncprov, 389 Directory Server with its plugin.
 * - `dirSync`: the DirSync control of Active Directory and Samba.
 * - `usn`: `uSNChanged` and deleted objects of Active Directory and Samba.
 * - `changelog`: the Retro Changelog of 389 Directory Server.
 * - `accesslog`: the overlay accesslog of slapd.
 * - `persistentSearch`: 389 Directory Server, and others.
 * - `scan`: any server that has UUIDs.
 *
 * @category models
 * @since 0.2.0
 */
export const ChangesSource = Schema.Literals([
  "contentSync",
  "dirSync",
  "usn",
  "changelog",
  "accesslog",
  "persistentSearch",
  "scan"
])

/**
 * @category models
 * @since 0.2.0
 */
export type ChangesSource = typeof ChangesSource.Type

/**
 * The source that is followed.
 *
 * @category models
 * @since 0.2.0
 */
export interface ChosenSource {
  /** The chosen source. */
  readonly source: ChangesSource
  /** The reason: the source was requested, or it is the best one that the server offers. */
  readonly why: string
  /** The sources that were tried before it, and why they can't be used. */
  readonly refused: ReadonlyArray<{ readonly source: ChangesSource; readonly why: string }>
}

/**
 * A refresh is over.
 *
 * @category models
 * @since 0.2.0
 */
export interface Refreshed {
  readonly _tag: "Refreshed"
  /**
   * `absent`: entries that were not named since `RefreshStarted` are gone. `named`: every entry that is gone was reported as `Deleted`, and
   * entries that were not named are unchanged.
   */
  readonly deletes: "absent" | "named"
}

/**
 * Everything before it is covered by its cookie.
 *
 * @category models
 * @since 0.2.0
 */
export interface Checkpoint {
  readonly _tag: "Checkpoint"
  /** The cookie from which following can continue. */
  readonly cookie: ChangesCookie
}

/**
 * Makes an `Added`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const added = <Entry>(fields: Written<Entry>): Added<Entry> => ({ _tag: "Added", ...fields })

/**
 * Makes a `Modified`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const modified = <Entry>(fields: Written<Entry>): Modified<Entry> => ({ _tag: "Modified", ...fields })

/**
 * Makes a `Renamed`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const renamed = <Entry>(
  fields: Written<Entry> & { readonly previousDn?: string | undefined }
): Renamed<Entry> => ({
  _tag: "Renamed",
  ...fields,
  previousDn: fields.previousDn
})

/**
 * Makes a `Deleted`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const deleted = (uuid: string, dn?: string): Deleted => ({ _tag: "Deleted", uuid, dn })

/**
 * Makes a `Present`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const present = (uuid: string, dn?: string): Present => ({ _tag: "Present", uuid, dn })

/**
 * Makes a `RefreshStarted`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const refreshStarted = (reason: RefreshStarted["reason"], via?: ChosenSource): RefreshStarted => ({
  _tag: "RefreshStarted",
  reason,
  via
})

/**
 * Makes a `Refreshed`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const refreshed = (deletes: Refreshed["deletes"]): Refreshed => ({ _tag: "Refreshed", deletes })

/**
 * Makes a `Checkpoint`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const checkpoint = (cookie: ChangesCookie): Checkpoint => ({ _tag: "Checkpoint", cookie })

/**
 * Whether a change writes a row.
 *
 * @category guards
 * @since 0.2.0
 */
export const isUpsert = <Entry>(change: LdapChange<Entry>): change is Upsert<Entry> =>
  change._tag === "Added" || change._tag === "Modified" || change._tag === "Renamed"

// ---------------------------------------------------------------------------------------------------------------------
// UUIDs
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A UUID in the form of changes, from the text of `entryUUID` (RFC 4530) or of `nsUniqueId`, which has its hyphens at other places.
 * `undefined` if the text isn't a UUID.
 *
 * @category UUIDs
 * @since 0.2.0
 */
export const uuidFromText = (text: string): string | undefined => {
  const digits = text.replaceAll("-", "").toLowerCase()
  return /^[0-9a-f]{32}$/.test(digits) ? hyphenated(digits) : undefined
}

/**
 * A UUID as changes have it, from the bytes of `objectGUID`. `undefined` if they aren't 16.
 *
 * @category UUIDs
 * @since 0.2.0
 */
export const uuidFromGuid = (guid: Uint8Array): string | undefined =>
  guid.length === 16 ? hyphenated(swapped(guid).toString("hex")) : undefined

/**
 * The bytes of `objectGUID` for a UUID of a change, for filters. It must be such a UUID.
 *
 * @category UUIDs
 * @since 0.2.0
 */
export const guidFromUuid = (uuid: string): Uint8Array => swapped(Buffer.from(uuid.replaceAll("-", ""), "hex"))

const hyphenated = (digits: string): string => digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")

/** Windows writes the first three fields of a GUID in little-endian order (MS-DTYP 2.3.4.2). */
const swapped = (bytes: Uint8Array): Buffer => {
  const copy = Buffer.from(bytes)
  copy.subarray(0, 4).reverse()
  copy.subarray(4, 6).reverse()
  copy.subarray(6, 8).reverse()
  return copy
}

// ---------------------------------------------------------------------------------------------------------------------
// Cookies
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The place from which to continue: opaque text. Store it unchanged, and pass it as `since`.
 *
 * **Details**
 *
 * It contains the version of its format, the source that made it, and digests of base, scope, filter and attributes. If it belongs to
 * another request, `follow` fails with a typed error, or starts again if the options say so. It contains no password, no filter and no DN.
 * Most cookies have a few hundred characters; none has more than 65,536.
 *
 * @category cookies
 * @since 0.2.0
 */
export const ChangesCookie = Schema.String.check(
  Schema.isPattern(/^effect-ldap-changes:[1-9][0-9]{0,3}:[A-Za-z0-9_-]+$/, { message: "not a cookie of LdapChanges" })
).pipe(Schema.brand("effect-ldap/ChangesCookie"))

/**
 * @category cookies
 * @since 0.2.0
 */
export type ChangesCookie = typeof ChangesCookie.Type

/**
 * A cookie from text that was stored. Fails with a `SchemaError` if it isn't one.
 *
 * @category cookies
 * @since 0.2.0
 */
export const cookieFromText = (text: string): Result.Result<ChangesCookie, Schema.SchemaError> =>
  Schema.decodeUnknownResult(ChangesCookie)(text)
