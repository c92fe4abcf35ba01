/** A goal beside what was measured. */
import { shown } from "./statistics.ts"

export interface Limits {
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
}

export interface Verdict {
  readonly what: string
  /** As in `≥ 3`. */
  readonly wanted: string
  readonly value: number
  /** The same figure of the least program in the same approach; undefined if there is none, or it was not measured. */
  readonly least: number | undefined
  /** Undefined if it was not measured. */
  readonly isMet: boolean | undefined
  /** Whether the least meets it; undefined if there is none. */
  readonly isMetByLeast: boolean | undefined
}

export const verdict = (what: string, value: number, limits: Limits, least = Number.NaN): Verdict => {
  const { atLeast, atMost } = limits
  return {
    what,
    wanted: atLeast !== undefined ? `≥ ${shown(atLeast)}` : `≤ ${shown(atMost ?? Number.NaN)}`,
    value,
    least: Number.isNaN(least) ? undefined : least,
    isMet: isWithin(value, limits),
    isMetByLeast: isWithin(least, limits)
  }
}

const isWithin = (value: number, { atLeast = -Infinity, atMost = Infinity }: Limits): boolean | undefined =>
  Number.isNaN(value) ? undefined : value >= atLeast && value <= atMost

/** For a program that measures by itself: shows the goal, and gives it to the benchmark if that has started the program. */
export const report = (...of: Parameters<typeof verdict>): Verdict => {
  const found = verdict(...of)
  if (found.isMet === undefined) return found
  const beside = found.least === undefined ? "" : `; the least: ${shown(found.least)}`
  console.log(
    `${found.isMet ? "met    " : "NOT MET"} ${found.what}: ${shown(found.value)}, wanted ${found.wanted}${beside}`
  )
  process.send?.(found)
  return found
}
