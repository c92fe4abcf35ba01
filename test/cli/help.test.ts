/** Each command has help with examples, and the examples work. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { runCli } from "./runCli.ts"

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-help-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const commands = [
  ...["search", "lookup", "compare", "whoami", "login", "groups", "members", "tree"],
  ...["apply", "add", "modify", "delete", "rename", "passwd"],
  ...["diff", "export", "import", "transform", "schema show", "schema compare", "schema generate"],
  ...["check", "watch", "replica run", "replica status", "replica verify", "bench searchrate", "bench authrate"]
]

const helpOf = (command: string) => runCli([...command.split(" ").filter((word) => word !== ""), "--help"])

/** Splits a command into words as a shell does, up to a pipe or a redirection. */
const wordsOf = (line: string): ReadonlyArray<string> => {
  const words = Array.from(
    line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g),
    ([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? "")
  )
  const end = words.findIndex((word) => word === "|" || word === ">")
  return words.slice(0, end < 0 ? undefined : end)
}

/** The examples of a help text, without the name of the program. */
const examplesIn = (help: string): ReadonlyArray<ReadonlyArray<string>> =>
  (help.split("EXAMPLES\n")[1] ?? "").split("\n").flatMap((line) => {
    const found = /(?:^ +|<\(|\| )effect-ldap (.*?)\)?$/.exec(line)
    return found === null ? [] : [wordsOf(found[1]!)]
  })

/** Commands whose examples only read; they run on the directory of the tests. */
const reading = new Set([
  "search",
  "lookup",
  "compare",
  "whoami",
  "groups",
  "members",
  "tree",
  "schema",
  "export",
  "check"
])

describe("help", () => {
  it.effect("of each command has examples, and goes to standard output", () =>
    Effect.gen(function*() {
      const all = (yield* helpOf("")).stdout.toString()
      expect((yield* runCli(["help", "search"])).stdout).toEqual((yield* helpOf("search")).stdout)
      for (const command of commands) {
        const { code, stderr, stdout } = yield* helpOf(command)
        expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: "" })
        expect(stdout.toString()).toContain(`effect-ldap ${command}`)
        expect({ command, examples: examplesIn(stdout.toString()).length > 0 }).toEqual({ command, examples: true })
        expect(all).toMatch(new RegExp(`^  ${command.split(" ")[0]} `, "m"))
      }
    }))

  it.live("its examples have valid arguments, and those that read succeed", () =>
    Effect.gen(function*() {
      let tried = 0
      for (const command of ["", ...commands]) {
        for (const example of examplesIn((yield* helpOf(command)).stdout.toString())) {
          if (example[0] === "--completions") continue
          const isReading = reading.has(example[0]!) && slapd !== undefined && !example.includes("kerberos")
          const url = isReading ? slapd.urls.ldap : "ldap://127.0.0.1:1"
          const args = example.map((word) =>
            word.replace(/ldaps?:\/\/[\w.]+/, url)
              .replace("=ada,", "=alice,").replace("cn=staff,", "cn=team,").replaceAll("dc=org", "dc=com")
              .replace(/^(?:backup\.ldif|photos)$/, (name) => join(folder, name))
          ).filter((word, i, all) => !["--ca", "-D"].includes(word) && !["--ca", "-D"].includes(all[i - 1] ?? ""))
          const { code, stderr } = yield* runCli(args, {
            env: {
              LDAP_URL: url,
              LDAP_BIND_DN: slapd?.admin.dn ?? "",
              LDAP_PASSWORD: slapd?.admin.password ?? "",
              LDAP_ALLOW_INSECURE_AUTH: "true",
              LDAP_BASE: "dc=example,dc=com",
              EFFECT_LDAP_DATABASE: "/nonexistent/copy.db"
            }
          })
          // A message about wrong arguments ends with "See effect-ldap … --help".
          expect({ args, stderr: stderr.includes("See effect-ldap") ? stderr : "" }).toEqual({ args, stderr: "" })
          if (isReading) {
            expect({ args, code, stderr }).toEqual({ args, code: expect.toBeOneOf([0, 5]), stderr: expect.anything() })
            tried++
          }
        }
      }
      if (slapd !== undefined) expect(tried).toBeGreaterThan(15)
    }))
})
