/**
 * Messages with their passwords cut out, for recordings and logs: of binds, of attributes that hold secrets, of password changes. The
 * values of a program's own controls and operations are unknown here, and stay.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Ber from "../ber/Ber.ts"
import { secretKind } from "../model/attribute/secretAttributes.ts"
import * as LdapControl from "../model/control/LdapControl.ts"
import * as LdapEntry from "../model/entry/LdapEntry.ts"
import type { LdapFilter } from "../model/filter/LdapFilter.ts"
import { passwordModify } from "./LdapExtended.ts"
import type { LdapMessage, ProtocolOperation } from "./LdapMessage.ts"

const isSecret = (description: string): boolean => secretKind(description) !== undefined

/** The replacement of a secret. */
const cut: Uint8Array = Buffer.from("***")

/** Whether the response to a request contains a secret: a password that the server generates. */
export const answersSecret = (operation: ProtocolOperation): boolean =>
  operation._tag === "ExtendedRequest" && operation.oid === passwordModify.oid

/** `isAnswerSecret` is the result of {@link answersSecret} for the request. */
export const withoutSecrets = (message: LdapMessage, isAnswerSecret = false): LdapMessage => ({
  messageId: message.messageId,
  operation: operationOf(message.operation, isAnswerSecret),
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
        changes: operation.changes.map((change) =>
          isSecret(change.attribute) ? { ...change, values: change.values.map(() => cut) } : change
        )
      }
    case "CompareRequest":
      return isSecret(operation.attribute) ? { ...operation, value: cut } : operation
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

const attributeOf = (attribute: LdapEntry.LdapAttribute): LdapEntry.LdapAttribute =>
  isSecret(attribute.description) ? { ...attribute, values: attribute.values.map(() => cut) } : attribute

const entryOf = (entry: LdapEntry.LdapEntry): LdapEntry.LdapEntry =>
  entry.descriptions.some((description) => isSecret(description))
    ? LdapEntry.make(entry.dn, entry.attributes.map(attributeOf))
    : entry

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
      return filter.attribute !== undefined && isSecret(filter.attribute) ? { ...filter, value: cut } : filter
    default:
      return isSecret(filter.attribute) ? { ...filter, value: cut } : filter
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
