/**
 * Makes a client from flags, the environment, a profile and prompts. This module decides where each setting comes from; `LdapConfig` checks
 * the settings and reads their files.
 */
import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import { join } from "node:path"
import * as LdapClient from "../../client/LdapClient.ts"
import type * as LdapConfig from "../../client/LdapConfig.ts"
import * as LdapServers from "../../client/servers/LdapServers.ts"
import type { LdapError } from "../../model/LdapError.ts"
import { UsageError } from "../CliFailure.ts"
import { durationText } from "../input/durations.ts"
import { say } from "../output/standardOutput.ts"
import { type AuthMethod, authMethods } from "./authMethods.ts"
import { clientSettings } from "./clientSettings.ts"
import type { ConnectionFlags } from "./connectionFlags.ts"
import { environmentPlace, flagsPlace, type Layer, merge } from "./layers.ts"
import { checkedNames, ownNames, plainNames } from "./names.ts"
import { Origins } from "./origins.ts"
import { readProfile } from "./profiles.ts"
import { askPassword, passwordIn, passwordOnStdin } from "./secrets.ts"

/** Settings for a client, the base, and the transport for `--trace`. */
export interface ResolvedSettings {
  readonly settings: LdapConfig.Settings
  /** The first server. */
  readonly url: string
  readonly base: string | undefined
  /** The bind DN or user name, as it was given; `undefined` for none. */
  readonly identity: string | undefined
}

/** Where each line of `--trace` and of logs goes. Default: standard error. */
export const TraceOutput: Context.Reference<(line: string) => void> = Context.Reference(
  "effect-ldap/cli/TraceOutput",
  {
    defaultValue: () => (line: string): void => {
      process.stderr.write(`${line}\n`)
    }
  }
)

/** What is known about the settings while a command starts. */
export type SettingsError = UsageError | Config.ConfigError | Effect.Error<ReturnType<typeof readProfile>>

/** Reads the settings of a connection. Prompts for the password if there is a name without one. */
export const resolve = Effect.fnUntraced(function*(
  flags: ConnectionFlags,
  url?: string
): Effect.fn.Return<
  ResolvedSettings,
  Effect.Error<ReturnType<typeof readProfile>> | Config.ConfigError | Effect.Error<ReturnType<typeof askPassword>>,
  Stdio.Stdio
> {
  const layers = [layerOf(flags, url), yield* environment]
  const profile = yield* readProfile(yield* profileChoice(flags))
  if (profile !== undefined) layers.push(profile)
  const { notes, places, values } = merge(layers)
  for (const note of notes) yield* say(note)
  const origins = yield* Origins
  for (const [name, place] of places) origins.places.set(name, place)

  const merged = new Map(values)
  if (flags.passwordStdin) {
    merged.delete("PASSWORD_FILE")
    merged.set("PASSWORD", Redacted.value(yield* passwordOnStdin))
  }
  if (!merged.has("URL")) {
    return yield* new UsageError({
      detail:
        "no server is given: give --url ldaps://…, set LDAP_URL, or write a profile (effect-ldap --help says where)"
    })
  }
  const auth = yield* methodOf(merged)
  origins.isAnonymous ||= auth === "anonymous"
  const given = yield* withPassword(merged, auth)
  const settings = yield* clientSettings(forConfig(given, auth))
  const cache = yield* ticketCache
  const own = auth === "simple" || auth === "anonymous"
    ? undefined
    : yield* Effect.map(Effect.promise(() => import("./saslAuth.ts")), ({ authOf }) => authOf(auth, given, cache))
  const identity = auth === "simple" ? given.get("BIND_DN") : given.get("USER")
  origins.identity = identity
  return {
    settings: own === undefined ? settings : { ...settings, auth: own },
    url: "url" in settings ? settings.url : settings.urls[0] ?? "",
    base: given.get("BASE"),
    identity
  }
})

/** A client for a command: few sessions, opened as they are needed, and unbound when the scope closes. */
export const clientOf = (
  { settings }: ResolvedSettings,
  isTraced: boolean
): Effect.Effect<LdapClient.LdapClient, LdapError, Scope.Scope> => {
  const pooled = { ...settings, pool: { max: 4, ...defined(settings.pool) } }
  if (!isTraced) return LdapClient.make(pooled)
  const { pool, ...session } = pooled
  const numbers = { last: 0 }
  const urls = "url" in session ? [session.url] : session.urls
  return Effect.gen(function*() {
    const write = yield* TraceOutput
    const reach = yield* LdapServers.Reach
    const { traced } = yield* Effect.promise(() => import("./trace.ts"))
    return yield* LdapClient.make({ ...withoutUrl(session), pool, servers: LdapServers.urls(urls) }).pipe(
      Effect.provideService(
        LdapServers.Reach,
        (url, options) => Result.map(reach(url, options), (transport) => traced(transport, write, numbers))
      )
    )
  })
}

/** Settings and client in one. */
export const connect = Effect.fnUntraced(function*(flags: ConnectionFlags, url?: string) {
  const resolved = yield* resolve(flags, url)
  return { ...resolved, client: yield* clientOf(resolved, flags.trace) }
})

