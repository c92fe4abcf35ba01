/**
 * Settings of a client from the environment, under fixed names, for programs that don't need names of their own. `LdapClient.layerConfig`
 * takes them as they are; examples/.env.example lists the names.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { readFile } from "node:fs/promises"
import * as LdapAuth from "../auth/LdapAuth.ts"
import { hasCertificate } from "../connection/tls/authorities.ts"
import type { TlsOptions } from "../connection/tls/LdapTls.ts"
import type { SessionConfig } from "../session/LdapSession.ts"
import type { PoolOptions } from "./pool/LdapPoolOptions.ts"
import { serverUrls } from "./serverUrls.ts"

export type { PoolOptions } from "./pool/LdapPoolOptions.ts"
export type { SessionConfig } from "../session/LdapSession.ts"

/**
 * Settings from the environment: those of a session, the options of a `pool`, and the `url` of one server or the `urls` of several.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings =
  & Omit<SessionConfig, "url">
  & { readonly pool: PoolOptions }
  & ({ readonly url: string } | { readonly urls: ReadonlyArray<string> })

/**
 * The settings of a client, by names that begin with `prefix`. Default: `LDAP`. A program with several directories gives each its
 * own prefix.
 *
 * **Details**
 *
 * | name | | without it |
 * |---|---|---|
 * | `LDAP_URL` | the server: `ldaps://ldap.example.org`; or several, separated by commas or spaces, in the order of preference | fails |
 * | `LDAP_BIND_DN` | the bind DN, for instance of a service account | anonymous; no bind is sent |
 * | `LDAP_PASSWORD` | the password of the bind DN | |
 * | `LDAP_PASSWORD_FILE` | or a file that holds it, read again at each bind | |
 * | `LDAP_START_TLS` | `true` for TLS over `ldap://` | `false` |
 * | `LDAP_CA` | a file of authorities (PEM) to trust instead of the system's | |
 * | `LDAP_CERT`, `LDAP_KEY` | files of a client certificate and its key (PEM) | |
 * | `LDAP_KEY_PASSPHRASE` | what the key is encrypted with | |
 * | `LDAP_ALLOW_INSECURE_AUTH` | `true` lets the password cross the network in clear text | `false` |
 * | `LDAP_CONNECT_TIMEOUT`, `LDAP_REQUEST_TIMEOUT`, `LDAP_CLOSE_TIMEOUT` | durations, as in `10 seconds` | see `SessionOptions` |
 * | `LDAP_POOL_MIN`, `LDAP_POOL_MAX`, `LDAP_POOL_CONCURRENCY` | whole numbers | see `PoolOptions` |
 * | `LDAP_POOL_IDLE_TIME`, `LDAP_POOL_MAX_AGE`, `LDAP_POOL_CHECKOUT_TIMEOUT`, `LDAP_POOL_DRAIN_TIMEOUT` | durations | see `PoolOptions` |
 *
 * An empty variable counts as unset. Fails with `ConfigError` for a value or a file that can't be read, and for a bind DN without a
 * password or a password without a bind DN: a bind name without a password is an error, not an anonymous bind. One line end after the
 * password in a file is not part of it. If a later read of the password file fails, the last password that was read stays in use.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapConfig } from "effect-ldap"
 * import { Config, Effect } from "effect"
 *
 * // LDAP_URL, LDAP_BIND_DN, LDAP_PASSWORD …
 * const Ldap = LdapClient.layerConfig(LdapConfig.fromEnvironment())
 *
 * // STAFF_URL …, and something that isn't a matter of the environment
 * const Staff = LdapClient.layerConfig(
 *   Config.map(LdapConfig.fromEnvironment("STAFF"), (settings) => ({ ...settings, keepAlive: "30 seconds" as const }))
 * )
 *
 * const program = Effect.flatMap(LdapClient.LdapClient, (ldap) => ldap.rootDse).pipe(Effect.provide(Ldap))
 * ```
 *
 * @category settings
 * @since 0.1.0
 */
