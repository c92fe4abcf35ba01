/**
 * The fields of a domain class: the attribute of each, its number of values, and its access.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Dn, type DnFromSelf } from "../syntax/LdapSyntax.ts"
import type { ValueSyntax } from "../syntax/syntax.ts"
import { type Repeated, repeatedSchema, type SetOf, setSchema, type Single, singleSchema } from "./fieldSchemas.ts"

export type { Repeated, SetOf, Single }

// ---------------------------------------------------------------------------------------------------------------------
// Models
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A codec of one attribute value: any effect Schema whose encoded side is bytes, synchronous and without services.
 *
 * @category models
 * @since 0.1.0
 */
export interface ValueCodec extends Schema.Constraint {
  readonly "Encoded": Uint8Array
  readonly "DecodingServices": never
  readonly "EncodingServices": never
}

/**
 * How many values a field has: exactly one, at most one, any number in an array, at least one in an array, any number in a
 * `HashSet`; or the field is the entry's name.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind = "single" | "optional" | "repeated" | "nonEmpty" | "set" | "entryDn"

/**
 * The access to a field: read and written, only read (the server sets it), or only written.
 *
 * @category models
 * @since 0.1.0
 */
export type Access = "readWrite" | "readOnly" | "writeOnly"

/**
 * A field that is more than a codec. Made by {@link attribute}, {@link optional}, {@link repeated}, {@link nonEmpty}, {@link
 * set}, {@link readOnly}, {@link writeOnly} and {@link entryDn}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Field<
  out Value extends ValueCodec = ValueCodec,
  out S extends Schema.Constraint = Schema.Constraint,
  out K extends Kind = Kind,
  out A extends Access = Access
> {
  readonly _tag: "LdapField"
  /** How many values the field has. */
  readonly kind: K
  /** Whether the field is read, written, or both. */
  readonly access: A
  /** The attribute description; `undefined` if it is the name of the field. */
  readonly attribute: string | undefined
  /** The codec of one value. */
  readonly value: Value
  /** The schema of the field: from all its values in bytes. */
  readonly schema: S
}

/**
 * The input for a field: a {@link Field}, or a codec for a field with exactly one value.
 *
 * @category models
 * @since 0.1.0
 */
export type FieldInput = Field | ValueCodec

/**
 * Fields by their names.
 *
 * @category models
 * @since 0.1.0
 */
export type FieldsInput = Readonly<Record<string, FieldInput>>

/**
 * How many values a field has.
 *
 * @category models
 * @since 0.2.0
 */
export type KindOf<F> = F extends Field<infer _V, infer _S, infer K> ? K : "single"

/**
 * Whether a field is read, written, or both.
 *
 * @category models
 * @since 0.2.0
 */
export type AccessOf<F> = F extends Field<infer _V, infer _S, infer _K, infer A> ? A : "readWrite"

/**
 * The type of one value of a field.
 *
 * @category models
 * @since 0.1.0
 */
export type ValueOf<F> = F extends Field<infer V> ? V["Type"] : F extends Schema.Constraint ? F["Type"] : never

/**
 * The schemas of fields, for the struct of the class.
 *
 * @category models
 * @since 0.1.0
 */
export type SchemasOf<Fields extends FieldsInput> = {
  readonly [K in keyof Fields]: Fields[K] extends Field<infer _V, infer S> ? S
    : Fields[K] extends Schema.Constraint ? Single<Fields[K]>
    : never
}

/**
 * The names of fields that a filter can use.
 *
 * @category models
 * @since 0.1.0
 */
export type SearchableKey<Fields extends FieldsInput> = {
  [K in keyof Fields & string]: AccessOf<Fields[K]> extends "writeOnly" ? never
    : KindOf<Fields[K]> extends "entryDn" ? never
    : K
}[keyof Fields & string]

/**
 * The names of fields whose values are text.
 *
 * @category models
 * @since 0.1.0
 */
export type TextKey<Fields extends FieldsInput> = {
  [K in SearchableKey<Fields>]: ValueOf<Fields[K]> extends string ? K : never
}[SearchableKey<Fields>]

/**
 * The names of fields that can name an entry: those with exactly one value.
 *
 * @category models
 * @since 0.1.0
 */
export type NamingKey<Fields extends FieldsInput> = {
  [K in keyof Fields & string]: KindOf<Fields[K]> extends "single" ? AccessOf<Fields[K]> extends "readWrite" ? K : never
    : never
}[keyof Fields & string]

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

const isField = (input: FieldInput): input is Field => "_tag" in input && input._tag === "LdapField"

/**
 * The full field for an input.
 *
 * @internal
 */
export const fieldFrom = (input: FieldInput): Field =>
  isField(input) ? input : {
    _tag: "LdapField",
    kind: "single",
    access: "readWrite",
    attribute: undefined,
    value: input,
    schema: singleSchema(input)
  }

