/**
 * Which entries have a value: by attribute type and normalized value. The index of a type is made when it is first asked
 * for, so a directory pays for what it is searched by, and is kept up to date from then on.
 *
 * It leaves out options and who may see what: what it finds are candidates, which the filter itself has to match.
 */
import { type AttributeType, type Description, superclassesOf } from "../../model/AttributeTypes.ts"

/** What the index needs of an entry. */
interface Indexed {
  readonly attributes: ReadonlyMap<string, { readonly parsed: Description; readonly keys: ReadonlyArray<string> }>
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
    for (const [type, values] of this.#types) {
      for (const key of keysOf(type, entry)) {
        const entries = values.get(key)
        if (entries?.delete(entry) === true && entries.size === 0) values.delete(key)
      }
    }
  }
}

const nobody: ReadonlySet<never> = new Set<never>()

const put = <Entry extends Indexed>(values: Values<Entry>, type: AttributeType, entry: Entry): void => {
  for (const key of keysOf(type, entry)) {
    const entries = values.get(key)
    if (entries === undefined) values.set(key, new Set([entry]))
    else entries.add(entry)
  }
}

/** The values of the type and of its subtypes; of an object class, the classes above it too. */
function* keysOf(type: AttributeType, entry: Indexed): Generator<string> {
  if (type.key === "entryuuid") {
    yield entry.history.uuid.toLowerCase()
    return
  }
  for (const { keys, parsed } of entry.attributes.values()) {
    let own: AttributeType | undefined = parsed.type
    while (own !== undefined && own !== type) own = own.superior
    if (own === undefined) continue
    if (type.key !== "objectclass") yield* keys
    else for (const key of keys) yield* superclassesOf(key)
  }
}
