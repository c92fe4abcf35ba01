/**
 * Validates an entry against a schema before it is sent. It finds all problems at once that would make the server refuse it with
 * `objectClassViolation`, `undefinedAttributeType` and similar codes. Each problem names its attribute.
 *
 * The server decides in the end: it knows the attributes that it sets itself, rules that aren't in its schema, and the other
 * entries.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { attributesFrom, type AttributesInput, type LdapAttribute, LdapEntry } from "../../model/entry/LdapEntry.ts"
import { syntaxOf } from "../syntax/LdapSyntaxOids.ts"
import { type LdapSubschema, type ObjectClass, setByActiveDirectory } from "./LdapSubschemaModel.ts"

/**
 * A problem of an entry.
 *
 * **Details**
 *
 * - `NoObjectClass`, `UnknownObjectClass`, `NoStructuralClass`; `SeveralStructuralClasses`: structural classes of which none
 *   inherits from the others.
 * - `AuxiliaryNotAllowed` and `AttributePrecluded`: by the DIT content rule of the structural class.
 * - `MissingAttribute`: `objectClass` requires it. `AttributeNotAllowed`: no class allows it. `UnknownAttribute`.
 * - `SeveralValues` of a single-valued attribute, `NoValues`, `NotModifiable`: only the server sets it.
 * - `InvalidValue`: the value (counted from 0) doesn't have the attribute's syntax.
 * - `InvalidName`: not a distinguished name. `NamingValueMissing`: the entry lacks a value of its RDN.
 *
 * @category models
 * @since 0.1.0
 */
export type SchemaProblem = Data.TaggedEnum<{
  NoObjectClass: {}
  UnknownObjectClass: { readonly objectClass: string }
  NoStructuralClass: {}
  SeveralStructuralClasses: { readonly objectClasses: ReadonlyArray<string> }
  AuxiliaryNotAllowed: { readonly objectClass: string; readonly structuralClass: string }
  MissingAttribute: { readonly attribute: string; readonly objectClass: string }
  AttributeNotAllowed: { readonly attribute: string }
  AttributePrecluded: { readonly attribute: string; readonly structuralClass: string }
  UnknownAttribute: { readonly attribute: string }
  SeveralValues: { readonly attribute: string; readonly count: number }
  NoValues: { readonly attribute: string }
  NotModifiable: { readonly attribute: string }
  InvalidValue: { readonly attribute: string; readonly index: number; readonly detail: string }
  InvalidName: { readonly detail: string }
  NamingValueMissing: { readonly attribute: string; readonly value: string }
}>

/**
 * Constructors, `$is` and `$match` of {@link SchemaProblem}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const SchemaProblem = Data.taggedEnum<SchemaProblem>()

/**
 * Describes a problem in words, without values of attributes.
 *
 * @category formatting
 * @since 0.1.0
 */
export const describe: (problem: SchemaProblem) => string = SchemaProblem.$match({
  NoObjectClass: () => "the entry has no objectClass",
  UnknownObjectClass: ({ objectClass }) => `the schema has no object class "${objectClass}"`,
  NoStructuralClass: () => "none of the object classes is structural",
  SeveralStructuralClasses: ({ objectClasses }) =>
    `structural classes that don't inherit from one another: ${objectClasses.join(", ")}`,
  AuxiliaryNotAllowed: ({ objectClass, structuralClass }) =>
    `${structuralClass} doesn't allow the class ${objectClass}`,
  MissingAttribute: ({ attribute, objectClass }) => `${attribute} is missing, which ${objectClass} requires`,
  AttributeNotAllowed: ({ attribute }) => `none of the object classes allows ${attribute}`,
  AttributePrecluded: ({ attribute, structuralClass }) =>
    `the content rule of ${structuralClass} precludes ${attribute}`,
  UnknownAttribute: ({ attribute }) => `the schema has no attribute type "${attribute}"`,
  SeveralValues: ({ attribute, count }) => `${attribute} is single-valued and has ${count} values`,
  NoValues: ({ attribute }) => `${attribute} has no values`,
  NotModifiable: ({ attribute }) => `only the server sets ${attribute}`,
  InvalidValue: ({ attribute, detail, index }) => `value ${index} of ${attribute}: ${detail}`,
  InvalidName: ({ detail }) => `the entry's name: ${detail}`,
  NamingValueMissing: ({ attribute }) => `${attribute} doesn't have the value that is in the entry's name`
})

