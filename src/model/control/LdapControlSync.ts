/**
 * Controls for searches that follow the changes of a directory: persistent search, and content synchronization (RFC 4533). They say
 * what each entry of such a search means. The caller applies the changes to its copy.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { BerError, type BerReader, Tag } from "../../ber/BerReader.ts"
import type { BerWriter } from "../../ber/BerWriter.ts"
import { messageOf } from "../messageOf.ts"
import * as Ber from "./LdapControlBer.ts"
import { ControlError, type ControlType } from "./LdapControlType.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Persistent search
// ---------------------------------------------------------------------------------------------------------------------

const changeTypes = { add: 1, delete: 2, modify: 4, modifyDn: 8 } as const

/**
 * The kinds of changes of a persistent search.
 *
 * @category persistent search
 * @since 0.1.0
 */
export type ChangeType = keyof typeof changeTypes

// Only these names are keys of the record.
const allChangeTypes = Object.keys(changeTypes) as ReadonlyArray<ChangeType>

/**
 * The input of a persistent search.
 *
 * @category persistent search
 * @since 0.1.0
 */
export interface PersistentSearch {
  /** The kinds of changes to send. */
  readonly changeTypes: ReadonlyArray<ChangeType>
  /** Whether to send only changes. Otherwise the entries that match now are sent first. */
  readonly changesOnly: boolean
  /** Whether each entry has an {@link entryChangeNotification}. */
  readonly returnChanges: boolean
}

/**
 * Keeps a search open and sends every change until the search is abandoned (draft-ietf-ldapext-psearch-03).
 *
 * **Details**
 *
 * Defaults: all kinds of changes, changes only, with notifications. Critical by default: a server that ignores it would end the
 * search.
 *
 * @category persistent search
 * @since 0.1.0
 */
export const persistentSearch: ControlType<PersistentSearch, Partial<PersistentSearch>> = Ber.defineBer({
  oid: "2.16.840.1.113730.3.4.3",
  name: "persistent search",
  critical: true,
  write: (writer, search: Partial<PersistentSearch>) => {
    const bits = (search.changeTypes ?? allChangeTypes).reduce((bits, type) => bits | changeTypes[type], 0)
    if (bits === 0) throw new RangeError("at least one kind of change is needed")
    writer.start()
    writer.integer(bits)
    writer.boolean(search.changesOnly ?? true)
    writer.boolean(search.returnChanges ?? true)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const at = content.position
      const bits = Ber.whole(content, "change types", 1)
      if (bits > 15) throw new BerError(`change types ${bits} are unknown`, at)
      const changesOnly = content.boolean()
      return {
        changeTypes: allChangeTypes.filter((type) => (bits & changeTypes[type]) !== 0),
        changesOnly,
        returnChanges: content.boolean()
      }
    })
})

/**
 * What happened to an entry of a persistent search.
 *
 * @category persistent search
 * @since 0.1.0
 */
export interface EntryChangeNotification {
  /** The kind of change. */
  readonly changeType: ChangeType
  /** The former name of the entry; only with `modifyDn`. */
  readonly previousDn?: string | undefined
  /** The number of the change in the server's change log, if the server has one. */
  readonly changeNumber?: number | undefined
}

/**
 * What happened to an entry of a persistent search (draft-ietf-ldapext-psearch-03). Change numbers are read up to the largest
 * integer that a JavaScript number holds exactly.
 *
 * @category persistent search
 * @since 0.1.0
 */
export const entryChangeNotification: ControlType<EntryChangeNotification> = Ber.defineBer({
  oid: "2.16.840.1.113730.3.4.7",
  name: "entry change notification",
  write: (writer, { changeNumber, changeType, previousDn }: EntryChangeNotification) => {
    if (previousDn !== undefined && changeType !== "modifyDn") throw new RangeError(onlyRenamed)
    writer.start()
    writer.enumerated(changeTypes[changeType])
    if (previousDn !== undefined) writer.octets(previousDn)
    if (changeNumber !== undefined) writeChangeNumber(writer, changeNumber)
    writer.end()
  },
  read: (reader): EntryChangeNotification =>
    Ber.sequence(reader, (content) => {
      const changeType = Ber.named(content, changeTypes, "change type")
      const at = content.position
      const previousDn = content.peek() === Tag.octetString ? Ber.text(content) : undefined
      if (previousDn !== undefined && changeType !== "modifyDn") throw new BerError(onlyRenamed, at)
      const changeNumber = content.peek() === Tag.integer ? readChangeNumber(content) : undefined
      return {
        changeType,
        ...(previousDn === undefined ? undefined : { previousDn }),
        ...(changeNumber === undefined ? undefined : { changeNumber })
      }
    })
})

const onlyRenamed = "only a renamed entry has a previous name"

