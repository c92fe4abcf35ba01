/**
 * An attribute that is ready to be compared: its parsed description, and its values in the form in which their rule compares them.
 *
 * An attribute never changes: a modification makes a new one. With many values that would copy all of them, so they are kept in a
 * table that is passed on to the newest attribute. An older attribute records the later changes of the table, so it can still
 * compute its own values. If it is modified, after a transaction that failed, the changes are undone and the table is its own
 * again. So the cost of a modification doesn't depend on the size of the group.
 */
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import type { Description } from "./AttributeTypes.ts"
import { type MatchingRule, normalize } from "./matchingRules.ts"

/** The number of values from which they are kept in a table. */
const manyValues = 64

/** A value with its place in the order of values. */
interface Placed {
  readonly value: Uint8Array
  readonly place: number
}

/** The values by their keys. */
interface Table {
  values: Map<string, Placed>
  /** Whether the map has the order of the values. */
  inOrder: boolean
}

/** A change of the table of an attribute. */
interface Later {
  readonly attribute: StoredAttribute
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<readonly [key: string, placed: Placed]>
}

/** How the keys of a modified attribute differ from those of the one that it was made from. */
export interface KeyChanges {
  readonly gone: ReadonlySet<string>
  readonly came: ReadonlySet<string>
}

/** An attribute as an entry holds it. It never changes. */
export class StoredAttribute implements LdapAttribute {
  /** As it was spelled. */
  readonly description: string
  readonly parsed: Description
  /** How many values it has. */
  readonly size: number
  #values: ReadonlyArray<Uint8Array> | undefined
  #keys: ReadonlyArray<string> | undefined
  #table: Table | undefined
  #later: Later | undefined
  #wasAsked = false

  /** `keys` are the keys of the values, if they are already known. */
  constructor(
    description: string,
    parsed: Description,
    values: ReadonlyArray<Uint8Array> | Table,
    keys?: ReadonlyArray<string> | undefined
  ) {
    this.description = description
    this.parsed = parsed
    if ("inOrder" in values) {
      this.#table = values
      this.size = values.values.size
    } else {
      this.#values = values
      this.#keys = keys
      this.size = values.length
    }
  }