export const fromEnvironment = (prefix = "LDAP"): Config.Config<Settings> => {
  const name = (rest: string) => `${prefix}_${rest}`
  const text = (rest: string) => optional(name(rest), (name) => Config.String(name))
  const secret = (rest: string) => optional(name(rest), (name) => Config.Redacted(name))
  const file = (rest: string) =>
    Config.mapEffect(text(rest), (path) => path === undefined ? Effect.undefined : read(name(rest), path))
  const duration = (rest: string) => optional(name(rest), (name) => Config.Duration(name))
  const whole = (rest: string) => optional(name(rest), (name) => Config.Int(name))
  const flag = (rest: string) => optional(name(rest), (name) => Config.Boolean(name))

  const auth = Config.all({
    dn: text("BIND_DN"),
    password: secret("PASSWORD"),
    passwordFile: text("PASSWORD_FILE")
  }).pipe(
    Config.mapEffect(Effect.fnUntraced(function*({ dn, password, passwordFile }) {
      if (password !== undefined && passwordFile !== undefined) {
        return yield* failed(`${name("PASSWORD")} and ${name("PASSWORD_FILE")} are both there: leave one out`)
      }
      const secret = password ??
        (passwordFile === undefined ? undefined : yield* passwordIn(name("PASSWORD_FILE"), passwordFile))
      if (dn !== undefined && secret === undefined) {
        return yield* failed(
          `${name("BIND_DN")} is set, and neither ${name("PASSWORD")} nor ${name("PASSWORD_FILE")} is`
        )
      }
      if (dn === undefined && secret !== undefined) {
        return yield* failed(`there is a password, and ${name("BIND_DN")}, to which it belongs, is not set`)
      }
      return dn === undefined || secret === undefined ? undefined : LdapAuth.simple(dn, secret)
    }))
  )

  const tls = Config.all({
    ca: Config.mapEffect(
      Config.all([file("CA"), text("CA")]),
      ([content, path]) =>
        content === undefined || hasCertificate(content)
          ? Effect.succeed(content)
          : failed(`the file of ${name("CA")}, ${JSON.stringify(path)}, contains no certificate in PEM`)
    ),
    cert: file("CERT"),
    key: Config.map(file("KEY"), (key) => key === undefined ? undefined : Redacted.make(key)),
    passphrase: secret("KEY_PASSPHRASE")
  })

  return Config.map(
    Config.all({
      url: Config.mapEffect(
        text("URL"),
        (url) => url === undefined ? failed(`${name("URL")} is not set`) : Effect.succeed(url)
      ),
      auth,
      startTls: flag("START_TLS"),
      allowInsecureAuth: flag("ALLOW_INSECURE_AUTH"),
      connectTimeout: duration("CONNECT_TIMEOUT"),
      requestTimeout: duration("REQUEST_TIMEOUT"),
      closeTimeout: duration("CLOSE_TIMEOUT"),
      tls,
      pool: Config.all({
        min: whole("POOL_MIN"),
        max: whole("POOL_MAX"),
        concurrency: whole("POOL_CONCURRENCY"),
        idleTimeToLive: duration("POOL_IDLE_TIME"),
        maxAge: duration("POOL_MAX_AGE"),
        checkoutTimeout: duration("POOL_CHECKOUT_TIMEOUT"),
        drainTimeout: duration("POOL_DRAIN_TIMEOUT")
      })
    }),
    ({ tls, url, ...settings }): Settings => ({ ...settings, ...serverUrls(url), tls: given(tls) })
  )
}

/** The value of a variable that is set and not empty. */
const optional = <A>(name: string, config: (name: string) => Config.Config<A>): Config.Config<A | undefined> =>
  Config.flatMap(
    Config.withDefault(Config.String(name), ""),
    (value): Config.Config<A | undefined> => value === "" ? Config.succeed(undefined) : config(name)
  )

/** Node treats an option whose value is undefined as given, so such options are left out. */
const given = (options: TlsOptions): TlsOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

const wrong = (message: string, cause?: unknown): Config.ConfigError =>
  new Config.ConfigError(new ConfigProvider.SourceError({ message, cause }))

const failed = (message: string): Effect.Effect<never, Config.ConfigError> => Effect.fail(wrong(message))

const read = (name: string, path: string): Effect.Effect<string, Config.ConfigError> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => wrong(`the file of ${name}, ${JSON.stringify(path)}, can't be read`, cause)
  })

const passwordIn = Effect.fnUntraced(function*(
  name: string,
  path: string
): Effect.fn.Return<LdapAuth.Password, Config.ConfigError> {
  const now = Effect.map(read(name, path), (text) => Redacted.make(text.replace(/\r?\n$/, "")))
  let last = yield* now
  return now.pipe(
    Effect.tap((password) =>
      Effect.sync(() => {
        last = password
      })
    ),
    Effect.catch((error) => Effect.as(Effect.logDebug(error.message), last))
  )
})
