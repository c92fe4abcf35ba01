/**
 * Entries as text: LDIF as `ldapsearch -LLL` writes it, JSON, JSON lines, CSV, or a table.
 *
 * All formats stream: memory use doesn't depend on the number of entries. Values that aren't text are base64 in LDIF, and `{"base64": …}`
 * in JSON. No format writes bytes that control a terminal: LDIF has them in base64, the other formats as escapes.
 */
import * as Flag from "effect/cli/Flag"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { recordWriter } from "../../model/ldif/LdifText.ts"
import { foldInto } from "../../model/ldif/LineWriter.ts"
import { optional } from "../settings/connectionFlags.ts"
import { csv } from "./csv.ts"
import { table } from "./table.ts"
import { jsonText } from "./terminalText.ts"
import { textOf } from "./valueText.ts"

/** The formats. */
export const formats = ["ldif", "json", "jsonl", "csv", "table"] as const

export type EntryFormat = typeof formats[number]

/** The flags of a command that prints entries. */
export const formatFlags = {
  format: Flag.Literals("format", formats).pipe(
    Flag.withAlias("o"),
    Flag.withDescription("ldif, json, jsonl (a line for each entry), csv or table"),
    Flag.withDefault("ldif" as const)
  ),
  wrap: optional(
    Flag.String("wrap").pipe(
      Flag.withMetavar("WIDTH"),
      Flag.withDescription("Bytes of a line of LDIF, or no; default 78, as ldapsearch")
    )
  )
}

/** How entries are written. */
export interface FormatOptions {
  readonly format: EntryFormat
  /** Bytes of a line of LDIF. Default: those of `ldapsearch`. */
  readonly width?: number | undefined
  /** The attributes that are the columns of CSV or of a table. Default for a table: chosen by the entries. */
  readonly columns: ReadonlyArray<string>
  /** The width of the terminal, if the table is written to one. Cells are cut to fit. */
  readonly terminalWidth?: number | undefined
  /** Whether the entries have attribute names only. */
  readonly typesOnly?: boolean | undefined
}

/** The most bytes in a line of `ldapsearch`. */
const ldapsearchWidth = 78

/** The entries, and the references to other servers between them, as text. */
export type Item = LdapEntry | { readonly urls: ReadonlyArray<string> }

/** Entries as text. */
export const entriesAsText =
  (options: FormatOptions) => <E, R>(items: Stream.Stream<Item, E, R>): Stream.Stream<string, E, R> => {
    switch (options.format) {
      case "ldif":
        return ldif(items, options)
      case "json":
        return json(entriesOf(items))
      case "jsonl":
        return Stream.map(entriesOf(items), (entry) => `${jsonText(jsonOf(entry))}\n`)
      case "csv":
        return csv(entriesOf(items), options.columns)
      case "table":
        return table(entriesOf(items), options)
    }
  }

const entriesOf = <E, R>(items: Stream.Stream<Item, E, R>): Stream.Stream<LdapEntry, E, R> =>
  Stream.filter(items, (item): item is LdapEntry => !("urls" in item))

/**
 * Passwords are always base64, as with `ldapsearch`. This doesn't stop an attacker, but a person who glances at the screen can't read them.
 */
const isPassword = (description: string): boolean => /^(?:userpassword|2\.5\.4\.35)(?:;|$)/i.test(description)

/** Without a version line, and with a blank line after each entry. */
const ldif = <E, R>(items: Stream.Stream<Item, E, R>, options: FormatOptions): Stream.Stream<string, E, R> => {
  const width = options.width ?? ldapsearchWidth
  const write = recordWriter({ width, inBase64: isPassword, withoutValues: options.typesOnly })
  return Stream.map(items, (item) => "urls" in item ? references(item.urls, width) : `${write(item).slice(1)}\n`)
}

/** References are written as comments, as `ldapsearch` does. They are URLs from a server, so they may contain anything. */
const references = (urls: ReadonlyArray<string>, width: number): string => {
  const lines: Array<string> = []
  for (const url of urls) {
    const text = `# ref${encodeURI(url.replace(/[^\x20-\x7e]/g, "?")).replaceAll("%25", "%")}`
    // The first line of a comment has one byte more.
    lines.push(text.slice(0, width + 1))
    if (text.length > width + 1) foldInto(lines, ` ${text.slice(width + 1)}`, width)
  }
  return `${lines.join("\n")}\n\n`
}

const json = <E, R>(entries: Stream.Stream<LdapEntry, E, R>): Stream.Stream<string, E, R> => {
  let isFirst = true
  const elements = Stream.map(entries, (entry) => {
    const separator = isFirst ? "\n" : ",\n"
    isFirst = false
    return separator + jsonText(jsonOf(entry), 2).replaceAll(/^/gm, "  ")
  })
  return Stream.concat(
    Stream.concat(Stream.succeed("["), elements),
    Stream.suspend(() => Stream.succeed(isFirst ? "]\n" : "\n]\n"))
  )
}

/** An entry for JSON: every attribute has a list of values. */
export const jsonOf = (entry: LdapEntry): unknown => {
  const attributes: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const { description, values } of entry.attributes) attributes[description] = values.map(jsonValue)
  return { dn: entry.dn, attributes }
}

const jsonValue = (value: Uint8Array): unknown => textOf(value) ?? { base64: Buffer.from(value).toString("base64") }
