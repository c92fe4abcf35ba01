/**
 * A table for people. The first entries decide the widths of its columns, so it may begin before the last entry has arrived.
 */
import { displayWidth } from "effect/cli/CliOutput"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { lineForTerminal } from "./terminalText.ts"
import { textOf } from "./valueText.ts"

/** The number of entries that decide the widths of the columns. */
const sample = 100

interface TableOptions {
  readonly columns: ReadonlyArray<string>
  readonly terminalWidth?: number | undefined
}

/** Entries as a table, with a first line of names. */
export const table = <E, R>(
  entries: Stream.Stream<LdapEntry, E, R>,
  options: TableOptions
): Stream.Stream<string, E, R> => {
  let layout: Layout | undefined
  return entries.pipe(
    Stream.grouped(sample),
    Stream.map((group) => {
      const isFirst = layout === undefined
      layout ??= layoutOf(group, options)
      const { columns, widths } = layout
      const lines = group.map((entry) => line(cells(entry, columns), widths))
      return `${[...(isFirst ? head(columns, widths) : []), ...lines].join("\n")}\n`
    })
  )
}

interface Layout {
  readonly columns: ReadonlyArray<string>
  readonly widths: ReadonlyArray<number>
}

/** Default columns: the attributes that most entries have, without object classes. */
const columnsOf = (entries: ReadonlyArray<LdapEntry>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const { descriptions } of entries) {
    for (const description of descriptions) {
      if (description.toLowerCase() !== "objectclass") counts.set(description, (counts.get(description) ?? 0) + 1)
    }
  }
  return Array.from(counts).sort(([, a], [, b]) => b - a).slice(0, 5).map(([description]) => description)
}

const layoutOf = (entries: ReadonlyArray<LdapEntry>, { columns: chosen, terminalWidth }: TableOptions): Layout => {
  const columns = chosen.length > 0 ? chosen : columnsOf(entries)
  const rows = [["dn", ...columns], ...entries.map((entry) => cells(entry, columns))]
  const widths = ["dn", ...columns].map((_, i) => rows.reduce((most, row) => Math.max(most, displayWidth(row[i]!)), 0))
  if (terminalWidth === undefined) return { columns, widths }
  // The widest column shrinks until the line fits, but each column stays wide enough to show something.
  const room = terminalWidth - 2 * (widths.length - 1)
  while (widths.reduce((sum, width) => sum + width, 0) > room) {
    const widest = widths.indexOf(Math.max(...widths))
    if (widths[widest]! <= 8) break
    widths[widest]!--
  }
  return { columns, widths }
}

const cells = (entry: LdapEntry, columns: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    entry.dn,
    ...columns.map((column) =>
      entry.getAllBytes(column).map((value) => textOf(value) ?? `(${value.length} bytes)`).join(" | ")
    )
  ].map(lineForTerminal)

const head = (columns: ReadonlyArray<string>, widths: ReadonlyArray<number>): ReadonlyArray<string> => [
  line(["dn", ...columns].map(lineForTerminal), widths),
  widths.map((width) => "-".repeat(width)).join("  ")
]

const line = (row: ReadonlyArray<string>, widths: ReadonlyArray<number>): string =>
  row.map((text, i) => fitted(text, widths[i]!)).join("  ").trimEnd()

const fitted = (text: string, width: number): string => {
  const missing = width - displayWidth(text)
  return missing >= 0 ? text + " ".repeat(missing) : cutTo(text, width)
}

const cutTo = (text: string, width: number): string => {
  let shown = ""
  let taken = 0
  for (const unit of text) {
    taken += displayWidth(unit)
    if (taken > width - 1) break
    shown += unit
  }
  return `${shown}…${" ".repeat(Math.max(0, width - displayWidth(shown) - 1))}`
}