/**
 * All problems of a new entry under a schema. Empty if the entry is valid.
 *
 * **Details**
 *
 * Attributes that only the server sets may be missing even if a class requires them, and so may Active Directory's
 * `nTSecurityDescriptor` and `objectCategory`. `provided` names others that the server will set. Structure rules and name forms are
 * not checked. Values are checked only if `LdapSchema` has a codec for their syntax.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSubschema } from "effect-ldap"
 *
 * const problems = (schema: LdapSubschema.LdapSubschema) =>
 *   LdapSubschema.validate(schema, {
 *     dn: "uid=ada,dc=example,dc=org",
 *     attributes: { objectClass: ["inetOrgPerson"], uid: "ada", cn: "Ada" }
 *   }).map(LdapSubschema.describe) // ["sn is missing, which person requires"]
 * ```
 *
 * @category validation
 * @since 0.1.0
 */
export const validate = (
  schema: LdapSubschema,
  entry: LdapEntry | { readonly dn: string; readonly attributes: AttributesInput },
  options?: { readonly provided?: ReadonlyArray<string> | undefined }
): ReadonlyArray<SchemaProblem> => {
  const attributes = entry instanceof LdapEntry ? entry.attributes : attributesFrom(entry.attributes)
  const present = new Presence(schema, attributes)
  const names =
    attributes.find(({ description }) => present.keyOf(description) === present.keyOf("objectClass"))?.values
      .map((value) => Buffer.from(value).toString()) ?? []
  const classes = names.flatMap((name) => schema.objectClass(name) ?? [])
  return [
    ...classProblems(schema, names, classes),
    ...requirementProblems(schema, classes, present, new Set(options?.provided?.map((name) => present.keyOf(name)))),
    ...attributes.flatMap((attribute) => attributeProblems(schema, classes, present, attribute)),
    ...nameProblems(entry.dn, present)
  ]
}

/** The attributes of an entry by their types, whichever of its names the entry uses. */
class Presence {
  readonly #schema: LdapSubschema
  readonly #values = new Map<string, Array<Uint8Array>>()

  constructor(schema: LdapSubschema, attributes: ReadonlyArray<LdapAttribute>) {
    this.#schema = schema
    for (const { description, values } of attributes) {
      const key = this.keyOf(description)
      const known = this.#values.get(key)
      if (known === undefined) this.#values.set(key, [...values])
      else known.push(...values)
    }
  }

