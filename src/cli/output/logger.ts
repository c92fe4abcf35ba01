/** Log messages of the library for a person: a line on standard error, further parts indented, text from servers escaped. */
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import { textForTerminal } from "./terminalText.ts"

/** Writes with `write`, which ends the line. On a terminal it first wipes a line of progress that may be there. */
export const loggerOn = (write: (text: string) => void, isTerminal: boolean): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, logLevel, message }) => {
    const parts = (Array.isArray(message) ? message : [message]).map(textOf)
    const failure = cause.reasons.length === 0 ? [] : [Cause.pretty(cause)]
    const [first = "", ...more] = [...parts, ...failure]
    const level = logLevel === "Info" ? "" : `${logLevel.toLowerCase()}: `
    const text = textForTerminal([`${level}${first}`, ...more.map((part) => `  ${part}`)].join("\n"))
    write(isTerminal ? `\r\x1b[K${text}` : text)
  })

const textOf = (part: unknown): string => typeof part === "string" ? part : JSON.stringify(part) ?? String(part)
