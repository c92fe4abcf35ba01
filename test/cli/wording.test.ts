/** Messages have the words of the command line: flags, variables and the profile, and no option of the library. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { noOrigins } from "../../src/cli/settings/origins.ts"
import { worded } from "../../src/cli/wording.ts"
import { runCli } from "./runCli.ts"

const source = join(import.meta.dirname, "../../src")

/** Advice that names an option of a program: a verb, and a name with a capital letter or a point in it. */
const advice =
  /\b(?:raise|lower|set|give|say|use|or|with|in) (?:the option \w+|(?!servicePrincipalName)[a-z]+[A-Z]\w*\b(?!\.\w)|tls\.\w+|pool\.\w+)/

/** The lines of the library with such texts, joined where they are written in parts. Two can't occur here: clients see to them. */
const texts = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !/^(?:cli|testing|ldapts)\b/.test(file))
  .flatMap((file) =>
    readFileSync(join(source, file), "utf8").replace(/^ *(?:\*|\/\/|\/\*).*$/gm, "").replace(/["`] \+\s*["`]/g, "")
      .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "7").split("\n")
  )
  .flatMap((line) => /["`].*/.exec(line) ?? [])
  .filter((text) => advice.test(text) && !/session\.startTls|pagedSearches|" in \w+\)/.test(text))

describe("texts of the library", () => {
  it("that name options are found", () => {
    expect(texts.length).toBeGreaterThan(8)
  })

  it.each(texts)("%s", (text) => {
    expect(worded(text, noOrigins())).not.toMatch(advice)
  })
})

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-words-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(slapd === undefined)("a message names", () => {
  const stderrOf = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    Effect.map(runCli(args, { env }), ({ code, stderr }) => `${code} ${stderr}`)

  it.effect("a setting by the place where it was given", () =>
    Effect.gen(function*() {
      const whoami = ["whoami", "-H", slapd!.urls.ldaps]
      const missing = join(folder, "missing.pem")
      expect(yield* stderrOf([...whoami, "--ca", missing])).toBe(
        `89 effect-ldap: the file of --ca, ${JSON.stringify(missing)}, can't be read\n`
      )
      expect(yield* stderrOf(whoami, { LDAP_CA: missing })).toContain("the file of LDAP_CA, ")
      const config = join(folder, "config.json")
      writeFileSync(config, JSON.stringify({ profiles: { staff: { url: slapd!.urls.ldaps, ca: "missing.pem" } } }))
      expect(yield* stderrOf(["whoami", "--config", config, "-P", "staff"])).toContain(
        "the file of ca of the profile \"staff\", "
      )
      expect(yield* stderrOf([...whoami, "--timeout", "soon"])).toContain("effect-ldap: --timeout: ")
      expect(yield* stderrOf(whoami, { LDAP_REQUEST_TIMEOUT: "soon" })).toContain("effect-ldap: LDAP_REQUEST_TIMEOUT: ")
    }))

  it.effect("flags in the place of options", () =>
    Effect.gen(function*() {
      expect(yield* stderrOf(["whoami", "-H", slapd!.urls.ldaps])).toContain("; give the CA with --ca\n")
      expect(yield* stderrOf(["whoami", "-H", slapd!.urls.ldap.replace("ldap:", "ldaps:")])).toMatch(
        /use ldap:\/\/, with --start-tls\n$/
      )
      expect(yield* stderrOf(["whoami", "-H", "ldap://ldap.invalid", "-D", "cn=x", "-y", file("password", "x")]))
        .not.toContain("allowInsecureAuth")
      expect(yield* stderrOf(["whoami", "-H", `ldap://[::1]:${slapd!.urls.ldap6!.split(":").at(-1)}`, "-Z"]))
        .toContain("--ca")
    }))

  it.effect("--bind-dn where no credentials were given", () =>
    Effect.gen(function*() {
      const args = ["delete", `cn=team,ou=groups,${slapd!.base}`, "-H", slapd!.urls.ldap]
      expect(yield* stderrOf(args)).toContain("; no credentials were given: give --bind-dn\n")
    }))

  it.effect("what to do where the server counts the entries of all pages", () =>
    Effect.gen(function*() {
      const at = ["-H", slapd!.urls.ldap]
      const limits = "4 effect-ldap: search of \"dc=example,dc=com\" on ldap"
      for (
        const args of [["search", "--all", "-b"], ["export"], ["search", "--count", "-b"], [
          "search",
          "--page-size",
          "200",
          "-b"
        ]]
      ) {
        const said = yield* stderrOf([...args, slapd!.base, ...at])
        expect(said).toContain(limits)
        expect(said).toContain("; the server stops after 500 entries, with pages or without: let its administrator")
        expect(said).toContain("(OpenLDAP: limits anonymous size=unlimited size.prtotal=unlimited)")
      }
      expect(yield* stderrOf(["search", "-b", slapd!.base, ...at])).toMatch(/; give --all, which reads in pages\n$/)
    }))
})

const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
