/**
 * Finds requests other than binds that carry a password in clear text: they must not cross a network unprotected either.
 */
import * as Result from "effect/Result"
import { mayNameSecret, secretKind } from "../../model/attribute/secretAttributes.ts"
import * as LdapControls from "../../model/control/controls.ts"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapFilter } from "../../model/filter/LdapFilterModel.ts"
import { passwordModify } from "../../protocol/LdapExtended.ts"
import type { RequestOperation } from "../../protocol/LdapMessage.ts"

/**
 * Whether a request, or one of its controls, contains a value of an attribute that holds passwords or keys: among the values to be
 * written, in a filter, in a comparison, or in the name of an entry.
 */
export const carriesPassword = (request: RequestOperation, controls: ReadonlyArray<LdapControl> = []): boolean =>
  isInRequest(request) || controls.some(isInControl)

const isInRequest = (request: RequestOperation): boolean => {
  switch (request._tag) {
    case "ExtendedRequest":
      return request.oid === passwordModify.oid
    case "SearchRequest":
      return isInName(request.base) || isInFilter(request.filter)
    case "AddRequest":
      return isInName(request.dn) || request.attributes.some(({ description, values }) => isIn(description, values))
    case "ModifyRequest":
      return isInName(request.dn) || request.changes.some(({ attribute, values }) => isIn(attribute, values))
    case "CompareRequest":
      return isInName(request.dn) || isIn(request.attribute, [request.value])
    case "DeleteRequest":
      return isInName(request.dn)
    case "ModifyDnRequest":
      return isInName(request.dn) || isInName(request.newRdn) ||
        (request.newSuperior !== undefined && isInName(request.newSuperior))
    default:
      return false
  }
}

const isIn = (description: string, values: ReadonlyArray<Uint8Array>): boolean => {
  const kind = secretKind(description)
  return kind !== undefined && kind !== "hash" && values.some((value) => isSecret(value, kind))
}

const isSecret = (value: Uint8Array, kind: "password" | "secret" | "settings"): boolean => {
  switch (kind) {
    case "password":
      return !isHash(value)
    case "settings":
      return /(?:credentials|password|passwd)\s*=/i.test(Buffer.from(value).toString("latin1"))
    case "secret":
      return true
  }
}

/** A value that begins with the name of a hash scheme, for instance `{SSHA}…`, is not a clear-text password (RFC 2307 section 5.3). */
const isHash = (value: Uint8Array): boolean => {
  const scheme = /^\{([^}]{1,32})\}/.exec(Buffer.from(value.subarray(0, 34)).toString("latin1"))?.[1]
  return scheme !== undefined && scheme.toUpperCase() !== "CLEARTEXT"
}

const isInFilter = (filter: LdapFilter): boolean => {
  const rest: Array<LdapFilter> = [filter]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    switch (next._tag) {
      case "And":
      case "Or":
        for (const inner of next.filters) rest.push(inner)
        break
      case "Not":
        rest.push(next.filter)
        break
      case "Present":
        break
      case "Substrings": {
        const { any, final, initial } = next
        // A part of a hash counts as a part of a password, since the two can't be told apart.
        if (
          isIn(next.attribute, [
            ...(initial === undefined ? [] : [initial]),
            ...any,
            ...(final === undefined ? [] : [final])
          ])
        )
          return true
        break
      }
      case "Extensible":
        // A filter without an attribute applies to all attributes that the rule fits, like a text search over the whole entry.
        if (next.attribute !== undefined && isIn(next.attribute, [next.value])) return true
        break
      default:
        if (isIn(next.attribute, [next.value])) return true
    }
  }
  return false
}

/** In a distinguished name, or an RDN. */
const isInName = (text: string): boolean => {
  if (!mayNameSecret(text)) return false
  const parsed = LdapDn.parse(text, { lenient: true })
  return Result.isFailure(parsed)
    // It goes to the server unchanged, and how the server reads it is unknown.
    ? /(?:^|[+,;])\s*[^\s=+,;]+\s*=/.test(text)
    : parsed.success.rdns.some(({ attributes }) => attributes.some(({ type, value }) => isIn(type, [value])))
}

/** Controls that contain filters, if they can be decoded. */
const isInControl = (control: LdapControl): boolean => {
  switch (control.oid) {
    case LdapControls.assertion.oid:
      return Result.match(LdapControls.assertion.decode(control), { onFailure: () => false, onSuccess: isInFilter })
    case LdapControls.matchedValues.oid:
      return Result.match(LdapControls.matchedValues.decode(control), {
        onFailure: () => false,
        onSuccess: (filters) => filters.some(isInFilter)
      })
    default:
      return false
  }
}
