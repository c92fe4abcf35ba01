/**
 * Where the settings of a run come from. Messages need it: a person who wrote `--ca` looks for `--ca`, and one who set LDAP_CA for that.
 */
import * as Context from "effect/Context"

/** The places of settings, and who the run is for the server. It is filled when the settings are read. */
export interface Origins {
  /** The place of each setting, by the names of `layers.ts`. */
  readonly places: Map<string, string>
  /** The bind DN or user name; `undefined` for none. */
  identity: string | undefined
  /** Whether a connection without credentials was set up. */
  isAnonymous: boolean
}

export const noOrigins = (): Origins => ({ places: new Map(), identity: undefined, isAnonymous: false })

/** Each run has its own (program.ts). */
export const Origins: Context.Reference<Origins> = Context.Reference("effect-ldap/cli/Origins", {
  defaultValue: noOrigins
})
