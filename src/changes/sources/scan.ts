/**
 * For any server: each round reads the UUID and version of all entries, and then the entries whose version differs. An entry that doesn't
 * come is gone. So nothing is lost, but the cost of a round grows with the number of entries.
 *
 * Without `known` the stream keeps UUIDs and versions in memory (`ScanMemory`), 30 MB for 100,000 entries (test/bench/scanMemory.ts). After
 * a restart its first round reads all entries, since a cookie can't hold this list.
 */
import * as Effect from "effect/Effect"
import type { Known } from "../ChangesOptions.ts"
import type { Item, Run, Source, SourceFailure } from "./Source.ts"
import { readView } from "./view.ts"

export const scan: Source = {
  name: "scan",
  isLive: false,
  missing: () => Effect.succeed(undefined),
  run: (run) => scanRound(run, memoryOf(run))
}

/** One round. Entries that didn't change are `Present`, with their DNs. */
export const scanRound = (run: Run, memory: ScanMemory | undefined): Effect.Effect<void, SourceFailure> =>
  Effect.gen(function*() {
    memory?.begin()
    const emit = (items: ReadonlyArray<Item>) => Effect.tap(run.emit(items), Effect.sync(() => memory?.note(items)))
    yield* readView({ ...run, emit, known: run.known ?? memory?.known })
    yield* emit([{ _tag: "State", state: {} }])
  })

/** The memory of this stream; `undefined` if the consumer provides `known`. */
export const memoryOf = (run: Run): ScanMemory | undefined => {
  if (run.known !== undefined) return undefined
  const memory = run.memory.get("scan")
  if (memory instanceof ScanMemory) return memory
  const made = new ScanMemory()
  run.memory.set("scan", made)
  return made
}

/** The entries that this stream has emitted. They count from the next checkpoint on. */
export class ScanMemory {
  #versions = new Map<string, string | undefined>()
  #round = new Map<string, string | undefined>()
  #isWhole = false

  get known(): Run["known"] {
    // The first round has nothing to compare with, and one search reads all entries.
    return this.#versions.size === 0 ? undefined : (uuids) =>
      Effect.sync(() => {
        const rows = new Map<string, Known>()
        for (const uuid of uuids) if (this.#versions.has(uuid)) rows.set(uuid, { version: this.#versions.get(uuid) })
        return rows
      })
  }

  begin(): void {
    this.#round.clear()
    this.#isWhole = false
  }

  note(items: ReadonlyArray<Item>): void {
    for (const item of items) {
      switch (item._tag) {
        case "RefreshStarted":
          this.#round.clear()
          break
        case "Added":
        case "Modified":
        case "Renamed":
          this.#round.set(item.uuid, item.version)
          break
        case "Present":
          this.#round.set(item.uuid, this.#versions.get(item.uuid))
          break
        case "Deleted":
          this.#round.delete(item.uuid)
          this.#versions.delete(item.uuid)
          break
        case "Refreshed":
          this.#isWhole = item.deletes === "absent"
          break
        case "State":
          if (this.#isWhole) this.#versions = this.#round
          else for (const [uuid, version] of this.#round) this.#versions.set(uuid, version)
          this.#round = new Map()
          break
      }
    }
  }
}
