/**
 * `attribute=value` as an argument: text after `=`, base64 after `:=`, the content of a file after `@=`. An attribute description has
 * neither `:` nor `@` (RFC 4512 section 2.5), so the three forms can't be confused.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { secretKind } from "../../model/attribute/secretAttributes.ts"
import { LocalError, UsageError } from "../CliFailure.ts"

/** An attribute and one value. */
export interface Assignment {
  readonly attribute: string
  readonly value: Uint8Array
}

/** Reads an argument. A password as an argument is refused: every user of the machine could see it. */
export const assignmentOf = Effect.fnUntraced(function*(
  text: string
): Effect.fn.Return<Assignment, UsageError | LocalError, FileSystem.FileSystem> {
  const match = /^([^=:@]+)(:|@)?=([^]*)$/.exec(text)
  if (match === null) {
    return yield* new UsageError({
      detail: `${JSON.stringify(text)}: write attribute=value, attribute:=BASE64 or attribute@=FILE`
    })
  }
  const [, attribute = "", kind, rest = ""] = match
  if (kind === "@") return { attribute, value: yield* fileContent(attribute, rest) }
  if (secretKind(attribute) !== undefined) {
    return yield* new UsageError({
      detail:
        `${attribute} holds a secret, and arguments are visible to others: give it in a file, as ${attribute}@=FILE, ` +
        "in LDIF on standard input (effect-ldap apply -), or use passwd"
    })
  }
  if (kind === undefined) return { attribute, value: Buffer.from(rest) }
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(rest)) {
    return yield* new UsageError({ detail: `the value of ${attribute} after := is not base64` })
  }
  return { attribute, value: Buffer.from(rest, "base64") }
})

/** The content of the file, unchanged. If it is a password, one line end is cut off. */
const fileContent = (attribute: string, path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) =>
    fs.readFile(path).pipe(
      Effect.map((content) => {
        if (secretKind(attribute) === undefined) return content
        return Buffer.from(Buffer.from(content).toString("latin1").replace(/\r?\n$/, ""), "latin1")
      }),
      Effect.mapError(({ message }) =>
        new LocalError({ detail: `the value of ${attribute} can't be read from ${path}: ${message}` })
      )
    ))

/** Assignments by attribute, in the order of their first values. */
export const attributesOf = Effect.fnUntraced(function*(texts: ReadonlyArray<string>) {
  const all = new Map<string, { readonly description: string; readonly values: Array<Uint8Array> }>()
  for (const text of texts) {
    const { attribute, value } = yield* assignmentOf(text)
    const known = all.get(attribute.toLowerCase())
    if (known === undefined) all.set(attribute.toLowerCase(), { description: attribute, values: [value] })
    else known.values.push(value)
  }
  return Array.from(all.values())
})
