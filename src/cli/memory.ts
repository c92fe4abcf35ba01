/**
 * Bounds the memory of long streams. V8 lets the space for new objects grow to 64 MB and more while a command creates millions of them, all of
 * which are garbage a moment later, and the C library keeps what was freed. A flag of Node says how far it may grow, but takes effect
 * at the start of a process only; the factor of growth takes effect at once.
 */
import * as Effect from "effect/Effect"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"

/** So much is enough for objects that live for a moment. Half of it leads to twice as many collections. */
const enough = 4_000_000

/** Lets the space for new objects grow to a few megabytes, and no further. */
export const youngGenerationLimit: Effect.Effect<void> = Effect.gen(function*() {
  while (newSpaceSize() < enough) yield* Effect.sleep(20)
  setFlagsFromString("--semi-space-growth-factor=1")
})

const newSpaceSize = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0
