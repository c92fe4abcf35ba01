/**
 * Which entries have a value: by attribute type and normalized value. The index of a type is made when it is first asked
 * for, so a directory pays for what it is searched by, and is kept up to date from then on.
 *
 * It leaves out options and who may see what: what it finds are candidates, which the filter itself has to match.
 */
import { type AttributeType, type Description, superclassesOf } from "../../model/attribute/AttributeTypes.ts"

/** An attribute, as far as the index is concerned. */
interface IndexedAttribute {
  readonly parsed: Description
  readonly keys: ReadonlyArray<string>
}

type IndexedAttributes = ReadonlyMap<string, IndexedAttribute>

/** What the index needs of an entry. */
interface Indexed {
  readonly attributes: IndexedAttributes
  readonly history: { readonly uuid: string }
}

type Values<Entry> = Map<string, Set<Entry>>

export class EqualityIndex<Entry extends Indexed> {
  readonly #all: () => Iterable<Entry>
  readonly #types = new Map<AttributeType, Values<Entry>>()

  constructor(all: () => Iterable<Entry>) {
    this.#all = all
  }

  /** The entries that may have the value; `undefined` for attributes that no index is kept of. */
  find(type: AttributeType, key: string): ReadonlySet<Entry> | undefined {
    // The server makes these up as they are asked for.
    if (type.readOnly && type.key !== "entryuuid") return undefined
    let values = this.#types.get(type)
    if (values === undefined) {
      values = new Map()
      for (const entry of this.#all()) put(values, type, entry)
      this.#types.set(type, values)
    }
    return values.get(type.key === "objectclass" ? (superclassesOf(key)[0] ?? key) : key) ?? nobody
  }

  add(entry: Entry): void {
    for (const [type, values] of this.#types) put(values, type, entry)
  }

  remove(entry: Entry): void {
    for (const [type, values] of this.#types) for (const key of keysOf(type, entry)) take(values, key, entry)
  }

  /** After the attributes of an entry have changed. What it costs is what has changed, not what there is. */
  update(entry: Entry, before: IndexedAttributes): void {
    const changed = new Map<string, IndexedAttribute>()
    for (const [key, attribute] of before) if (entry.attributes.get(key) !== attribute) changed.set(key, attribute)
    for (const [key, attribute] of entry.attributes) if (before.get(key) !== attribute) changed.set(key, attribute)
    for (const [type, values] of this.#types) {
      const gone = new Set<string>()
      for (const [description, { parsed }] of changed) {
        if (!isBelow(parsed.type, type)) continue
        const [old, now] = [before, entry.attributes].map((all) => all.get(description)?.keys ?? nothing)
        difference(type, old ?? nothing, now ?? nothing, gone, (key) => putOne(values, key, entry))
      }
      if (gone.size === 0) continue
      // A value may be there still, in an attribute beside the one that it has left.
      for (const key of keysOf(type, entry)) gone.delete(key)
      for (const key of gone) take(values, key, entry)
    }
  }
}

const nobody: ReadonlySet<never> = new Set<never>()

const nothing: ReadonlyArray<string> = []

const put = <Entry extends Indexed>(values: Values<Entry>, type: AttributeType, entry: Entry): void => {
  for (const key of keysOf(type, entry)) putOne(values, key, entry)
}

const putOne = <Entry>(values: Values<Entry>, key: string, entry: Entry): void => {
  const entries = values.get(key)
  if (entries === undefined) values.set(key, new Set([entry]))
  else entries.add(entry)
}

const take = <Entry>(values: Values<Entry>, key: string, entry: Entry): void => {
  const entries = values.get(key)
  if (entries?.delete(entry) === true && entries.size === 0) values.delete(key)
}

/** Passes by what both begin with: most changes of long attributes are at their end. */
const difference = (
  type: AttributeType,
  old: ReadonlyArray<string>,
  now: ReadonlyArray<string>,
  gone: Set<string>,
  came: (key: string) => void
): void => {
  let same = 0
  while (same < old.length && old[same] === now[same]) same++
  for (let i = same; i < old.length; i++) for (const key of indexed(type, old[i] ?? "")) gone.add(key)
  for (let i = same; i < now.length; i++) {
    for (const key of indexed(type, now[i] ?? "")) if (!gone.delete(key)) came(key)
  }
}

/** Whether a type is another or a subtype of it. */
const isBelow = (type: AttributeType, other: AttributeType): boolean => {
  let own: AttributeType | undefined = type
  while (own !== undefined && own !== other) own = own.superior
  return own !== undefined
}

/** What a value is found by: of an object class, the classes above it too. */
const indexed = (type: AttributeType, key: string): ReadonlyArray<string> =>
  type.key === "objectclass" ? superclassesOf(key) : [key]

/** The values of the type and of its subtypes; of an object class, the classes above it too. */
function* keysOf(type: AttributeType, entry: Indexed): Generator<string> {
  if (type.key === "entryuuid") {
    yield entry.history.uuid.toLowerCase()
    return
  }
  for (const { keys, parsed } of entry.attributes.values()) {
    if (!isBelow(parsed.type, type)) continue
    if (type.key !== "objectclass") yield* keys
    else for (const key of keys) yield* superclassesOf(key)
  }
}
