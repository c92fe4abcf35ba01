/**
 * Finds the entries that have a value, by attribute type and normalized value. The index of a type is built when a search first
 * needs it, so a directory has only the indexes that are used. From then on it is kept up to date. Building one for many entries
 * takes a while, so it can be done in steps. Between two steps entries may be added, changed and deleted.
 *
 * The index ignores attribute options and access rules. It finds candidates, and the filter itself must match them.
 */
import {
  type AttributeType,
  type Description,
  isSubclassOf,
  objectClassOf
} from "../../model/attribute/AttributeTypes.ts"
import type { KeyChanges } from "../../model/attribute/StoredAttribute.ts"
import { PackedAttributes } from "./PackedAttributes.ts"

/** The parts of an attribute that the index uses. */
interface IndexedAttribute {
  readonly parsed: Description
  readonly keys: ReadonlyArray<string>
  readonly has: (key: string) => boolean
  readonly changesTo: (other: never) => KeyChanges | undefined
}

type IndexedAttributes = ReadonlyMap<string, IndexedAttribute>

/** The parts of an entry that the index uses. */
interface Indexed {
  readonly attributes: IndexedAttributes
  readonly history: { readonly uuid: string }
}

/** The entries that were found, and an upper bound of their number. */
export interface Found<Entry> extends Iterable<Entry> {
  readonly size: number
}

/** Most values belong to one entry, which is stored without a set. */
type Values<Entry> = Map<string, Entry | Set<Entry>>

interface TypeIndex<Entry> {
  readonly values: Values<Entry>
  /** The entries that aren't in the index yet; `undefined` when it is complete. */
  pending: Iterator<Entry> | undefined
}

const nothing: Found<never> = new Set<never>()

export class EqualityIndex<Entry extends Indexed> {
  readonly #all: () => Iterable<Entry>
  readonly #types = new Map<AttributeType, TypeIndex<Entry>>()

  constructor(all: () => Iterable<Entry>) {
    this.#all = all
  }

  /** Whether a type can have an index. The values of other types are computed for each request. */
  covers(type: AttributeType): boolean {
    return !type.readOnly || type.key === "entryuuid"
  }

  /** Whether the index of a type is complete. */
  isReady(type: AttributeType): boolean {
    const index = this.#types.get(type)
    return index !== undefined && index.pending === undefined
  }

