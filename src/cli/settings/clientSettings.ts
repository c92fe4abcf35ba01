/**
 * The settings of a client, from values under the names of `LdapConfig` without their prefix. Most runs give a server and credentials
 * only. `LdapConfig` checks all other settings, and is loaded if there are any: Effect's Config and Schema take a fifth of a start.
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { simple } from "../../auth/LdapAuth.ts"
import type { Settings } from "../../client/LdapConfig.ts"
import { serverUrls } from "../../client/serverUrls.ts"
import { checkedNames } from "./names.ts"

type Values = ReadonlyMap<string, string>

export const clientSettings = (values: Values): Effect.Effect<Settings, Config.ConfigError> => {
  const plain = plainSettings(values)
  return plain === undefined
    ? Effect.flatMap(
      Effect.promise(() => import("./configuredSettings.ts")),
      (module) => module.configuredSettings(values)
    )
    : Effect.succeed(plain)
}

/** The settings that `LdapConfig` would give, if they are a server and a whole bind, or none. */
export const plainSettings = (values: Values): Settings | undefined => {
  const [url, dn, password] = ["URL", "BIND_DN", "PASSWORD"].map((name) => values.get(name))
  const isPlain = [...values].every(([name, value]) => value !== "" && !checkedNames.includes(name))
  if (!isPlain || url === undefined || (dn === undefined) !== (password === undefined)) return undefined
  const auth = dn === undefined || password === undefined ? undefined : simple(dn, Redacted.make(password))
  return { ...serverUrls(url), auth, tls: {}, pool: {} }
}
