/**
 * The names of fields in LDIF: attribute descriptions and keywords. They are checked once: a text repeats the same few names in all
 * of its lines.
 *
 * @since 0.1.0
 */

/**
 * A name as it occurs in a text, and in lower case.
 *
 * @internal
 */
export interface Name {
  readonly text: string
  readonly lower: string
  /**
   * Whether it is accepted for reading and writing: the descriptions of RFC 4512, and those that servers derive from them
   * (`member;range=0-99`).
   */
  readonly isDescription: boolean
  /** Whether RFC 2849 allows it. */
  readonly isStrict: boolean
  /** Whether it has a meaning of its own in some place of a record, and may be no attribute. */
  readonly isKeyword: boolean
  /** The same for names that differ in case only. */
  readonly hash: number
  /** The name that came after it last, in any text. */
  follower: Name | undefined
}

const keywords = new Set([
  "dn",
  "changetype",
  "control",
  "newrdn",
  "add",
  "delete",
  "replace",
  "increment"
])

/** Names that occurred, by their text. Bounded, since a text may have any number of names of any length. */
const known = new Map<string, Name>()
const mostKnown = 1_000
const longestKnown = 64

/** @internal */
export const nameOf = (text: string): Name => {
  const before = known.get(text)
  if (before !== undefined) return before
  const lower = text.toLowerCase()
  const name: Name = {
    text,
    lower,
    hash: hashOf(lower),
    isDescription: isDescription(text),
    isStrict: isStrict(text),
    isKeyword: keywords.has(lower),
    follower: undefined
  }
  if (text.length > longestKnown || !name.isDescription) return name
  if (known.size === mostKnown) {
    // Otherwise each name would keep the next one, and so all that ever occurred.
    for (const name of known.values()) name.follower = undefined
    known.clear()
  }
  // Copied: a substring keeps the whole string in memory. A description is ASCII.
  const copy = { ...name, text: Buffer.from(text, "latin1").toString("latin1") }
  known.set(copy.text, copy)
  return copy
}

const hashOf = (lower: string): number => {
  let sum = 0
  for (let i = 0; i < Math.min(lower.length, longestKnown); i++) sum = (sum * 31 + lower.charCodeAt(i)) | 0
  return sum
}

/**
 * The name at the start of a line after one with the name `last`, if it is that name again, or the one that came after it before.
 * Records of a text are alike, and a comparison takes less time than to look for the colon and then for the name.
 *
 * @internal
 */
export const expectedName = (text: string, start: number, end: number, last: Name): Name | undefined => {
  if (startsWithName(text, start, end, last)) return last
  const { follower } = last
  return follower !== undefined && startsWithName(text, start, end, follower) ? follower : undefined
}

/** Whether this name and a colon are at the start of a line, or of a text of several lines. @internal */
export const startsWithName = (text: string, start: number, end: number, name: Name): boolean => {
  const at = start + name.text.length
  return at < end && text.charCodeAt(at) === colon && text.startsWith(name.text, start)
}

const colon = 0x3a

/** Notes what came after `last`. @internal */
export const expectAfter = (last: Name, name: Name): void => {
  if (known.get(name.text) === name) last.follower = name
}

// These regular expressions look for one character that isn't allowed. They never backtrack, whatever the length.

const isDescription = (text: string): boolean =>
  hasOptions(text, /[^A-Za-z0-9_=*-]/) && /^[A-Za-z0-9]/.test(text) && !/[^A-Za-z0-9._-]/.test(typeOf(text))

const isStrict = (text: string): boolean =>
  hasOptions(text, /[^A-Za-z0-9-]/) &&
  (/^[A-Za-z]/.test(text) ? !/[^A-Za-z0-9-]/.test(typeOf(text)) : isOid(typeOf(text)))

const typeOf = (description: string): string => {
  const end = description.indexOf(";")
  return end < 0 ? description : description.slice(0, end)
}

const hasOptions = (description: string, others: RegExp): boolean =>
  !description.includes(";") ||
  description.split(";").every((option, i) => i === 0 || (option !== "" && !others.test(option)))

/** @internal */
export const isOid = (text: string): boolean =>
  !/[^0-9.]/.test(text) && text.split(".").every((number) => number !== "")

/** @internal */
export const dnName = nameOf("dn")
