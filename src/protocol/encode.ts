/**
 * Encodes messages to bytes (RFC 4511 section 4 and appendix B). Pure: the same message always gives the same bytes.
 */
import { Tag } from "../ber/BerReader.ts"
import { BerWriter } from "../ber/BerWriter.ts"
import type { LdapControl } from "../model/control/LdapControl.ts"
import type { LdapAttribute } from "../model/entry/LdapEntry.ts"
import * as LdapEntry from "../model/entry/LdapEntry.ts"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { descriptionOctets } from "../model/losslessText.ts"
import {
  derefAliases,
  type LdapMessage,
  maxInt,
  OperationTag,
  type ProtocolOperation,
  type ResultFields,
  scopes
} from "./LdapMessage.ts"

/** Modify operations by their number on the wire; increment is RFC 4525's. */
export const modifyOperations = ["add", "delete", "replace", "increment"] as const

/** Throws a RangeError for a value without an encoding: a number or a choice that LDAP doesn't have, a reference without a URI. */
export const encode = (message: LdapMessage): Buffer => {
  const writer = new BerWriter()
  encodeTo(writer, message)
  return writer.finish()
}

/** The same, after what the writer has already. If it throws, the writer has a part of the message. */
export const encodeTo = (writer: BerWriter, message: LdapMessage): void => {
  writer.start()
  writer.integer(within("message id", message.messageId, 0, maxInt))
  encodeOperation(writer, message.operation)
  if (message.controls.length > 0) encodeControls(writer, message.controls)
  writer.end()
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
      return writer.integer(within("message id", operation.abandoned, 0, maxInt), tag)
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
      writer.integer(within("protocol version", operation.version, 1, 127))
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
      writer.enumerated(numberOf("scope", operation.scope, scopes))
      writer.enumerated(numberOf("alias dereferencing", operation.derefAliases, derefAliases))
      writer.integer(within("size limit", operation.sizeLimit, 0, maxInt))
      writer.integer(within("time limit", operation.timeLimit, 0, maxInt))
      writer.boolean(operation.typesOnly)
      LdapFilter.encode(operation.filter, writer)
      writer.start()
      for (const attribute of operation.attributes) writer.octets(descriptionOctets(attribute))
      writer.end()
      return
    case "ModifyRequest":
      writer.octets(operation.dn)
      writer.start()
      for (const change of operation.changes) {
        writer.start()
        writer.enumerated(numberOf("modify operation", change.operation, modifyOperations))
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
      writer.octets(descriptionOctets(operation.attribute))
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
      if (operation.uris.length === 0) throw new RangeError("a search reference without a URI")
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

const within = (name: string, value: number, least: number, most: number): number => {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} ${value} is not a whole number from ${least} to ${most}`)
}

/** Programs that aren't type-checked can pass a choice that doesn't exist. */
const numberOf = <A>(name: string, value: A, choices: ReadonlyArray<A>): number => {
  const number = choices.indexOf(value)
  if (number === -1) throw new RangeError(`${name} ${String(value)} is unknown`)
  return number
}

const encodeAttribute = (writer: BerWriter, attribute: LdapAttribute): void => {
  writer.start()
  writer.octets(descriptionOctets(attribute.description))
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
