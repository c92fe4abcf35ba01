import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { describe, expect, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { plainFlags } from "../../src/cli/directly.ts"
import { nodeServices } from "../../src/cli/nodeServices.ts"
import { plainSettings } from "../../src/cli/settings/clientSettings.ts"
import { configuredSettings } from "../../src/cli/settings/configuredSettings.ts"
import { connectionFlags } from "../../src/cli/settings/connectionFlags.ts"
import { checkedNames, plainNames } from "../../src/cli/settings/names.ts"
import { fromEnvironment } from "../../src/client/LdapConfig.ts"

/** The flags as `effect/cli` reads them. */
const parsed = (args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    let flags: unknown
    const command = Command.make("whoami", { connection: connectionFlags }, ({ connection }) =>
      Effect.sync(() => {
        flags = connection
      }))
    yield* Command.runWith(command, { version: "0.0.0" })(args)
    return flags
  }).pipe(Effect.provide(Layer.merge(nodeServices, NodeStdio.layer)))

const all = [
  ["--url", "ldap://localhost"],
  ["--bind-dn", "cn=reader,dc=example,dc=com"],
  ["--password-file", "some.password"],
  ["--ca", "/etc/ca.pem"],
  ["--cert", "cert.pem"],
  ["--key", "../key.pem"],
  ["--connect-timeout", "2s"],
  ["--timeout", "5 seconds"],
  ["--profile", "staff"],
  ["--start-tls"],
  ["--allow-insecure-auth"]
]

describe("flags that are read without effect/cli", () => {
  it.live("mean the same as with it", () =>
    Effect.gen(function*() {
      const aliases = [["-H", "ldap://localhost"], ["-D", "cn=reader"], ["-y", "some.password"], ["-P", "staff"], [
        "-Z"
      ]]
      for (const args of [[], ...all, ...aliases, all.flat(), aliases.flat()]) {
        expect(plainFlags(args)).toEqual(yield* parsed(args))
      }
    }))

  it("others, repeated ones and unclear values are left to it", () => {
    const unclear = ["--url", "-H", "--url=ldap://localhost", "--no-start-tls", "--trace", "--help", "--auth", "filter"]
    for (const name of unclear) expect(plainFlags([name])).toBeUndefined()
    expect(plainFlags(["--url", "--start-tls"])).toBeUndefined()
    expect(plainFlags(["--url", ""])).toBeUndefined()
    expect(plainFlags(["--url", "ldap://a", "-H", "ldap://b"])).toBeUndefined()
  })
})

describe("settings that are read without LdapConfig", () => {
  it.effect("mean the same as with it", () =>
    Effect.gen(function*() {
      for (
        const values of [
          { URL: "ldap://localhost" },
          { URL: " ldap://a, ldap://b ", BASE: "dc=example" },
          { URL: "ldaps://localhost", BIND_DN: "cn=reader", PASSWORD: "secret" }
        ]
      ) {
        const map = new Map(Object.entries(values))
        expect(plainSettings(map)).toEqual(defined(yield* configuredSettings(map)))
      }
    }))

  it("others, halves of a bind and empty values are left to it", () => {
    for (
      const values of [
        { BIND_DN: "cn=reader" },
        { PASSWORD: "secret" },
        { BASE: "" },
        { REQUEST_TIMEOUT: "1 second" },
        { CA: "/etc/ca.pem" }
      ]
    ) {
      expect(plainSettings(new Map(Object.entries({ URL: "ldap://localhost", ...values })))).toBeUndefined()
    }
    expect(plainSettings(new Map())).toBeUndefined()
  })
})

it.effect("the names of settings are those that LdapConfig asks for", () =>
  Effect.gen(function*() {
    const asked = new Set<string>()
    const provider = ConfigProvider.make(([name]) =>
      Effect.sync(() => {
        asked.add(String(name).replace(/^LDAP_/, ""))
        return name === "LDAP_URL" ? ConfigProvider.makeValue("ldap://localhost") : undefined
      })
    )
    yield* fromEnvironment().parse(provider)
    expect([...plainNames, ...checkedNames].sort()).toEqual([...asked].sort())
  }))

/** Without the options that are undefined. */
const defined = (value: unknown): unknown =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
    ? Object.fromEntries(
      Object.entries(value).flatMap(([key, value]) => (value === undefined ? [] : [[key, defined(value)]]))
    )
    : value
