/**
 * Anonymizes LDIF: the result has the same tree and the same relations, but no values about persons. The form of a pseudonym
 * follows the attribute's matching rule (equalityRules.ts), so servers accept the result.
 *
 * @since 0.2.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { isUtf8 } from "node:buffer"
import { createHmac } from "node:crypto"
import { equalityOf } from "../attribute/equalityRules.ts"
import { type MatchingRule, normalize } from "../attribute/matchingRules.ts"
import { secretKind } from "../attribute/secretAttributes.ts"
import { valueKey } from "../attribute/StoredAttribute.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import { given } from "../input/values.ts"
import { InvalidRequest } from "../InvalidRequest.ts"
import { attributesMapped, changesMapped, namesMapped, typesOf } from "./LdifParts.ts"
import type { LdifRecord } from "./LdifRecord.ts"

const isSecret = (description: string): boolean => secretKind(description) !== undefined

/**
 * Options of {@link anonymize}.
 *
 * @category models
 * @since 0.2.0
 */
export interface AnonymizeOptions {
  /**
   * The key of the pseudonyms. The same key gives the same pseudonyms in every file. Keep it secret: with the key, an attacker can
   * test guesses.
   */
  readonly key: Redacted.Redacted<string>
  /**
   * Attributes whose values are kept, by any of their names. Default: attributes about the structure of a directory and not about
   * persons: `objectClass`, `structuralObjectClass`, `dc`, `ou`, `o`, `c`, `l`, `st`, `objectCategory`, `groupType`.
   */
  readonly keep?: Iterable<string> | undefined
}

const structure = [
  "objectClass",
  "structuralObjectClass",
  "dc",
  "ou",
  "o",
  "c",
  "l",
  "st",
  "objectCategory",
  "groupType"
]

/**
 * Replaces values by pseudonyms: in attributes, in the names of entries, and in values that are names. Equal values get the same
 * pseudonym everywhere, so groups keep their members, and RDNs match the values of their entries.
 *
 * **Details**
 *
 * A pseudonym is the HMAC-SHA-256 of the value with the key. Before hashing, the value is converted to lower case and runs of
 * spaces are reduced to one. The attribute isn't hashed, so equal values of `uid` and `memberUid` stay equal. Logins that differ
 * only in case get the same pseudonym. The pseudonym has the form of the value: a number for a number, digits for a telephone
 * number, a mail address for text with an `@`, a UUID for a UUID, bytes for bytes. Valid booleans, times and object identifiers are
 * kept. Attributes that hold passwords are dropped. The rules are those of the standard schemas; values of other attributes become
 * words. A distinguished name that can't be parsed becomes a single word.
 *
 * Pseudonyms don't hide the structure: the numbers of entries and values, the object classes, and relations such as managers stay
 * visible.
 *
 * **Example**
 *
 * ```ts
 * import { Ldif, LdifTransform } from "effect-ldap"
 * import { Config, Effect, FileSystem, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const fs = yield* FileSystem.FileSystem
 *   const key = yield* Config.Redacted("ANONYMIZE_KEY")
 *   yield* fs.stream("production.ldif").pipe(
 *     Ldif.decode(),
 *     LdifTransform.anonymize({ key }),
 *     Ldif.encode(),
 *     Stream.encodeText,
 *     Stream.run(fs.sink("test.ldif"))
 *   )
 * })
 * ```
 *
 * @category anonymity
 * @since 0.2.0
 */
