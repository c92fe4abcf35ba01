/**
 * Decodes bytes to messages (RFC 4511 section 4 and appendix B). Pure, and strict where a peer could mislead: every element must
 * fit into the enclosing one and have the expected type. Trailing elements that RFC 4511 section 4 tells implementations to ignore
 * are ignored.
 */
import { BerError, BerReader, Tag } from "../ber/BerReader.ts"
import { LdapControl } from "../model/control/controls.ts"
import type { LdapAttribute } from "../model/entry/LdapEntry.ts"
import * as LdapEntry from "../model/entry/LdapEntry.ts"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import type { LdapModification } from "../model/LdapModification.ts"
import { descriptionTextAt, dnTextAt, urlTextAt } from "../model/losslessText.ts"
import { modifyOperations } from "./encode.ts"
import {
  derefAliases,
  type LdapMessage,
  maxInt,
  OperationTag,
  type ProtocolOperation,
  type ResultFields,
  scopes,
  type SearchRequest
} from "./LdapMessage.ts"

const noControls: ReadonlyArray<LdapControl> = []
const noReferrals: ReadonlyArray<string> = []

/**
 * Decodes the content of one LDAPMessage: the elements inside its outer SEQUENCE. `maxDepth` limits the nesting of a filter, the
 * only part of LDAP that nests. Throws {@link BerError}.
 */
export const decodeContent = (content: BerReader, maxDepth: number): LdapMessage => {
  const messageId = content.integer()
  if (messageId < 0) throw new BerError(`message id ${messageId} is negative`, content.position)
  const at = content.position
  const tag = content.peek()
  const end = enterOperation(content, tag)
  // Without controls, which is nearly always, the operation ends where the message does: one reader is enough.
  const operation = end === content.end
    ? content
    : new BerReader(content.bytes, content.position, end, content.limits)
  const decoded = decodeOperation(tag, operation, maxDepth, at)
  content.position = end
  return { messageId, operation: decoded, controls: content.done ? noControls : decodeControls(content) }
}

const enterOperation = (content: BerReader, tag: number): number => {
  if (tag === -1) throw new BerError("a message without an operation", content.position)
  return content.enter(tag)
}

const decodeControls = (message: BerReader): ReadonlyArray<LdapControl> => {
  let controls = noControls
  while (!message.done) {
    // Anything but [0] is an extension of a later version of the protocol.
    if (message.peek() !== 0xa0) {
      message.skip()
      continue
    }
    const list = message.sequence(0xa0)
    const decoded: Array<LdapControl> = []
    while (list.hasNext()) decoded.push(decodeControl(list.sequence()))
    controls = decoded
  }
  return controls
}

const decodeControl = (control: BerReader): LdapControl => {
  const oid = control.text()
  const critical = control.peek() === Tag.boolean ? control.boolean() : false
  const value = control.peek() === Tag.octetString ? control.octets() : undefined
  control.passExtensions()
  return new LdapControl({ oid, critical, value })
}

const decodeOperation = (tag: number, content: BerReader, maxDepth: number, at: number): ProtocolOperation => {
  switch (tag) {
    case OperationTag.SearchResultEntry:
      return { _tag: "SearchResultEntry", entry: LdapEntry.fromBer(content) }
    case OperationTag.SearchResultDone:
      return { _tag: "SearchResultDone", result: decodeResult(content) }
    case OperationTag.SearchResultReference: {
      const uris: Array<string> = []
      while (content.hasNext()) uris.push(urlText(content))
      if (uris.length === 0) throw new BerError("a search reference without a URI", at)
      return { _tag: "SearchResultReference", uris }
    }
    case OperationTag.BindResponse: {
      const result = decodeResult(content, 0x87)
      return { _tag: "BindResponse", result, serverCredentials: optional(content, 0x87) }
    }
    case OperationTag.ModifyResponse:
      return { _tag: "ModifyResponse", result: decodeResult(content) }
    case OperationTag.AddResponse:
      return { _tag: "AddResponse", result: decodeResult(content) }
    case OperationTag.DeleteResponse:
      return { _tag: "DeleteResponse", result: decodeResult(content) }
    case OperationTag.ModifyDnResponse:
      return { _tag: "ModifyDnResponse", result: decodeResult(content) }
    case OperationTag.CompareResponse:
      return { _tag: "CompareResponse", result: decodeResult(content) }
    case OperationTag.ExtendedResponse: {
      const result = decodeResult(content, 0x8a, 0x8b)
      const oid = content.peek() === 0x8a ? content.text(0x8a) : undefined
      return { _tag: "ExtendedResponse", result, oid, value: optional(content, 0x8b) }
    }
    case OperationTag.IntermediateResponse: {
      const oid = content.peek() === 0x80 ? content.text(0x80) : undefined
      return { _tag: "IntermediateResponse", oid, value: optional(content, 0x81) }
    }
    case OperationTag.BindRequest:
      return decodeBindRequest(content)
    case OperationTag.UnbindRequest:
      // NULL, not a sequence: it can't have extensions.
      content.expectEnd()
      return { _tag: "UnbindRequest" }
    case OperationTag.SearchRequest:
      return decodeSearchRequest(content, maxDepth)
    case OperationTag.ModifyRequest: {
      const dn = dnText(content)
      const list = content.sequence()
      content.passExtensions()
      const changes: Array<LdapModification> = []
      while (list.hasNext()) changes.push(decodeChange(list.sequence()))
      return { _tag: "ModifyRequest", dn, changes }
    }
    case OperationTag.AddRequest: {
      const dn = dnText(content)
      const list = content.sequence()
      content.passExtensions()
      const attributes: Array<LdapAttribute> = []
      while (list.hasNext()) attributes.push(decodeAttribute(list.sequence()))
      return { _tag: "AddRequest", dn, attributes }
    }
    case OperationTag.DeleteRequest:
      return { _tag: "DeleteRequest", dn: dnTextAt(content.bytes, content.position, content.end) }
    case OperationTag.ModifyDnRequest: {
      const dn = dnText(content)
      const newRdn = dnText(content)
      const deleteOldRdn = content.boolean()
      const newSuperior = content.peek() === 0x80 ? dnText(content, 0x80) : undefined
      content.passExtensions()
      return { _tag: "ModifyDnRequest", dn, newRdn, deleteOldRdn, newSuperior }
    }
    case OperationTag.CompareRequest: {
      const dn = dnText(content)
      const assertion = content.sequence()
      content.passExtensions()
      const attribute = descriptionText(assertion)
      const value = assertion.octets()
      assertion.passExtensions()
      return { _tag: "CompareRequest", dn, attribute, value }
    }
    case OperationTag.AbandonRequest:
      return { _tag: "AbandonRequest", abandoned: decodeAbandoned(content) }
    case OperationTag.ExtendedRequest: {
      const oid = content.text(0x80)
      return { _tag: "ExtendedRequest", oid, value: optional(content, 0x81) }
    }
    default:
      throw new BerError(`unknown operation 0x${tag.toString(16).padStart(2, "0")}`, at)
  }
}

