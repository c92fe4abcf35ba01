/**
 * Attribute types (names, object identifiers, matching rule, supertype) and object classes (their superclasses) of the directory in
 * memory. By default no schema is enforced: a directory for tests accepts unknown attributes and classes, as if their type were
 * defined as text.
 *
 * Pure and synchronous. The data is in attributeTable.ts, the comparing of values in matchingRules.ts.
 */
import { lazily } from "../lazily.ts"
import { attributeTable, noEqualityTable, noSubstringsTable, objectClassTable } from "./attributeTable.ts"
import { type MatchingRule, matchingRules } from "./matchingRules.ts"
import { classAttributeTable, syntaxTable } from "./schemaTable.ts"
import { binarySyntaxes } from "./syntaxes.ts"

export interface AttributeType {
  readonly oid: string
  readonly name: string
  /** The first of them is `name`. */
  readonly names: ReadonlyArray<string>
  /** The name in lower case, which identifies the type. */
  readonly key: string
  readonly rule: MatchingRule
  /** The syntax of the values, as in `syntaxes.ts`. */
  readonly syntax: string
  readonly superior: AttributeType | undefined
  /** Whether values can be compared for equality. Some types have no equality rule. */
  readonly equality: boolean
  /** Whether values can be compared with `>=` and `<=`. */
  readonly ordering: boolean
  /** Whether the schema has a rule for substrings. Only a directory that enforces its schema uses this. */
  readonly substrings: boolean
  readonly singleValued: boolean
  /** Set by the server; clients may not modify it. */
  readonly readOnly: boolean
  /** Returned only if it is requested by its name or by `+`. */
  readonly operational: boolean
  /** False for a type that was added for an unknown attribute of an entry. */
  readonly standard: boolean
}

/** A parsed attribute description: `cn;lang-de` is the type `cn` with the option `lang-de`. */
export interface Description {
  readonly type: AttributeType
  /** In lower case and sorted. */
  readonly options: ReadonlyArray<string>
  /** The same for all spellings of the same description. */
  readonly key: string
}

const descriptionSyntax = /^(?:[a-z][a-z0-9_-]*|\d+(?:\.\d+)*)(?:;[a-z0-9_=-]+)*$/

const noOptions: ReadonlyArray<string> = []

/** Types whose syntax differs from that of their matching rule. */
const syntaxesByType = (): ReadonlyMap<string, string> => {
  const syntaxes = new Map<string, string>()
  for (const line of syntaxTable.trim().split(/\n(?! )/)) {
    const [syntax = "", ...names] = line.split(/\s+/)
    for (const name of names) syntaxes.set(name.toLowerCase(), syntax)
  }
  return syntaxes
}

/** The syntax of the values of a rule, for types that don't name another. */
export const usualSyntax: Readonly<Record<MatchingRule, string>> = {
  caseIgnore: "15",
  caseExact: "15",
  caseIgnoreIA5: "26",
  caseExactIA5: "26",
  telephone: "50",
  integer: "27",
  dn: "12",
  octets: "40",
  boolean: "7",
  time: "24",
  uuid: "1.3.6.1.1.16.1",
  oid: "38"
}

/** Text with the syntax IA5 String has its own rules. */
const ia5RuleOf = (rule: MatchingRule): MatchingRule => rule === "caseExact" ? "caseExactIA5" : "caseIgnoreIA5"

const standardTypes = lazily((): ReadonlyMap<string, AttributeType> => {
  const namesIn = (table: string): ReadonlySet<string> => new Set(table.trim().toLowerCase().split(/\s+/))
  const [withoutEquality, withoutSubstrings] = [namesIn(noEqualityTable), namesIn(noSubstringsTable)]
  const syntaxes = syntaxesByType()
  const types = new Map<string, AttributeType>()
  for (const line of attributeTable.trim().split("\n")) {
    const [oid = "", ...rest] = line.split(" ")
    const at = rest.findIndex((word) => word.startsWith("<") || isRule(word))
    const names = rest.slice(0, at)
    const rule = rest[at] ?? ""
    const flags = new Set(rest.slice(at + 1))
    const superior = rule.startsWith("<") ? types.get(rule.slice(1).toLowerCase()) : undefined
    const name = names[0] ?? oid
    const key = name.toLowerCase()
    const named = isRule(rule) ? rule : "caseIgnore"
    const own = superior?.rule ?? (syntaxes.get(key) === "26" ? ia5RuleOf(named) : named)
    const type: AttributeType = {
      oid,
      name,
      names,
      key,
      rule: own,
      syntax: syntaxes.get(key) ?? superior?.syntax ?? usualSyntax[own],
      superior,
      equality: !withoutEquality.has(key),
      ordering: flags.has("ordering"),
      substrings: !withoutSubstrings.has(key),
      singleValued: flags.has("single"),
      readOnly: flags.has("readOnly"),
      operational: flags.has("operational"),
      standard: true
    }
    for (const known of [oid, ...names]) types.set(known.toLowerCase(), type)
  }
  return types
})

