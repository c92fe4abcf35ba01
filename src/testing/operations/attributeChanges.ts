/**
 * The attributes of an entry and what may be done to them (RFC 4511 sections 4.6 and 4.7): putting values in, taking
 * them out, and the rules that the outcome must keep. Pure; a refusal has slapd's code and text.
 */
import * as Result from "effect/Result"
import type { AttributeTypes, Description } from "../../model/AttributeTypes.ts"
import type { Rdn } from "../../model/LdapDn.ts"
import type { LdapAttribute } from "../../model/LdapEntry.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import { normalize } from "../../model/matchingRules.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import { StoredAttribute, type StoredAttributes, valueKey } from "../directory/DirectoryTree.ts"
import { answer } from "./directoryResult.ts"

type Outcome<A> = Result.Result<A, ResultFields>

const refuse = (code: number, diagnosticMessage: string): Result.Result<never, ResultFields> =>
  Result.fail(answer(code, diagnosticMessage))

/** The attributes of a new entry. */
export const fromRequest = (
  types: AttributeTypes,
  attributes: ReadonlyArray<LdapAttribute>
): Outcome<Map<string, StoredAttribute>> => {
  const stored = new Map<string, StoredAttribute>()
  for (const { description, values } of attributes) {
    const parsed = types.learn(description)
    if (parsed === undefined) return undefinedType(description)
    const refused = checkValues(description, parsed, values)
    if (refused !== undefined) return Result.fail(refused)
    if (values.length === 0) return refuse(LdapResultCode.protocolError, "no values for attribute type")
    if (stored.has(parsed.key)) {
      return refuse(LdapResultCode.attributeOrValueExists, `attribute '${parsed.type.name}' provided more than once`)
    }
    stored.set(parsed.key, store(parsed, values))
  }
  return Result.succeed(stored)
}

/** The attributes of an entry that is taken as it is: nothing but what can't be stored at all is refused. */
export const fromSeed = (
  types: AttributeTypes,
  attributes: ReadonlyArray<LdapAttribute>
): Outcome<Map<string, StoredAttribute>> => {
  const stored = new Map<string, StoredAttribute>()
  for (const { description, values } of attributes) {
    const parsed = types.learn(description)
    if (parsed === undefined) return undefinedType(description)
    stored.set(parsed.key, store(parsed, [...stored.get(parsed.key)?.values ?? [], ...values]))
  }
  return Result.succeed(stored)
}

const undefinedType = (description: string) =>
  refuse(LdapResultCode.undefinedAttributeType, `${description}: attribute type undefined`)

/** Types are returned by their own names, whatever name they were given by; options as they were written. */
const store = (
  parsed: Description,
  values: ReadonlyArray<Uint8Array>,
  keys?: ReadonlyArray<string>
): StoredAttribute => new StoredAttribute([parsed.type.name, ...parsed.options].join(";"), parsed, values, keys)