const optional = (content: BerReader, tag: number): Buffer | undefined => {
  const value = content.peek() === tag ? content.octets(tag) : undefined
  while (!content.done) content.skip()
  return value
}

const textBy =
  (read: (bytes: Buffer, start: number, end: number) => string) => (reader: BerReader, tag?: number): string => {
    const end = reader.enter(tag ?? Tag.octetString)
    const text = read(reader.bytes, reader.position, end)
    reader.position = end
    return text
  }

const dnText = textBy(dnTextAt)
const descriptionText = textBy(descriptionTextAt)
const urlText = textBy(urlTextAt)

/** AbandonRequest is a MessageID with a tag of its own: an INTEGER without the INTEGER tag. */
const decodeAbandoned = (content: BerReader): number => {
  const length = content.end - content.position
  if (length < 1 || length > 4) throw new BerError(`a message id of ${length} bytes`, content.position)
  const id = content.bytes.readIntBE(content.position, length)
  if (id < 0) throw new BerError(`message id ${id} is negative`, content.position)
  return id
}

const decodeBindRequest = (content: BerReader): ProtocolOperation => {
  const at = content.position
  const version = content.integer()
  if (version < 1 || version > 127) throw new BerError(`protocol version ${version}`, at)
  const name = dnText(content)
  const tag = content.peek()
  if (tag === 0x80) {
    const password = content.octets(0x80)
    content.passExtensions()
    return { _tag: "BindRequest", version, name, authentication: { _tag: "Simple", password } }
  }
  if (tag !== 0xa3) throw new BerError("a bind request without a known authentication choice", content.position)
  const sasl = content.sequence(0xa3)
  content.passExtensions()
  const mechanism = sasl.text()
  const credentials = sasl.peek() === Tag.octetString ? sasl.octets() : undefined
  sasl.passExtensions()
  return { _tag: "BindRequest", version, name, authentication: { _tag: "Sasl", mechanism, credentials } }
}

const limit = (content: BerReader, name: string): number => {
  const at = content.position
  const value = content.integer()
  if (value < 0 || value > maxInt) throw new BerError(`${name} ${value} is out of range`, at)
  return value
}

const choice = <A>(content: BerReader, choices: ReadonlyArray<A>, name: string): A => {
  const at = content.position
  const value = content.enumerated()
  const chosen = choices[value]
  if (chosen === undefined) throw new BerError(`${name} ${value} is unknown`, at)
  return chosen
}

const decodeSearchRequest = (content: BerReader, maxDepth: number): SearchRequest => {
  const base = dnText(content)
  const scope = choice(content, scopes, "scope")
  const deref = choice(content, derefAliases, "alias dereferencing")
  const sizeLimit = limit(content, "size limit")
  const timeLimit = limit(content, "time limit")
  const typesOnly = content.boolean()
  const filter = LdapFilter.decode(content, maxDepth)
  const list = content.sequence()
  content.passExtensions()
  const attributes: Array<string> = []
  while (list.hasNext()) attributes.push(descriptionText(list))
  return {
    _tag: "SearchRequest",
    base,
    scope,
    derefAliases: deref,
    sizeLimit,
    timeLimit,
    typesOnly,
    filter,
    attributes
  }
}

const decodeChange = (change: BerReader): LdapModification => {
  const operation = choice(change, modifyOperations, "modify operation")
  const { description, values } = decodeAttribute(change.sequence())
  change.passExtensions()
  return { operation, attribute: description, values }
}

const decodeAttribute = (attribute: BerReader): LdapAttribute => {
  const description = descriptionText(attribute)
  const set = attribute.sequence(Tag.set)
  attribute.passExtensions()
  const values: Array<Uint8Array> = []
  while (!set.done) {
    set.limits?.countValues(1, set.position)
    values.push(set.octets())
  }
  return { description, values }
}

/** `more` are the tags that may follow the result in this response; other elements are skipped. */
const decodeResult = (content: BerReader, ...more: ReadonlyArray<number>): ResultFields => {
  const code = content.enumerated()
  const matchedDn = dnText(content)
  const diagnosticMessage = content.text()
  let referrals = noReferrals
  while (!content.done && !more.includes(content.peek())) {
    if (content.peek() !== 0xa3) {
      content.skip()
      continue
    }
    const list = content.sequence(0xa3)
    const uris: Array<string> = []
    while (list.hasNext()) uris.push(urlText(list))
    referrals = uris
  }
  return { code, matchedDn, diagnosticMessage, referrals }
}
