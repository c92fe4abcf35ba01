/**
 * What has changed in a directory: a number for each change, those who want to hear of the next ones, and how to take
 * back what was done when a transaction fails.
 */
import type { DirectoryEntry, StoredAttributes } from "./DirectoryTree.ts"

/** A change that was carried out. The entry is as it is after it; of a deletion, as it was before. */
export interface Change {
  readonly type: "add" | "delete" | "modify" | "modifyDn"
  readonly entry: DirectoryEntry
  readonly number: number
  /** Of a renamed entry. */
  readonly previousDn?: string | undefined
}

export class DirectoryChanges {
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #deleted = new Set<DirectoryEntry>()
  #number = 0
  #attempt: { readonly changes: Array<Change>; readonly undo: Array<() => void> } | undefined

  /** The number of the last change; 0 where there was none. */
  get number(): number {
    return this.#number
  }

  /** Calls back with every change from now on, until the function that it returns is called. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Those that were deleted, the last one last. */
  get deletions(): ReadonlyArray<DirectoryEntry> {
    return [...this.#deleted].filter(({ present }) => !present)
  }

  /** Records a change, with the way to take it back, and what the attributes of the entry were before. */
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

  /** Does several changes: all of them, or none where the function returns false. Nobody hears of them before. */
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