/** The refusal of values that the attribute can't have. */
const checkValues = (
  description: string,
  { type }: Description,
  values: ReadonlyArray<Uint8Array>
): ResultFields | undefined => {
  if (type.readOnly) {
    return answer(LdapResultCode.constraintViolation, `${description}: no user modification allowed`)
  }
  const keys = values.map((value) => valueKey(type.rule, value))
  const invalid = type.standard ? values.findIndex((value) => normalize(type.rule, value) === undefined) : -1
  if (invalid >= 0) {
    return answer(LdapResultCode.invalidAttributeSyntax, `${description}: value #${invalid} invalid per syntax`)
  }
  if (type.singleValued && values.length > 1) {
    return answer(LdapResultCode.constraintViolation, `${description}: multiple values provided`)
  }
  if (new Set(keys).size < keys.length) {
    const twice = keys.findIndex((key, i) => keys.indexOf(key, i + 1) >= 0)
    return answer(LdapResultCode.attributeOrValueExists, `${description}: value #${twice} provided more than once`)
  }
  return undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// Modifications
// ---------------------------------------------------------------------------------------------------------------------

/** What is wrong with the changes whatever the entry is; slapd says that before it looks for the entry. */
export const checkChanges = (
  types: AttributeTypes,
  changes: ReadonlyArray<LdapModification>
): ResultFields | undefined => {
  for (const { attribute, operation, values } of changes) {
    if (operation === "add" && values.length === 0) {
      return answer(LdapResultCode.protocolError, `modify/add operation (${attribute}) requires values`)
    }
    if (operation === "increment" && values.length !== 1) {
      return answer(LdapResultCode.protocolError, "modify/increment operation requires single value")
    }
    const parsed = operation === "delete" || operation === "increment" ? types.find(attribute) : types.learn(attribute)
    if (parsed === undefined) {
      return answer(LdapResultCode.undefinedAttributeType, `${attribute}: attribute type undefined`)
    }
    const refused = checkValues(attribute, parsed, values)
    if (refused !== undefined) return refused
  }
  return undefined
}

/** The attributes after all of the changes, or the refusal of the first that can't be made. */
export const applyChanges = (
  types: AttributeTypes,
  before: StoredAttributes,
  changes: ReadonlyArray<LdapModification>,
  permissive = false
): Outcome<Map<string, StoredAttribute>> => {
  const attributes = new Map(before)
  for (const asked of changes) {
    const parsed = types.learn(asked.attribute)
    if (parsed === undefined) return undefinedType(asked.attribute)
    const change = permissive ? withoutObvious(attributes.get(parsed.key), parsed, asked) : asked
    if (change === undefined) continue
    const refused = applyChange(attributes, parsed, change)
    if (refused !== undefined) return Result.fail(refused)
  }
  for (const { parsed: { type }, values } of attributes.values()) {
    if (type.singleValued && values.length > 1) {
      return refuse(LdapResultCode.constraintViolation, `attribute '${type.name}' cannot have multiple values`)
    }
  }
  return Result.succeed(attributes)
}

/** A change without the values that are there already, or gone; `undefined` where nothing is left to do. */
const withoutObvious = (
  present: StoredAttribute | undefined,
  parsed: Description,
  change: LdapModification
): LdapModification | undefined => {
  if (change.operation !== "add" && change.operation !== "delete") return change
  const own = new Set(present?.keys)
  if (change.operation === "delete" && change.values.length === 0) return present === undefined ? undefined : change
  const values = change.values.filter((value) =>
    own.has(valueKey(parsed.type.rule, value)) === (change.operation === "delete")
  )
  return values.length === 0 ? undefined : { ...change, values }
}

const applyChange = (
  attributes: Map<string, StoredAttribute>,
  parsed: Description,
  { attribute, operation, values }: LdapModification
): ResultFields | undefined => {
  const present = attributes.get(parsed.key)
  const rule = parsed.type.rule
  switch (operation) {
    case "add": {
      const keys = values.map((value) => valueKey(rule, value))
      const own = present?.keys ?? []
      const taken = keys.length === 1 ? own : new Set(own)
      const at = keys.findIndex((key) => taken instanceof Set ? taken.has(key) : taken.includes(key))
      if (at >= 0) {
        return answer(
          LdapResultCode.attributeOrValueExists,
          `modify/add: ${attribute}: value #${at} already exists`
        )
      }
      // Keys are carried over: a group with thousands of members grows by one at a time.
      attributes.set(parsed.key, store(parsed, [...present?.values ?? [], ...values], [...own, ...keys]))
      return undefined
    }
    case "replace":
      // Taken out first, so that it moves to the end as it does in slapd.
      attributes.delete(parsed.key)
      if (values.length > 0) attributes.set(parsed.key, store(parsed, values))
      return undefined
    case "delete": {
      if (present === undefined) {
        return answer(LdapResultCode.noSuchAttribute, `modify/delete: ${attribute}: no such attribute`)
      }
      if (values.length === 0) {
        attributes.delete(parsed.key)
        return undefined
      }
      const gone = new Set(values.map((value) => valueKey(rule, value)))
      const own = new Set(present.keys)
      if (![...gone].every((key) => own.has(key))) {
        return answer(LdapResultCode.noSuchAttribute, `modify/delete: ${attribute}: no such value`)
      }
      keep(attributes, parsed, present, (key) => !gone.has(key))
      return undefined
    }
    case "increment": {
      if (present === undefined) {
        return answer(LdapResultCode.noSuchAttribute, `modify/increment: ${attribute}: no such attribute`)
      }
      const numbers = [...values, ...present.values].map((value) => normalize("integer", value))
      if ((parsed.type.standard && rule !== "integer") || numbers.includes(undefined)) {
        return answer(
          LdapResultCode.constraintViolation,
          `${attribute}: attribute syntax inappropriate for increment`
        )
      }
      const [by = 0n, ...own] = numbers.map((number) => BigInt(number ?? "0"))
      attributes.set(parsed.key, store(parsed, own.map((value) => Buffer.from(String(value + by)))))
      return undefined
    }
  }
}

const keep = (
  attributes: Map<string, StoredAttribute>,
  parsed: Description,
  present: StoredAttribute,
  wanted: (key: string) => boolean
): void => {
  const left = present.values.filter((_, i) => wanted(present.keys[i] ?? ""))
  if (left.length === 0) attributes.delete(parsed.key)
  else attributes.set(parsed.key, store(parsed, left, present.keys.filter(wanted)))
}

// ---------------------------------------------------------------------------------------------------------------------
// Object class and naming
// ---------------------------------------------------------------------------------------------------------------------

/** The refusal of an entry without object class, or whose name says what it doesn't have. */
export const checkEntry = (types: AttributeTypes, attributes: StoredAttributes, rdn: Rdn): ResultFields | undefined => {
  if (!attributes.has("objectclass")) {
    return answer(LdapResultCode.objectClassViolation, "no objectClass attribute")
  }
  for (const { type, value } of rdn.attributes) {
    const parsed = types.learn(type)
    if (parsed === undefined) continue
    const present = attributes.get(parsed.key)
    if (present === undefined) {
      return answer(LdapResultCode.namingViolation, `naming attribute '${parsed.type.name}' is not present in entry`)
    }
    if (!present.keys.includes(valueKey(parsed.type.rule, value))) {
      return answer(
        LdapResultCode.namingViolation,
        `value of naming attribute '${parsed.type.name}' is not present in entry`
      )
    }
  }
  return undefined
}

/** Puts the values of a name in where they are missing, as slapd does. */
export const addNamingValues = (types: AttributeTypes, attributes: Map<string, StoredAttribute>, rdn: Rdn): void => {
  for (const { type, value } of rdn.attributes) {
    const parsed = types.learn(type)
    if (parsed === undefined) continue
    const present = attributes.get(parsed.key)
    if (present?.keys.includes(valueKey(parsed.type.rule, value)) === true) continue
    attributes.set(parsed.key, store(parsed, [...present?.values ?? [], value]))
  }
}

/** Takes the values of a name out. One that the next name has as well is put in again, in the spelling of that name. */
export const removeNamingValues = (types: AttributeTypes, attributes: Map<string, StoredAttribute>, rdn: Rdn): void => {
  for (const { type, value } of rdn.attributes) {
    const parsed = types.find(type)
    const present = parsed === undefined ? undefined : attributes.get(parsed.key)
    if (parsed === undefined || present === undefined) continue
    const gone = valueKey(parsed.type.rule, value)
    keep(attributes, parsed, present, (key) => key !== gone)
  }
}
