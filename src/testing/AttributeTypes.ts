/**
 * What the directory knows of attributes: names and object identifiers of a type, its matching rule, its supertype;
 * and of object classes, which one is below which. Nothing is enforced by it beyond what operations ask: a directory
 * for tests takes attributes and classes that it has never heard of, as if their type had been defined as text.
 *
 * Pure and synchronous. The data is in attributeTable.ts, the comparing of values in matchingRules.ts.
 */
import { attributeTable, objectClassTable } from "./attributeTable.ts"
import { type MatchingRule, matchingRules } from "./matchingRules.ts"

export interface AttributeType {
  readonly oid: string
  readonly name: string
  /** The name in lower case; what types are told apart by. */
  readonly key: string
  readonly rule: MatchingRule
  readonly superior: AttributeType | undefined
  /** Whether values can be compared with `>=` and `<=`. */
  readonly ordering: boolean
  readonly singleValued: boolean
  /** Set by the server; clients may not modify it. */
  readonly readOnly: boolean
  /** Returned only where it is asked for by its name or by `+`. */
  readonly operational: boolean
  /** False for a type that was made up for an attribute that an entry brought along. */
  readonly standard: boolean
}

/** An attribute description taken apart: `cn;lang-de` is the type `cn` with the option `lang-de`. */
export interface Description {
  readonly type: AttributeType
  /** In lower case and sorted. */
  readonly options: ReadonlyArray<string>
  /** The same for all ways to write the same description. */
  readonly key: string
}

const descriptionSyntax = /^(?:[a-z][a-z0-9_-]*|\d+(?:\.\d+)*)(?:;[a-z0-9_=-]+)*$/

const noOptions: ReadonlyArray<string> = []

const rules: ReadonlySet<string> = new Set(matchingRules)

const standardTypes = new Map<string, AttributeType>()
for (const line of attributeTable.trim().split("\n")) {
  const [oid = "", ...rest] = line.split(" ")
  const at = rest.findIndex((word) => word.startsWith("<") || isRule(word))
  const names = rest.slice(0, at)
  const rule = rest[at] ?? ""
  const flags = new Set(rest.slice(at + 1))
  const superior = rule.startsWith("<") ? standardTypes.get(rule.slice(1).toLowerCase()) : undefined
  const name = names[0] ?? oid
  const type: AttributeType = {
    oid,
    name,
    key: name.toLowerCase(),
    rule: superior?.rule ?? (isRule(rule) ? rule : "caseIgnore"),
    superior,
    ordering: flags.has("ordering"),
    singleValued: flags.has("single"),
    readOnly: flags.has("readOnly"),
    operational: flags.has("operational"),
    standard: true
  }
  for (const known of [oid, ...names]) standardTypes.set(known.toLowerCase(), type)
}

function isRule(word: string): word is MatchingRule {
  return rules.has(word)
}

/** The attribute types of one directory: the standard ones, and those that its entries brought along. */
export class AttributeTypes {
  readonly #learned = new Map<string, AttributeType>()

  /** The description, or `undefined` where the directory has never seen its type or it is no description at all. */
  find(description: string): Description | undefined {
    return this.#describe(description, false)
  }

  /** The description, with a type made for it if there is none; `undefined` where it is no description at all. */
  learn(description: string): Description | undefined {
    return this.#describe(description, true)
  }

  #describe(description: string, learn: boolean): Description | undefined {
    const text = description.toLowerCase()
    const direct = standardTypes.get(text) ?? this.#learned.get(text)
    if (direct !== undefined) return { type: direct, options: noOptions, key: direct.key }
    if (!descriptionSyntax.test(text)) return undefined
    const [name = "", ...options] = text.split(";")
    const type = standardTypes.get(name) ?? this.#learned.get(name) ??
      (learn ? this.#define(name, description.slice(0, name.length)) : undefined)
    if (type === undefined) return undefined
    options.sort()
    return { type, options, key: [type.key, ...options].join(";") }
  }

  #define(key: string, name: string): AttributeType {
    const type: AttributeType = {
      oid: key,
      name,
      key,
      rule: "caseIgnore",
      superior: undefined,
      ordering: true,
      singleValued: false,
      readOnly: false,
      operational: false,
      standard: false
    }
    this.#learned.set(key, type)
    return type
  }
}

/**
 * Whether an attribute is the one that was asked for or a subtype of it: `cn` and `cn;lang-de` are, where `name` was
 * asked for (RFC 4512 section 2.5). An option that ends with a hyphen stands for all that begin so.
 */
export const isSubtypeOf = (description: Description, asked: Description): boolean => {
  let type: AttributeType | undefined = description.type
  while (type !== undefined && type !== asked.type) type = type.superior
  return type !== undefined &&
    asked.options.every((option) =>
      option.endsWith("-")
        ? description.options.some((own) => own.startsWith(option))
        : description.options.includes(option)
    )
}

// ---------------------------------------------------------------------------------------------------------------------
// Object classes
// ---------------------------------------------------------------------------------------------------------------------

interface ObjectClass {
  readonly name: string
  readonly superior: string
  readonly structural: boolean
}

const objectClasses = new Map<string, ObjectClass>()
for (const line of objectClassTable.trim().split("\n")) {
  const words = line.split(" ")
  const [kind = "", superior = ""] = words.slice(-2).reverse()
  const names = words.slice(1, -2)
  const objectClass = { name: names[0] ?? "", superior: superior.toLowerCase(), structural: kind === "structural" }
  for (const known of [words[0] ?? "", ...names]) objectClasses.set(known.toLowerCase(), objectClass)
}

/** Whether an object class is `asked` or derived from it, as slapd asks: an inetOrgPerson is a person. */
export const isSubclassOf = (objectClass: string, asked: string): boolean => {
  const wanted = objectClasses.get(asked)?.name.toLowerCase() ?? asked
  for (let key = objectClass; key !== undefined && key !== "-";) {
    const known = objectClasses.get(key)
    if ((known?.name.toLowerCase() ?? key) === wanted) return true
    if (known === undefined) return false
    key = known.superior
  }
  return false
}

/** The structural class that the others are above of; `undefined` where none is known. */
export const structuralClass = (classes: ReadonlyArray<string>): string | undefined => {
  let found: ObjectClass | undefined
  for (const name of classes) {
    const objectClass = objectClasses.get(name.toLowerCase())
    if (objectClass?.structural !== true) continue
    if (found === undefined || isSubclassOf(objectClass.name.toLowerCase(), found.name.toLowerCase()))
      found = objectClass
  }
  return found?.name
}
