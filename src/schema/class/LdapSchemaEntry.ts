/**
 * From entries to values of a domain class and back, and the modifications between two of them. Pure and synchronous.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { type LdapAttribute, type LdapEntry, make as makeEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapModification from "../../model/LdapModification.ts"
import { directDecoder } from "./directDecoding.ts"
import { type FieldProblem, LdapDecodeError, LdapEncodeError } from "./LdapSchemaError.ts"
import { type Field, fieldFrom, type FieldsInput } from "./LdapSchemaField.ts"
import type { MappedField } from "./MappedField.ts"

/** The mapping of a class to a directory. */
export interface Mapping {
  readonly identifier: string
  readonly objectClasses: ReadonlyArray<string>
  readonly fields: ReadonlyArray<MappedField>
}

export const mappingFrom = (
  identifier: string,
  objectClass: string | ReadonlyArray<string>,
  fields: FieldsInput
): Mapping => ({
  identifier,
  objectClasses: typeof objectClass === "string" ? [objectClass] : objectClass,
  fields: Object.entries(fields).map(([name, input]) => {
    const field = fieldFrom(input)
    return { ...field, name, attribute: field.kind === "entryDn" ? "" : field.attribute ?? name }
  })
})

/** The attributes to request. A class without attributes requests `1.1`, which means none (RFC 4511 section 4.5.1.8). */
export const attributesOf = ({ fields }: Mapping): ReadonlyArray<string> => {
  const attributes = fields.filter(isRead).map(({ attribute }) => attribute)
  return attributes.length === 0 ? ["1.1"] : Array.from(new Set(attributes))
}

const isRead = ({ access, kind }: Field): boolean => access !== "writeOnly" && kind !== "entryDn"

const isWritten = ({ access }: Field): boolean => access !== "readOnly"

/** Values in bytes by the names of fields: the encoded side of a class. */
type Encoded = Record<string, ReadonlyArray<Uint8Array>>

// ---------------------------------------------------------------------------------------------------------------------
// Decoding
// ---------------------------------------------------------------------------------------------------------------------

