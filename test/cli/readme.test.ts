/** The commands in the README's session print the output that it shows, except for ports, times and dates. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { runCli } from "./runCli.ts"

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-readme-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const alike = (line: string): string =>
  line.replace(/port \d+/, "port N").replace(/\d+(?:\.\d+)? ms/g, "N ms").replace(/with TLS_\w+/, "with TLS")

describe.skipIf(slapd === undefined)("the session of the README", () => {
  it.live("is what the commands print", () =>
    Effect.gen(function*() {
      const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8")
      const session = /```console\n(\$ effect-ldap [^]*?)```/.exec(readme)![1]!
      const files = new Map([
        [
          "changes.ldif",
          "dn: uid=alice,ou=people,dc=example,dc=com\nchangetype: modify\nreplace: mail\nmail: alice@example.org\n-\n\n" +
          "dn: uid=alice,ou=people,dc=example,dc=com\nchangetype: modify\ndelete: title\n-\n"
        ],
        ["guess", "wrong\n"]
      ])
      for (const [name, content] of files) writeFileSync(join(folder, name), content)
      const commands = session.split(/^\$ effect-ldap /m).slice(1)
      expect(commands.length).toBeGreaterThan(3)
      for (const text of commands) {
        const [command = "", ...expected] = text.trimEnd().split("\n")
        const args = Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, word]) => quoted ?? word!)
        const { stderr, stdout } = yield* runCli(
          args.map((word) => files.has(word) ? join(folder, word) : word),
          {
            env: {
              LDAP_URL: slapd!.urls.ldaps,
              LDAP_CA: slapd!.caFile,
              LDAP_BIND_DN: slapd!.admin.dn,
              LDAP_PASSWORD: slapd!.admin.password,
              LDAP_BASE: slapd!.base
            }
          }
        )
        const printed = alike(stdout.toString() + stderr).trimEnd()
        // … in the README stands for output that is left out.
        const parts = expected.map(alike).join("\n").split(/^…$/m).map((part) => part.replace(/^\n|\n$/g, ""))
        // The server decides the order of entries.
        const sorted = (text: string) => text.split("\n").sort()
        if (parts.length === 1) expect(sorted(printed)).toEqual(sorted(parts[0]!))
        else for (const part of parts) expect(printed).toContain(part)
      }
    }))
})

describe("the recipes of the handbook", () => {
  it.effect("are understood", () =>
    Effect.gen(function*() {
      const page = readFileSync(join(import.meta.dirname, "../../examples/command-line.md"), "utf8")
      const recipes = page.slice(page.indexOf("## Recipes"), page.indexOf("## Settings"))
      const commands = Array.from(recipes.matchAll(/`effect-ldap ([^`]*)`/g), ([, command]) =>
        command!.split(/ [<>] /)[0]!)
      expect(commands.length).toBeGreaterThan(18)
      for (const command of commands) {
        const words = Array.from(
          command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g),
          ([word]) =>
            word.replace(/['"]/g, "").replace(/ldaps?:\/\/[\w.]+/, "ldap://127.0.0.1:1")
        ).map((word) => /\.(?:ldif|csv|db|state|txt)$/.test(word) ? join(folder, word) : word)
        const { stderr } = yield* runCli(words, { env: { LDAP_URL: "ldap://127.0.0.1:1", LDAP_BASE: "dc=x" } })
        // What is wrong with arguments ends with where the help is.
        expect({ command, stderr: stderr.includes("See effect-ldap") ? stderr : "" }).toEqual({ command, stderr: "" })
      }
    }))
})