const withoutUrl = (settings: Record<string, unknown>): LdapClient.ClientOptions => {
  const { url, urls, ...rest } = settings
  return rest
}

const defined = <A extends object>(record: A): A =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as A

// ---------------------------------------------------------------------------------------------------------------------
// Places
// ---------------------------------------------------------------------------------------------------------------------

const layerOf = (flags: ConnectionFlags, url: string | undefined): Layer => {
  const all: ReadonlyArray<readonly [string, string | boolean | undefined]> = [
    ["URL", url ?? flags.url],
    ["BIND_DN", flags.bindDn],
    ["PASSWORD_FILE", flags.passwordFile],
    ["AUTH", flags.auth],
    ["USER", flags.user],
    ["KEYTAB", flags.keytab],
    ["KDC", flags.kdc],
    ["SERVICE", flags.service],
    ["START_TLS", flags.startTls],
    ["CA", flags.ca],
    ["CERT", flags.cert],
    ["KEY", flags.key],
    ["ALLOW_INSECURE_AUTH", flags.allowInsecureAuth],
    ["CONNECT_TIMEOUT", flags.connectTimeout && durationText(flags.connectTimeout)],
    ["REQUEST_TIMEOUT", flags.timeout && durationText(flags.timeout)]
  ]
  return {
    place: flagsPlace,
    values: new Map(all.flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)] as const]))
  }
}

/** A variable of the environment; an empty one counts as unset. */
const variable = (name: string): Effect.Effect<string | undefined> =>
  Effect.flatMap(ConfigProvider.ConfigProvider, (provider) =>
    // Only files can't be read, and the provider of a program may be one.
    Effect.map(Effect.orDie(provider.load([name])), (node) => node?.value || undefined))

const environment: Effect.Effect<Layer> = Effect.map(
  Effect.forEach(
    [...plainNames, ...checkedNames, ...ownNames],
    (name) => Effect.map(variable(`LDAP_${name}`), (value) => [name, value] as const)
  ),
  (all) => ({
    place: environmentPlace,
    values: new Map(all.flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const]))
  })
)

const profileChoice = Effect.fnUntraced(function*(flags: ConnectionFlags) {
  const home = (yield* variable("HOME")) ?? (yield* variable("USERPROFILE")) ?? "."
  const configHome = (yield* variable("XDG_CONFIG_HOME")) ?? join(home, ".config")
  return {
    name: flags.profile ?? (yield* variable("LDAP_PROFILE")),
    file: flags.config ?? (yield* variable("EFFECT_LDAP_CONFIG")),
    defaultFile: join(configHome, "effect-ldap", "config.json")
  }
})

/** The ticket cache of this user, found as MIT's library does. */
const ticketCache = Effect.map(
  variable("KRB5CCNAME"),
  (name) => name ?? `/tmp/krb5cc_${process.getuid?.() ?? 0}`
)

// ---------------------------------------------------------------------------------------------------------------------
// Credentials
// ---------------------------------------------------------------------------------------------------------------------

type Values = ReadonlyMap<string, string>

const methodOf = (values: Values): Effect.Effect<AuthMethod, UsageError> => {
  const named = values.get("AUTH")?.toLowerCase()
  if (named === undefined) return Effect.succeed(values.has("BIND_DN") ? "simple" : "anonymous")
  const method = authMethods.find((method) => method === named)
  return method === undefined
    ? Effect.fail(
      new UsageError({ detail: `LDAP_AUTH is ${JSON.stringify(named)}; it is one of ${authMethods.join(", ")}` })
    )
    : Effect.succeed(method)
}

const needsPassword = (method: AuthMethod, values: Values): boolean =>
  method !== "anonymous" && method !== "external" &&
  // Without a principal, the ticket cache of this user is used.
  !(method === "kerberos" && (values.has("KEYTAB") || !values.has("USER")))

/** The settings with a password. If there is none, prompts for it. */
const withPassword = Effect.fnUntraced(function*(values: Values, method: AuthMethod) {
  if (!needsPassword(method, values) || values.has("PASSWORD")) return values
  const file = values.get("PASSWORD_FILE")
  // For a simple bind LdapConfig reads the file.
  if (file !== undefined) {
    return method === "simple" ? values : new Map(values).set("PASSWORD", Redacted.value(yield* passwordIn(file)))
  }
  const who = method === "simple" ? values.get("BIND_DN") : values.get("USER")
  if (who === undefined) {
    return yield* new UsageError({
      detail: method === "simple" ? "a simple bind needs --bind-dn" : `--auth ${method} needs --user`
    })
  }
  const password = yield* askPassword(
    `Password of ${who}`,
    "give --password-file or --password-stdin, or set LDAP_PASSWORD"
  )
  return new Map(values).set("PASSWORD", Redacted.value(password))
})

/** `LdapConfig` supports simple binds only, so other credentials are not passed to it. */
const forConfig = (values: Values, method: AuthMethod): Values => {
  if (method === "simple") return values
  const rest = new Map(values)
  for (const name of ["BIND_DN", "PASSWORD", "PASSWORD_FILE"]) rest.delete(name)
  return rest
}