/** Change numbers of servers may exceed the 31 bits of other integers in LDAP. */
const readChangeNumber = (content: BerReader): number => {
  const at = content.position
  const octets = content.octets(Tag.integer)
  const value = octets.reduce((value, octet) => value * 256 + octet, 0)
  if (octets.length < 1 || octets.length > 8 || octets[0]! > 0x7f || !Number.isSafeInteger(value)) {
    throw new BerError("a change number that is missing, negative or too large", at)
  }
  return value
}

const writeChangeNumber = (writer: BerWriter, value: number): void => {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a change number`)
  const octets: Array<number> = []
  let rest = value
  do {
    octets.unshift(rest % 256)
    rest = Math.floor(rest / 256)
  } while (rest > 0)
  if (octets[0]! > 0x7f) octets.unshift(0)
  writer.octets(Uint8Array.from(octets), Tag.integer)
}

// ---------------------------------------------------------------------------------------------------------------------
// Content synchronization
// ---------------------------------------------------------------------------------------------------------------------

const syncModes = { refreshOnly: 1, refreshAndPersist: 3 } as const

/**
 * The input of a content synchronization.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export interface SyncRequest {
  /** Whether to send the entries once, or to send all later changes too. */
  readonly mode: keyof typeof syncModes
  /** The last cookie of the previous session. Leave it out to request everything. */
  readonly cookie?: Uint8Array | undefined
  /**
   * Whether the server sends everything again if the cookie is too old. Otherwise it fails with `SyncRefreshRequired`. Default
   * false.
   */
  readonly reloadHint?: boolean | undefined
}

/**
 * Turns a search into a synchronization (RFC 4533 section 2.2).
 *
 * **Details**
 *
 * Critical by default: a server that ignores it would answer an ordinary search.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export const syncRequest: ControlType<SyncRequest> = Ber.defineBer({
  oid: "1.3.6.1.4.1.4203.1.9.1.1",
  name: "sync request",
  critical: true,
  write: (writer, { cookie, mode, reloadHint = false }: SyncRequest) => {
    writer.start()
    writer.enumerated(syncModes[mode])
    if (cookie !== undefined) writer.octets(cookie)
    Ber.writeFlag(writer, reloadHint, false)
    writer.end()
  },
  read: (reader): SyncRequest =>
    Ber.sequence(reader, (content) => {
      const mode = Ber.named(content, syncModes, "mode")
      const cookie = optionalCookie(content)
      return { mode, ...cookie, reloadHint: Ber.flag(content, false) }
    })
})

const optionalCookie = (content: BerReader): { readonly cookie: Uint8Array } | undefined => {
  const cookie = Ber.optionalBytes(content)
  return cookie === undefined ? undefined : { cookie }
}

const syncStates = { present: 0, add: 1, modify: 2, delete: 3 } as const

/**
 * The meaning of an entry or reference of a content synchronization.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export interface SyncState {
  /** Whether the entry is present and unchanged, was added, modified or deleted. */
  readonly state: keyof typeof syncStates
  /** In the form of `entryUUID`: 32 lower-case digits with hyphens. Empty if the entry has none, which slapd sends. */
  readonly entryUuid: string
  /** The cookie to keep, if the server sends one. */
  readonly cookie?: Uint8Array | undefined
}

/**
 * What an entry or a reference of a synchronization means (RFC 4533 section 2.3).
 *
 * @category content synchronization
 * @since 0.1.0
 */
export const syncState: ControlType<SyncState> = Ber.defineBer({
  oid: "1.3.6.1.4.1.4203.1.9.1.2",
  name: "sync state",
  write: (writer, { cookie, entryUuid, state }: SyncState) => {
    writer.start()
    writer.enumerated(syncStates[state])
    writer.octets(entryUuid === "" ? "" : uuidOctets(entryUuid))
    if (cookie !== undefined) writer.octets(cookie)
    writer.end()
  },
  read: (reader): SyncState =>
    Ber.sequence(reader, (content) => {
      const state = Ber.named(content, syncStates, "state")
      const at = content.position
      const octets = content.octets()
      return { state, entryUuid: octets.length === 0 ? "" : uuid(octets, at), ...optionalCookie(content) }
    })
})

const uuid = (octets: Buffer, at: number): string => {
  if (octets.length !== 16) throw new BerError(`a UUID of ${octets.length} bytes`, at)
  const digits = octets.toString("hex")
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${
    digits.slice(20)
  }`
}

const uuidOctets = (text: string): Buffer => {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new RangeError("an entryUUID is not a UUID")
  return Buffer.from(text.replaceAll("-", ""), "hex")
}

/**
 * The end of a content synchronization.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export interface SyncDone {
  /** The cookie for the next session. */
  readonly cookie?: Uint8Array | undefined
  /** If false, entries that were neither sent nor reported as present have been deleted. If true, they are unchanged. Default false. */
  readonly refreshDeletes?: boolean | undefined
}