/** A type of the table, by its name in lower case. */
export const standardType = (name: string): AttributeType => {
  const type = standardTypes().get(name)
  if (type === undefined) throw new Error(`the table of attribute types has no ${name}`)
  return type
}

function isRule(word: string): word is MatchingRule {
  return (matchingRules as ReadonlyArray<string>).includes(word)
}

const descriptions = new WeakMap<AttributeType, Description>()

/** The description of a type without options, the same object for all callers. */
const plain = (type: AttributeType): Description => {
  let description = descriptions.get(type)
  if (description === undefined) {
    description = { type, options: noOptions, key: type.key }
    descriptions.set(type, description)
  }
  return description
}

/** The attribute types of one directory: the standard ones, and those that were added for its entries. */
export class AttributeTypes {
  readonly #learned = new Map<string, AttributeType>()
  /** Descriptions without options, by the text that was asked for. Bounded, since a name has many spellings. */
  readonly #spelled = new Map<string, Description>()
  readonly strict: boolean

  /** `strict` types don't grow, and know no options except languages (RFC 3866) and `binary` (RFC 4522). */
  constructor(options: { readonly strict: boolean } = { strict: false }) {
    this.strict = options.strict
  }

  /** The description, or `undefined` if its type is unknown or the text is not a description. */
  find(description: string): Description | undefined {
    return this.#describe(description, false)
  }

  /** The description, with a new type if its type is unknown; `undefined` if the text is not a description. */
  learn(description: string): Description | undefined {
    return this.#describe(description, !this.strict)
  }

  #describe(description: string, learn: boolean): Description | undefined {
    const spelled = this.#spelled.get(description)
    if (spelled !== undefined) return spelled
    const text = description.toLowerCase()
    const direct = standardTypes().get(text) ?? this.#learned.get(text)
    if (direct !== undefined) {
      const found = plain(direct)
      if (this.#spelled.size < mostSpelled) this.#spelled.set(description, found)
      return found
    }
    if (!descriptionSyntax.test(text)) return undefined
    const [name = "", ...options] = text.split(";")
    const type = standardTypes().get(name) ?? this.#learned.get(name) ??
      (learn ? this.#define(name, description.slice(0, name.length)) : undefined)
    if (type === undefined) return undefined
    if (this.strict && !options.every((option) => isKnownOption(type, option))) return undefined
    const sorted = [...new Set(options)].sort()
    return { type, options: sorted, key: [type.key, ...sorted].join(";") }
  }

  #define(key: string, name: string): AttributeType {
    const type: AttributeType = {
      oid: key,
      name,
      names: [name],
      key,
      rule: "caseIgnore",
      syntax: usualSyntax.caseIgnore,
      superior: undefined,
      equality: true,
      ordering: true,
      substrings: true,
      singleValued: false,
      readOnly: false,
      operational: false,
      standard: false
    }
    this.#learned.set(key, type)
    return type
  }
}

const mostSpelled = 1_000

/** `lang-` stands for all languages. */
const isKnownOption = (type: AttributeType, option: string): boolean =>
  option.startsWith("lang-") || (option === "binary" && binarySyntaxes.has(type.syntax))

/**
 * Whether an attribute is the requested one or a subtype of it: `cn` and `cn;lang-de` are subtypes of `name` (RFC 4512 section
 * 2.5). An option that ends with a hyphen matches all options that begin with it, and the one without the hyphen: `lang-de-`
 * matches `lang-de` and `lang-de-ch` (RFC 3866 section 2.1).
 */
