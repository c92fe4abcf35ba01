/**
 * SASLprep (RFC 4013) and the trace profile of ANONYMOUS (RFC 4505 section 3). Both are profiles of stringprep (RFC 3454). SASLprep
 * gives a user name or password one form, whatever input method was used. Client and server compute their proofs from that form.
 *
 * Stringprep is defined for Unicode 3.2, and so are the tables. The runtime normalizes by a newer version. The result is the same
 * for every character of Unicode 3.2 except the five of {@link correctedSince}. Characters that are newer than 3.2 are not
 * normalized, as in Unicode 3.2.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Tables from "./stringPrepTables.ts"

/**
 * The text can't be prepared.
 *
 * **Details**
 *
 * `detail` names the kind of the invalid character. It never contains the character, its position or the text, since that may be
 * a password.
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
 * Prepares a text with SASLprep.
 *
 * **Details**
 *
 * Non-ASCII spaces become spaces, characters that are commonly mapped to nothing are removed, and the rest is normalized to NFKC
 * (sections 2.1 and 2.2). After that, a text with a prohibited character (section 2.3) or with mixed directions (section 2.4) is
 * refused. The RFC maps U+200B both to a space and to nothing; here it becomes a space. Characters that Unicode 3.2 doesn't have
 * are refused in a `stored` string and kept in a `query` (section 2.5). RFC 5802 prepares user names as queries and passwords as
 * stored strings. The empty text stays empty. Pure.
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
      ? "it contains a character that SASLprep doesn't know (newer than Unicode 3.2)"
      : undefined)
  return detail === undefined ? Result.succeed(prepared) : Result.fail(new SaslPrepError({ detail }))
}

/**
 * Checks a text by the trace profile (RFC 4505 section 3). The profile doesn't change a text; it accepts or refuses it. Pure.
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
 * Ideographs whose decomposition in Unicode 3.2 was wrong and was corrected in 4.0 (Corrigendum #4, NormalizationCorrections.txt).
 * Stringprep keeps the wrong decomposition.
 */
const correctedSince = new Map([
  ["\u{2F868}", "\u{2136A}"],
  ["\u{2F874}", "\u{5F33}"],
  ["\u{2F91F}", "\u{43AB}"],
  ["\u{2F95F}", "\u{7AAE}"],
  ["\u{2F9BF}", "\u{4D57}"]
])

/** NFKC of Unicode 3.2. A code point that is unassigned there neither decomposes nor composes, so it ends a run. */
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
  [Tables.nonCharacter, "a code point that is not a character"],
  [Tables.surrogate, "a lone surrogate"],
  [Tables.inappropriateForPlainText, "a character that is inappropriate for plain text"],
  [Tables.displayChanging, "a character that changes how text is displayed"],
  [Tables.tagging, "a tagging character"]
]

/** RFC 4013 section 2.3. It also lists non-ASCII spaces, which are left out here: no mapping or normalization results in them. */
const saslPrepProhibits: Prohibitions = [
  ...traceProhibits,
  [Tables.nonAsciiSpace, "a space that is not ASCII"],
  [Tables.inappropriateForCanonicalRepresentation, "a character that has no canonical representation"]
]

/** Why a text in its final form is not allowed; `undefined` if it is. */
const violation = (text: string, prohibitions: Prohibitions): string | undefined => {
  const codePoints = Array.from(text, codePointOf)
  for (const codePoint of codePoints) {
    for (const [table, kind] of prohibitions) {
      if (table.has(codePoint)) return `it contains ${kind}, which is prohibited`
    }
  }
  // RFC 3454 section 6.
  if (!codePoints.some(Tables.rightToLeft.has)) return undefined
  if (codePoints.some(Tables.leftToRight.has)) return "it mixes characters of left-to-right and right-to-left scripts"
  return Tables.rightToLeft.has(codePoints[0]!) && Tables.rightToLeft.has(codePoints.at(-1)!)
    ? undefined
    : "it contains right-to-left characters, but doesn't begin and end with one"
}
