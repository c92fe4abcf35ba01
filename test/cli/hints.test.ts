/** What a person gets to read on the way: hints about arguments, and notes about what a command has left. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { runCli } from "./runCli.ts"

describe("a hint", () => {
  const stderrOf = (args: ReadonlyArray<string>) =>
    Effect.map(runCli(args, { env: { LDAP_URL: "ldap://127.0.0.1:1" } }), ({ code, stderr }) => {
      expect(code).toBe(89)
      return stderr
    })

  it.effect("says by which flag it is given", () =>
    Effect.gen(function*() {
      expect(yield* stderrOf(["rename", "cn=x", "uid=rob"])).toContain(
        "\nThe new name is given with --to: --to uid=rob\n"
      )
      expect(yield* stderrOf(["modify", "cn=x", "+member=cn=a b"])).toContain("with --add: --add 'member=cn=a b'\n")
      expect(yield* stderrOf(["modify", "cn=x", "mail=a@b"])).toContain("--replace mail=a@b\n")
      expect(yield* stderrOf(["whoami", "--insecure"])).toContain("--ca FILE")
      expect(yield* stderrOf(["search", "-b", "dc=x", "user0001"])).toMatch(/\nIs \(uid=user0001\) meant\?\n$/)
      expect(yield* stderrOf(["search", "-b", "dc=x", "(&(a=b)"])).not.toContain("meant")
    }))

  it.effect("isn't a list of all flags", () =>
    Effect.gen(function*() {
      expect(yield* stderrOf(["search", "-f"])).not.toContain("-b")
      expect(yield* stderrOf(["search", "--scoop", "base"])).toContain("--scope")
    }))
})

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-hints-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(slapd === undefined)("on slapd", () => {
  const base = slapd?.base ?? ""
  const groups = `ou=groups,${base}`
  const cli = (args: ReadonlyArray<string>) =>
    Effect.map(
      runCli(args, {
        env: {
          LDAP_URL: slapd!.urls.ldap,
          LDAP_BIND_DN: slapd!.admin.dn,
          LDAP_PASSWORD: slapd!.admin.password,
          LDAP_ALLOW_INSECURE_AUTH: "true",
          LDAP_BASE: base
        }
      }),
      ({ code, stderr, stdout }) => ({ code, stderr, text: stdout.toString() })
    )

  it.effect("search counts, and writes to a file", () =>
    Effect.gen(function*() {
      expect(yield* cli(["search", "--count", "-b", `ou=many,${base}`, "-s", "one"])).toEqual({
        code: 0,
        stderr: "",
        text: "1200\n"
      })
      const output = join(folder, "team.ldif")
      const args = ["search", "-b", groups, "(cn=team)", "cn"]
      expect(yield* cli([...args, "--output", output])).toEqual({ code: 0, stderr: "", text: "" })
      expect(readFileSync(output, "utf8")).toBe((yield* cli(args)).text)
      expect(statSync(output).mode & 0o077).toBe(0)
      expect((yield* cli([...args, "--output", join(folder, "missing", "team.ldif")])).code).toBe(82)
    }))

  it.effect("scopes have the names of ldapsearch and those of the library", () =>
    Effect.gen(function*() {
      const count = (scope: string) =>
        Effect.map(cli(["search", "--count", "-b", groups, "-s", scope]), ({ text }) => text)
      expect(yield* count("subtree")).toBe(yield* count("sub"))
      expect(yield* count("subordinates")).toBe(yield* count("children"))
      expect(yield* count("subtree")).not.toBe(yield* count("subordinates"))
    }))

  it.effect("tree says how to see more, and schema show what is required first", () =>
    Effect.gen(function*() {
      expect((yield* cli(["tree", groups, "--children", "1"])).text).toMatch(/\n└── … \(more: --children 20\)\n$/)
      const lines = (yield* cli(["schema", "show", "inetOrgPerson"])).text.split("\n")
      expect(lines[1]).toBe("  required: sn cn objectClass")
      expect(lines.filter((line) => /^ {2}(?:may|must)/.test(line) || line.length > 100)).toEqual([])
      expect(lines.filter((line) => /\bmanager\b/.test(line))).toHaveLength(1)
    }))

  it.effect("groups that keep an old name are named", () =>
    Effect.gen(function*() {
      const unit = `ou=${crypto.randomUUID()},ou=scratch,${base}`
      const [person, renamed] = [`cn=rob,${unit}`, `cn=bobby,${unit}`]
      const group = `cn=vpn,${unit}`
      yield* cli(["add", unit, "objectClass=organizationalUnit"])
      yield* cli(["add", person, "objectClass=person", "sn=x"])
      yield* cli(["add", group, "objectClass=groupOfNames", `member=${person}`])
      expect(yield* cli(["rename", person, "--to", "cn=bobby"])).toEqual({
        code: 0,
        text: "",
        stderr: `Renamed ${person}\n${person} is still listed in 1 group: ${group}\n`
      })
      expect(yield* cli(["members", group, "--nested"])).toEqual({
        code: 0,
        text: "",
        stderr: "1 name has no entry and was left out.\n"
      })
      expect((yield* cli(["members", group])).stderr).toBe("")
      for (const args of [["members", renamed], ["members", renamed, "--nested"]]) {
        expect(yield* cli(args)).toEqual({
          code: 0,
          text: "",
          stderr: `${renamed} has no members; is it a group?\n`
        })
      }
      expect((yield* cli(["delete", renamed])).stderr).toBe(`Deleted ${renamed}\n`)
      yield* cli(["add", person, "objectClass=person", "sn=x"])
      expect((yield* cli(["delete", person])).stderr).toContain(`still listed in 1 group: ${group}\n`)
      expect((yield* cli(["delete", "--tree", "--yes", unit])).code).toBe(0)
    }))
})
