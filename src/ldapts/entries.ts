/**
 * Entries in the shape of ldapts: an object with the name under `dn` and an attribute under each description. One value is itself, none
 * or several are an array. Values are text. They are Buffers if the description or the caller says so, or if one of them isn't UTF-8.
 */
import type { Entry } from "ldapts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"

/** What the attributes of an entry become. Entries share their list of names, so it is worked out once for many. */
interface Plan {
  readonly names: ReadonlyArray<string>
  readonly areBuffers: ReadonlyArray<boolean>
  /** Attributes that were asked for and aren't there: ldapts shows them without values. */
  readonly missing: ReadonlyArray<string>
}

/** For searches that ask for nothing in particular: also one after the other brings the same names again. */
const plain = new WeakMap<ReadonlyArray<string>, Plan>()

const none: ReadonlyArray<string> = []

const planFor = (
  names: ReadonlyArray<string>,
  requested: ReadonlyArray<string>,
  explicit: ReadonlyArray<string>
): Plan => {
  const isPlain = requested.length === 0 && explicit.length === 0
  const known = isPlain ? plain.get(names) : undefined
  if (known !== undefined) return known
  const present = requested.length === 0 ? none : names.map((name) => name.toLowerCase())
  const plan: Plan = {
    names,
    areBuffers: names.map((name) => explicit.includes(name) || /;binary$/i.test(name)),
    missing: requested.filter((name) => !present.includes(name.toLowerCase()))
  }
  if (isPlain) plain.set(names, plan)
  return plan
}

/** A reader of entries for a search that asked for `requested`. */
export const entryReader = (
  requested: ReadonlyArray<string> = none,
  explicitBuffers: ReadonlyArray<string> = none
): (entry: LdapEntry) => Entry => {
  let plan: Plan | undefined
  return (entry) => {
    const names = entry.descriptions
    if (plan?.names !== names) plan = planFor(names, requested, explicitBuffers)
    const { areBuffers, missing } = plan
    const found: Entry = { dn: entry.dn }
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const values = areBuffers[i]! ? buffersOf(entry, name) : valuesOf(entry, name)
      put(found, name, values.length === 1 ? values[0]! : values as Entry[string])
    }
    for (let i = 0; i < missing.length; i++) put(found, missing[i]!, [])
    return found
  }
}

/** A server names its attributes as it likes: none may become the name of the entry, or the prototype of the object. */
const put = (entry: Entry, name: string, value: Entry[string]): void => {
  if (name === "dn") return
  if (name === "__proto__") {
    Object.defineProperty(entry, name, { value, configurable: true, enumerable: true, writable: true })
  } else {
    entry[name] = value
  }
}

/** All values are Buffers where one of them has to be. */
const valuesOf = (entry: LdapEntry, name: string): ReadonlyArray<string> | ReadonlyArray<Buffer> =>
  entry.utf8(name) ?? buffersOf(entry, name)

/** Copies, since a view would keep the whole received buffer in memory. */
const buffersOf = (entry: LdapEntry, name: string): ReadonlyArray<Buffer> =>
  entry.getAllBytes(name).map((octets) => Buffer.from(octets))
