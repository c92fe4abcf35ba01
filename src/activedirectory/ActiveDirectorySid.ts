/**
 * Security identifiers (SIDs): bytes and text, their parts, the well-known ones by name, and filters and names by SID.
 *
 * The conversions are in model/windows/Sid.ts, the names in wellKnownSids.ts. `LdapSchema.ObjectSid` is the codec of a typed field.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { normalize, toBytes } from "../model/windows/Sid.ts"
import type { WindowsValueError } from "../model/windows/WindowsValueError.ts"

export { domainOf, fromBytes, isSid, normalize, ridOf, toBytes, withRid } from "../model/windows/Sid.ts"
export { WindowsValueError } from "../model/windows/WindowsValueError.ts"

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
 * Samba know such names.
 *
 * @category searching
 * @since 0.2.0
 */
export const dn = (sid: string): Result.Result<string, WindowsValueError> =>
  Result.map(normalize(sid), (text) => `<SID=${text}>`)
