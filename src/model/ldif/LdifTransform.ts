/**
 * Transforms LDIF: renames, drops or keeps attributes, moves bases. Each transformation is a function from one stream of records to
 * another, so files may have any size. LdifAnonymize.ts anonymizes files.
 *
 * The arguments are part of the program. An argument of the wrong type (text instead of a list) is a bug and throws
 * `InvalidRequest`. If it were accepted, a file might keep values that were to be dropped.
 *
 * @since 0.2.0
 */
import * as Stream from "effect/Stream"
import { equalityOf } from "../attribute/equalityRules.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import { given } from "../input/values.ts"
import { InvalidRequest } from "../InvalidRequest.ts"
import { attributesMapped, changesMapped, namesMapped, typesOf } from "./LdifParts.ts"
import type { LdifRecord } from "./LdifRecord.ts"

export { anonymize, type AnonymizeOptions } from "./LdifAnonymize.ts"
export type { LdifRecord } from "./LdifRecord.ts"

/**
 * A function from records to records.
 *
 * @category models
 * @since 0.2.0
 */
export type LdifTransformation = <E, R>(self: Stream.Stream<LdifRecord, E, R>) => Stream.Stream<LdifRecord, E, R>

// ---------------------------------------------------------------------------------------------------------------------
// Attributes
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Drops attributes. They are named without options, ignoring case. An object identifier also stands for the names of its type (of
 * the standard schemas), and each name for the others.
 *
 * **Details**
 *
 * Values in distinguished names stay, since an entry needs its name. A modify record is dropped if no changes remain.
 *
 * **Example**
 *
 * ```ts
 * import { Ldif, LdifTransform } from "effect-ldap"
 * import { Effect, FileSystem, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const fs = yield* FileSystem.FileSystem
 *   yield* fs.stream("export.ldif").pipe(
 *     Ldif.decode(),
 *     LdifTransform.dropAttributes(["userPassword", "jpegPhoto"]),
 *     Ldif.encode(),
 *     Stream.encodeText,
 *     Stream.run(fs.sink("without.ldif"))
 *   )
 * })
 * ```
 *
 * @category attributes
 * @since 0.2.0
 */
export const dropAttributes = (attributes: Iterable<string>): LdifTransformation => {
  const dropped = typesOf("attributes", attributes)
  return attributesThat((key) => !dropped.has(key))
}

/**
 * Keeps only these attributes and drops all others. They are named as in {@link dropAttributes}. `objectClass` is kept only if it
 * is named.
 *
 * @category attributes
 * @since 0.2.0
 */
export const keepAttributes = (attributes: Iterable<string>): LdifTransformation => {
  const kept = typesOf("attributes", attributes)
  return attributesThat((key) => kept.has(key))
}

/**
 * Renames attributes in entries, changes and distinguished names. Options stay: with `{ cn: "commonName" }`, `cn;lang-de` becomes
 * `commonName;lang-de`. The old names work as in {@link dropAttributes}.
 *
 * **Details**
 *
 * If an entry already has an attribute with the new name, the values of both are merged. Attribute types in values (for instance of
 * `member`) are renamed if the attribute holds names according to the standard schemas.
 *
 * @category attributes
 * @since 0.2.0
 */
export const renameAttributes = (names: Readonly<Record<string, string>>): LdifTransformation => {
  checkRenames(names)
  const others = new Map(Object.entries(names).map(([from, to]) => [typeOf(from), to]))
  const renamed = (description: string): string => {
    const { options, type } = taken(description)
    const other = others.get(typeOf(type))
    return other === undefined ? description : other + options
  }
  const rename = (dn: LdapDn.LdapDn): LdapDn.LdapDn =>
    LdapDn.make(dn.rdns.map((rdn) =>
      new LdapDn.Rdn(rdn.attributes.map((attribute) => {
        const type = renamed(attribute.type)
        return type === attribute.type ? attribute : new LdapDn.RdnAttribute(type, attribute.value, attribute.berTag)
      }))
    ))
  return each((record) => {
    const inNames = namesMapped(record, rename)
    const inAttributes = attributesMapped(
      inNames,
      (attributes) =>
        merged(attributes.map((attribute) => ({ ...attribute, description: renamed(attribute.description) })))
    )
    return changesMapped(
      inAttributes,
      (changes) => changes.map((change) => ({ ...change, attribute: renamed(change.attribute) }))
    )
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Moves entries at or below one name to another. It changes the names of records, the new superiors of renames, and the values of
 * attributes that hold names according to the standard schemas (`member`, `manager`, `seeAlso` …).
 *
 * **Details**
 *
 * Names are compared as `LdapDn` does. Names that aren't below `from`, and names that can't be parsed, are not changed. The entry
 * at `from` itself gets the RDN of `to`. Its attributes don't change, so make sure that they have the values of the new RDN.
 *
 * **Example**
 *
 * ```ts
 * import { LdapDn, LdifTransform } from "effect-ldap"
 *
 * LdifTransform.moveBase(LdapDn.ldapDn`dc=example,dc=com`, LdapDn.ldapDn`dc=test,dc=example,dc=org`)
 * ```
 *
 * @category names
 * @since 0.2.0
 */
export const moveBase = (from: LdapDn.LdapDn, to: LdapDn.LdapDn): LdifTransformation => {
  checkName("from", from)
  checkName("to", to)
  return each((record) =>
    namesMapped(record, (dn) => {
      const relative = LdapDn.relativeTo(dn, from)
      return relative === undefined ? dn : LdapDn.concat(relative, to)
    })
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// Machinery
// ---------------------------------------------------------------------------------------------------------------------

const typeOf = (name: string): string => equalityOf(name).type

const checkRenames = (u: unknown): void => {
  if (typeof u !== "object" || u === null || Symbol.iterator in u)
    throw new InvalidRequest({
      field: "names",
      detail: `expected a record from old names to new ones, but ${given(u)} was given`
    })
  for (const [from, to] of Object.entries(u)) {
    if (typeof to !== "string" || to === "")
      throw new InvalidRequest({ field: `names.${from}`, detail: `expected a new name, but ${given(to)} was given` })
  }
}

const checkName = (field: string, u: unknown): void => {
  if (!LdapDn.isLdapDn(u))
    throw new InvalidRequest({ field, detail: `expected an LdapDn (see LdapDn.parse), but ${given(u)} was given` })
}

const taken = (description: string): { readonly type: string; readonly options: string } => {
  const [type = ""] = description.split(";", 1)
  return { type, options: description.slice(type.length) }
}

const each = (transform: (record: LdifRecord) => LdifRecord): LdifTransformation => Stream.map(transform)

const attributesThat = (isKept: (key: string) => boolean): LdifTransformation => {
  const keeps = (description: string) => isKept(typeOf(description))
  return (self) =>
    self.pipe(
      Stream.map((record) => {
        const kept = attributesMapped(
          record,
          (attributes) => attributes.filter(({ description }) => keeps(description))
        )
        return changesMapped(kept, (changes) => changes.filter(({ attribute }) => keeps(attribute)))
      }),
      Stream.filter((record) => record._tag !== "Modify" || record.changes.length > 0)
    )
}

const merged = (attributes: ReadonlyArray<LdapAttribute>): ReadonlyArray<LdapAttribute> => {
  const all = new Map<string, LdapAttribute>()
  for (const { description, values } of attributes) {
    const key = description.toLowerCase()
    const before = all.get(key)
    all.set(key, before === undefined ? { description, values } : { ...before, values: [...before.values, ...values] })
  }
  return Array.from(all.values())
}
