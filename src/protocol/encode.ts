/**
 * Messages to octets (RFC 4511 section 4 and appendix B). Pure: the same message always gives the same octets.
 */
import { Tag } from "../ber/BerReader.ts"
import { BerWriter } from "../ber/BerWriter.ts"
import type { LdapControl } from "../model/LdapControl.ts"
import type { LdapAttribute } from "../model/LdapEntry.ts"
import * as LdapEntry from "../model/LdapEntry.ts"
import * as LdapFilter from "../model/LdapFilter.ts"
import { derefAliases, type LdapMessage, OperationTag, type ProtocolOperation, type ResultFields, scopes } from "./LdapMessage.ts"

/** Modify operations by their number on the wire; increment is RFC 4525's. */
export const modifyOperations = ["add", "delete", "replace", "increment"] as const

/** Throws where a value can't be encoded at all: a filter nested too deep, or an attribute description that is none. */
export const encode = (message: LdapMessage): Buffer => {
  const writer = new BerWriter()
  writer.start()
  writer.integer(message.messageId)
  encodeOperation(writer, message.operation)
  if (message.controls.length > 0) encodeControls(writer, message.controls)
  writer.end()
  return writer.finish()
}

const encodeControls = (writer: BerWriter, controls: ReadonlyArray<LdapControl>): void => {
  writer.start(0xa0)
  for (const { critical, oid, value } of controls) {
    writer.start()
    writer.octets(oid)
    // DEFAULT FALSE: RFC 4511 section 5.1 forbids encoding a default value.
    if (critical) writer.boolean(true)
    if (value !== undefined) writer.octets(value)
    writer.end()
  }
  writer.end()
}

const encodeOperation = (writer: BerWriter, operation: ProtocolOperation): void => {
  const tag = OperationTag[operation._tag]
  switch (operation._tag) {
    case "UnbindRequest":
      return writer.null(tag)
    case "DeleteRequest":
      return writer.octets(operation.dn, tag)
    case "AbandonRequest":
      return writer.integer(operation.abandoned, tag)
    default:
      writer.start(tag)
      encodeContent(writer, operation)
      writer.end()
  }
}

type Constructed = Exclude<ProtocolOperation, { readonly _tag: "UnbindRequest" | "DeleteRequest" | "AbandonRequest" }>

const encodeContent = (writer: BerWriter, operation: Constructed): void => {
  switch (operation._tag) {
    case "BindRequest": {
      writer.integer(operation.version)
      writer.octets(operation.name)
      const { authentication } = operation
      if (authentication._tag === "Simple") {
        writer.octets(authentication.password, 0x80)
      } else {
        writer.start(0xa3)
        writer.octets(authentication.mechanism)
        if (authentication.credentials !== undefined) writer.octets(authentication.credentials)
        writer.end()
      }
      return
    }
    case "SearchRequest":
      writer.octets(operation.base)
      writer.enumerated(scopes.indexOf(operation.scope))
      writer.enumerated(derefAliases.indexOf(operation.derefAliases))
      writer.integer(operation.sizeLimit)
      writer.integer(operation.timeLimit)
      writer.boolean(operation.typesOnly)
      LdapFilter.encode(operation.filter, writer)
      writer.start()
      for (const attribute of operation.attributes) writer.octets(attribute)
      writer.end()
      return
    case "ModifyRequest":
      writer.octets(operation.dn)
      writer.start()
      for (const change of operation.changes) {
        writer.start()
        writer.enumerated(modifyOperations.indexOf(change.operation))
        encodeAttribute(writer, { description: change.attribute, values: change.values })
        writer.end()
      }
      writer.end()
      return
    case "AddRequest":
      writer.octets(operation.dn)
      writer.start()
      for (const attribute of operation.attributes) encodeAttribute(writer, attribute)
      writer.end()
      return
    case "ModifyDnRequest":
      writer.octets(operation.dn)
      writer.octets(operation.newRdn)
      writer.boolean(operation.deleteOldRdn)
      if (operation.newSuperior !== undefined) writer.octets(operation.newSuperior, 0x80)
      return
    case "CompareRequest":
      writer.octets(operation.dn)
      writer.start()
      writer.octets(operation.attribute)
      writer.octets(operation.value)
      writer.end()
      return
    case "ExtendedRequest":
      writer.octets(operation.oid, 0x80)
      if (operation.value !== undefined) writer.octets(operation.value, 0x81)
      return
    case "SearchResultEntry":
      return LdapEntry.write(writer, operation.entry.dn, operation.entry.attributes)
    case "SearchResultReference":
      for (const uri of operation.uris) writer.octets(uri)
      return
    case "BindResponse":
      encodeResult(writer, operation.result)
      if (operation.serverCredentials !== undefined) writer.octets(operation.serverCredentials, 0x87)
      return
    case "ExtendedResponse":
      encodeResult(writer, operation.result)
      if (operation.oid !== undefined) writer.octets(operation.oid, 0x8a)
      if (operation.value !== undefined) writer.octets(operation.value, 0x8b)
      return
    case "IntermediateResponse":
      if (operation.oid !== undefined) writer.octets(operation.oid, 0x80)
      if (operation.value !== undefined) writer.octets(operation.value, 0x81)
      return
    default:
      return encodeResult(writer, operation.result)
  }
}

const encodeAttribute = (writer: BerWriter, attribute: LdapAttribute): void => {
  writer.start()
  writer.octets(attribute.description)
  writer.start(Tag.set)
  for (const value of attribute.values) writer.octets(value)
  writer.end()
  writer.end()
}

const encodeResult = (writer: BerWriter, result: ResultFields): void => {
  writer.enumerated(result.code)
  writer.octets(result.matchedDn)
  writer.octets(result.diagnosticMessage)
  if (result.referrals.length > 0) {
    writer.start(0xa3)
    for (const uri of result.referrals) writer.octets(uri)
    writer.end()
  }
}
