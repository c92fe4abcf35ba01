/**
 * The root DSE (RFC 4512 section 5.1): what the server says of itself, under the empty name.
 */
import * as LdapControl from "../model/LdapControl.ts"
import * as LdapDn from "../model/LdapDn.ts"
import type { DirectoryState } from "./DirectoryState.ts"
import { DirectoryEntry, StoredAttribute } from "./DirectoryTree.ts"

/** Of the Who am I? operation (RFC 4532). */
export const whoAmIOid = "1.3.6.1.4.1.4203.1.11.3"

/** Of the StartTLS operation (RFC 4511 section 4.14). */
export const startTlsOid = "1.3.6.1.4.1.1466.20037"

/** The controls that the directory knows. */
export const supportedControls: ReadonlySet<string> = new Set([LdapControl.pagedResultsOid])

/** Increment (RFC 4525), all operational attributes (RFC 3673), true and false filters (RFC 4526). */
const features = ["1.3.6.1.1.14", "1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3"]

export const rootDse = (state: DirectoryState): DirectoryEntry => {
  const said: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["objectClass", ["top"]],
    ["namingContexts", state.suffixes.map(String)],
    ["supportedControl", [...supportedControls]],
    ["supportedExtension", [whoAmIOid]],
    ["supportedFeatures", features],
    ["supportedLDAPVersion", ["3"]],
    ["vendorName", ["effect-ldap"]]
  ]
  const attributes = said.flatMap(([name, values]) => {
    const parsed = state.types.find(name)
    return parsed === undefined ? [] : [new StoredAttribute(name, parsed, values.map((value) => Buffer.from(value)))]
  })
  const history = { uuid: "", created: 0, creator: "", modified: 0, modifier: "" }
  return new DirectoryEntry(
    LdapDn.root,
    new Map(attributes.map((attribute) => [attribute.parsed.key, attribute])),
    history,
    undefined
  )
}
