/**
 * The tree of entries: each found by its name, with its parent and its children.
 *
 * Pure and synchronous, and without rules: whether an entry may be added, changed or moved is for updates.ts to say,
 * and what a search sees of it for search.ts. Order is the order in which entries came.
 */
import { memberType, structuralClass } from "../../model/attribute/AttributeTypes.ts"
import type { StoredAttribute } from "../../model/attribute/StoredAttribute.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { EqualityIndex } from "./EqualityIndex.ts"

export { StoredAttribute, valueKey } from "../../model/attribute/StoredAttribute.ts"

/** By the key of the description. */
export type StoredAttributes = ReadonlyMap<string, StoredAttribute>

/** What the server itself says of an entry. Times are those of the Clock, in milliseconds. */
export interface EntryHistory {
  readonly uuid: string
  readonly created: number
  readonly creator: string
  readonly modified: number
  readonly modifier: string
  /** Where a password policy is kept. */
  readonly password?: PasswordState | undefined
}

/** What a password policy remembers of a password. Times are those of the Clock, in milliseconds. */
export interface PasswordState {
  readonly changed: number
  readonly failures: ReadonlyArray<number>
  readonly lockedAt: number | undefined
  readonly graceUses: ReadonlyArray<number>
  /** Whether it has to be changed, since the administrator has set it. */
  readonly reset: boolean
  /** Former passwords, as they were stored. */
  readonly used: ReadonlyArray<Uint8Array>
}

const noChildren: ReadonlySet<DirectoryEntry> = new Set()
const noChanges: ReadonlyMap<string, number> = new Map()

/** One entry. Its fields change as it is modified and moved; who holds on to one sees what it is now. */
export class DirectoryEntry {
  dn: LdapDn.LdapDn
  /** Set by `DirectoryTree.update` alone, which keeps the index as well. */
  attributes: StoredAttributes
  history: EntryHistory
  /** Its place among the children of its parent: greater for those that came later. */
  place = 0
  /** The number of the last change of it; 0 where it is as it was loaded. */
  changed = 0
  /** The number of the change that added it. */
  added = 0
  parent: DirectoryEntry | undefined
  /** False after it was deleted. */
  present = true
  // Most entries have no children, and were never changed.
  #children: Set<DirectoryEntry> | undefined
  #attributeChanges: Map<string, number> | undefined
  readonly #tree: DirectoryTree | undefined

  constructor(
    dn: LdapDn.LdapDn,
    attributes: StoredAttributes,
    history: EntryHistory,
    parent: DirectoryEntry | undefined,
    tree?: DirectoryTree
  ) {
    this.dn = dn
    this.attributes = attributes
    this.history = history
    this.parent = parent
    this.#tree = tree
  }

  /** The groups that it is a member of, where the directory keeps track of that. */
  groups(): ReadonlyArray<DirectoryEntry> {
    return this.#tree?.groupsOf(this) ?? []
  }

  /** The number of the last change of each attribute that has changed, by the key of its description. */
  get attributeChanges(): ReadonlyMap<string, number> {
    return this.#attributeChanges ?? noChanges
  }

  /** Notes that an attribute was changed by the change of that number. */
  noteChange(key: string, number: number): void {
    this.#attributeChanges = (this.#attributeChanges ?? new Map<string, number>()).set(key, number)
  }

  get children(): ReadonlySet<DirectoryEntry> {
    return this.#children ?? noChildren
  }

  /** For {@link DirectoryTree} alone. */
  addChild(child: DirectoryEntry): void {
    this.#children = (this.#children ?? new Set<DirectoryEntry>()).add(child)
  }

  /** For {@link DirectoryTree} alone. */
  deleteChild(child: DirectoryEntry): void {
    this.#children?.delete(child)
  }

  values(key: string): ReadonlyArray<Uint8Array> {
    return this.attributes.get(key)?.values ?? []
  }

  /** Whether it has an object class, given in lower case; classes below it don't count. */
  hasClass(name: string): boolean {
    return this.attributes.get("objectclass")?.has(name) === true
  }

  /** Whether it points to another entry (RFC 4512 section 2.6). */
  get isAlias(): boolean {
    return this.hasClass("alias")
  }

  /** Whether it points to other servers (RFC 3296). */
  get isReferral(): boolean {
    return this.hasClass("referral")
  }

  get structuralClass(): string | undefined {
    return structuralClass(this.values("objectclass").map((value) => Buffer.from(value).toString("utf8")))
  }
}

export class DirectoryTree {
  /** Whether entries say which groups they are members of. */
  readonly memberOf: boolean
  readonly #entries = new Map<string, DirectoryEntry>()
  readonly #index = new EqualityIndex<DirectoryEntry>(() => this.#entries.values())
  readonly #referrals = new Set<DirectoryEntry>()
  readonly #aliases = new Set<DirectoryEntry>()
  #places = 0

  constructor(options: { readonly memberOf: boolean }) {
    this.memberOf = options.memberOf
    // Every entry may be asked for its groups: the index is made as entries come.
    if (options.memberOf) this.#index.prepare(memberType, Infinity)
  }

