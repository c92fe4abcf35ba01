/**
 * Removes passwords from messages, for recordings and logs: from binds, from attributes that hold secrets (also within names), from
 * password changes. The values of a program's own controls and operations are unknown here, so they stay.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Ber from "../ber/Ber.ts"
import { equalityOf } from "../model/attribute/equalityRules.ts"
import { mayNameSecret, secretKind } from "../model/attribute/secretAttributes.ts"
import * as LdapControl from "../model/control/controls.ts"
import * as LdapDn from "../model/dn/LdapDn.ts"
import * as LdapEntry from "../model/entry/LdapEntry.ts"
import type { LdapFilter } from "../model/filter/LdapFilter.ts"
import { dnTextOf } from "../model/losslessText.ts"
import { passwordModify } from "./LdapExtended.ts"
import type { LdapMessage, ProtocolOperation, ResultFields } from "./LdapMessage.ts"

const isSecret = (description: string): boolean => secretKind(description) !== undefined

/** The replacement of a secret. */
const cut: Uint8Array = Buffer.from("***")

/** Whether the response to a request contains a secret: a password that the server generates. */
export const answersSecret = (operation: ProtocolOperation): boolean =>
  operation._tag === "ExtendedRequest" && operation.oid === passwordModify.oid

/** `isAnswerSecret` is the result of {@link answersSecret} for the request. */
export const withoutSecrets = (message: LdapMessage, isAnswerSecret = false): LdapMessage => ({
  messageId: message.messageId,
  operation: withNamesCut(operationOf(message.operation, isAnswerSecret)),
  controls: message.controls.map(controlOf)
})

const operationOf = (operation: ProtocolOperation, isAnswerSecret: boolean): ProtocolOperation => {
  switch (operation._tag) {
    case "BindRequest": {
      const { authentication } = operation
      if (authentication._tag === "Sasl") {
        return authentication.credentials === undefined
          ? operation
          : { ...operation, authentication: { ...authentication, credentials: cut } }
      }
      // An empty password is an anonymous bind, not a secret.
      return authentication.password.length === 0
        ? operation
        : { ...operation, authentication: { _tag: "Simple", password: cut } }
    }
    case "BindResponse":
      return operation.serverCredentials === undefined ? operation : { ...operation, serverCredentials: cut }
    case "AddRequest":
      return { ...operation, attributes: operation.attributes.map(attributeOf) }
    case "ModifyRequest":
      return {
        ...operation,
        changes: operation.changes.map((change) => ({
          ...change,
          values: change.values.map((value) => valueOf(change.attribute, value))
        }))
      }
    case "CompareRequest":
      return { ...operation, value: valueOf(operation.attribute, operation.value) }
    case "SearchRequest":
      return { ...operation, filter: filterOf(operation.filter) }
    case "SearchResultEntry":
      return { ...operation, entry: entryOf(operation.entry) }
    case "ExtendedRequest":
      return answersSecret(operation) && operation.value !== undefined
        ? { ...operation, value: changeOf(operation.value, 0x80) }
        : operation
    case "ExtendedResponse":
      return isAnswerSecret && operation.value !== undefined
        ? { ...operation, value: changeOf(operation.value) }
        : operation
    default:
      return operation
  }
}

/** A password change (RFC 3062), or its response: the identity stays, the passwords are cut out. */
const changeOf = (value: Uint8Array, identityTag?: number): Uint8Array => {
  const parts = Ber.decode(value, (reader) => {
    const content = reader.sequence()
    const all: Array<readonly [tag: number, value: Uint8Array]> = []
    while (!content.done) {
      const tag = content.peek()
      all.push([tag, content.octets(tag)])
    }
    return all
  })
  if (Result.isFailure(parts)) return cut
  return Ber.encode((writer) => {
    writer.start()
    for (const [tag, part] of parts.success) writer.octets(tag === identityTag ? part : cut, tag)
    writer.end()
  })
}

/** A value of an attribute. A secret value is removed; a name is kept without its secrets. */
const valueOf = (description: string, value: Uint8Array): Uint8Array => {
  if (isSecret(description)) return cut
  if (equalityOf(description).rule !== "dn") return value
  const name = dnTextOf(value)
  const other = nameOf(name)
  return other === name ? value : Buffer.from(other)
}

const attributeOf = (attribute: LdapEntry.LdapAttribute): LdapEntry.LdapAttribute => {
  const { description, values } = attribute
  const others = values.map((value) => valueOf(description, value))
  return others.every((value, i) => value === values[i]) ? attribute : { description, values: others }
}

