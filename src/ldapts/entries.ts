/**
 * Entries in the shape of ldapts: an object with the name under `dn` and an attribute under each description. A single value is
 * stored directly; several or no values are an array. Values are text, or Buffers if the description or the caller says so, or if
 * one of the values isn't UTF-8.
 */
import type { Entry } from "ldapts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"

/** The form of the attributes of an entry. Entries share their list of names, so it is computed once for many. */
interface Plan {
  readonly names: ReadonlyArray<string>
  readonly areBuffers: ReadonlyArray<boolean>
  /** Requested attributes that the entry doesn't have. ldapts returns them without values. */
  readonly missing: ReadonlyArray<string>
}

/** For searches that request no attributes: successive searches return the same names. */
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

/** Converts the entries of a search that requested `requested`. */
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

/** A server may send any attribute name. It must not replace the name of the entry, or the prototype of the object. */
const put = (entry: Entry, name: string, value: Entry[string]): void => {
  if (name === "dn") return
  if (name === "__proto__") {
    Object.defineProperty(entry, name, { value, configurable: true, enumerable: true, writable: true })
  } else {
    entry[name] = value
  }
}

/** If one value must be a Buffer, all are. */
const valuesOf = (entry: LdapEntry, name: string): ReadonlyArray<string> | ReadonlyArray<Buffer> =>
  entry.utf8(name) ?? buffersOf(entry, name)

const buffersOf = (entry: LdapEntry, name: string): ReadonlyArray<Buffer> => entry.getAllBytes(name).map(bufferOf)

/** A copy, since a view would keep the whole received buffer in memory; for a value that is most of that buffer, a view. */
const bufferOf = (octets: Uint8Array): Buffer =>
  2 * octets.length > octets.buffer.byteLength
    ? Buffer.from(octets.buffer, octets.byteOffset, octets.length)
    : Buffer.from(octets)