/**
 * A field whose attribute has another name than the field: `attribute("sn", DirectoryString)`.
 *
 * **Details**
 *
 * `name` is the attribute description, options included: `userCertificate;binary`, `cn;lang-de`. A codec alone is a field
 * with exactly one value; {@link optional} and the others go inside.
 *
 * @category fields
 * @since 0.1.0
 */
export const attribute: {
  <F extends Field>(name: string, field: F): F
  <V extends ValueCodec>(name: string, value: V): Field<V, Single<V>, "single", "readWrite">
  // One signature serves both overloads: the result is the argument with a name.
} = ((name: string, input: FieldInput): Field => ({ ...fieldFrom(input), attribute: name })) as never

/**
 * A field with at most one value: `T | undefined`. The key may be missing.
 *
 * @category fields
 * @since 0.1.0
 */
export const optional = <V extends ValueCodec>(
  value: V
): Field<V, Schema.optional<Single<V>>, "optional", "readWrite"> => ({
  _tag: "LdapField",
  kind: "optional",
  access: "readWrite",
  attribute: undefined,
  value,
  schema: Schema.optional(singleSchema(value))
})

/**
 * A field with any number of values, as an array in the server's order. LDAP gives that order no meaning. A constructor may leave
 * the field out.
 *
 * @category fields
 * @since 0.1.0
 */
export const repeated = <V extends ValueCodec>(value: V): Field<V, Repeated<V>, "repeated", "readWrite"> => ({
  _tag: "LdapField",
  kind: "repeated",
  access: "readWrite",
  attribute: undefined,
  value,
  schema: repeatedSchema(value)
})

/**
 * A field with at least one value, as an array. Use it where an object class requires the attribute, such as `member` of
 * `groupOfNames`.
 *
 * @category fields
 * @since 0.1.0
 */
export const nonEmpty = <V extends ValueCodec>(
  value: V
): Field<V, Schema.NonEmptyArray<V>, "nonEmpty", "readWrite"> => ({
  _tag: "LdapField",
  kind: "nonEmpty",
  access: "readWrite",
  attribute: undefined,
  value,
  schema: Schema.NonEmptyArray(value)
})

/**
 * A field with any number of values, as a `HashSet`. In LDAP the values of an attribute are a set. A constructor may leave the
 * field out.
 *
 * @category fields
 * @since 0.1.0
 */
export const set = <V extends ValueCodec>(value: V): Field<V, SetOf<V>, "set", "readWrite"> => ({
  _tag: "LdapField",
  kind: "set",
  access: "readWrite",
  attribute: undefined,
  value,
  schema: setSchema(value)
})

/**
 * A field that only the server sets, such as `entryUUID` or `memberOf`: requested and read, never written.
 *
 * **Details**
 *
 * A codec alone, or an {@link optional} field, has at most one value here, since a new entry has no value yet. {@link attribute}
 * goes outside: `attribute("memberOf", readOnly(set(Dn)))`.
 *
 * @category fields
 * @since 0.1.0
 */
export const readOnly: {
  <V extends ValueCodec>(value: V): Field<V, Schema.optional<Single<V>>, "optional", "readOnly">
  <V extends ValueCodec, S extends Schema.Constraint, K extends "optional" | "repeated" | "set">(
    field: Field<V, S, K, "readWrite">
  ): Field<V, S, K, "readOnly">
  // One signature for all overloads, as in `attribute`.
} = ((input: FieldInput): Field => restricted(input, "readOnly")) as never

/**
 * A field that is written and never requested, such as a password: absent in values that were read.
 *
 * **Details**
 *
 * If the new value sets the field differently from the old one, the modifications replace it. If the new value doesn't set it, they
 * leave it alone.
 *
 * @category fields
 * @since 0.1.0
 */
export const writeOnly: {
  <V extends ValueCodec>(value: V): Field<V, Schema.optional<Single<V>>, "optional", "writeOnly">
  <V extends ValueCodec, S extends Schema.Constraint, K extends "optional" | "repeated" | "set">(
    field: Field<V, S, K, "readWrite">
  ): Field<V, S, K, "writeOnly">
  // One signature for all overloads, as in `attribute`.
} = ((input: FieldInput): Field => restricted(input, "writeOnly")) as never

const restricted = (input: FieldInput, access: Access): Field =>
  isField(input)
    ? { ...input, access }
    : {
      _tag: "LdapField",
      kind: "optional",
      access,
      attribute: undefined,
      value: input,
      schema: Schema.optional(singleSchema(input))
    }

/**
 * The entry's distinguished name as a field: `dn: LdapSchema.entryDn`.
 *
 * **Details**
 *
 * Decoding sets the field. Encoding and modifying ignore it. A repository uses it, if it is set, to find the entry of the value.
 *
 * @category fields
 * @since 0.1.0
 */
export const entryDn: Field<
  ValueSyntax<typeof DnFromSelf>,
  Schema.optional<Single<ValueSyntax<typeof DnFromSelf>>>,
  "entryDn",
  "readOnly"
> = {
  _tag: "LdapField",
  kind: "entryDn",
  access: "readOnly",
  attribute: undefined,
  value: Dn,
  schema: Schema.optional(singleSchema(Dn))
}
