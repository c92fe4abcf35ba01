/**
 * Changes of the attributes of an entry (RFC 4511 sections 4.6 and 4.7): adding and removing values, and the rules that the result
 * must keep. A refusal has slapd's code and text.
 */
import * as Result from "effect/Result"
import type { AttributeTypes, Description } from "../../model/attribute/AttributeTypes.ts"
import { normalize } from "../../model/attribute/matchingRules.ts"
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import { prettyName } from "../directory/DirectoryState.ts"
import { StoredAttribute, type StoredAttributes, valueKey } from "../directory/DirectoryTree.ts"
import { conforms } from "../directory/valueChecking.ts"
import { isStorable, whyUndefined } from "./descriptionChecking.ts"
import { answer } from "./directoryResult.ts"

type Outcome<A> = Result.Result<A, ResultFields>

const refuse = (code: number, diagnosticMessage: string): Result.Result<never, ResultFields> =>
  Result.fail(answer(code, diagnosticMessage))

/** The attributes of an add request. */
export const fromRequest = (
  types: AttributeTypes,
  attributes: ReadonlyArray<LdapAttribute>
): Outcome<ReadonlyArray<StoredAttribute>> => {
  if (attributes.some(({ values }) => values.length === 0)) {
    return refuse(LdapResultCode.protocolError, "no values for attribute type")
  }
  const all: Array<StoredAttribute> = []
  for (const { description, values } of attributes) {
    const parsed = types.learn(description)
    if (parsed === undefined || !isStorable(types, parsed)) return undefinedType(types, description)
    const refused = checkValues(types, description, parsed, values)
    if (refused !== undefined) return Result.fail(refused)
    all.push(store(types, parsed, values))
  }
  return Result.succeed(all)
}

/** The attributes by their keys; refused if one is given twice. */
export const toStored = (all: ReadonlyArray<StoredAttribute>): Outcome<Map<string, StoredAttribute>> => {
  const stored = new Map<string, StoredAttribute>()
  for (const attribute of all) {
    const { key, type } = attribute.parsed
    if (stored.has(key)) {
      return refuse(LdapResultCode.attributeOrValueExists, `attribute '${type.name}' provided more than once`)
    }
    stored.set(key, attribute)
  }
  return Result.succeed(stored)
}

/** The refusal of attributes that only the server sets. */
export const checkReadOnly = (parsed: Iterable<Description>): ResultFields | undefined => {
  for (const { type } of parsed) {
    if (type.readOnly) return answer(LdapResultCode.constraintViolation, `${type.name}: no user modification allowed`)
  }
  return undefined
}

/**
 * The attributes of an entry that is loaded. Unless the schema is enforced, only a malformed description is refused.
 */
export const fromSeed = (
  types: AttributeTypes,
  attributes: ReadonlyArray<LdapAttribute>
): Outcome<Map<string, StoredAttribute>> => {
  const stored = new Map<string, StoredAttribute>()
  for (const { description, values } of attributes) {
    const parsed = types.learn(description)
    if (parsed === undefined || !isStorable(types, parsed)) return undefinedType(types, description)
    const refused = types.strict ? checkValues(types, description, parsed, values) : undefined
    if (refused !== undefined) return Result.fail(refused)
    const own = stored.get(parsed.key)?.values ?? []
    stored.set(parsed.key, new StoredAttribute(nameOf(parsed), parsed, own.length === 0 ? values : [...own, ...values]))
  }
  return Result.succeed(stored)
}

const undefinedType = (types: AttributeTypes, description: string) =>
  refuse(LdapResultCode.undefinedAttributeType, `${description}: ${whyUndefined(types, description)}`)

/**
 * Stores values under the first name of their type, whatever name the request used, also for the types within names.
 */
export const store = (
  types: AttributeTypes,
  parsed: Description,
  values: ReadonlyArray<Uint8Array>
): StoredAttribute => {
  const pretty = parsed.type.rule === "dn" ? values.map((value) => prettyName(types, value)) : values
  return new StoredAttribute(nameOf(parsed), parsed, pretty)
}

const nameOf = ({ options, type }: Description): string =>
  options.length === 0 ? type.name : [type.name, ...options].join(";")

