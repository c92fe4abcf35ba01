/**
 * The progress of a long command, on one line of standard error that is rewritten. It is shown on a terminal only, so a log or a pipe gets
 * none of it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import { sayRaw } from "./standardOutput.ts"

/** Counts what has been done. */
export interface Progress {
  /** Adds to the number of items that are done. */
  readonly done: (count?: number) => Effect.Effect<void, never, Stdio.Stdio>
  /** Sets the total number of items, once it is known. */
  readonly total: (count: number) => void
}

/** The shortest time between two updates of the line. */
const interval = 100

/** The progress of a command. Its line is wiped when the scope closes. */
export const progress = Effect.fnUntraced(function*(
  what: string
): Effect.fn.Return<Progress, never, Stdio.Stdio | Scope.Scope> {
  const stdio = yield* Stdio.Stdio
  if (!(yield* stdio.stderrIsTerminal)) return { done: () => Effect.void, total: () => undefined }
  const clock = yield* Clock.Clock
  const start = clock.currentTimeMillisUnsafe()
  let count = 0
  let total: number | undefined
  let shown = -Infinity
  yield* Effect.addFinalizer(() => shown === -Infinity ? Effect.void : sayRaw("\r\x1b[K"))
  return {
    total: (known) => {
      total = known
    },
    done: (more = 1) =>
      Effect.suspend(() => {
        count += more
        const now = clock.currentTimeMillisUnsafe()
        if (now - shown < interval) return Effect.void
        shown = now
        const seconds = Math.max(0.001, (now - start) / 1000)
        const rate = `${Math.round(count / seconds)}/s`
        const of = total === undefined || total < count ? "" : ` of ${total} (${Math.floor((100 * count) / total)}%)`
        return sayRaw(`\r\x1b[K${count}${of} ${what}, ${rate}`)
      })
  }
})