  /** Adds that many more entries to the index of a type. Returns whether it is complete. */
  prepare(type: AttributeType, entries: number): boolean {
    let index = this.#types.get(type)
    if (index === undefined) {
      index = { values: new Map(), pending: this.#all()[Symbol.iterator]() }
      this.#types.set(type, index)
    }
    for (let left = entries; index.pending !== undefined && left > 0; left--) {
      const next = index.pending.next()
      if (next.done === true) index.pending = undefined
      // An entry that has changed meanwhile is already in the index; adding it again changes nothing.
      else put(index.values, type, next.value)
    }
    return index.pending === undefined
  }

  /** The entries that may have the value. Builds the index if there is none. */
  find(type: AttributeType, key: string): Found<Entry> {
    this.prepare(type, Infinity)
    const values = this.#types.get(type)?.values ?? new Map<string, never>()
    return type.key === "objectclass" ? ofClass(values, key) : foundOf(values.get(key))
  }

  add(entry: Entry): void {
    for (const [type, { values }] of this.#types) put(values, type, entry)
  }

  remove(entry: Entry): void {
    for (const [type, { values }] of this.#types) for (const key of keysOf(type, entry)) take(values, key, entry)
  }

  /**
   * Updates the index after the attributes of an entry have changed. The cost depends on the number of changed values, not on the
   * size of the directory.
   */
  update(entry: Entry, before: IndexedAttributes): void {
    const changes: Array<readonly [type: AttributeType, changes: KeyChanges]> = []
    for (const [key, old] of before) {
      const now = entry.attributes.get(key)
      if (now !== old) changes.push([old.parsed.type, difference(old, now)])
    }
    for (const [key, now] of entry.attributes) {
      if (!before.has(key)) changes.push([now.parsed.type, difference(undefined, now)])
    }
    for (const [type, { values }] of this.#types) {
      for (const [changed, { came }] of changes) {
        if (isBelow(changed, type)) { for (const key of came) putOne(values, indexed(type, key), entry) }
      }
      for (const [changed, { gone }] of changes) {
        if (!isBelow(changed, type)) continue
        // The value may still be in another attribute of the type.
        for (const key of gone) if (!hasValue(type, entry, key)) take(values, indexed(type, key), entry)
      }
    }
  }
}

const foundOf = <Entry extends object>(one: Entry | Set<Entry> | undefined): Found<Entry> =>
  one === undefined ? nothing : one instanceof Set ? one : new Set([one])

/** The entries with an object class or one of its subclasses. */
const ofClass = <Entry extends object>(values: Values<Entry>, key: string): Found<Entry> => {
  const parts: Array<Found<Entry>> = []
  for (const [own, entries] of values) if (isSubclassOf(own, indexedClass(key))) parts.push(foundOf(entries))
  const [first = nothing] = parts
  return parts.length < 2 ? first : {
    size: parts.reduce((sum, { size }) => sum + size, 0),
    *[Symbol.iterator]() {
      const seen = new Set<Entry>()
      for (const part of parts) {
        for (const entry of part) {
          if (seen.has(entry)) continue
          seen.add(entry)
          yield entry
        }
      }
    }
  }
}

const put = <Entry extends Indexed>(values: Values<Entry>, type: AttributeType, entry: Entry): void => {
  for (const key of keysOf(type, entry)) putOne(values, key, entry)
}

const putOne = <Entry extends object>(values: Values<Entry>, key: string, entry: Entry): void => {
  const entries = values.get(key)
  if (entries === undefined) values.set(key, entry)
  else if (entries instanceof Set) entries.add(entry)
  else if (entries !== entry) values.set(key, new Set([entries, entry]))
}

const take = <Entry extends object>(values: Values<Entry>, key: string, entry: Entry): void => {
  const entries = values.get(key)
  if (entries === entry || (entries instanceof Set && entries.delete(entry) && entries.size === 0)) values.delete(key)
}

/** The keys that an attribute has lost and gained. */
const difference = (old: IndexedAttribute | undefined, now: IndexedAttribute | undefined): KeyChanges => {
  // If one attribute was made from the other, it knows the difference. The type is `never` since an attribute can only be compared
  // with its own kind.
  const known = old === undefined || now === undefined ? undefined : old.changesTo(now as never)
  if (known !== undefined) return known
  const gone = new Set(old?.keys)
  const came = new Set<string>()
  for (const key of now?.keys ?? []) if (!gone.delete(key)) came.add(key)
  return { gone, came }
}

/** Whether a type is another or a subtype of it. */
const isBelow = (type: AttributeType, other: AttributeType): boolean => {
  let own: AttributeType | undefined = type
  while (own !== undefined && own !== other) own = own.superior
  return own !== undefined
}

/** The main name of an object class that is given by any name or by its object identifier. */
const indexedClass = (key: string): string => objectClassOf(key)?.name.toLowerCase() ?? key

/** The key of a value in the index. */
const indexed = (type: AttributeType, key: string): string => type.key === "objectclass" ? indexedClass(key) : key

const hasValue = (type: AttributeType, entry: Indexed, key: string): boolean => {
  for (const attribute of entry.attributes.values()) {
    if (!isBelow(attribute.parsed.type, type)) continue
    if (
      attribute.has(key) ||
      (type.key === "objectclass" && attribute.keys.some((own) => indexedClass(own) === indexedClass(key)))
    )
      return true
  }
  return false
}

/** The attributes of an entry of the type or one of its subtypes. An entry that is packed stays so. */
const attributesOf = (type: AttributeType, { attributes }: Indexed): Iterable<IndexedAttribute> =>
  attributes instanceof PackedAttributes
    ? attributes.only((parsed) => isBelow(parsed.type, type))
    : [...attributes.values()].filter(({ parsed }) => isBelow(parsed.type, type))

/** The keys of an entry in the index: the values of the type and of its subtypes. */
function* keysOf(type: AttributeType, entry: Indexed): Generator<string> {
  if (type.key === "entryuuid") {
    yield entry.history.uuid.toLowerCase()
    return
  }
  for (const { keys } of attributesOf(type, entry)) for (const key of keys) yield indexed(type, key)
}