  keyOf(description: string): string {
    return (this.#schema.attributeType(description)?.oid ?? description.split(";", 1)[0]!).toLowerCase()
  }

  has(description: string): boolean {
    return this.#values.has(this.keyOf(description))
  }

  values(description: string): ReadonlyArray<Uint8Array> {
    return this.#values.get(this.keyOf(description)) ?? []
  }
}

const classProblems = (
  schema: LdapSubschema,
  names: ReadonlyArray<string>,
  classes: ReadonlyArray<ObjectClass>
): ReadonlyArray<SchemaProblem> => {
  if (names.length === 0) return [SchemaProblem.NoObjectClass()]
  const problems: Array<SchemaProblem> = names
    .filter((name) => schema.objectClass(name) === undefined)
    .map((objectClass) => SchemaProblem.UnknownObjectClass({ objectClass }))
  const structural = mostSpecific(schema, classes)
  if (structural.length === 0 && problems.length === 0) problems.push(SchemaProblem.NoStructuralClass())
  if (structural.length > 1) {
    problems.push(SchemaProblem.SeveralStructuralClasses({ objectClasses: structural.map(mainName) }))
  }
  for (const structuralClass of structural) {
    const rule = schema.contentRule(structuralClass.oid)
    if (rule === undefined) continue
    const allowed = new Set(rule.auxiliaries.flatMap((name) => schema.superiors(name)))
    for (const objectClass of classes) {
      if (objectClass.kind !== "auxiliary" || allowed.has(objectClass)) continue
      problems.push(SchemaProblem.AuxiliaryNotAllowed({
        objectClass: mainName(objectClass),
        structuralClass: mainName(structuralClass)
      }))
    }
  }
  return problems
}

/** The structural classes that aren't superior to another one of the entry: exactly one in a valid entry. */
const mostSpecific = (schema: LdapSubschema, classes: ReadonlyArray<ObjectClass>): ReadonlyArray<ObjectClass> => {
  const structural = Array.from(new Set(classes.filter(({ kind }) => kind === "structural")))
  return structural.filter((objectClass) =>
    !structural.some((other) => other !== objectClass && schema.superiors(other.oid).includes(objectClass))
  )
}

const mainName = (objectClass: ObjectClass): string => objectClass.names[0] ?? objectClass.oid

const requirementProblems = (
  schema: LdapSubschema,
  classes: ReadonlyArray<ObjectClass>,
  present: Presence,
  provided: ReadonlySet<string>
): ReadonlyArray<SchemaProblem> => {
  const problems = new Map<string, SchemaProblem>()
  for (const objectClass of new Set(classes.flatMap(({ oid }) => schema.superiors(oid)))) {
    for (const attribute of [...objectClass.must, ...schema.contentRule(objectClass.oid)?.must ?? []]) {
      const key = present.keyOf(attribute)
      const type = schema.attributeType(attribute)
      const byServer = type?.noUserModification === true || provided.has(key) ||
        setByActiveDirectory.has(attribute.toLowerCase())
      if (present.has(attribute) || byServer || problems.has(key) || key === present.keyOf("objectClass")) continue
      problems.set(key, SchemaProblem.MissingAttribute({ attribute, objectClass: mainName(objectClass) }))
    }
  }
  return Array.from(problems.values())
}

const attributeProblems = (
  schema: LdapSubschema,
  classes: ReadonlyArray<ObjectClass>,
  present: Presence,
  { description, values }: LdapAttribute
): ReadonlyArray<SchemaProblem> => {
  const attribute = description
  const type = schema.attributeType(description)
  if (type === undefined) return [SchemaProblem.UnknownAttribute({ attribute })]
  const problems: Array<SchemaProblem> = []
  const key = present.keyOf(description)
  const precluding = mostSpecific(schema, classes).find(({ oid }) =>
    schema.contentRule(oid)?.not.some((name) => present.keyOf(name) === key)
  )
  if (precluding !== undefined) {
    problems.push(SchemaProblem.AttributePrecluded({ attribute, structuralClass: mainName(precluding) }))
  } else if (type.usage === "userApplications" && !isAllowed(schema, classes, present, key)) {
    problems.push(SchemaProblem.AttributeNotAllowed({ attribute }))
  }
  // Active Directory also marks objectClass so, although every new entry has it.
  if (type.noUserModification && key !== present.keyOf("objectClass"))
    problems.push(SchemaProblem.NotModifiable({ attribute }))
  if (values.length === 0) problems.push(SchemaProblem.NoValues({ attribute }))
  if (type.singleValue && values.length > 1) {
    problems.push(SchemaProblem.SeveralValues({ attribute, count: values.length }))
  }
  const decode = Schema.decodeResult(syntaxOf(type.syntax).codec)
  for (const [index, value] of values.entries()) {
    const result = decode(value)
    if (Result.isSuccess(result)) continue
    // `reportInput` is off, so the message doesn't contain the value.
    const detail = SchemaIssue.makeFormatterDefault()(result.failure.issue)
    problems.push(SchemaProblem.InvalidValue({ attribute, index, detail }))
  }
  return problems
}

const extensibleObject = "1.3.6.1.4.1.1466.101.120.111"

const isAllowed = (
  schema: LdapSubschema,
  classes: ReadonlyArray<ObjectClass>,
  present: Presence,
  key: string
): boolean => {
  if (key === present.keyOf("objectClass")) return true
  if (classes.some(({ oid }) => schema.superiors(oid).some((superior) => superior.oid === extensibleObject)))
    return true
  const { allowed, required } = schema.attributesOf(...classes.map(({ oid }) => oid))
  return [...required, ...allowed].some((name) => present.keyOf(name) === key)
}

const nameProblems = (text: string, present: Presence): ReadonlyArray<SchemaProblem> => {
  const dn = LdapDn.parse(text, { lenient: true })
  if (Result.isFailure(dn)) return [SchemaProblem.InvalidName({ detail: dn.failure.detail })]
  const problems: Array<SchemaProblem> = []
  for (const { key, text, type } of dn.success.rdns[0]?.attributes ?? []) {
    // RFC 4511 section 4.7 requires the client to send the values of the RDN. Most servers add them if they are missing.
    if (present.values(type).some((value) => new LdapDn.RdnAttribute(type, value).key === key)) continue
    problems.push(SchemaProblem.NamingValueMissing({ attribute: type, value: text }))
  }
  return problems
}
