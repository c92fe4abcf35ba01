/**
 * Range retrieval: Active Directory and Samba send a limited number of values at once. An option of the description says which
 * values they are (MS-ADTS 3.1.1.3.1.3.3). The session requests the others (session/valueRanges.ts).
 *
 * @since 0.2.0
 */

/**
 * The range of an attribute's values in an entry.
 *
 * @category models
 * @since 0.2.0
 */
export interface ValueRange {
  /** The number of the first value, from 0. */
  readonly start: number
  /** The number of the last value; `undefined` if it is the attribute's last value. */
  readonly end: number | undefined
}

/** The range in a description; `undefined` if it has no range, or an impossible one (beyond 2^53, or backwards). */
export const rangeIn = (description: string): ValueRange | undefined => {
  const parts = /;range=(\d{1,16})-(\d{1,16}|\*)(?:;|$)/i.exec(description)
  if (parts === null) return undefined
  const start = Number(parts[1])
  const end = parts[2] === "*" ? undefined : Number(parts[2])
  return Number.isSafeInteger(start) && (end === undefined || (Number.isSafeInteger(end) && end >= start))
    ? { start, end }
    : undefined
}

/** Whether a description says that the server has more values than it sent. */
export const isPartOf = (description: string): boolean => {
  if (!description.includes(";") || !/;range=/i.test(description)) return false
  const range = rangeIn(description)
  return range === undefined || range.start > 0 || range.end !== undefined
}
