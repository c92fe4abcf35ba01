/**
 * Filters by the fields of a domain class: they use names and values of fields, which are converted to attributes and
 * bytes for the server.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import type { Mapping } from "./LdapSchemaEntry.ts"
import type { FieldsInput, SearchableKey, TextKey, ValueOf } from "./LdapSchemaField.ts"

/**
 * Builders of filters for one class. They take the names of its fields and give a `LdapFilter`, to be combined with
 * `LdapFilter.and`, `or` and `not`.
 *
 * **Details**
 *
 * A field that the class doesn't have doesn't compile, and neither does a value of another type. A field with several values
 * matches if one of them does. If the field's codec can't encode a value, no entry can have it, so the filter matches no entry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Filters<Fields extends FieldsInput> {
  /** The field has this value. */
  readonly equals: <K extends SearchableKey<Fields>>(field: K, value: ValueOf<Fields[K]>) => LdapFilter.LdapFilter
  /** The field has one of the values; without values, no entry matches. */
  readonly oneOf: <K extends SearchableKey<Fields>>(
    field: K,
    values: ReadonlyArray<ValueOf<Fields[K]>>
  ) => LdapFilter.LdapFilter
  /** The field has a value. */
  readonly present: (field: SearchableKey<Fields>) => LdapFilter.LdapFilter
  /** The field has a value greater than or equal to this one, by the attribute's ordering rule. */
  readonly greaterOrEqual: <K extends SearchableKey<Fields>>(
    field: K,
    value: ValueOf<Fields[K]>
  ) => LdapFilter.LdapFilter
  /** The field has a value less than or equal to this one, by the attribute's ordering rule. */
  readonly lessOrEqual: <K extends SearchableKey<Fields>>(field: K, value: ValueOf<Fields[K]>) => LdapFilter.LdapFilter
  /** Text parts are matched literally. An empty part matches every value. */
  readonly startsWith: (field: TextKey<Fields>, text: string) => LdapFilter.LdapFilter
  /** The field has a value that ends with this text. */
  readonly endsWith: (field: TextKey<Fields>, text: string) => LdapFilter.LdapFilter
  /** The field has a value that contains this text. */
  readonly contains: (field: TextKey<Fields>, text: string) => LdapFilter.LdapFilter
}

/** Not `(|)`, which Active Directory refuses. */
const nothing = LdapFilter.not(LdapFilter.present("objectClass"))

export const filtersFor = <Fields extends FieldsInput>(mapping: Mapping): Filters<Fields> => {
  const byName = new Map(mapping.fields.map((field) => [field.name, {
    attribute: field.attribute,
    // Made when they are first used, since most fields are never used in a filter.
    encode: (value: unknown) => Schema.encodeUnknownResult(field.value)(value)
  }]))
  const fieldOf = (name: string) => {
    const field = byName.get(name)
    // The types don't let this happen.
    if (field === undefined) throw new TypeError(`${mapping.identifier} has no field "${name}"`)
    return field
  }
  const encoded =
    (build: (attribute: string, value: Uint8Array) => LdapFilter.LdapFilter) => (name: string, value: unknown) => {
      const field = fieldOf(name)
      const octets = field.encode(value)
      return Result.isSuccess(octets) ? build(field.attribute, octets.success) : nothing
    }
  const equals = encoded(LdapFilter.equals)
  return {
    equals,
    oneOf: (name, values) =>
      values.length === 0 ? nothing : LdapFilter.or(...values.map((value) => equals(name, value))),
    present: (name) => LdapFilter.present(fieldOf(name).attribute),
    greaterOrEqual: encoded(LdapFilter.greaterOrEqual),
    lessOrEqual: encoded(LdapFilter.lessOrEqual),
    startsWith: (name, text) => LdapFilter.startsWith(fieldOf(name).attribute, text),
    endsWith: (name, text) => LdapFilter.endsWith(fieldOf(name).attribute, text),
    contains: (name, text) => LdapFilter.contains(fieldOf(name).attribute, text)
  }
}

/** Entries that have all the object classes. */
export const objectClassFilter = ({ objectClasses }: Mapping): LdapFilter.LdapFilter => {
  const [first, ...others] = objectClasses.map((name) => LdapFilter.equals("objectClass", name))
  return first === undefined
    ? LdapFilter.present("objectClass")
    : others.length === 0
    ? first
    : LdapFilter.and(first, ...others)
}