  /** The entries that have a value of an attribute, found without looking at others. */
  get index(): EqualityIndex<DirectoryEntry> {
    return this.#index
  }

  /** The entries that point to other servers. */
  get referrals(): ReadonlySet<DirectoryEntry> {
    return this.#referrals
  }

  /** Whether there are entries that point to others. */
  get hasAliases(): boolean {
    return this.#aliases.size > 0
  }

  /** Notes what a search has to know of an entry before it looks at any. */
  #note(entry: DirectoryEntry): void {
    if (entry.isReferral) this.#referrals.add(entry)
    if (entry.isAlias) this.#aliases.add(entry)
  }

  #forget(entry: DirectoryEntry): void {
    this.#referrals.delete(entry)
    this.#aliases.delete(entry)
  }

  /** The members of a group that are entries. */
  membersOf(group: string): ReadonlySet<DirectoryEntry> {
    const keys = this.#entries.get(group)?.attributes.get(memberType.key)?.keys ?? []
    return new Set(keys.flatMap((key) => this.#entries.get(key) ?? []))
  }

  groupsOf(entry: DirectoryEntry): ReadonlyArray<DirectoryEntry> {
    if (!this.memberOf) return []
    return this.within(this.#index.find(memberType, entry.dn.key))
  }

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

  findParent(dn: LdapDn.LdapDn): DirectoryEntry | undefined {
    const above = LdapDn.parent(dn)
    return above === undefined ? undefined : this.find(above)
  }

  /** Adds an entry whose name is free, below its parent if that exists. */
  insert(
    dn: LdapDn.LdapDn,
    attributes: StoredAttributes,
    history: EntryHistory,
    parent: DirectoryEntry | undefined = this.findParent(dn)
  ): DirectoryEntry {
    const entry = new DirectoryEntry(dn, attributes, history, parent, this)
    this.#entries.set(dn.key, entry)
    parent?.addChild(entry)
    entry.place = ++this.#places
    this.#index.add(entry)
    this.#note(entry)
    return entry
  }

  /** Puts an entry back that was removed, below the parent that it had. */
  restore(entry: DirectoryEntry): void {
    this.#entries.set(entry.dn.key, entry)
    entry.parent?.addChild(entry)
    entry.present = true
    this.#index.add(entry)
    this.#note(entry)
  }

  /** Gives an entry other attributes. */
  update(entry: DirectoryEntry, attributes: StoredAttributes): void {
    const before = entry.attributes
    entry.attributes = attributes
    this.#index.update(entry, before)
    if (before.get("objectclass") === attributes.get("objectclass")) return
    this.#forget(entry)
    this.#note(entry)
  }

  /** Takes away an entry that has no children. */
  remove(entry: DirectoryEntry): void {
    this.#index.remove(entry)
    this.#forget(entry)
    this.#entries.delete(entry.dn.key)
    entry.parent?.deleteChild(entry)
    entry.present = false
  }

  /** Gives an entry and all below it new names; the new name is free, or the entry's own. */
  move(entry: DirectoryEntry, dn: LdapDn.LdapDn): void {
    const moved = this.below(entry, "subtree")
    for (const one of moved) this.#entries.delete(one.dn.key)
    const above = LdapDn.parent(dn)
    const parent = above === undefined ? undefined : this.find(above)
    if (parent !== entry.parent) {
      entry.parent?.deleteChild(entry)
      parent?.addChild(entry)
      entry.parent = parent
      entry.place = ++this.#places
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

  /** Those of the entries that a scope takes in, in the order of {@link below}. */
  within(
    entries: Iterable<DirectoryEntry>,
    base?: DirectoryEntry,
    scope: "base" | "one" | "subtree" | "subordinates" = "subtree"
  ): Array<DirectoryEntry> {
    const found: Array<{ readonly entry: DirectoryEntry; readonly path: ReadonlyArray<number> }> = []
    for (const entry of entries) {
      const path = pathBelow(entry, base)
      if (path === undefined) continue
      const depth = path.length
      if (scope === "subtree" || (scope === "base" ? depth === 0 : scope === "one" ? depth === 1 : depth > 0))
        found.push({ entry, path })
    }
    return found.sort((a, b) => comparePaths(a.path, b.path)).map(({ entry }) => entry)
  }

  entries(): IterableIterator<DirectoryEntry> {
    return this.#entries.values()
  }
}

/** The places of an entry and of those above it, up to the base; `undefined` where it isn't below the base. */
const pathBelow = (entry: DirectoryEntry, base: DirectoryEntry | undefined): ReadonlyArray<number> | undefined => {
  const path: Array<number> = []
  let one: DirectoryEntry | undefined = entry
  for (; one !== undefined && one !== base; one = one.parent) path.push(one.place)
  return one === base ? path.reverse() : undefined
}

const comparePaths = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const common = Math.min(a.length, b.length)
  for (let i = 0; i < common; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
