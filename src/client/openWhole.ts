/**
 * Opens a resource in several steps so that it is either complete or leaves nothing open.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/**
 * Runs `opening` in a scope of its own. If it succeeds, that scope closes with the caller's. If it fails or is interrupted, the scope
 * closes at once, since the caller's may stay open for long after a failure.
 */
export const openWhole = <A, E, R>(
  opening: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.flatMap(Effect.scope, (outer) =>
    Effect.uninterruptibleMask((restore) => {
      const own = Scope.makeUnsafe()
      return restore(Scope.provide(opening, own)).pipe(
        Effect.onExit((exit) =>
          Exit.isSuccess(exit)
            ? Scope.addFinalizerExit(outer, (end) => Scope.close(own, end))
            : Scope.close(own, exit)
        )
      )
    }))
