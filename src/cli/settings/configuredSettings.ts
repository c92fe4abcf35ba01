import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import type * as Effect from "effect/Effect"
import * as LdapConfig from "../../client/LdapConfig.ts"

/** Any settings, as `LdapConfig` checks them. */
export const configuredSettings = (
  values: ReadonlyMap<string, string>
): Effect.Effect<LdapConfig.Settings, Config.ConfigError> =>
  LdapConfig.fromEnvironment().parse(
    ConfigProvider.fromEnv({ env: Object.fromEntries(Array.from(values, ([name, value]) => [`LDAP_${name}`, value])) })
  )
