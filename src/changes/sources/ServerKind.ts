/**
 * The attributes that hold the UUID and the version of an entry, by the root DSE: Active Directory and Samba have `objectGUID` and
 * `uSNChanged`, 389 Directory Server and its relatives `nsUniqueId`, all others `entryUUID` (RFC 4530).
 */
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { UuidMissing } from "../ChangesError.ts"
import type { View } from "../ChangesOptions.ts"
import { guidFromUuid, uuidFromGuid, uuidFromText } from "../LdapChange.ts"

export interface ServerKind {
  readonly rootDse: LdapEntry
  readonly isActiveDirectory: boolean
  readonly uuidAttribute: "entryUUID" | "objectGUID" | "nsUniqueId"
  /** Attributes that change with each change of the entry, the most exact one first. */
  readonly versionAttributes: ReadonlyArray<string>
  /** Naming contexts as names. */
  readonly contexts: ReadonlyArray<LdapDn.LdapDn>
}

/** An entry of the view as a source reads it. */
export interface ReadEntry {
  readonly uuid: string
  readonly version: string | undefined
  readonly entry: LdapEntry
}

const activeDirectoryOid = "1.2.840.113556.1.4.800"

export const serverKindOf = (rootDse: LdapEntry): ServerKind => {
  const isActiveDirectory = rootDse.getAll("supportedCapabilities").includes(activeDirectoryOid)
  const isRelated = /389|red hat|fedora|netscape|iplanet|sun microsystems|oracle/i.test(
    `${rootDse.get("vendorName") ?? ""} ${rootDse.get("vendorVersion") ?? ""}`
  )
  const contexts = rootDse.getAll("namingContexts").flatMap((text) => {
    const parsed = LdapDn.parse(text)
    return Result.isSuccess(parsed) ? [parsed.success] : []
  })
  if (isActiveDirectory) {
    return { rootDse, isActiveDirectory, uuidAttribute: "objectGUID", versionAttributes: ["uSNChanged"], contexts }
  }
  return isRelated
    ? { rootDse, isActiveDirectory, uuidAttribute: "nsUniqueId", versionAttributes: ["modifyTimestamp"], contexts }
    : {
      rootDse,
      isActiveDirectory,
      uuidAttribute: "entryUUID",
      versionAttributes: ["entryCSN", "modifyTimestamp"],
      contexts
    }
}

/** The naming context that holds the view: the longest one above its base, or the base itself. */
export const contextOf = ({ contexts }: ServerKind, view: View): string => {
  const above = contexts.filter((context) => LdapDn.relativeTo(view.baseDn, context) !== undefined)
  const [nearest] = above.sort((a, b) => b.rdns.length - a.rdns.length)
  return nearest === undefined ? view.base : nearest.toString()
}

/** The UUID of an entry in canonical form. */
export const uuidOf = ({ uuidAttribute }: ServerKind, entry: LdapEntry): string | undefined => {
  if (uuidAttribute === "objectGUID") {
    const guid = entry.getBytes(uuidAttribute)
    return guid === undefined ? undefined : uuidFromGuid(guid)
  }
  const text = entry.get(uuidAttribute)
  return text === undefined ? undefined : uuidFromText(text)
}

/** Matches the entry with this UUID. */
export const uuidFilter = ({ uuidAttribute }: ServerKind, uuid: string): LdapFilter.LdapFilter => {
  switch (uuidAttribute) {
    case "objectGUID":
      return LdapFilter.equals(uuidAttribute, guidFromUuid(uuid))
    case "nsUniqueId":
      return LdapFilter.equals(uuidAttribute, uuid.replaceAll("-", "").replace(/(.{8})(?=.)/g, "$1-"))
    case "entryUUID":
      return LdapFilter.equals(uuidAttribute, uuid)
  }
}

/**
 * The version of an entry. A timestamp in whole seconds doesn't show a second change within the same second. So a recent timestamp is not
 * used as a version: the entry is read again until that second is long over, by this machine's clock and with an allowance for clock skew.
 */
export const versionOf = (
  { versionAttributes }: Pick<ServerKind, "versionAttributes">,
  entry: LdapEntry,
  nowMillis: number
): string | undefined => {
  for (const name of versionAttributes) {
    const value = entry.get(name)
    if (value === undefined) continue
    return name === "modifyTimestamp" && !isSettled(value, nowMillis) ? undefined : value
  }
  return undefined
}

/** The largest clock skew of servers that is allowed for. */
const mostSkew = 600_000

const isSettled = (timestamp: string, nowMillis: number): boolean => {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(timestamp) ?? []
  if (year === undefined) return false
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) <
    nowMillis - mostSkew
}

/** The attributes to request, so that entries have their UUID and version beside the attributes of the view. */
export const attributesFor = (server: ServerKind, { attributes }: View, withUuid = true): ReadonlyArray<string> => {
  const own = [...(withUuid ? [server.uuidAttribute] : []), ...server.versionAttributes]
  const asked = attributes.length === 0 ? ["*"] : attributes.filter((name) => name !== "1.1")
  return [...asked, ...own.filter((name) => !isAsked(asked, name))]
}

const isAsked = (asked: ReadonlyArray<string>, name: string): boolean =>
  asked.some((one) => one === "+" || one.toLowerCase() === name.toLowerCase())

/** The attributes that were requested beside those of the view. */
const surplus = (server: ServerKind, { attributes }: View): ReadonlySet<string> => {
  const isAll = attributes.length === 0 || attributes.includes("*")
  const own = [server.uuidAttribute, ...server.versionAttributes]
  // In Active Directory these are user attributes, which `*` includes.
  if (server.isActiveDirectory && isAll) return noNames
  return new Set(own.filter((name) => !isAsked(attributes, name)).map((name) => name.toLowerCase()))
}

const noNames: ReadonlySet<string> = new Set()

/** Reads entries of searches for {@link attributesFor}, and removes attributes that are not in the view. */
export const entryReader = (server: ServerKind, view: View) => {
  const extra = surplus(server, view)
  const cut = (entry: LdapEntry): LdapEntry => extra.size === 0 ? entry : entry.without(extra)
  return {
    cut,
    read: (entry: LdapEntry, nowMillis: number): Result.Result<ReadEntry, UuidMissing> => {
      const uuid = uuidOf(server, entry)
      return uuid === undefined
        ? Result.fail(new UuidMissing({ dn: entry.dn, attribute: server.uuidAttribute }))
        : Result.succeed({ uuid, version: versionOf(server, entry, nowMillis), entry: cut(entry) })
    }
  }
}