/**
 * How a synchronization ended (RFC 4533 section 2.4), in the controls of the search's result.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export const syncDone: ControlType<SyncDone> = Ber.defineBer({
  oid: "1.3.6.1.4.1.4203.1.9.1.3",
  name: "sync done",
  write: (writer, { cookie, refreshDeletes = false }: SyncDone) => {
    writer.start()
    if (cookie !== undefined) writer.octets(cookie)
    Ber.writeFlag(writer, refreshDeletes, false)
    writer.end()
  },
  read: (reader): SyncDone =>
    Ber.sequence(reader, (content) => {
      const cookie = optionalCookie(content)
      return { ...cookie, refreshDeletes: Ber.flag(content, false) }
    })
})

/**
 * The name of the intermediate response that a synchronization sends (RFC 4533 section 2.5). It is not a control.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export const syncInfoOid = "1.3.6.1.4.1.4203.1.9.1.4"

/**
 * A message of a synchronization between entries: a cookie to keep, the end of a phase (`done`: of the refresh), or a set of
 * entries that were deleted (`refreshDeletes`) or are present. `cookie` replaces earlier cookies.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export type SyncInfo =
  | { readonly _tag: "NewCookie"; readonly cookie: Uint8Array }
  | {
    readonly _tag: "RefreshDelete" | "RefreshPresent"
    /** The cookie to keep, if the server sends one. */
    readonly cookie?: Uint8Array | undefined
    /** Default true. */
    readonly refreshDone?: boolean | undefined
  }
  | {
    readonly _tag: "SyncIdSet"
    /** The cookie to keep, if the server sends one. */
    readonly cookie?: Uint8Array | undefined
    /** Default false. */
    readonly refreshDeletes?: boolean | undefined
    /** The UUIDs of the entries, in the form of `entryUUID`. */
    readonly entryUuids: ReadonlyArray<string>
  }

/**
 * Decodes the value of an intermediate response named {@link syncInfoOid}.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export const decodeSyncInfo = (value: Uint8Array | undefined): Result.Result<SyncInfo, ControlError> =>
  value === undefined
    ? Result.fail(syncInfoError("has no value"))
    : Result.try({ try: () => Ber.readAll(value, readSyncInfo), catch: syncInfoError })

const syncInfoError = (cause: unknown): ControlError =>
  new ControlError({
    control: "sync info",
    oid: syncInfoOid,
    detail: messageOf(cause)
  })

const readSyncInfo = (reader: BerReader): SyncInfo => {
  const tag = reader.peek()
  switch (tag) {
    case 0x80:
      return { _tag: "NewCookie", cookie: Ber.bytes(reader, tag) }
    case 0xa1:
    case 0xa2:
      return Ber.sequence(reader, (content) => {
        const cookie = optionalCookie(content)
        const refreshDone = Ber.flag(content, true)
        return { _tag: tag === 0xa1 ? "RefreshDelete" : "RefreshPresent", ...cookie, refreshDone }
      }, tag)
    case 0xa3:
      return Ber.sequence(reader, (content) => {
        const cookie = optionalCookie(content)
        const refreshDeletes = Ber.flag(content, false)
        const entryUuids = Ber.list(content, (set) => uuid(set.octets(), set.position), Tag.set)
        return { _tag: "SyncIdSet", ...cookie, refreshDeletes, entryUuids }
      }, tag)
    default:
      throw new BerError("is not one of the four choices", reader.position)
  }
}

/**
 * Encodes the value of an intermediate response named {@link syncInfoOid}. Throws a {@link ControlError} if an identifier isn't a
 * UUID.
 *
 * @category content synchronization
 * @since 0.1.0
 */
export const encodeSyncInfo = (info: SyncInfo): Uint8Array =>
  Result.getOrThrow(
    Result.try({ try: () => Ber.written((writer) => writeSyncInfo(writer, info)), catch: syncInfoError })
  )

const writeSyncInfo = (writer: BerWriter, info: SyncInfo): void => {
  if (info._tag === "NewCookie") return writer.octets(info.cookie, 0x80)
  writer.start(info._tag === "RefreshDelete" ? 0xa1 : info._tag === "RefreshPresent" ? 0xa2 : 0xa3)
  if (info.cookie !== undefined) writer.octets(info.cookie)
  if (info._tag === "SyncIdSet") {
    Ber.writeFlag(writer, info.refreshDeletes ?? false, false)
    writer.start(Tag.set)
    for (const entryUuid of info.entryUuids) writer.octets(uuidOctets(entryUuid))
    writer.end()
  } else {
    Ber.writeFlag(writer, info.refreshDone ?? true, true)
  }
  writer.end()
}
