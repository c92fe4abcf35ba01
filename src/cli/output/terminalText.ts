/**
 * Makes text of servers and files safe for a terminal. A value may contain escape sequences, which could clear the screen, change the title
 * of the window or make the terminal type, and direction marks, which show text in another order. All of these are shown as escapes.
 */

/** Control characters (C0, DEL, C1), line separators, and direction marks (Trojan Source, CVE-2021-42574). */
const controls = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu

const escaped = (unit: string): string => {
  const code = unit.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`
}

/** One line. */
export const lineForTerminal = (text: string): string => text.replace(controls, escaped)

/** Several lines: line feeds stay. */
export const textForTerminal = (text: string): string => text.split("\n").map(lineForTerminal).join("\n")

/** The same within JSON, where `\u` is the escape that parsers read back. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(
    controls,
    (unit) => unit === "\n" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
