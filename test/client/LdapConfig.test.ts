/** Settings from the environment: the meaning of the names, what is refused, and that the example file can be read. */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapConfig from "../../src/client/LdapConfig.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

const url = "ldaps://ldap.example.org"

const read = (env: Record<string, string>, prefix?: string) =>
  LdapConfig.fromEnvironment(prefix).parse(ConfigProvider.fromEnv({ env }))

/** A folder for files until the test ends. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ldap-config-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const passwordOf = Effect.fnUntraced(function*({ auth }: LdapConfig.Settings) {
  assert(auth?._tag === "Simple")
  return Redacted.value(yield* Effect.isEffect(auth.password) ? auth.password : Effect.succeed(auth.password))
})

describe("LdapConfig.fromEnvironment", () => {
  it.effect("a URL is enough, and then the session is anonymous", () =>
    Effect.gen(function*() {
      const settings = yield* read({ LDAP_URL: url })
      assert.deepInclude(settings, { url })
      assert.isUndefined(settings.auth)
      assert.deepStrictEqual(settings.tls, {})
      assert.isUndefined(settings.pool.max)
    }))

  it.effect("every name is one setting", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const authority = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
      writeFileSync(join(path, "ca"), authority)
      for (const name of ["cert", "key"]) writeFileSync(join(path, name), `the ${name}`)
      const settings = yield* read({
        LDAP_URL: url,
        LDAP_BIND_DN: "cn=reader",
        LDAP_PASSWORD: "secret",
        LDAP_START_TLS: "true",
        LDAP_ALLOW_INSECURE_AUTH: "yes",
        LDAP_CA: join(path, "ca"),
        LDAP_CERT: join(path, "cert"),
        LDAP_KEY: join(path, "key"),
        LDAP_KEY_PASSPHRASE: "the passphrase",
        LDAP_CONNECT_TIMEOUT: "3 seconds",
        LDAP_REQUEST_TIMEOUT: "4 seconds",
        LDAP_CLOSE_TIMEOUT: "5 seconds",
        LDAP_POOL_MIN: "2",
        LDAP_POOL_MAX: "3",
        LDAP_POOL_CONCURRENCY: "4",
        LDAP_POOL_IDLE_TIME: "5 minutes",
        LDAP_POOL_MAX_AGE: "6 minutes",
        LDAP_POOL_CHECKOUT_TIMEOUT: "7 seconds",
        LDAP_POOL_DRAIN_TIMEOUT: "8 seconds"
      })
      assert.deepInclude(settings, { startTls: true, allowInsecureAuth: true })
      assert.deepInclude(settings.auth, { _tag: "Simple", dn: "cn=reader" })
      assert.strictEqual(yield* passwordOf(settings), "secret")
      const { key, passphrase, ...open } = settings.tls ?? {}
      assert.deepStrictEqual(open, { ca: authority, cert: "the cert" })
      assert(Redacted.isRedacted(key) && Redacted.isRedacted(passphrase))
      assert.strictEqual(Redacted.value<string | Buffer>(key), "the key")
      assert.strictEqual(Redacted.value(passphrase), "the passphrase")
      const { connectTimeout, closeTimeout, requestTimeout } = settings
      assert.deepStrictEqual(
        [connectTimeout, requestTimeout, closeTimeout].map((time) => Duration.toSeconds(time ?? 0)),
        [3, 4, 5]
      )
      const { checkoutTimeout, drainTimeout, idleTimeToLive, maxAge, ...numbers } = settings.pool
      assert.deepStrictEqual(numbers, { min: 2, max: 3, concurrency: 4 })
      assert.deepStrictEqual(
        [idleTimeToLive, maxAge, checkoutTimeout, drainTimeout].map((time) => Duration.toSeconds(time ?? 0)),
        [300, 360, 7, 8]
      )
      assert.notMatch(inspect(settings, { depth: 9 }), /secret|the passphrase|the key/)
    }))

  it.effect("another prefix, for another directory", () =>
    Effect.gen(function*() {
      const settings = yield* read({ LDAP_URL: "ldap://other", STAFF_URL: url }, "STAFF")
      assert.deepInclude(settings, { url })
    }))

  it.effect.each(["ldaps://a,ldaps://b", " ldaps://a  ldaps://b ", "ldaps://a, ldaps://b"])(
    "several servers: %s",
    (text) =>
      Effect.gen(function*() {
        const settings = yield* read({ LDAP_URL: text })
        assert.deepInclude(settings, { urls: ["ldaps://a", "ldaps://b"] })
        assert.notProperty(settings, "url")
      })
  )

  it.effect.each(
    [
      ["no URL", {}, "LDAP_URL"],
      ["a name without a password", { LDAP_BIND_DN: "cn=reader" }, "LDAP_BIND_DN"],
      ["a name with an empty password", { LDAP_BIND_DN: "cn=reader", LDAP_PASSWORD: "" }, "LDAP_BIND_DN"],
      ["a password without a name", { LDAP_PASSWORD: "secret" }, "LDAP_BIND_DN"],
      ["two passwords", { LDAP_BIND_DN: "cn=a", LDAP_PASSWORD: "secret", LDAP_PASSWORD_FILE: "/file" }, "both"],
      ["a file that isn't there", { LDAP_CA: "/nowhere/ca.pem" }, "LDAP_CA"],
      ["a password file that isn't there", { LDAP_BIND_DN: "cn=a", LDAP_PASSWORD_FILE: "/nowhere" }, "PASSWORD_FILE"],
      ["something that is no number", { LDAP_POOL_MAX: "many" }, "LDAP_POOL_MAX"]
    ] satisfies ReadonlyArray<[string, Record<string, string>, string]>
  )("%s is refused, and the message says where", ([what, env, place]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read(what === "no URL" ? env : { LDAP_URL: url, ...env }))
      assert.strictEqual(error._tag, "ConfigError")
      assert.include(error.message, place)
      assert.notInclude(inspect(error, { depth: 9 }), "secret")
    }))

  it.effect("a password in a file is read again at each bind; if the file is gone, the last password stays in use", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "password")
      writeFileSync(path, "first\n")
      const settings = yield* read({ LDAP_URL: url, LDAP_BIND_DN: "cn=reader", LDAP_PASSWORD_FILE: path })
      assert.strictEqual(yield* passwordOf(settings), "first")
      writeFileSync(path, "second \r\n")
      assert.strictEqual(yield* passwordOf(settings), "second ")
      rmSync(path)
      assert.strictEqual(yield* passwordOf(settings), "second ")
    }))

  it.effect("the example file can be read, and has every name", () =>
    Effect.gen(function*() {
      const contents = readFileSync(new URL("../../examples/.env.example", import.meta.url), "utf8")
      const names = [...contents.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
      const documented = readFileSync(new URL("../../src/client/LdapConfig.ts", import.meta.url), "utf8")
      const described = new Set([...documented.matchAll(/`(LDAP_\w+)`/g)].map(([, name]) => name))
      assert.sameMembers(names, [...described])
      const provider = ConfigProvider.fromDotEnvContents(contents.replaceAll(/=\/.*$/gm, "="))
      const error = yield* Effect.flip(LdapConfig.fromEnvironment().parse(provider))
      // It has a name, but the file of its password doesn't exist.
      assert.include(error.message, "LDAP_BIND_DN is set")
    }))

  it.live("a client with these settings is connected and bound accordingly", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=example", attributes: { objectClass: "domain", dc: "example" } }],
        admin: { password: "secret" }
      })
      const { url } = yield* InMemoryDirectory.listen(directory)
      const env = { LDAP_URL: url, LDAP_BIND_DN: "cn=admin,dc=example", LDAP_PASSWORD: "secret", LDAP_POOL_MIN: "2" }
      const settings = Config.map(
        LdapConfig.fromEnvironment(),
        (settings) => ({ ...settings, keepAlive: false as const })
      )
      const layer = Layer.provide(
        LdapClient.layerConfig(settings),
        ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
      )
      const { answer } = yield* Effect.provide(
        Effect.flatMap(LdapClient.LdapClient, (ldap) => ldap.extended(LdapExtended.whoAmI)),
        layer
      )
      assert.strictEqual(answer, "dn:cn=admin,dc=example")
      assert.strictEqual(directory.log.openConnections, 0)
    }))
})

describe("settings that are missing or invalid", () => {
  it.effect("a variable that isn't set, or is empty, is named", () =>
    Effect.gen(function*() {
      for (const env of [{}, { LDAP_URL: "" }]) {
        assert.include((yield* Effect.flip(read(env))).message, "LDAP_URL is not set")
      }
      assert.include((yield* Effect.flip(read({}, "STAFF"))).message, "STAFF_URL is not set")
    }))

  it.effect("a file without authorities is named", () =>
    Effect.gen(function*() {
      const path = yield* folder
      writeFileSync(join(path, "ca"), "/etc/ssl/ca.pem")
      const error = yield* Effect.flip(read({ LDAP_URL: url, LDAP_CA: join(path, "ca") }))
      assert.include(error.message, "LDAP_CA")
      assert.include(error.message, "contains no certificate")
    }).pipe(Effect.scoped))

  it.effect("for a client: the error names the setting, and not `servers`", () =>
    Effect.gen(function*() {
      for (
        const [config, field] of [
          [{}, "url"],
          [{ url: undefined }, "url"],
          [{ url: "" }, "url"],
          [{ url: 5 }, "url"],
          [{ urls: [] }, "urls"],
          [{ urls: url }, "urls"],
          [{ urls: [url, undefined] }, "url"],
          [{ url, connectTimeout: "soon" }, "connectTimeout"],
          [{ url, auth: {} }, "auth"],
          [{ url, auth: "cn=reader" }, "auth"],
          [{ url, tls: "ca.pem" }, "tls"],
          [{ url, maxMessageSize: "1" }, "maxMessageSize"],
          [undefined, "config"],
          [null, "config"]
        ]
      ) {
        const error = yield* Effect.flip(Effect.scoped(LdapClient.make(config as never)))
        assert.strictEqual(error.reason._tag === "InvalidRequest" ? error.reason.field : error.message, field as string)
        assert.notInclude(error.message, "servers")
      }
    }))
})
