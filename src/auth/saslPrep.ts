/**
 * SASLprep (RFC 4013): the one form of a user name or password from which client and server compute their proofs, whatever input
 * method typed it; and the trace profile of ANONYMOUS (RFC 4505 section 3). Both are profiles of stringprep (RFC 3454).
 *
 * Stringprep is defined on Unicode 3.2, and the tables have that version. The runtime normalizes by a newer version, which gives the
 * same for every character of Unicode 3.2 except the five of {@link correctedSince}. Characters that are newer than 3.2 are not
 * normalized, as under Unicode 3.2.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Tables from "./stringPrepTables.ts"

/**
 * A text that has no prepared form.
 *
 * **Details**
 *
 * The detail names the kind of the offending character, never the character, its place or the text, which may be a password.
 *
 * @category errors
 * @since 0.1.0
 */
export class SaslPrepError extends Data.TaggedError("SaslPrepError")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/**
 * Prepares a text by SASLprep.
 *
 * **Details**
 *
 * Spaces that are not ASCII become spaces, characters that are commonly mapped to nothing vanish, and the rest is
 * normalized to NFKC (sections 2.1 and 2.2); a text that then holds a prohibited character (section 2.3) or mixes directions
 * (section 2.4) has no prepared form. U+200B, which the RFC maps both to a space and to nothing, becomes a space. Characters
 * that Unicode 3.2 does not know are refused in a `stored` string and kept in a `query` (section 2.5): RFC 5802 has user
 * names prepared as queries and passwords as stored strings. The empty text is its own form. Pure.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSasl } from "effect-ldap"
 *
 * LdapSasl.saslPrep("I\u00adX", "stored") // Result.succeed("IX")
 * ```
 *
 * @category preparing
 * @since 0.1.0
 */
export const saslPrep = (text: string, kind: "stored" | "query"): Result.Result<string, SaslPrepError> => {
  if (/^[ -~]*$/.test(text)) return Result.succeed(text)
  const prepared = normalize(map(text))
  const detail = violation(prepared, saslPrepProhibits) ??
    (kind === "stored" && Array.from(prepared).some(isUnassigned)
      ? "it holds a character that SASLprep does not know (one newer than Unicode 3.2)"
      : undefined)
  return detail === undefined ? Result.succeed(prepared) : Result.fail(new SaslPrepError({ detail }))
}

/**
 * Checks a text by the trace profile (RFC 4505 section 3). The profile changes no text: it accepts or refuses it. Pure.
 *
 * @category preparing
 * @since 0.1.0
 */
export const tracePrep = (text: string): Result.Result<string, SaslPrepError> => {
  const detail = violation(text, traceProhibits)
  return detail === undefined ? Result.succeed(text) : Result.fail(new SaslPrepError({ detail }))
}

/** RFC 4013 section 2.1. */
const map = (text: string): string =>
  Array.from(text, (character) => {
    const codePoint = codePointOf(character)
    return Tables.nonAsciiSpace.has(codePoint) ? " " : Tables.mappedToNothing.has(codePoint) ? "" : character
  }).join("")

const codePointOf = (character: string): number => character.codePointAt(0)!

const isUnassigned = (character: string): boolean => Tables.unassigned.has(codePointOf(character))

/**
 * Ideographs whose decomposition in Unicode 3.2 was a mistake, corrected in 4.0 (Corrigendum #4, NormalizationCorrections.txt).
 * Stringprep keeps the mistake.
 */
const correctedSince = new Map([
  ["\u{2F868}", "\u{2136A}"],
  ["\u{2F874}", "\u{5F33}"],
  ["\u{2F91F}", "\u{43AB}"],
  ["\u{2F95F}", "\u{7AAE}"],
  ["\u{2F9BF}", "\u{4D57}"]
])

/** NFKC as of Unicode 3.2: a code point that is not assigned there neither decomposes nor composes, and so ends a run. */
const normalize = (text: string): string => {
  let normalized = ""
  let run = ""
  for (const character of text) {
    if (isUnassigned(character)) {
      normalized += run.normalize("NFKC") + character
      run = ""
    } else {
      run += correctedSince.get(character) ?? character
    }
  }
  return normalized + run.normalize("NFKC")
}

type Prohibitions = ReadonlyArray<readonly [Tables.CodePoints, string]>

/** RFC 4505 section 3. */
const traceProhibits: Prohibitions = [
  [Tables.asciiControl, "a control character"],
  [Tables.nonAsciiControl, "a control character"],
  [Tables.privateUse, "a private use character"],
  [Tables.nonCharacter, "a code point that is no character"],
  [Tables.surrogate, "half of a surrogate pair"],
  [Tables.inappropriateForPlainText, "a character that is not for plain text"],
  [Tables.displayChanging, "a character that changes how text is displayed"],
  [Tables.tagging, "a tagging character"]
]

/** RFC 4013 section 2.3. It also lists non-ASCII spaces, which are left out here: no mapping or normalization results in them. */
const saslPrepProhibits: Prohibitions = [
  ...traceProhibits,
  [Tables.nonAsciiSpace, "a space that is not ASCII"],
  [Tables.inappropriateForCanonicalRepresentation, "a character that has no canonical representation"]
]

/** Why a text in its final form is not allowed, if it isn't. */
const violation = (text: string, prohibitions: Prohibitions): string | undefined => {
  const codePoints = Array.from(text, codePointOf)
  for (const codePoint of codePoints) {
    for (const [table, kind] of prohibitions) {
      if (table.has(codePoint)) return `it holds ${kind}, which is prohibited`
    }
  }
  // RFC 3454 section 6.
  if (!codePoints.some(Tables.rightToLeft.has)) return undefined
  if (codePoints.some(Tables.leftToRight.has)) return "it mixes characters of left-to-right and right-to-left scripts"
  return Tables.rightToLeft.has(codePoints[0]!) && Tables.rightToLeft.has(codePoints.at(-1)!)
    ? undefined
    : "it is of a right-to-left script, but does not begin and end with a character of one"
}
