/**
 * Security identifiers (SIDs): conversion between bytes and text, their parts, the well-known ones by name, and filters and names by SID.
 *
 * The conversions are in model/windows/Sid.ts, the names in wellKnownSids.ts. `LdapSchema.ObjectSid` is the codec of a typed field.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { normalize, toBytes, withRid } from "../model/windows/Sid.ts"
import { WindowsValueError } from "../model/windows/WindowsValueError.ts"
import { relativeSids, universalSids } from "./wellKnownSids.ts"

export { domainOf, fromBytes, isSid, ridOf } from "../model/windows/Sid.ts"
export { normalize, toBytes, WindowsValueError, withRid }

/**
 * A filter for the entry with this SID.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectorySid } from "effect-ldap"
 *
 * ActiveDirectorySid.filter("S-1-5-32-544") // Result.succeed((objectSid=\01\02…))
 * ```
 *
 * @category searching
 * @since 0.2.0
 */
export const filter = (
  sid: string,
  attribute = "objectSid"
): Result.Result<LdapFilter.LdapFilter, WindowsValueError> =>
  Result.map(toBytes(sid), (bytes) => LdapFilter.equals(attribute, bytes))

/**
 * A name for the entry with this SID, for any operation: `<SID=S-1-5-32-544>` (MS-ADTS section 3.1.1.3.1.2.4). Only Active Directory and
 * Samba support such names.
 *
 * @category searching
 * @since 0.2.0
 */
export const dn = (sid: string): Result.Result<string, WindowsValueError> =>
  Result.map(normalize(sid), (text) => `<SID=${text}>`)

// ---------------------------------------------------------------------------------------------------------------------
// Well-known SIDs
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The name of a SID that is the same everywhere: `everyone`, `administrators`, `localSystem` …
 *
 * @category well-known
 * @since 0.2.0
 */
export type WellKnownName = keyof typeof universalSids

/**
 * The name of an account or group that every domain has: `administrator`, `domainUsers`, `domainAdmins` …
 *
 * @category well-known
 * @since 0.2.0
 */
export type DomainName = keyof typeof relativeSids

const sidsByName = Object.fromEntries(
  Object.entries(universalSids).map(([name, { sid }]) => [name, sid])
) as Readonly<Record<WellKnownName, string>>

/**
 * The SIDs that are the same everywhere, by name (MS-DTYP section 2.4.2.4): `wellKnown.everyone` is `S-1-1-0`.
 *
 * @category well-known
 * @since 0.2.0
 */
export const wellKnown: Readonly<Record<WellKnownName, string>> = Object.freeze(sidsByName)

/**
 * The SID of an account or group that every domain has, from the SID of the domain.
 *
 * **Details**
 *
 * `schemaAdmins`, `enterpriseAdmins`, `enterpriseKeyAdmins` and `enterpriseReadOnlyDomainControllers` exist in the root domain of a forest
 * only, so give its SID for them.
 *
 * @category well-known
 * @since 0.2.0
 */
export const ofDomain = (domain: string, name: DomainName): Result.Result<string, WindowsValueError> =>
  Object.hasOwn(relativeSids, name)
    ? withRid(domain, relativeSids[name].rid)
    : Result.fail(new WindowsValueError({ expected: "name of a well-known SID", detail: "no SID has this name" }))

const namesBySid = new Map<string, WellKnownName>(
  // The keys of the table are these names.
  (Object.keys(universalSids) as Array<WellKnownName>).map((name) => [universalSids[name].sid, name])
)

const namesByRid = new Map<number, DomainName>(
  (Object.keys(relativeSids) as Array<DomainName>).map((name) => [relativeSids[name].rid, name])
)

/**
 * The name of a well-known SID, or of an account or group that every domain has; `undefined` for other SIDs and for text that is not a SID.
 *
 * @category well-known
 * @since 0.2.0
 */
export const nameOf = (sid: string): WellKnownName | DomainName | undefined => {
  const text = Result.getOrUndefined(normalize(sid))
  if (text === undefined) return undefined
  const rid = /^S-1-5-21-[0-9]+-[0-9]+-[0-9]+-([0-9]+)$/.exec(text)?.[1]
  return rid === undefined ? namesBySid.get(text) : namesByRid.get(Number(rid))
}
