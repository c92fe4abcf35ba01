/**
 * Compares two schemas, to detect drift: definitions that only one server has, and definitions that differ.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import { ruleNamed } from "../../model/attribute/namedRules.ts"
import type { Definition, Definitions, LdapSubschema } from "./LdapSubschemaModel.ts"

/**
 * One difference between two schemas.
 *
 * **Details**
 *
 * `name` is the definition's first name, or its object identifier if it has none. For `Changed`, `differences` lists the fields
 * that differ, each with its values in both schemas.
 *
 * @category models
 * @since 0.2.0
 */
export type SchemaDifference = Data.TaggedEnum<{
  /** Only the second schema has it. */
  Added: { readonly kind: keyof Definitions; readonly name: string; readonly definition: Definition }
  /** Only the first schema has it. */
  Removed: { readonly kind: keyof Definitions; readonly name: string; readonly definition: Definition }
  Changed: {
    readonly kind: keyof Definitions
    readonly name: string
    readonly before: Definition
    readonly after: Definition
    readonly differences: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>
  }
}>

/**
 * @category constructors
 * @since 0.2.0
 */
export const SchemaDifference = Data.taggedEnum<SchemaDifference>()

/**
 * Options of {@link compare}.
 *
 * @category models
 * @since 0.2.0
 */
export interface CompareOptions {
  /** Fields that are not compared. Default: `description` and `extensions`, since they don't affect what a server accepts. */
  readonly ignore?: ReadonlyArray<string> | undefined
}

/**
 * The differences between the schemas of two servers, or of one server at two times.
 *
 * **Details**
 *
 * Definitions are matched by their object identifiers, or by their names if a server has invented the identifier (`cn-oid`). The
 * comparison ignores the order of names and lists and the case of letters. A reference to a type, class or matching rule by name
 * equals a reference by object identifier. Pure. The time is proportional to the number of definitions.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSubschema, type LdapClient } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const drift = Effect.fn(function*(one: LdapClient.LdapClient, other: LdapClient.LdapClient) {
 *   const [before, after] = yield* Effect.all([LdapSubschema.read(one), LdapSubschema.read(other)])
 *   return LdapSubschema.compare(before, after).map(({ _tag, kind, name }) => `${_tag} ${kind} ${name}`)
 * })
 * ```
 *
 * @category comparing
 * @since 0.2.0
 */
export const compare = (
  before: LdapSubschema,
  after: LdapSubschema,
  options?: CompareOptions
): ReadonlyArray<SchemaDifference> => {
  const comparing: Comparing = {
    before,
    after,
    ignored: new Set(["_tag", "oid", ...(options?.ignore ?? ["description", "extensions"])]),
    rules: keyed([...before.matchingRules, ...after.matchingRules])
  }
  return kinds.flatMap((kind) => compareKind(kind, comparing))
}

const kinds: ReadonlyArray<keyof Definitions> = [
  "syntaxes",
  "matchingRules",
  "attributeTypes",
  "matchingRuleUses",
  "objectClasses",
  "ditContentRules",
  "ditStructureRules",
  "nameForms"
]

interface Comparing {
  readonly before: LdapSubschema
  readonly after: LdapSubschema
  /** Fields that are not compared. */
  readonly ignored: ReadonlySet<string>
  /** The matching rules of both schemas, by every name: a server may use rules that it doesn't list. */
  readonly rules: ReadonlyMap<string, Definition>
}

const compareKind = (kind: keyof Definitions, comparing: Comparing): ReadonlyArray<SchemaDifference> => {
  const { after, before } = comparing
  const found: Array<SchemaDifference> = []
  const others = keyed(after[kind])
  const matched = new Set<Definition>()
  for (const definition of before[kind]) {
    const other = keysOf(definition).map((key) => others.get(key)).find((other) => other !== undefined)
    const name = nameOf(definition)
    if (other === undefined) {
      found.push(SchemaDifference.Removed({ kind, name, definition }))
      continue
    }
    if (matched.has(other)) continue
    matched.add(other)
    const differences = differencesOf(definition, other, comparing)
    if (Object.keys(differences).length > 0) {
      found.push(SchemaDifference.Changed({ kind, name, before: definition, after: other, differences }))
    }
  }
  const known = keyed(before[kind])
  for (const definition of after[kind]) {
    if (!matched.has(definition) && keysOf(definition).every((key) => !known.has(key))) {
      found.push(SchemaDifference.Added({ kind, name: nameOf(definition), definition }))
    }
  }
  return found
}

const nameOf = ({ names, oid }: Definition): string => names[0] ?? oid

const keysOf = ({ names, oid }: Definition): ReadonlyArray<string> => [oid, ...names].map((name) => name.toLowerCase())

/** By object identifier and every name. If two definitions have the same name, the first is used. */
const keyed = (definitions: ReadonlyArray<Definition>): ReadonlyMap<string, Definition> => {
  const found = new Map<string, Definition>()
  for (const definition of definitions) {
    for (const key of keysOf(definition)) if (!found.has(key)) found.set(key, definition)
  }
  return found
}

const differencesOf = (before: Definition, after: Definition, comparing: Comparing) => {
  const differences: Record<string, { readonly before: unknown; readonly after: unknown }> = {}
  const [a, b] = [before, after].map((definition) => new Map(Object.entries(definition)))
  for (const field of new Set([...a!.keys(), ...b!.keys()])) {
    if (comparing.ignored.has(field)) continue
    const old: unknown = a!.get(field)
    const now: unknown = b!.get(field)
    const isSame =
      comparable(field, old, comparing.before, comparing) === comparable(field, now, comparing.after, comparing)
    if (!isSame) differences[field] = { before: old, after: now }
  }
  return differences
}

/** Fields whose values name attribute types or object classes. */
const typeFields = new Set(["must", "may", "not", "applies", "superior"])
const classFields = new Set(["superiors", "auxiliaries", "objectClass"])
/** Fields whose value names a matching rule. */
const ruleFields = new Set(["equality", "ordering", "substring"])

/** A canonical text: equal for values with the same meaning. */
const comparable = (field: string, value: unknown, schema: LdapSubschema, { rules }: Comparing): string => {
  if (value === undefined) return ""
  if (value instanceof Map)
    return JSON.stringify(Array.from(value as Map<string, unknown>).map((pair) => JSON.stringify(pair)).sort())
  const main = (name: string): string =>
    (typeFields.has(field)
      ? schema.attributeType(name)?.oid
      : classFields.has(field)
      ? schema.objectClass(name)?.oid
      : ruleFields.has(field)
      ? rules.get(name.toLowerCase())?.oid ?? ruleNamed(name)?.oid
      : undefined) ?? name
  const text = (part: unknown): string => String(typeof part === "string" ? main(part) : part).toLowerCase()
  return Array.isArray(value) ? JSON.stringify((value as ReadonlyArray<unknown>).map(text).sort()) : text(value)
}
