/**
 * Settings out of a `Config`. effect/Config loads effect/Schema, a third of what a session imports: only for programs that have a
 * `Config`, and so have loaded it.
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/** What `Config.unwrap` makes of the settings. */
export const configured = <A>(config: Config.Wrap<A>): Effect.Effect<A, Config.ConfigError> =>
  Effect.flatMap(Effect.promise(() => import("effect/Config")), ({ unwrap }) => unwrap(config))
