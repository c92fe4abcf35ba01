/**
 * The root DSE (RFC 4512 section 5.1): the entry with the empty name, in which the server describes itself.
 */
import * as LdapDn from "../../model/dn/LdapDn.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import { saslMechanisms } from "../bind/saslBind.ts"
import type { Offers } from "../connection/ConnectionOptions.ts"
import { changelogDn, changelogNumbers } from "../directory/changeLogs.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import { DirectoryEntry, StoredAttribute } from "../directory/DirectoryTree.ts"
import { supportedControls } from "../operations/requestControls.ts"

/**
 * Increment (RFC 4525), all operational attributes (RFC 3673), attributes of a class (RFC 4529), true and false filters (RFC
 * 4526).
 */
const features = ["1.3.6.1.1.14", "1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.2", "1.3.6.1.4.1.4203.1.5.3"]

const supportedExtensions = [
  LdapExtended.whoAmI,
  LdapExtended.passwordModify,
  LdapExtended.cancel,
  LdapExtended.startTransaction,
  LdapExtended.endTransaction
].map(({ oid }) => oid)

/** The capability of Active Directory (MS-ADTS 3.1.1.3.4.3.1). */
const activeDirectoryOid = "1.2.840.113556.1.4.800"

export const rootDse = (state: DirectoryState, offers: Offers): DirectoryEntry => {
  const log = changelogNumbers(state)
  const said: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["objectClass", ["top"]],
    ["namingContexts", state.suffixes.map(String)],
    ["supportedControl", supportedControls],
    ["supportedExtension", [...supportedExtensions, ...(offers.startTls ? [LdapExtended.startTls.oid] : [])]],
    ["supportedSASLMechanisms", [...(offers.external ? ["EXTERNAL"] : []), ...saslMechanisms]],
    ["subschemaSubentry", ["cn=Subschema"]],
    ["supportedFeatures", features],
    ["supportedLDAPVersion", ["3"]],
    ["vendorName", ["effect-ldap"]],
    ...(log === undefined ? [] : [
      ["changelog", [changelogDn]],
      ["firstChangeNumber", [String(log.first)]],
      ["lastChangeNumber", [String(log.last)]]
    ] as const),
    ...(state.domainController === undefined ? [] : [
      ["supportedCapabilities", [activeDirectoryOid]],
      ["defaultNamingContext", state.suffixes.slice(0, 1).map(String)],
      ["dsServiceName", [state.domainController.serviceName]],
      ["highestCommittedUSN", [String(state.domainController.highestUsn)]]
    ] as const)
  ]
  return described(state, LdapDn.root, said)
}

/** The entry of the service in the configuration of a domain controller, which has the identifier of its database. */
export const serviceEntry = (state: DirectoryState, dn: LdapDn.LdapDn): DirectoryEntry | undefined => {
  const { domainController } = state
  return domainController !== undefined && state.readName(domainController.serviceName)?.key === dn.key
    ? described(state, dn, [["objectClass", ["nTDSDSA"]], ["invocationId", [domainController.invocationId]]])
    : undefined
}

const described = (
  state: DirectoryState,
  dn: LdapDn.LdapDn,
  said: ReadonlyArray<readonly [string, ReadonlyArray<string | Uint8Array>]>
): DirectoryEntry => {
  const attributes = said.flatMap(([name, values]) => {
    const parsed = state.types.learn(name)
    return parsed === undefined ? [] : [new StoredAttribute(name, parsed, values.map((value) => Buffer.from(value)))]
  })
  const history = { uuid: "", created: 0, creator: "", modified: 0, modifier: "" }
  return new DirectoryEntry(
    dn,
    new Map(attributes.map((attribute) => [attribute.parsed.key, attribute])),
    history,
    undefined
  )
}