/** Codecs of classes are compiled once, when they are first used. */
export const decoder = <Self>(schema: Schema.ConstraintCodec<Self, unknown>, mapping: Mapping) => {
  const decode = Schema.decodeUnknownResult(schema, { errors: "all" })
  const direct = directDecoder(schema, mapping.fields)
  return (entry: LdapEntry): Result.Result<Self, LdapDecodeError> => {
    const value = direct?.(entry)
    if (value !== undefined) return Result.succeed(value)
    // No prototype: a field may have any name.
    const encoded: Encoded = Object.create(null) as Encoded
    const partial: Array<FieldProblem> = []
    for (const field of mapping.fields) {
      if (field.kind === "entryDn") {
        encoded[field.name] = [Buffer.from(entry.dn)]
        continue
      }
      if (field.access === "writeOnly") continue
      const values = entry.getAllBytes(field.attribute)
      if (entry.isPartial(field.attribute)) {
        const detail = `the server sent a range of the values, not all of them: search or look up with ranges: "all"`
        partial.push(problemOf(field, undefined, detail))
      } else if (values.length > 0) encoded[field.name] = values
      else if (field.kind === "single") encoded[field.name] = []
    }
    if (partial.length > 0) {
      return Result.fail(new LdapDecodeError({ schema: mapping.identifier, dn: entry.dn, problems: partial }))
    }
    return Result.mapError(decode(encoded), ({ issue }) =>
      new LdapDecodeError({
        schema: mapping.identifier,
        dn: entry.dn,
        problems: problemsOf(mapping, issue, encoded)
      }))
  }
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const problemsOf = (
  mapping: Mapping,
  issue: SchemaIssue.Issue,
  encoded: Encoded | undefined
): ReadonlyArray<FieldProblem> =>
  formatIssue(issue).issues.map(({ message, path = [] }) => {
    const [name, at] = path.map((part) => typeof part === "object" ? part.key : part)
    const field = mapping.fields.find((field) => field.name === name)
    // A check of the whole class belongs to no field.
    if (field === undefined) return { field: "", attribute: "", index: undefined, value: undefined, detail: message }
    const index = typeof at === "number" ? at : undefined
    const detail = message === "Missing key" ? "the attribute is missing" : message
    return problemOf(field, index, detail, index === undefined ? undefined : encoded?.[field.name]?.[index])
  })

const problemOf = (
  field: MappedField,
  index: number | undefined,
  detail: string,
  value?: Uint8Array
): FieldProblem => {
  // A codec of the program may repeat the value in its message.
  const isHidden = index !== undefined && isSecret(field)
  return {
    field: field.name,
    attribute: field.attribute,
    index,
    value: value === undefined || isHidden ? undefined : shown(field.attribute, value),
    detail: isHidden ? "not a valid value of this field; the value is secret and isn't shown" : detail
  }
}

const isSecret = (field: MappedField): boolean =>
  field.access === "writeOnly" || Schema.resolveAnnotations(Schema.toType(field.value))?.["expected"] === "Redacted" ||
  printed(field.attribute, new Uint8Array(0)) === "<redacted>"

const maxShown = 60

const shown = (attribute: string, value: Uint8Array): string => {
  const json = JSON.stringify(printed(attribute, value.subarray(0, 4 * maxShown)))
  return json.length > maxShown ? `${json.slice(0, maxShown)}…` : json
}

/** Shows a value as LdapEntry prints it. LdapEntry knows the attributes whose values are secrets. */
const printed = (attribute: string, value: Uint8Array): unknown => {
  // The form that LdapEntry.toJSON gives.
  const json = makeEntry("", [{ description: attribute, values: [value] }]).toJSON() as {
    readonly attributes: Record<string, ReadonlyArray<unknown>>
  }
  return Object.values(json.attributes)[0]?.[0]
}

// ---------------------------------------------------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------------------------------------------------

export const encoder = <Self>(schema: Schema.ConstraintCodec<Self, unknown>, mapping: Mapping) => {
  const encode = Schema.encodeUnknownResult(schema, { errors: "all" })
  /** The values of all fields, in bytes; fields without values are left out. */
  return (value: Self): Result.Result<ReadonlyMap<MappedField, ReadonlyArray<Uint8Array>>, LdapEncodeError> =>
    Result.mapBoth(encode(value), {
      onSuccess: (encoded) => {
        const byField = new Map<MappedField, ReadonlyArray<Uint8Array>>()
        for (const field of mapping.fields) {
          // The encoded side of a class is a record of its fields.
          const values = (encoded as Encoded)[field.name]
          if (values === undefined || values.length === 0) continue
          // The values of an attribute are a set: servers refuse duplicates.
          byField.set(field, Array.from(new Map(values.map((value) => [keyOf(value), value])).values()))
        }
        return byField
      },
      onFailure: ({ issue }) =>
        new LdapEncodeError({ schema: mapping.identifier, problems: problemsOf(mapping, issue, undefined) })
    })
}

type EncodedFields = ReadonlyMap<MappedField, ReadonlyArray<Uint8Array>>

/** The attributes of a new entry. */
export const attributesFrom = (mapping: Mapping, encoded: EncodedFields): ReadonlyArray<LdapAttribute> => {
  const attributes = Array.from(encoded)
    .filter(([field]) => isWritten(field))
    .map(([{ attribute }, values]) => ({ description: attribute, values }))
  return attributes.some(({ description }) => description.toLowerCase() === "objectclass") ? attributes : [
    { description: "objectClass", values: mapping.objectClasses.map((name) => Buffer.from(name)) },
    ...attributes
  ]
}

const noValues: ReadonlyArray<Uint8Array> = []

const keyOf = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1")

/** The smallest set of values to send to change one entry into the other; see `LdapSchema.Class`. */
export const modificationsBetween = (
  mapping: Mapping,
  previous: EncodedFields,
  next: EncodedFields
): ReadonlyArray<LdapModification.LdapModification> =>
  mapping.fields.filter(isWritten).flatMap((field) => {
    const before = previous.get(field) ?? noValues
    const after = next.get(field) ?? noValues
    const known = new Set(before.map(keyOf))
    const wanted = new Set(after.map(keyOf))
    const removed = before.filter((value) => !wanted.has(keyOf(value)))
    const added = after.filter((value) => !known.has(keyOf(value)))
    if (removed.length === 0 && added.length === 0) return []
    if (field.access === "writeOnly") {
      return after.length === 0 ? [] : [LdapModification.replace(field.attribute, after)]
    }
    // A replace, unlike a delete, also succeeds if another client has deleted the value meanwhile.
    if (after.length === 0) return [LdapModification.replace(field.attribute)]
    if (before.length === 0) return [LdapModification.add(field.attribute, added)]
    // Three kinds of fields are replaced as a whole: single values, lists that have no value in common, and binary values. Many
    // binary attributes have no equality rule, so the server couldn't find the value to delete. In all other fields unchanged
    // values are not touched, so a value that another client adds meanwhile isn't lost.
    const isReplaced = field.kind === "single" || field.kind === "optional" || removed.length === before.length ||
      (removed.length > 0 && isOctets(field))
    if (isReplaced) return [LdapModification.replace(field.attribute, after)]
    return [
      ...(removed.length === 0 ? [] : [LdapModification.remove(field.attribute, removed)]),
      ...(added.length === 0 ? [] : [LdapModification.add(field.attribute, added)])
    ]
  })

const isOctets = (field: MappedField): boolean =>
  Schema.resolveAnnotations(Schema.toType(field.value))?.["expected"] === "Uint8Array"