  get values(): ReadonlyArray<Uint8Array> {
    return (this.#values ??= [...this.#placed().values()].map(({ value }) => value))
  }

  /** The values in the form in which they are compared. If its own rule can't process a value, it is compared by itself. */
  get keys(): ReadonlyArray<string> {
    return (this.#keys ??= this.#values === undefined
      ? [...this.#placed().keys()]
      : this.#values.map((value) => valueKey(this.parsed.type.rule, value)))
  }

  /** Whether one of the values has that key. */
  has(key: string): boolean {
    // The table is worth its cost from the second question on. A value that is matched once needs none.
    const table = this.#table ?? (this.#wasAsked ? this.#takeTable() : undefined)
    this.#wasAsked = true
    return table === undefined ? this.keys.includes(key) : table.values.has(key)
  }

  /** The attribute with additional values, which it must not have yet. */
  with(values: ReadonlyArray<Uint8Array>, keys: ReadonlyArray<string>): StoredAttribute {
    const table = this.#takeTable()
    if (table === undefined) {
      return new StoredAttribute(this.description, this.parsed, [...this.values, ...values], [...this.keys, ...keys])
    }
    for (const [i, key] of keys.entries()) {
      table.values.set(key, { value: values[i] ?? new Uint8Array(0), place: ++places })
    }
    return this.#handOn(table, keys, [])
  }

  /** The attribute without the values of these keys. */
  without(keys: ReadonlySet<string>): StoredAttribute {
    const table = this.#takeTable()
    if (table === undefined) {
      const left = this.keys.filter((key) => !keys.has(key))
      const values = this.values.filter((_, i) => !keys.has(this.keys[i] ?? ""))
      return new StoredAttribute(this.description, this.parsed, values, left)
    }
    const removed: Array<readonly [string, Placed]> = []
    for (const key of keys) {
      const placed = table.values.get(key)
      if (placed === undefined) continue
      removed.push([key, placed])
      table.values.delete(key)
    }
    return this.#handOn(table, [], removed)
  }

  /**
   * How the keys of an attribute differ that was just made from this one, or from which this one was just made; `undefined` if that
   * isn't known without comparing all. After the call, this attribute may drop its record of the changes.
   */
  changesTo(other: StoredAttribute): KeyChanges | undefined {
    const changes = this.#changesUpTo(other)
    // Otherwise an attribute that is kept, for instance by a snapshot, would keep every later change.
    if (this.#isSettled()) this.#later = undefined
    if (changes !== undefined) return changes
    const undone = other.#changesUpTo(this)
    return undone === undefined ? undefined : { gone: undone.came, came: undone.gone }
  }

  /** Whether its values are in a table that may be passed on to another attribute. */
  get isShared(): boolean {
    return this.#table !== undefined
  }

  /** Stores the values as they are now, so that later changes don't have to be recorded. For an attribute that is kept. */
  settle(): void {
    this.#values = this.values
    this.#keys = this.keys
  }

  #isSettled(): boolean {
    return this.#values !== undefined && this.#keys !== undefined
  }

  #changesUpTo(other: StoredAttribute): KeyChanges | undefined {
    const gone = new Set<string>()
    const came = new Set<string>()
    for (const { added, attribute, removed } of this.#history()) {
      for (const [key] of removed) if (!came.delete(key)) gone.add(key)
      for (const key of added) if (!gone.delete(key)) came.add(key)
      if (attribute === other) return { gone, came }
    }
    return undefined
  }

  /** The changes of the table since it was passed on. */
  #history(): ReadonlyArray<Later> {
    const all: Array<Later> = []
    for (let later = this.#later; later !== undefined; later = later.attribute.#later) all.push(later)
    return all
  }

  /** The table of many different values: the attribute's own, one that it gets back, or one made for it. */
  #takeTable(): Table | undefined {
    if (this.#table === undefined) this.#takeBack()
    if (this.#table !== undefined || this.size < manyValues) return this.#table
    const table = tableOf(this)
    this.#table = table.values.size === this.size ? table : undefined
    return this.#table
  }

  #handOn(table: Table, added: Later["added"], removed: Later["removed"]): StoredAttribute {
    const attribute = new StoredAttribute(this.description, this.parsed, table)
    this.#table = undefined
    this.#later = { attribute, added, removed }
    return attribute
  }

  /** Undoes the changes since the table was passed on, unless they are more than the values. */
  #takeBack(): void {
    const history = this.#history()
    const newest = history.at(-1)?.attribute
    const table = newest === undefined ? undefined : newest.#table
    const changes = history.reduce((sum, { added, removed }) => sum + added.length + removed.length, 0)
    if (table === undefined || changes > this.size) return
    for (const [i, { added, attribute, removed }] of [...history.entries()].reverse()) {
      const before = history[i - 1]?.attribute ?? this
      const gone = added.flatMap((key) => {
        const placed = table.values.get(key)
        table.values.delete(key)
        return placed === undefined ? [] : [[key, placed] as const]
      })
      for (const [key, placed] of removed) table.values.set(key, placed)
      if (removed.length > 0) table.inOrder = false
      // The attribute that was made from the other now computes its values from those of the other.
      attribute.#table = undefined
      attribute.#later = { attribute: before, added: removed.map(([key]) => key), removed: gone }
    }
    this.#later = undefined
    this.#table = table
  }

  /** The values by their keys, in order. If the table was passed on, they are computed from its current content. */
  #placed(): ReadonlyMap<string, Placed> {
    const own = this.#table
    if (own?.inOrder === true) return own.values
    const history = own === undefined ? this.#history() : []
    const newest = history.at(-1)?.attribute
    // The newest may have dropped its record of the changes after it. Then it has values of its own.
    const table = newest === undefined ? own : (newest.#table ?? tableOf(newest))
    const placed = new Map(table?.values)
    for (const { added, removed } of history.toReversed()) {
      for (const key of added) placed.delete(key)
      for (const [key, value] of removed) placed.set(key, value)
    }
    const sorted = new Map([...placed].sort(([, a], [, b]) => a.place - b.place))
    if (own !== undefined) {
      own.values = sorted
      own.inOrder = true
    }
    return sorted
  }
}

const tableOf = ({ keys, values }: StoredAttribute): Table => ({
  values: new Map(keys.map((key, i) => [key, { value: values[i] ?? new Uint8Array(0), place: ++places }])),
  inOrder: true
})

/** Places only grow, in every table. */
let places = 0

/** The key of any value: equal values of an attribute share it. */
export const valueKey = (rule: MatchingRule, value: Uint8Array): string =>
  normalize(rule, value) ?? `#${Buffer.from(value).toString("latin1")}`
