/**
 * Decodes entries to domain classes without Schema's interpreter, which takes several times as long.
 *
 * This only knows entries without problems. For any other it gives `undefined`, and the class's schema decodes the entry again and
 * says what is wrong. So the schema stays the definition of a class.
 */
import * as HashSet from "effect/HashSet"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { type DirectSyntax, directSyntax } from "../syntax/syntax.ts"
import type { MappedField } from "./MappedField.ts"

/** Stands for a value that the schema has to look at. */
const irregular: unique symbol = Symbol("irregular")
/** Stands for a field that is left out. */
const absent: unique symbol = Symbol("absent")

/** From so many fields on, it is faster to decode the text of an entry as a whole. */
const manyFields = 4

/** The function gives `undefined` for an entry that the schema has to decode. It is `undefined` if that is so for all entries. */
export const directDecoder = <Self>(
  schema: Schema.ConstraintCodec<Self, unknown>,
  fields: ReadonlyArray<MappedField>
): ((entry: LdapEntry) => Self | undefined) | undefined => {
  const make = instanceFrom(schema)
  if (make === undefined || fields.some(({ name }) => name === "__proto__")) return undefined
  const readers = fields.map((field) => ({ name: field.name, read: readerOf(field) }))
  const readsMost = fields.length >= manyFields
  return (entry) => {
    if (readsMost) entry.expectReads()
    const decoded: Record<string, unknown> = {}
    for (const { name, read } of readers) {
      const value = read(entry)
      if (value === irregular) return undefined
      if (value !== absent) decoded[name] = value
    }
    return make(decoded)
  }
}

/** The step by which a class's schema makes an instance of fields that are decoded. */
const instanceFrom = <Self>(
  schema: Schema.ConstraintCodec<Self, unknown>
): ((fields: object) => Self) | undefined => {
  const { checks, encoding } = schema.ast
  const transformation = encoding?.length === 1 ? encoding[0].transformation : undefined
  if (checks !== undefined || transformation?._tag !== "Transformation") return undefined
  const { decode } = transformation
  // The type of a class's own transformation isn't known to the compiler.
  return decode._tag === "Transform" ? decode.transform as (fields: object) => Self : undefined
}

type Reader = (entry: LdapEntry) => unknown

const readerOf = (field: MappedField): Reader => {
  const { decode, values } = sourceOf(field)
  const all = (values: ReadonlyArray<unknown>): ReadonlyArray<unknown> | typeof irregular => {
    const decoded = new Array<unknown>(values.length)
    for (let i = 0; i < values.length; i++) {
      if ((decoded[i] = decode(values[i])) === irregular) return irregular
    }
    return decoded
  }
  return (entry) => {
    const found = values(entry)
    if (found === undefined) return irregular
    switch (field.kind) {
      case "single":
      case "entryDn":
        return found.length === 1 ? decode(found[0]) : irregular
      case "optional":
        return found.length === 0 ? absent : found.length === 1 ? decode(found[0]) : irregular
      case "repeated":
        return all(found)
      case "nonEmpty":
        return found.length === 0 ? irregular : all(found)
      case "set": {
        const decoded = all(found)
        return decoded === irregular ? irregular : HashSet.fromIterable(decoded)
      }
    }
  }
}

interface Source {
  /** All values of a field; `undefined` if the schema has to look at them. */
  readonly values: (entry: LdapEntry) => ReadonlyArray<unknown> | undefined
  /** Decodes one of them, or gives {@link irregular}. */
  readonly decode: (value: unknown) => unknown
}

const sourceOf = ({ access, attribute, kind, value }: MappedField): Source => {
  const syntax = directSyntax(value)
  const decode = decodeBy(syntax, value)
  if (access === "writeOnly") return { values: () => [], decode }
  if (syntax === undefined || syntax._tag === "Octets") {
    return {
      values: kind === "entryDn"
        ? (entry) => [Buffer.from(entry.dn)]
        : (entry) => entry.isPartial(attribute) ? undefined : entry.getAllBytes(attribute),
      decode
    }
  }
  return { values: kind === "entryDn" ? (entry) => [entry.dn] : (entry) => entry.wholeTexts(attribute), decode }
}

/** A syntax gets what it decodes: text from `wholeTexts`, otherwise bytes. */
const decodeBy = (syntax: DirectSyntax | undefined, value: MappedField["value"]): Source["decode"] => {
  if (syntax?._tag === "Checked") {
    // No `Result` for each value: most have such a syntax.
    const { wrong } = syntax
    return (text) => wrong(text as string) === undefined ? text : irregular
  }
  const decode = (syntax?.decode ?? Schema.decodeUnknownResult(value)) as (
    value: unknown
  ) => Result.Result<unknown, unknown>
  return (value) => {
    const decoded = decode(value)
    return Result.isSuccess(decoded) ? decoded.success : irregular
  }
}
