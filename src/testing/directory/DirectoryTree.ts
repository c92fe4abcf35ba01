/**
 * The tree of entries: each found by its name, with its parent and its children.
 *
 * Synchronous, and without rules: updates.ts decides whether an entry may be added, changed or moved, and search.ts what a search
 * sees. Entries are in the order in which they were added.
 */
import * as Result from "effect/Result"
import { structuralClass } from "../../model/attribute/AttributeTypes.ts"
import type { StoredAttribute } from "../../model/attribute/StoredAttribute.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { EqualityIndex } from "./EqualityIndex.ts"
import { memberType } from "./standardTypes.ts"

export { StoredAttribute, valueKey } from "../../model/attribute/StoredAttribute.ts"

/** By the key of the description. */
export type StoredAttributes = ReadonlyMap<string, StoredAttribute>

/** The facts that the server keeps of an entry. Times are those of the Clock, in milliseconds. */
export interface EntryHistory {
  readonly uuid: string
  readonly created: number
  readonly creator: string
  readonly modified: number
  readonly modifier: string
  /** Set if there is a password policy. */
  readonly password?: PasswordState | undefined
}

/** The state of a password under a policy. Times are those of the Clock, in milliseconds. */
export interface PasswordState {
  readonly changed: number
  readonly failures: ReadonlyArray<number>
  readonly lockedAt: number | undefined
  readonly graceUses: ReadonlyArray<number>
  /** Whether the password must be changed because the administrator has set it. */
  readonly reset: boolean
  /** Former passwords, as they were stored. */
  readonly used: ReadonlyArray<Uint8Array>
}

/**
 * Makes the history of an entry that was loaded without one. Such histories differ in their number only, so an entry that is never
 * read needs none.
 */
export type HistoryOf = (number: number) => EntryHistory

const noChildren: ReadonlySet<DirectoryEntry> = new Set()
const noChanges: ReadonlyMap<string, number> = new Map()

/** One entry. Its fields change when the entry is modified or moved, so a reference shows the current state. */
export class DirectoryEntry {
  /** As text, it is parsed when it is first read: most entries of a large directory are loaded and never read. */
  #dn: LdapDn.LdapDn | string
  /** Set only by `DirectoryTree.update`, which also updates the index. */
  attributes: StoredAttributes
  #history: EntryHistory | HistoryOf
  readonly #number: number
  /** Its position among the children of its parent: greater for those that were added later. */
  place = 0
  /** The number of its last change; 0 if it hasn't changed since it was loaded. */
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

  /**
   * The name may be a text if there is a parent, whose name the text ends with. The number is the one for a function that makes the
   * history.
   */
  constructor(
    dn: LdapDn.LdapDn | string,
    attributes: StoredAttributes,
    history: EntryHistory | HistoryOf,
    parent: DirectoryEntry | undefined,
    tree?: DirectoryTree,
    number: number = 0
  ) {
    this.#dn = dn
    this.attributes = attributes
    this.#history = history
    this.parent = parent
    this.#tree = tree
    this.#number = number
  }

  get history(): EntryHistory {
    return typeof this.#history === "function" ? (this.#history = this.#history(this.#number)) : this.#history
  }

  set history(history: EntryHistory) {
    this.#history = history
  }

