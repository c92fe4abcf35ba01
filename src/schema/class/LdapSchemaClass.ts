/**
 * Domain classes: effect Schema classes that are mapped to the entries of a directory.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { LdapAttribute, LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import {
  attributesFrom,
  attributesOf,
  decoder,
  encoder,
  type Mapping,
  mappingFrom,
  modificationsBetween
} from "./LdapSchemaEntry.ts"
import type { LdapDecodeError, LdapEncodeError } from "./LdapSchemaError.ts"
import { fieldFrom, type FieldsInput, type SchemasOf } from "./LdapSchemaField.ts"
import { type Filters, filtersFor, objectClassFilter } from "./LdapSchemaFilter.ts"

/**
 * The members of a domain class beside those of an effect Schema class.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entries<Self, Fields extends FieldsInput> {
  /** The object classes of its entries, spelled as in the definition. */
  readonly objectClasses: ReadonlyArray<string>

  /** The attributes to request: those of its fields, without write-only ones. */
  readonly attributes: ReadonlyArray<string>

  /** Matches the entries that have all the object classes. */
  readonly objectClassFilter: LdapFilter

  /** Filters by its fields; see {@link Filters}. */
  readonly filter: Filters<Fields>

  /**
   * A value from an entry. Only the attributes of its fields are read; other attributes of the entry don't matter.
   *
   * **Details**
   *
   * The error lists all problems, each with its attribute and value. Object classes are not checked, since the filter of a search
   * does that. If Active Directory sent only a range of the values of an attribute, that is a problem too: the value would be
   * incomplete.
   */
  readonly decodeEntry: (entry: LdapEntry) => Result.Result<Self, LdapDecodeError>

  /** The attributes for an add request, object classes included. */
  readonly encodeEntry: (value: Self) => Result.Result<ReadonlyArray<LdapAttribute>, LdapEncodeError>

  /**
   * The smallest list of modifications that changes one value into the other. Equal fields are left out, and unchanged values are
   * not touched.
   *
   * **Details**
   *
   * Values are compared by their bytes. A list is replaced as a whole if it has no value in common with the old one, or if a binary
   * value is removed. Read-only fields, `objectClass`, and the entry's name are never modified.
   */
  readonly modifications: (
    previous: Self,
    next: Self
  ) => Result.Result<ReadonlyArray<LdapModification>, LdapEncodeError>

  /** The fields as they were given. */
  readonly ldapFields: Fields
}

/**
 * A domain class: an effect Schema class whose encoded side is a record of fields, each with its values in bytes. It also has the
 * members of {@link Entries}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Class<Self, Fields extends FieldsInput, Inherited> extends
  Schema.BottomLazyWithoutNew<
    SchemaAST.Declaration,
    Schema.decodeTo<
      Schema.declareConstructor<
        Self,
        Schema.Struct<SchemasOf<Fields>>["Encoded"],
        readonly [Schema.Struct<SchemasOf<Fields>>],
        Schema.Struct<SchemasOf<Fields>>["Iso"]
      >,
      Schema.Struct<SchemasOf<Fields>>
    >,
    readonly [Schema.Struct<SchemasOf<Fields>>]
  >,
  Entries<Self, Fields>
{
  readonly "Type": Self
  readonly "Encoded": Schema.Struct<SchemasOf<Fields>>["Encoded"]
  readonly "DecodingServices": never
  readonly "EncodingServices": never
  readonly "~type.make.in": Schema.Struct<SchemasOf<Fields>>["~type.make.in"]
  readonly "~type.make": Self
  readonly "Iso": Schema.Struct<SchemasOf<Fields>>["Iso"]
  /** The identifier of the class, as errors name it. */
  readonly identifier: string
  /** The schemas of the fields. */
  readonly fields: SchemasOf<Fields>

  new(
    props: Schema.Struct<SchemasOf<Fields>>["~type.make.in"],
    options?: Schema.MakeOptions
  ): Schema.Struct<SchemasOf<Fields>>["Type"] & Inherited

  /**
   * A subclass with these fields in addition. It inherits the methods, and its entries have the object classes of both.
   */
  readonly extend: <Extended = never>(identifier: string) => <const More extends FieldsInput>(
    options: { readonly objectClass?: string | ReadonlyArray<string> | undefined; readonly fields: More }
  ) => [Extended] extends [never] ? MissingSelf : Class<Extended, Omit<Fields, keyof More> & More, Self>
}

/**
 * The error in the types of a class that does not name itself.
 *
 * @category models
 * @since 0.2.0
 */
export type MissingSelf =
  "The class itself is missing as type parameter: class Self extends LdapSchema.Class<Self>(\"Self\")(…)"