export const isSubtypeOf = (description: Description, asked: Description): boolean => {
  let type: AttributeType | undefined = description.type
  while (type !== undefined && type !== asked.type) type = type.superior
  return type !== undefined &&
    asked.options.every((option) =>
      option.endsWith("-")
        ? description.options.some((own) => own.startsWith(option) || own === option.slice(0, -1))
        : description.options.includes(option)
    )
}

// ---------------------------------------------------------------------------------------------------------------------
// Object classes
// ---------------------------------------------------------------------------------------------------------------------

export interface ObjectClass {
  readonly oid: string
  readonly names: ReadonlyArray<string>
  /** The first of its names. */
  readonly name: string
  /** In lower case; `-` where there is none. */
  readonly superior: string
  readonly kind: string
  readonly structural: boolean
  /** The attributes that an entry of the class must and may have, without those of its superclasses. */
  readonly must: ReadonlyArray<AttributeType>
  readonly may: ReadonlyArray<AttributeType>
}

/** Names of the attributes that an entry must and may have, by the name of a class. */
const attributesByClass = (): ReadonlyMap<string, readonly [ReadonlyArray<string>, ReadonlyArray<string>]> =>
  new Map(
    classAttributeTable.trim().split(/\n(?! )/).map((line) => {
      const [name = "", ...words] = line.split(/\s+/)
      const bar = words.indexOf("|")
      return [name.toLowerCase(), [words.slice(0, bar), words.slice(bar + 1)]]
    })
  )

const typesNamed = (names: ReadonlyArray<string> = []): ReadonlyArray<AttributeType> =>
  names.flatMap((name) => standardTypes().get(name.toLowerCase()) ?? [])

const objectClasses = lazily((): ReadonlyMap<string, ObjectClass> => {
  const attributes = attributesByClass()
  const classes = new Map<string, ObjectClass>()
  for (const line of objectClassTable.trim().split("\n")) {
    const words = line.split(" ")
    const [kind = "", superior = ""] = words.slice(-2).reverse()
    const names = words.slice(1, -2)
    const [must, may] = attributes.get(names[0]?.toLowerCase() ?? "") ?? []
    const objectClass: ObjectClass = {
      oid: words[0] ?? "",
      names,
      name: names[0] ?? "",
      superior: superior.toLowerCase(),
      kind,
      structural: kind === "structural",
      must: typesNamed(must),
      may: typesNamed(may)
    }
    for (const known of [words[0] ?? "", ...names]) classes.set(known.toLowerCase(), objectClass)
  }
  return classes
})

/** Whether an object class is `asked` or derived from it: an inetOrgPerson is a person. */
export const isSubclassOf = (objectClass: string, asked: string): boolean => {
  const wanted = objectClasses().get(asked)?.name.toLowerCase() ?? asked
  for (let key = objectClass; key !== undefined && key !== "-";) {
    const known = objectClasses().get(key)
    if ((known?.name.toLowerCase() ?? key) === wanted) return true
    if (known === undefined) return false
    key = known.superior
  }
  return false
}

/** The object class of a name or object identifier in lower case. */
export const objectClassOf = (name: string): ObjectClass | undefined => objectClasses().get(name)

export const allObjectClasses = (): ReadonlySet<ObjectClass> => new Set(objectClasses().values())

export const allAttributeTypes = (): ReadonlySet<AttributeType> => new Set(standardTypes().values())

/** An object class and its superclasses, by their first names in lower case. */
export const superclassesOf = (objectClass: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let key = objectClass; key !== "-";) {
    const known = objectClasses().get(key)
    found.push(known?.name.toLowerCase() ?? key)
    if (known === undefined) break
    key = known.superior
  }
  return found
}

/** The structural class of which the others are superclasses; `undefined` if none is known. */
export const structuralClass = (classes: ReadonlyArray<string>): string | undefined => {
  let found: ObjectClass | undefined
  for (const name of classes) {
    const objectClass = objectClasses().get(name.toLowerCase())
    if (objectClass?.structural !== true) continue
    if (found === undefined || isSubclassOf(objectClass.name.toLowerCase(), found.name.toLowerCase()))
      found = objectClass
  }
  return found?.name
}
