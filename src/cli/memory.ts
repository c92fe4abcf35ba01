/**
 * Limits the memory of long streams. A command may create millions of short-lived objects. V8 lets the space for new objects grow to 64 MB
 * and more, and the C library keeps memory that was freed. Node has a flag for the maximum size, but it takes effect only at the start of a
 * process; the growth factor takes effect at once.
 */
import * as Effect from "effect/Effect"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"

/** This size is enough for short-lived objects. Half of it doubles the number of garbage collections. */
const enough = 4_000_000

/** Limits the space for new objects to a few megabytes. */
export const youngGenerationLimit: Effect.Effect<void> = Effect.gen(function*() {
  while (newSpaceSize() < enough) yield* Effect.sleep(20)
  setFlagsFromString("--semi-space-growth-factor=1")
})

const newSpaceSize = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0