export const anonymize = (
  options: AnonymizeOptions
): <E, R>(self: Stream.Stream<LdifRecord, E, R>) => Stream.Stream<LdifRecord, E, R> => {
  const { keep, key } = checked(options)
  const kept = typesOf("keep", keep ?? structure)
  const stays = (description: string): boolean => kept.has(equalityOf(description).type)
  const pseudonym = pseudonymsBy(key)

  const renamed = (dn: LdapDn.LdapDn, description?: string): LdapDn.LdapDn =>
    description !== undefined && stays(description) ?
      dn :
      LdapDn.make(dn.rdns.map((rdn) =>
        new LdapDn.Rdn(rdn.attributes.map((attribute) =>
          stays(attribute.type)
            ? attribute
            : new LdapDn.RdnAttribute(attribute.type, pseudonym(attribute.type, attribute.value))
        ))
      ))
  const values = (description: string, values: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> =>
    stays(description)
      ? values
      : values.map((value) => isName(description, value) ? value : pseudonym(description, value))
  const attributes = (all: ReadonlyArray<LdapAttribute>): ReadonlyArray<LdapAttribute> =>
    all.filter(({ description }) => !isSecret(description)).map((attribute) => ({
      ...attribute,
      values: values(attribute.description, attribute.values)
    }))

  const record = (record: LdifRecord): LdifRecord => {
    const named = unreadableHidden(namesMapped(record, renamed), pseudonym)
    return changesMapped(
      attributesMapped(named, attributes),
      (changes) =>
        changes.filter(({ attribute }) => !isSecret(attribute)).map((change) => ({
          ...change,
          values: change.operation === "increment" ? change.values : values(change.attribute, change.values)
        }))
    )
  }
  return (self) =>
    self.pipe(
      Stream.map(record),
      Stream.filter((record) => record._tag !== "Modify" || record.changes.length > 0)
    )
}

/** The options are part of the program, so invalid options are a bug. */
const checked = (options: AnonymizeOptions): AnonymizeOptions => {
  const { key }: Readonly<Record<string, unknown>> = { ...options }
  const isKey = Redacted.isRedacted(key) && typeof Redacted.value(key) === "string"
  if (isKey) return options
  throw new InvalidRequest({ field: "key", detail: `expected text in Redacted.make, but ${given(key)} was given` })
}

type Pseudonyms = (description: string, value: Uint8Array) => Uint8Array

/** Whether the value is a name that has already been mapped. */
const isName = (description: string, value: Uint8Array): boolean =>
  equalityOf(description).rule === "dn" && isReadable(textOf(value))

const isReadable = (name: string): boolean => Result.isSuccess(LdapDn.parse(name, { lenient: true }))

const textOf = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8")

/** Whether all names of the record can be parsed. */
const unreadableHidden = (record: LdifRecord, pseudonym: Pseudonyms): LdifRecord => {
  const hidden = (name: string): string => isReadable(name) ? name : `cn=${textOf(pseudonym("cn", Buffer.from(name)))}`
  const named = { ...record, dn: hidden(record.dn) }
  return named._tag === "ModifyDn"
    ? {
      ...named,
      newRdn: hidden(named.newRdn),
      ...(named.newSuperior === undefined ? undefined : { newSuperior: hidden(named.newSuperior) })
    }
    : named
}

const pseudonymsBy = (key: Redacted.Redacted<string>): Pseudonyms => (description, value) => {
  const { rule } = equalityOf(description)
  if (isPublic(rule, value)) return value
  const digest = createHmac("sha256", Redacted.value(key)).update(sameKey(rule, value)).digest()
  const word = digest.subarray(0, 8).toString("hex")
  switch (rule) {
    case "integer":
      return Buffer.from(String(digest.readUInt32BE(0) >>> 1))
    case "telephone":
      return Buffer.from(String(digest.readBigUInt64BE(0)).padStart(20, "0"))
    case "uuid":
      return Buffer.from(digest.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"))
    case "octets":
      return isText(value) ? Buffer.from(word) : digest
    default:
      return Buffer.from(textOf(value).includes("@") ? `${word}@example.invalid` : word)
  }
}

/** Whether a value can't identify a person. A value that its matching rule can't process may be anything, for instance a name. */
const isPublic = (rule: MatchingRule, value: Uint8Array): boolean =>
  rule === "oid"
    ? /^(?:[0-2](?:\.[0-9]+)+|[A-Za-z][A-Za-z0-9-]*)$/.test(textOf(value))
    : (rule === "boolean" || rule === "time") && normalize(rule, value) !== undefined

/**
 * The text that equal values of different attributes share. Their rules can differ in case: a login is in `uid` (caseIgnoreMatch)
 * and in `memberUid` (caseExactMatch). Telephone numbers and names have their own forms.
 */
const sameKey = (rule: MatchingRule, value: Uint8Array): string =>
  rule === "telephone" || rule === "dn" || !isText(value)
    ? valueKey(rule, value)
    : valueKey("caseIgnore", value)

const isText = (value: Uint8Array): boolean => isUtf8(value) && !value.includes(0)
