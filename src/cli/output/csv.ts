/**
 * CSV (RFC 4180): the name of the entry, and a column for each attribute. Several values of an attribute are in one cell, with `|`
 * between them, so CSV is for people and spreadsheets, and JSON for programs.
 *
 * A spreadsheet treats a cell that begins with `=`, `+`, `-` or `@` as a formula, which may send data of the sheet to a server. Such a
 * value gets an apostrophe before it, which marks it as text (OWASP, CSV injection).
 */
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { lineForTerminal } from "./terminalText.ts"
import { textOf } from "./valueText.ts"

/** Entries as CSV, with a first line of names. */
export const csv = <E, R>(
  entries: Stream.Stream<LdapEntry, E, R>,
  columns: ReadonlyArray<string>
): Stream.Stream<string, E, R> =>
  Stream.concat(
    Stream.succeed(row(["dn", ...columns])),
    Stream.map(entries, (entry) => row([entry.dn, ...columns.map((column) => cell(entry, column))]))
  )

const cell = (entry: LdapEntry, column: string): string =>
  entry.getAllBytes(column).map((value) => textOf(value) ?? `base64:${Buffer.from(value).toString("base64")}`).join("|")

const row = (cells: ReadonlyArray<string>): string => `${cells.map(quoted).join(",")}\r\n`

const quoted = (text: string): string => {
  const safe = text.split(/\r\n|\r|\n/).map(lineForTerminal).join("\n")
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${safe}` : safe
  return /[",\n|]|^'|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll("\"", "\"\"")}"` : harmless
}
