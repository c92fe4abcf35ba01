/**
 * The changes of a directory: it numbers them, notifies listeners, and undoes the changes of a transaction that fails.
 */
import type { DirectoryEntry, StoredAttributes } from "./DirectoryTree.ts"

/** A change that was carried out. The entry is in its state after the change; of a deletion, before it. */
export interface Change {
  readonly type: "add" | "delete" | "modify" | "modifyDn"
  readonly entry: DirectoryEntry
  readonly number: number
  /** The former name of an entry that was renamed. */
  readonly previousDn?: string | undefined
}

export class DirectoryChanges {
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #deleted = new Set<DirectoryEntry>()
  #number = 0
  #attempt: { readonly changes: Array<Change>; readonly undo: Array<() => void> } | undefined

  /** The number of the last change; 0 if there was none. */
  get number(): number {
    return this.#number
  }

  /** Calls the listener with every change from now on. The function that it returns ends that. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The deleted entries, in the order of their deletion. */
  get deletions(): ReadonlyArray<DirectoryEntry> {
    return [...this.#deleted].filter(({ present }) => !present)
  }

  /** Records a change, with a function that undoes it and the former attributes of the entry. */
  made(
    type: Change["type"],
    entry: DirectoryEntry,
    undo: () => void,
    before?: { readonly attributes: StoredAttributes; readonly dn?: string }
  ): void {
    const change: Change = { type, entry, number: ++this.#number, previousDn: before?.dn }
    entry.changed = change.number
    if (type === "add") entry.added = change.number
    if (type === "delete") this.#deleted.add(entry)
    if (before !== undefined) {
      for (const key of new Set([...before.attributes.keys(), ...entry.attributes.keys()])) {
        if (before.attributes.get(key) !== entry.attributes.get(key)) entry.noteChange(key, change.number)
      }
    }
    if (this.#attempt === undefined) return this.#tell(change)
    this.#attempt.changes.push(change)
    this.#attempt.undo.push(undo)
  }

  /** Makes several changes, all of them or, if the function returns false, none. Listeners are notified after the last. */
  attempt(changes: () => boolean): boolean {
    const attempt = { changes: new Array<Change>(), undo: new Array<() => void>() }
    this.#attempt = attempt
    let kept = false
    try {
      kept = changes()
    } finally {
      this.#attempt = undefined
      if (!kept) { for (const undo of attempt.undo.reverse()) undo() }
    }
    if (kept) { for (const change of attempt.changes) this.#tell(change) }
    return kept
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
