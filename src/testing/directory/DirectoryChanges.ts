/**
 * What has changed in a directory: a number for each change, those who want to hear of the next ones, and how to take
 * back what was done when a transaction fails.
 */
import type { DirectoryEntry } from "./DirectoryTree.ts"

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

  /** Records a change, with the way to take it back. */
  made(type: Change["type"], entry: DirectoryEntry, undo: () => void, previousDn?: string): void {
    const change: Change = { type, entry, number: ++this.#number, previousDn }
    entry.changed = change.number
    if (this.#attempt === undefined) return this.#tell(change)
    this.#attempt.changes.push(change)
    this.#attempt.undo.push(undo)
  }

  /** Does several changes: all of them, or none where the function returns false. Nobody hears of them before. */
  attempt(changes: () => boolean): boolean {
    const attempt = { changes: new Array<Change>(), undo: new Array<() => void>() }
    this.#attempt = attempt
    const kept = changes()
    this.#attempt = undefined
    if (kept) { for (const change of attempt.changes) this.#tell(change) }
    else for (const undo of attempt.undo.reverse()) undo()
    return kept
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
