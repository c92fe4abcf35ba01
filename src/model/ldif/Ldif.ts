/**
 * LDIF (RFC 2849): directory entries, and changes to them, as text.
 *
 * This module has the constructors of records. It reads and writes texts that fit into memory. LdifStream.ts streams larger texts,
 * with values from files if the program allows them (LdifFiles.ts). LdifDiff.ts compares two directories. All of them parse with
 * LdifReader.ts and write with LdifText.ts. `LdifApply.applyLdif` applies changes to a server.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { LdapControl } from "../control/LdapControl.ts"
import { attributesFrom, type AttributesInput, type LdapEntry } from "../entry/LdapEntry.ts"
import type { LdapModification } from "../LdapModification.ts"
import { LdifSyntaxError } from "./LdifLines.ts"
import { Octets, textPieces } from "./LdifOctets.ts"
import { LdifReader } from "./LdifReader.ts"
import type { Add, Delete, Entry, LdifRecord, Modify, ModifyDn } from "./LdifRecord.ts"
import { recordWriter, versionLine } from "./LdifText.ts"

export type { AttributesInput, LdapAttribute } from "../entry/LdapEntry.ts"

export { diff, type DiffOptions, LdifDiffError } from "./LdifDiff.ts"
export type { RuleSchema } from "../attribute/equalityRules.ts"
export { type FileOptions, LdifFileError } from "./LdifFiles.ts"
export type { Add, Delete, Entry, LdifRecord, Modify, ModifyDn } from "./LdifRecord.ts"
export { decode, type DecodeOptions, encode } from "./LdifStream.ts"
export { LdifSyntaxError }

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Options of change records.
 *
 * @category models
 * @since 0.2.0
 */
export interface ChangeOptions {
  /** Controls for the request. */
  readonly controls?: ReadonlyArray<LdapControl> | undefined
}

/**
 * A record of an entry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const entry = (dn: string, attributes: AttributesInput): Entry => ({
  _tag: "Entry",
  line: 0,
  dn,
  attributes: attributesFrom(attributes)
})

/**
 * A record that adds an entry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const add = (dn: string, attributes: AttributesInput, options?: ChangeOptions): Add => ({
  _tag: "Add",
  line: 0,
  dn,
  controls: options?.controls ?? [],
  attributes: attributesFrom(attributes)
})

/**
 * A record that deletes an entry. Also exported as `delete`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remove = (dn: string, options?: ChangeOptions): Delete => ({
  _tag: "Delete",
  line: 0,
  dn,
  controls: options?.controls ?? []
})

export {
  /**
   * Another name of {@link remove}.
   *
   * @category constructors
   * @since 0.1.0
   */
  remove as delete
}

/**
 * A record that modifies an entry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const modify = (dn: string, changes: ReadonlyArray<LdapModification>, options?: ChangeOptions): Modify => ({
  _tag: "Modify",
  line: 0,
  dn,
  controls: options?.controls ?? [],
  changes
})

/**
 * A record that renames or moves an entry. The values of the old RDN are deleted unless `deleteOldRdn` is false.
 *
 * @category constructors
 * @since 0.1.0
 */