const entryOf = (entry: LdapEntry.LdapEntry): LdapEntry.LdapEntry => {
  const { attributes, dn } = entry
  const others = attributes.map(attributeOf)
  const name = nameOf(dn)
  return name === dn && others.every((attribute, i) => attribute === attributes[i])
    ? entry
    : LdapEntry.make(name, others)
}

// ---------------------------------------------------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------------------------------------------------

/** A name without the values of attributes that hold secrets. A name that can't be parsed is removed completely. */
const nameOf = (name: string): string => {
  if (!mayNameSecret(name)) return name
  const dn = LdapDn.parse(name, { lenient: true })
  if (Result.isFailure(dn)) return "***"
  const isNamed = dn.success.rdns.some(({ attributes }) => attributes.some(({ type }) => isSecret(type)))
  return isNamed
    ? LdapDn.make(
      dn.success.rdns.map(({ attributes }) =>
        new LdapDn.Rdn(
          attributes.map((attribute) =>
            isSecret(attribute.type) ? new LdapDn.RdnAttribute(attribute.type, cut) : attribute
          )
        )
      )
    ).toString()
    : name
}

/** A referral. If it may contain a secret, only the server remains of it. */
const uriOf = (uri: string): string => {
  let text = uri
  try {
    text = decodeURIComponent(uri)
  } catch {
    // Text that can't be decoded is searched unchanged.
  }
  return mayNameSecret(text) ? uri.replace(/^([a-z]+:\/\/[^/?#]*)?.*$/is, "$1/***") : uri
}

/** The server's text may repeat a name of the request. The end of that name is unknown, so the whole text is removed. */
const resultOf = (result: ResultFields): ResultFields => ({
  ...result,
  matchedDn: nameOf(result.matchedDn),
  diagnosticMessage: namesSecretValue(result.diagnosticMessage) ? "***" : result.diagnosticMessage,
  ...(result.referrals === undefined ? undefined : { referrals: result.referrals.map(uriOf) })
})

/** Whether a text has `name=` for such an attribute. The name without a value is no secret. */
const namesSecretValue = (text: string): boolean =>
  mayNameSecret(text) && Array.from(text.matchAll(/([A-Za-z0-9.-]+)[ ]*=/g)).some(([, name = ""]) => isSecret(name))

const withNamesCut = (operation: ProtocolOperation): ProtocolOperation => {
  switch (operation._tag) {
    case "BindRequest":
      return { ...operation, name: nameOf(operation.name) }
    case "SearchRequest":
      return { ...operation, base: nameOf(operation.base) }
    case "AddRequest":
    case "ModifyRequest":
    case "DeleteRequest":
    case "CompareRequest":
      return { ...operation, dn: nameOf(operation.dn) }
    case "ModifyDnRequest":
      return {
        ...operation,
        dn: nameOf(operation.dn),
        newRdn: nameOf(operation.newRdn),
        ...(operation.newSuperior === undefined ? undefined : { newSuperior: nameOf(operation.newSuperior) })
      }
    case "SearchResultReference":
      return { ...operation, uris: operation.uris.map(uriOf) }
    case "UnbindRequest":
    case "AbandonRequest":
    case "ExtendedRequest":
    case "SearchResultEntry":
    case "IntermediateResponse":
      return operation
    default:
      return { ...operation, result: resultOf(operation.result) }
  }
}

/** The nesting of decoded filters is limited by the parser. */
const filterOf = (filter: LdapFilter): LdapFilter => {
  switch (filter._tag) {
    case "And":
    case "Or":
      return { ...filter, filters: filter.filters.map(filterOf) }
    case "Not":
      return { ...filter, filter: filterOf(filter.filter) }
    case "Present":
      return filter
    case "Substrings":
      return isSecret(filter.attribute) ? { _tag: "Substrings", attribute: filter.attribute, any: [cut] } : filter
    case "Extensible":
      return filter.attribute === undefined ? filter : { ...filter, value: valueOf(filter.attribute, filter.value) }
    default:
      return { ...filter, value: valueOf(filter.attribute, filter.value) }
  }
}

/** Entries before and after a change (RFC 4527) are treated like entries. */
const controlOf = (control: LdapControl.LdapControl): LdapControl.LdapControl => {
  for (const kind of [LdapControl.preReadResponse, LdapControl.postReadResponse]) {
    if (control.oid !== kind.oid) continue
    const entry = kind.find([control])
    if (Option.isSome(entry)) return kind.make(entryOf(entry.value))
  }
  return control
}
