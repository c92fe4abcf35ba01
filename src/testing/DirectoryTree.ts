/**
 * The tree of entries: each found by its name, with its parent and its children.
 *
 * Pure and synchronous, and without rules: whether an entry may be added, changed or moved is for updates.ts to say,
 * and what a search sees of it for search.ts. Order is the order in which entries came.
 */
import * as LdapDn from "../model/LdapDn.ts"
import type { LdapAttribute } from "../model/LdapEntry.ts"
import { type Description, structuralClass } from "./AttributeTypes.ts"
import { type MatchingRule, normalize } from "./matchingRules.ts"

/** An attribute as an entry holds it. It never changes. */
export class StoredAttribute implements LdapAttribute {
  /** As it was written. */
  readonly description: string
  readonly parsed: Description
  readonly values: ReadonlyArray<Uint8Array>
  #keys: ReadonlyArray<string> | undefined

  /** `keys` are those of the values, where they are known already. */
  constructor(
    description: string,
    parsed: Description,
    values: ReadonlyArray<Uint8Array>,
    keys?: ReadonlyArray<string> | undefined
  ) {
    this.description = description
    this.parsed = parsed
    this.values = values
    this.#keys = keys
  }

  /** The values in the form in which they are compared; one that its own rule can't take stands for itself. */
  get keys(): ReadonlyArray<string> {
    return (this.#keys ??= this.values.map((value) => valueKey(this.parsed.type.rule, value)))
  }
}

/** What equal values of an attribute have in common, whatever they are. */
export const valueKey = (rule: MatchingRule, value: Uint8Array): string =>
  normalize(rule, value) ?? `#${Buffer.from(value).toString("latin1")}`

/** By the key of the description. */
export type StoredAttributes = ReadonlyMap<string, StoredAttribute>

/** What the server itself says of an entry. Times are those of the Clock, in milliseconds. */
export interface EntryHistory {
  readonly uuid: string
  readonly created: number
  readonly creator: string
  readonly modified: number
  readonly modifier: string
}

/** One entry. Its fields change as it is modified and moved; who holds on to one sees what it is now. */
export class DirectoryEntry {
  dn: LdapDn.LdapDn
  attributes: StoredAttributes
  history: EntryHistory
  parent: DirectoryEntry | undefined
  /** False after it was deleted. */
  present = true
  readonly children = new Set<DirectoryEntry>()

  constructor(
    dn: LdapDn.LdapDn,
    attributes: StoredAttributes,
    history: EntryHistory,
    parent: DirectoryEntry | undefined
  ) {
    this.dn = dn
    this.attributes = attributes
    this.history = history
    this.parent = parent
  }

  values(key: string): ReadonlyArray<Uint8Array> {
    return this.attributes.get(key)?.values ?? []
  }

  get structuralClass(): string | undefined {
    return structuralClass(this.values("objectclass").map((value) => Buffer.from(value).toString("utf8")))
  }
}

export class DirectoryTree {
  readonly #entries = new Map<string, DirectoryEntry>()

  get size(): number {
    return this.#entries.size
  }

  find(dn: LdapDn.LdapDn): DirectoryEntry | undefined {
    return this.#entries.get(dn.key)
  }

  /** The name of the nearest entry above that exists, or the empty text. */
  matchedDn(dn: LdapDn.LdapDn): string {
    for (let above = LdapDn.parent(dn); above !== undefined; above = LdapDn.parent(above)) {
      const entry = this.find(above)
      if (entry !== undefined) return entry.dn.toString()
    }
    return ""
  }

  /** Adds an entry whose name is free, below its parent if that exists. */
  insert(dn: LdapDn.LdapDn, attributes: StoredAttributes, history: EntryHistory): DirectoryEntry {
    const above = LdapDn.parent(dn)
    const parent = above === undefined ? undefined : this.find(above)
    const entry = new DirectoryEntry(dn, attributes, history, parent)
    this.#entries.set(dn.key, entry)
    parent?.children.add(entry)
    return entry
  }

  /** Takes away an entry that has no children. */
  remove(entry: DirectoryEntry): void {
    this.#entries.delete(entry.dn.key)
    entry.parent?.children.delete(entry)
    entry.present = false
  }

  /** Gives an entry and all below it new names; the new name is free, or the entry's own. */
  move(entry: DirectoryEntry, dn: LdapDn.LdapDn): void {
    const moved = this.below(entry, "subtree")
    for (const one of moved) this.#entries.delete(one.dn.key)
    const above = LdapDn.parent(dn)
    const parent = above === undefined ? undefined : this.find(above)
    if (parent !== entry.parent) {
      entry.parent?.children.delete(entry)
      parent?.children.add(entry)
      entry.parent = parent
    }
    // Parents come before their children, so each finds its parent's new name.
    for (const one of moved) {
      const [rdn] = one.dn.rdns
      one.dn = one === entry || one.parent === undefined || rdn === undefined ? dn : LdapDn.child(one.parent.dn, rdn)
      this.#entries.set(one.dn.key, one)
    }
  }

  /** The entries that a scope takes in, parents before their children. */
  below(base: DirectoryEntry, scope: "base" | "one" | "subtree" | "subordinates"): Array<DirectoryEntry> {
    if (scope === "base") return [base]
    if (scope === "one") return [...base.children]
    const found: Array<DirectoryEntry> = []
    // The children go onto the stack in reverse, so that the first one comes off it first.
    const waiting = [base]
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      found.push(entry)
      for (const child of [...entry.children].reverse()) waiting.push(child)
    }
    return scope === "subtree" ? found : found.slice(1)
  }

  entries(): IterableIterator<DirectoryEntry> {
    return this.#entries.values()
  }
}