  get dn(): LdapDn.LdapDn {
    if (typeof this.#dn === "string") {
      const [rdn] = Result.getOrThrow(LdapDn.parse(this.#dn, { lenient: true })).rdns
      this.#dn = this.parent === undefined || rdn === undefined ? LdapDn.root : LdapDn.child(this.parent.dn, rdn)
    }
    return this.#dn
  }

  /** Set only by {@link DirectoryTree}. */
  set dn(dn: LdapDn.LdapDn) {
    this.#dn = dn
  }

  /** The groups that it is a member of, if the directory has `memberOf`. */
  groups(): ReadonlyArray<DirectoryEntry> {
    return this.#tree?.groupsOf(this) ?? []
  }

  /** The number of the last change of each attribute that has changed, by the key of its description. */
  get attributeChanges(): ReadonlyMap<string, number> {
    return this.#attributeChanges ?? noChanges
  }

  /** Records the number of the change that changed an attribute. */
  noteChange(key: string, number: number): void {
    this.#attributeChanges = (this.#attributeChanges ?? new Map<string, number>()).set(key, number)
  }

  get children(): ReadonlySet<DirectoryEntry> {
    return this.#children ?? noChildren
  }

  /** Called only by {@link DirectoryTree}. */
  addChild(child: DirectoryEntry): void {
    this.#children = (this.#children ?? new Set<DirectoryEntry>()).add(child)
  }

  /** Called only by {@link DirectoryTree}. */
  deleteChild(child: DirectoryEntry): void {
    this.#children?.delete(child)
  }

  values(key: string): ReadonlyArray<Uint8Array> {
    return this.attributes.get(key)?.values ?? []
  }

  /** Whether it has an object class, given in lower case. Subclasses don't count. */
  hasClass(name: string): boolean {
    return this.attributes.get("objectclass")?.has(name) === true
  }

  /** Whether it is an alias of another entry (RFC 4512 section 2.6). */
  get isAlias(): boolean {
    return this.hasClass("alias")
  }

  /** Whether it is a referral object, which points to other servers (RFC 3296). */
  get isReferral(): boolean {
    return this.hasClass("referral")
  }

  get structuralClass(): string | undefined {
    return structuralClass(this.values("objectclass").map((value) => Buffer.from(value).toString("utf8")))
  }
}

export class DirectoryTree {
  /** Whether entries have `memberOf`. */
  readonly memberOf: boolean
  readonly #entries = new Map<string, DirectoryEntry>()
  readonly #index = new EqualityIndex<DirectoryEntry>(() => this.#entries.values())
  readonly #referrals = new Set<DirectoryEntry>()
  readonly #aliases = new Set<DirectoryEntry>()
  #places = 0

  constructor(options: { readonly memberOf: boolean }) {
    this.memberOf = options.memberOf
    // Any entry may be asked for its groups, so this index is built while entries are added.
    if (options.memberOf) this.#index.prepare(memberType, Infinity)
  }

  /** Finds the entries that have a value without testing all entries. */
  get index(): EqualityIndex<DirectoryEntry> {
    return this.#index
  }

  /** The referral objects. */
  get referrals(): ReadonlySet<DirectoryEntry> {
    return this.#referrals
  }

  /** Whether there are aliases. */
  get hasAliases(): boolean {
    return this.#aliases.size > 0
  }

  /** Keeps track of referral objects and aliases, which a search must know before it looks at entries. */
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

  /** Whether there is an entry whose name has that key. */
  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** The name of the nearest existing entry above, or the empty string. */
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

  /** Adds an entry below its parent, if there is one. The name must be free. */
  insert(
    dn: LdapDn.LdapDn,
    attributes: StoredAttributes,
    history: EntryHistory,
    parent: DirectoryEntry | undefined = this.findParent(dn)
  ): DirectoryEntry {
    return this.insertNamed(dn.key, dn, attributes, history, parent)
  }

  /**
   * As {@link insert}, with the key of the name. With a parent, a text is enough for the name: it ends with the name of the parent.
   * The history may be a function of the number.
   */
  insertNamed(
    key: string,
    name: LdapDn.LdapDn | string,
    attributes: StoredAttributes,
    history: EntryHistory | HistoryOf,
    parent: DirectoryEntry | undefined,
    number?: number
  ): DirectoryEntry {
    const entry = new DirectoryEntry(name, attributes, history, parent, this, number)
    this.#entries.set(key, entry)
    parent?.addChild(entry)
    entry.place = ++this.#places
    this.#index.add(entry)
    this.#note(entry)
    return entry
  }

  /** Restores an entry that was removed, below its former parent. */
  restore(entry: DirectoryEntry): void {
    this.#entries.set(entry.dn.key, entry)
    entry.parent?.addChild(entry)
    entry.present = true
    this.#index.add(entry)
    this.#note(entry)
  }

  /** Replaces the attributes of an entry. */
  update(entry: DirectoryEntry, attributes: StoredAttributes): void {
    const before = entry.attributes
    entry.attributes = attributes
    this.#index.update(entry, before)
    if (before.get("objectclass") === attributes.get("objectclass")) return
    this.#forget(entry)
    this.#note(entry)
  }

  /** Removes an entry, which must have no children. */
  remove(entry: DirectoryEntry): void {
    this.#index.remove(entry)
    this.#forget(entry)
    this.#entries.delete(entry.dn.key)
    entry.parent?.deleteChild(entry)
    entry.present = false
  }

  /** Renames an entry and all entries below it. The new name must be free, or be the entry's own. */
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
    // Parents come before their children, so each entry finds the new name of its parent.
    for (const one of moved) {
      const [rdn] = one.dn.rdns
      one.dn = one === entry || one.parent === undefined || rdn === undefined ? dn : LdapDn.child(one.parent.dn, rdn)
      this.#entries.set(one.dn.key, one)
    }
  }

  /** The entries in a scope, parents before their children. */
  below(base: DirectoryEntry, scope: "base" | "one" | "subtree" | "subordinates"): Array<DirectoryEntry> {
    if (scope === "base") return [base]
    if (scope === "one") return [...base.children]
    const found: Array<DirectoryEntry> = []
    // The children are pushed in reverse, so that the first one is popped first.
    const waiting = [base]
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      found.push(entry)
      for (const child of [...entry.children].reverse()) waiting.push(child)
    }
    return scope === "subtree" ? found : found.slice(1)
  }

  /** Those of the given entries that are in a scope, in the order of {@link below}. */
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

/** The places of an entry and of its ancestors up to the base; `undefined` if it isn't below the base. */
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
