/** The settings from flags, environment and profile: their precedence, which ones stay together, and that no output has a secret. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { type Layer, merge } from "../../src/cli/settings/layers.ts"
import { runCli } from "./runCli.ts"

const layer = (place: string, values: Readonly<Record<string, string>>): Layer => ({
  place,
  values: new Map(Object.entries(values))
})
const merged = (...layers: ReadonlyArray<Layer>) => {
  const { notes, values } = merge(layers)
  return { values: Object.fromEntries(values), notes: notes.length }
}

describe("layers", () => {
  it("a higher place overrides a lower one", () => {
    expect(merged(layer("flags", { BASE: "a" }), layer("environment", { URL: "ldap://x", BASE: "b" }))).toEqual({
      values: { BASE: "a", URL: "ldap://x" },
      notes: 0
    })
  })

  it("credentials are not used with another URL", () => {
    const environment = {
      URL: "ldaps://x",
      BIND_DN: "cn=a",
      PASSWORD: "p",
      START_TLS: "true",
      CA: "ca.pem",
      BASE: "dc=x"
    }
    expect(merged(layer("flags", { URL: "ldap://y" }), layer("environment", environment))).toEqual({
      values: { URL: "ldap://y", CA: "ca.pem" },
      notes: 1
    })
    expect(merged(layer("flags", { URL: "ldaps://x" }), layer("environment", environment)).values).toEqual(environment)
  })

  it("a password is not used with another name", () => {
    const environment = layer("environment", { URL: "ldaps://x", BIND_DN: "cn=a", PASSWORD: "p" })
    expect(merged(layer("flags", { BIND_DN: "cn=b" }), environment)).toEqual({
      values: { BIND_DN: "cn=b", URL: "ldaps://x" },
      notes: 1
    })
    // A password alone applies to any name.
    expect(merged(layer("flags", { BIND_DN: "cn=b" }), layer("environment", { PASSWORD: "p" })).values).toEqual({
      BIND_DN: "cn=b",
      PASSWORD: "p"
    })
  })

  it("a password source replaces those of lower places", () => {
    expect(
      merged(layer("flags", { PASSWORD_FILE: "f" }), layer("environment", { URL: "ldaps://x", PASSWORD: "p" })).values
    ).toEqual({ PASSWORD_FILE: "f", URL: "ldaps://x" })
  })
})

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-cli-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(slapd === undefined)("a connection", () => {
  const config = join(folder, "config.json")
  const write = (content: unknown): void => writeFileSync(config, JSON.stringify(content))
  const { dn, password } = slapd?.admin ?? { dn: "", password: "" }

  it.effect("comes from a profile, whose paths are relative to it", () =>
    Effect.gen(function*() {
      writeFileSync(join(folder, "admin.password"), `${password}\n`)
      const admin = { url: slapd!.urls.ldaps, ca: slapd!.caFile, bindDn: dn, passwordFile: "admin.password" }
      write({ default: "admin", profiles: { admin, other: { url: slapd!.urls.ldap } } })
      const env = { EFFECT_LDAP_CONFIG: config }
      expect((yield* runCli(["whoami"], { env })).stdout.toString()).toBe(`dn:${dn}\n`)
      expect((yield* runCli(["whoami", "--profile", "other"], { env })).stdout.toString()).toBe("anonymous\n")
      const missing = yield* runCli(["whoami", "-P", "none"], { env })
      expect(missing).toMatchObject({ code: 89 })
      expect(missing.stderr).toContain("\"admin\", \"other\"")
      // Another server gets none of these settings.
      const elsewhere = yield* runCli(["whoami", "--url", slapd!.urls.ldap], { env })
      expect(elsewhere.stdout.toString()).toBe("anonymous\n")
      expect(elsewhere.stderr).toContain("the credentials of the profile \"admin\" are for")
    }))

  it.effect("a profile with a password or an unknown key is refused", () =>
    Effect.gen(function*() {
      for (const profile of [{ url: "ldap://x", password: "hunter2" }, { url: "ldap://x", pasword: "hunter2" }]) {
        write({ profiles: { a: profile } })
        const { code, stderr } = yield* runCli(["whoami", "-P", "a", "--config", config])
        expect(code).toBe(89)
        expect(stderr).not.toContain("hunter2")
      }
    }))

  it.effect("reads the password from standard input, and without a terminal the error says what to do", () =>
    Effect.gen(function*() {
      const args = ["whoami", "--url", slapd!.urls.ldap, "-D", dn, "--allow-insecure-auth"]
      const given = yield* runCli([...args, "--password-stdin"], { stdin: `${password}\nmore` })
      expect(given.stdout.toString()).toBe(`dn:${dn}\n`)
      const asked = yield* runCli(args)
      expect(asked.code).toBe(89)
      expect(asked.stderr).toContain("--password-file")
      const none = yield* runCli(["whoami"])
      expect(none.code).toBe(89)
      expect(none.stderr).toContain("--url")
    }))

  it.effect("--trace shows messages without the password", () =>
    Effect.gen(function*() {
      const secret = "a-password-that-is-wrong"
      const { code, stderr } = yield* runCli(["whoami", "--trace"], {
        env: { LDAP_URL: slapd!.urls.ldap, LDAP_BIND_DN: dn, LDAP_PASSWORD: secret, LDAP_ALLOW_INSECURE_AUTH: "true" }
      })
      expect(code).toBe(49)
      expect(stderr).toContain("-> 1 BindRequest")
      expect(stderr).toContain("invalidCredentials (49)")
      expect(stderr).not.toContain(secret)
    }))

  it.effect("binds over a unix socket as the user of this process", () =>
    Effect.gen(function*() {
      const { stdout } = yield* runCli(["whoami", "--auth", "external", "--url", slapd!.urls.ldapi])
      expect(stdout.toString()).toContain("dn:")
    }))
})