/**
 * A domain class of entries.
 *
 * **Details**
 *
 * A field is a codec or a {@link Field}. A codec such as `LdapSchema.DirectoryString` stands for exactly one value, of the
 * attribute with the name of the field. A {@link Field} is made by `LdapSchema.attribute` (for another name), `optional`,
 * `repeated`, `nonEmpty`, `set`, `readOnly`, `writeOnly` or `entryDn`. In every other way the result is a class of effect Schema:
 * `new` checks its fields, methods can be added, two equal values are `Equal`, and it can be a part of other schemas.
 *
 * `objectClass` names the object classes that matching entries must have. New entries get the same classes.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 *
 * class Person extends LdapSchema.Class<Person>("Person")({
 *   objectClass: "inetOrgPerson",
 *   fields: {
 *     dn: LdapSchema.entryDn,
 *     uid: LdapSchema.DirectoryString,
 *     name: LdapSchema.attribute("cn", LdapSchema.DirectoryString),
 *     surname: LdapSchema.attribute("sn", LdapSchema.DirectoryString),
 *     mail: LdapSchema.repeated(LdapSchema.Ia5String),
 *     phone: LdapSchema.attribute("telephoneNumber", LdapSchema.optional(LdapSchema.TelephoneNumber)),
 *     password: LdapSchema.attribute("userPassword", LdapSchema.writeOnly(LdapSchema.Password))
 *   }
 * }) {
 *   get greeting() {
 *     return `Dear ${this.name}`
 *   }
 * }
 *
 * const ada = new Person({ uid: "ada", name: "Ada Lovelace", surname: "Lovelace" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Class = <Self = never>(identifier: string) =>
<const Fields extends FieldsInput>(
  options: { readonly objectClass: string | ReadonlyArray<string>; readonly fields: Fields }
): [Self] extends [never] ? MissingSelf : Class<Self, Fields, {}> => {
  const base = Schema.Class<unknown>(identifier)(schemasOf(options.fields))
  // `withEntries` makes the type that `Class` declares. TypeScript can't resolve the conditional type here, so it can't check that.
  return withEntries(base, identifier, options) as never
}

const schemasOf = (fields: FieldsInput): Schema.Struct.Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, fieldFrom(input).schema]))

/** The part of the result of `Schema.Class` that is used here. */
interface SchemaClass {
  readonly extend: (identifier: string) => (fields: Schema.Struct.Fields) => SchemaClass
}

const withEntries = (
  base: object,
  identifier: string,
  options: { readonly objectClass: string | ReadonlyArray<string>; readonly fields: FieldsInput }
): SchemaClass => {
  const mapping = mappingFrom(identifier, options.objectClass, options.fields)
  // Each class of Schema has a method of its own; this is the one that is replaced below.
  const schemaExtend = (base as SchemaClass).extend
  const constant = {
    objectClasses: mapping.objectClasses,
    attributes: attributesOf(mapping),
    objectClassFilter: objectClassFilter(mapping),
    filter: filtersFor(mapping),
    ldapFields: options.fields
  }
  for (const [name, value] of Object.entries(constant)) Object.defineProperty(base, name, { value, configurable: true })
  // These members need the class that the program declares. That class extends this one, so it is known only when a member is first
  // used, as `this`. The functions are bound to it, so they can be passed around.
  const derived: Record<string, (codecs: Codecs) => unknown> = {
    decodeEntry: ({ decode }) => decode,
    encodeEntry: ({ encode }) => (value: unknown) =>
      Result.map(encode(value), (encoded) => attributesFrom(mapping, encoded)),
    modifications: ({ encode }) => (previous: unknown, next: unknown) =>
      Result.flatMap(
        encode(previous),
        (before) => Result.map(encode(next), (after) => modificationsBetween(mapping, before, after))
      )
  }
  let codecs: Codecs | undefined
  for (const [name, make] of Object.entries(derived)) {
    Object.defineProperty(base, name, {
      configurable: true,
      get(this: Schema.ConstraintCodec<unknown, unknown>) {
        return make(codecs ??= codecsOf(this, mapping))
      }
    })
  }
  Object.defineProperty(base, "extend", {
    configurable: true,
    value(this: SchemaClass, identifier: string) {
      return (more: { readonly objectClass?: string | ReadonlyArray<string>; readonly fields: FieldsInput }) =>
        withEntries(schemaExtend.call(this, identifier)(schemasOf(more.fields)), identifier, {
          objectClass: Array.from(
            new Set([
              ...mapping.objectClasses,
              ...(typeof more.objectClass === "string" ? [more.objectClass] : more.objectClass ?? [])
            ])
          ),
          fields: { ...options.fields, ...more.fields }
        })
    }
  })
  return base as SchemaClass
}

interface Codecs {
  readonly decode: ReturnType<typeof decoder<unknown>>
  readonly encode: ReturnType<typeof encoder<unknown>>
}

const codecsOf = (schema: Schema.ConstraintCodec<unknown, unknown>, mapping: Mapping): Codecs => ({
  decode: decoder(schema, mapping),
  encode: encoder(schema, mapping)
})
