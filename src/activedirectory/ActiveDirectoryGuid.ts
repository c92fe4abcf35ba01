/**
 * GUIDs: conversion between bytes and text in both byte orders, and filters and names by GUID.
 *
 * The conversions are in model/windows/Guid.ts. `LdapSchema.ObjectGuid` is the codec of a typed field, `LdapSchema.Uuid` that of
 * `entryUUID`.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { fromBytes, type GuidByteOrder, isGuid, normalize, toBytes } from "../model/windows/Guid.ts"
import type { WindowsValueError } from "../model/windows/WindowsValueError.ts"

export { WindowsValueError } from "../model/windows/WindowsValueError.ts"
export { fromBytes, type GuidByteOrder, isGuid, normalize, toBytes }

/**
 * A filter for the entry with this GUID. It compares the bytes of `objectGUID`, as filters must.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectoryGuid } from "effect-ldap"
 *
 * ActiveDirectoryGuid.filter("b1db3cca-0000-0000-0000-000000000000") // Result.succeed((objectGUID=\ca\3c\db\b1…))
 * ```
 *
 * @category searching
 * @since 0.2.0
 */
export const filter = (
  guid: string,
  attribute = "objectGUID",
  order: GuidByteOrder = "windows"
): Result.Result<LdapFilter.LdapFilter, WindowsValueError> =>
  Result.map(toBytes(guid, order), (bytes) => LdapFilter.equals(attribute, bytes))

/**
 * A name for the entry with this GUID, for any operation: `<GUID=b1db3cca-…>` (MS-ADTS section 3.1.1.3.1.2.4). It stays the same when the
 * entry is renamed or moved. Only Active Directory and Samba support such names.
 *
 * @category searching
 * @since 0.2.0
 */
export const dn = (guid: string): Result.Result<string, WindowsValueError> =>
  Result.map(normalize(guid), (text) => `<GUID=${text}>`)