export const modifyDn = (
  dn: string,
  options: ChangeOptions & {
    readonly newRdn: string
    readonly deleteOldRdn?: boolean | undefined
    readonly newSuperior?: string | undefined
  }
): ModifyDn => ({
  _tag: "ModifyDn",
  line: 0,
  dn,
  controls: options.controls ?? [],
  newRdn: options.newRdn,
  deleteOldRdn: options.deleteOldRdn ?? true,
  ...(options.newSuperior === undefined ? {} : { newSuperior: options.newSuperior })
})

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Parses all records of a text, in linear time.
 *
 * **Details**
 *
 * Names are left unchanged (`dn: cn=Ada, dc=example`), since the server checks them. Values become bytes. All values of an
 * attribute are collected, even if its description is spelled in different cases. The first line `version: 1` may be missing.
 *
 * Some deviations from RFC 2849 are accepted, as other programs do: values that are neither ASCII nor in base64, a last change
 * without its `-`, an entry without attributes, a modify record without changes, entries and changes in one text, underscores in
 * descriptions, spaces after a `-`, tabs after a colon, byte order marks, and a repeated `version: 1` in concatenated files. With
 * `strict` they are refused.
 *
 * Some texts are always refused: values at a URL (`:<`), which only `decode` reads if it is allowed to, NUL and carriage returns
 * within values, base64 with invalid characters, a second `dn:` in a record, `changetype:` after attributes, and a change without
 * `changetype:`. An entry may have an attribute `control`.
 *
 * Bytes are decoded as UTF-8. They are decoded as UTF-16 if they begin with its byte order mark, or with an ASCII character in two
 * bytes.
 *
 * **Example**
 *
 * ```ts
 * import { Ldif } from "effect-ldap"
 *
 * Ldif.parse("version: 1\ndn: uid=ada,dc=example\nobjectClass: account\nuid: ada\n")
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  text: string | Uint8Array,
  options?: { readonly strict?: boolean | undefined }
): Result.Result<ReadonlyArray<LdifRecord>, LdifSyntaxError> => {
  const all: Array<LdifRecord> = []
  for (const record of records(text, options)) {
    if (Result.isFailure(record)) return Result.fail(record.failure)
    all.push(record.success)
  }
  return Result.succeed(all)
}

/**
 * Like {@link parse}, but yields one record after another. A failure comes last.
 *
 * @internal
 */
export function* records(
  text: string | Uint8Array,
  options?: { readonly strict?: boolean | undefined }
): Generator<Result.Result<LdifRecord, LdifSyntaxError>> {
  const isText = typeof text === "string"
  if (!isText && !(text instanceof Uint8Array)) {
    yield Result.fail(new LdifSyntaxError({ line: 0, detail: "neither text nor bytes were given" }))
    return
  }
  let complete: Array<Result.Result<LdifRecord, LdifSyntaxError>> = []
  const reader: LdifReader = new LdifReader(
    {
      strict: options?.strict ?? false,
      octets: !isText,
      // There is no limit, since the whole text is already in memory.
      maxLineLength: Infinity,
      maxRecordSize: Infinity
    },
    (lines) => complete.push(Result.succeed(reader.read(lines))),
    (entry) => complete.push(Result.succeed(entry))
  )
  const octets = new Octets(() => reader.line)
  const pieces = isText ? textPieces(text) : octets.pieces([text])
  let isOver = false
  while (!isOver) {
    try {
      const piece = pieces.next()
      isOver = piece.done === true
      if (piece.done !== true) reader.push(piece.value)
      else {
        if (!isText) reader.push(octets.end())
        reader.end()
      }
    } catch (error) {
      if (!(error instanceof LdifSyntaxError)) throw error
      complete.push(Result.fail(error))
      isOver = true
    }
    yield* complete
    complete = []
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes records, and entries as a server returned them.
 *
 * **Details**
 *
 * Lines are folded at `width` bytes (default 76; `Infinity` means no folding), end with a line feed, and are ASCII. A value is
 * written in base64 if RFC 2849 doesn't allow it as text, or if it ends with a space. The first line is `version: 1`.
 *
 * LDIF can express any value, but not any attribute description. If a description has invalid characters (a hostile server may send
 * line feeds), or an entry has an attribute `changetype`, the whole record is left out and replaced by a comment. LDIF can't
 * express an attribute without values (as `typesOnly` returns it); such an attribute is left out.
 *
 * **Example**
 *
 * ```ts
 * import { LdapModification, Ldif } from "effect-ldap"
 *
 * Ldif.format([Ldif.modify("uid=ada,dc=example", [LdapModification.replace("mail", "ada@example.org")])])
 * ```
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (
  records: Iterable<LdifRecord | LdapEntry>,
  options?: { readonly width?: number | undefined }
): string => {
  const write = recordWriter(options)
  const texts = [versionLine]
  for (const record of records) texts.push(write(record))
  return texts.join("")
}