/** The refusal of values that the attribute can't have. Of values that are removed, only the syntax is checked. */
const checkValues = (
  types: AttributeTypes,
  description: string,
  { type }: Description,
  values: ReadonlyArray<Uint8Array>,
  isRemoval = false
): ResultFields | undefined => {
  const keys = values.map((value) => valueKey(type.rule, value))
  const invalid = values.findIndex((value) => !conforms(types, type, value))
  if (invalid >= 0) {
    return answer(LdapResultCode.invalidAttributeSyntax, `${description}: value #${invalid} invalid per syntax`)
  }
  if (isRemoval) return undefined
  if (type.singleValued && values.length > 1) {
    return answer(LdapResultCode.constraintViolation, `${description}: multiple values provided`)
  }
  const last = new Map(keys.map((key, i) => [key, i]))
  if (last.size < keys.length) {
    const twice = keys.findIndex((key, i) => last.get(key) !== i)
    return answer(LdapResultCode.attributeOrValueExists, `${description}: value #${twice} provided more than once`)
  }
  return undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// Modifications
// ---------------------------------------------------------------------------------------------------------------------

/** The refusal of malformed changes. slapd checks this before it reads the name of the entry. */
export const checkForm = (changes: ReadonlyArray<LdapModification>): ResultFields | undefined => {
  for (const { attribute, operation, values } of changes) {
    if (operation === "add" && values.length === 0) {
      return answer(LdapResultCode.protocolError, `modify/add operation (${attribute}) requires values`)
    }
    if (operation === "increment" && values.length !== 1) {
      return answer(LdapResultCode.protocolError, "modify/increment operation requires single value")
    }
  }
  return undefined
}

/** The refusal of changes that no entry could have. slapd checks this before it looks for the entry. */
export const checkChanges = (
  types: AttributeTypes,
  changes: ReadonlyArray<LdapModification>
): ResultFields | undefined => {
  for (const { attribute, operation, values } of changes) {
    const parsed = operation === "delete" || operation === "increment" ? types.find(attribute) : types.learn(attribute)
    if (parsed === undefined || !isStorable(types, parsed)) {
      return answer(LdapResultCode.undefinedAttributeType, `${attribute}: ${whyUndefined(types, attribute)}`)
    }
    if (operation === "increment" && parsed.type.standard && parsed.type.rule !== "integer") {
      return inappropriateIncrement(attribute)
    }
    const refused = checkValues(types, attribute, parsed, values, operation === "delete")
    if (refused !== undefined) return refused
  }
  return undefined
}

const inappropriateIncrement = (attribute: string): ResultFields =>
  answer(LdapResultCode.constraintViolation, `${attribute}: attribute syntax inappropriate for increment`)

/** The attributes after all changes, or the refusal of the first change that can't be made. */
export const applyChanges = (
  types: AttributeTypes,
  before: StoredAttributes,
  changes: ReadonlyArray<LdapModification>,
  permissive = false
): Outcome<Map<string, StoredAttribute>> => {
  const attributes = new Map(before)
  for (const asked of joined(types, changes)) {
    const parsed = types.learn(asked.attribute)
    if (parsed === undefined) return undefinedType(types, asked.attribute)
    const change = permissive ? withoutObvious(attributes.get(parsed.key), parsed, asked) : asked
    if (change === undefined) continue
    const refused = applyChange(types, attributes, parsed, change)
    if (refused !== undefined) return Result.fail(refused)
  }
  const refused = checkSingleValues(attributes)
  return refused === undefined ? Result.succeed(attributes) : Result.fail(refused)
}

/** The refusal of an entry with several values of an attribute that has one. */
export const checkSingleValues = (attributes: StoredAttributes): ResultFields | undefined => {
  for (const { parsed: { type }, size } of attributes.values()) {
    if (type.singleValued && size > 1) {
      return answer(LdapResultCode.constraintViolation, `attribute '${type.name}' cannot have multiple values`)
    }
  }
  return undefined
}

/**
 * Joins successive changes of one kind to one attribute into one. Some programs send one change for each value.
 */
const joined = (
  types: AttributeTypes,
  changes: ReadonlyArray<LdapModification>
): ReadonlyArray<LdapModification> => {
  const all: Array<{ readonly change: LdapModification; readonly values: Array<Uint8Array> }> = []
  for (const change of changes) {
    const before = all.at(-1)
    const goesOn = before?.change.operation === change.operation && before.change.attribute === change.attribute &&
      (change.operation === "add" || change.operation === "delete") && change.values.length > 0 &&
      before.values.length > 0 && types.find(change.attribute)?.type.equality !== false
    if (goesOn) before.values.push(...change.values)
    else all.push({ change, values: [...change.values] })
  }
  return all.map(({ change, values }) => ({ ...change, values }))
}

/** A change without the values that are already present, or already absent; `undefined` if nothing is left to change. */
const withoutObvious = (
  present: StoredAttribute | undefined,
  parsed: Description,
  change: LdapModification
): LdapModification | undefined => {
  if (change.operation !== "add" && change.operation !== "delete") return change
  if (change.operation === "delete" && change.values.length === 0) return present === undefined ? undefined : change
  // Without an equality rule, the values can't be compared with those of the entry.
  if (!parsed.type.equality) return change
  const changed = new Set<string>()
  const values = change.values.filter((value) => {
    const key = valueKey(parsed.type.rule, value)
    // From now on the value is present, or absent.
    if (changed.has(key) || (present?.has(key) === true) !== (change.operation === "delete")) return false
    changed.add(key)
    return true
  })
  return values.length === 0 ? undefined : { ...change, values }
}

const applyChange = (
  types: AttributeTypes,
  attributes: Map<string, StoredAttribute>,
  parsed: Description,
  { attribute, operation, values }: LdapModification
): ResultFields | undefined => {
  const present = attributes.get(parsed.key)
  const rule = parsed.type.rule
  switch (operation) {
    case "add": {
      if (present !== undefined && !parsed.type.equality) {
        return answer(LdapResultCode.inappropriateMatching, `modify/add: ${attribute}: no equality matching rule`)
      }
      const keys = values.map((value) => valueKey(rule, value))
      const seen = new Set<string>()
      const at = keys.findIndex((key) => {
        const isTaken = seen.has(key) || present?.has(key) === true
        seen.add(key)
        return isTaken
      })
      if (at >= 0) {
        return answer(
          LdapResultCode.attributeOrValueExists,
          `modify/add: ${attribute}: value #${at} already exists`
        )
      }
      const added = store(types, parsed, values)
      attributes.set(parsed.key, present === undefined ? added : present.with(added.values, keys))
      return undefined
    }
    case "replace":
      // Removed first, so that the attribute moves to the end, as with slapd.
      attributes.delete(parsed.key)
      if (values.length > 0) attributes.set(parsed.key, store(types, parsed, values))
      return undefined
    case "delete": {
      if (values.length > 0 && !parsed.type.equality) {
        return answer(LdapResultCode.inappropriateMatching, `modify/delete: ${attribute}: no equality matching rule`)
      }
      if (present === undefined) {
        return answer(LdapResultCode.noSuchAttribute, `modify/delete: ${attribute}: no such attribute`)
      }
      if (values.length === 0) {
        attributes.delete(parsed.key)
        return undefined
      }
      const gone = new Set(values.map((value) => valueKey(rule, value)))
      if (gone.size < values.length || ![...gone].every((key) => present.has(key))) {
        return answer(LdapResultCode.noSuchAttribute, `modify/delete: ${attribute}: no such value`)
      }
      takeOut(attributes, present, gone)
      return undefined
    }
    case "increment": {
      if (present === undefined) {
        return answer(LdapResultCode.noSuchAttribute, `modify/increment: ${attribute}: no such attribute`)
      }
      const numbers = [...values, ...present.values].map((value) => normalize("integer", value))
      if (numbers.includes(undefined)) return inappropriateIncrement(attribute)
      const [by = 0n, ...own] = numbers.map((number) => BigInt(number ?? "0"))
      attributes.set(parsed.key, store(types, parsed, own.map((value) => Buffer.from(String(value + by)))))
      return undefined
    }
  }
}

/** Removes values. An attribute without values is removed too. */
export const takeOut = (
  attributes: Map<string, StoredAttribute>,
  present: StoredAttribute,
  gone: ReadonlySet<string>
): void => {
  const left = present.without(gone)
  if (left.size === 0) attributes.delete(present.parsed.key)
  else attributes.set(present.parsed.key, left)
}
