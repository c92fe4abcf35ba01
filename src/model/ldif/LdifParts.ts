/**
 * Access to the parts of LDIF records that LdifTransform.ts and LdifAnonymize.ts change: attributes, changes, and all distinguished
 * names.
 */
import * as Result from "effect/Result"
import { equalityOf } from "../attribute/equalityRules.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import { given } from "../input/values.ts"
import { InvalidRequest } from "../InvalidRequest.ts"
import type { LdapModification } from "../LdapModification.ts"
import type { LdifRecord } from "./LdifRecord.ts"

/** The types of the named attributes. Throws `InvalidRequest` if it isn't a collection of names; text is not a collection. */
export const typesOf = (field: string, names: unknown): ReadonlySet<string> => {
  if (typeof names !== "object" || names === null || !(Symbol.iterator in names))
    throw new InvalidRequest({ field, detail: `expected an array of attributes, but ${given(names)} was given` })
  return new Set(
    Array.from(names as Iterable<unknown>, (name) => {
      if (typeof name === "string") return equalityOf(name).type
      throw new InvalidRequest({ field, detail: `expected the name of an attribute, but ${given(name)} was given` })
    })
  )
}

export const attributesMapped = (
  record: LdifRecord,
  f: (attributes: ReadonlyArray<LdapAttribute>) => ReadonlyArray<LdapAttribute>
): LdifRecord =>
  record._tag === "Entry" || record._tag === "Add" ? { ...record, attributes: f(record.attributes) } : record

export const changesMapped = (
  record: LdifRecord,
  f: (changes: ReadonlyArray<LdapModification>) => ReadonlyArray<LdapModification>
): LdifRecord => record._tag === "Modify" ? { ...record, changes: f(record.changes) } : record

/**
 * A copy of the record in which the function has replaced each name. A name that can't be parsed stays unchanged. The function also
 * gets the attribute description if the name is a value of that attribute.
 */
export const namesMapped = (
  record: LdifRecord,
  f: (dn: LdapDn.LdapDn, description?: string) => LdapDn.LdapDn
): LdifRecord => {
  const text = (name: string, description?: string): string => {
    const dn = LdapDn.parse(name, { lenient: true })
    if (Result.isFailure(dn)) return name
    const mapped = f(dn.success, description)
    return mapped === dn.success ? name : mapped.toString()
  }
  const values = (description: string, values: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> =>
    equalityOf(description).rule === "dn"
      ? values.map((value) => {
        const name = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8")
        const other = text(name, description)
        return other === name ? value : Buffer.from(other)
      })
      : values
  const named = { ...record, dn: text(record.dn) }
  switch (named._tag) {
    case "Delete":
      return named
    case "ModifyDn":
      return {
        ...named,
        newRdn: text(named.newRdn),
        ...(named.newSuperior === undefined ? undefined : { newSuperior: text(named.newSuperior) })
      }
    case "Modify":
      return {
        ...named,
        changes: named.changes.map((change) => ({ ...change, values: values(change.attribute, change.values) }))
      }
    case "Entry":
    case "Add":
      return {
        ...named,
        attributes: named.attributes.map((attribute) => ({
          ...attribute,
          values: values(attribute.description, attribute.values)
        }))
      }
  }
}
