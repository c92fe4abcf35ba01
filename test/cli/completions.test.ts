/** Completions: each shell loads its script, and completes commands, flags, values and files. Shells that aren't installed are left out. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { runCli } from "./runCli.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-ldap-completions-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The proposals of a shell for a line: runs a program of that shell with the script in `$1` and the line in `$2`. */
const shells = {
  bash: `source "$1"
    COMP_LINE=$2 COMP_POINT=\${#2}
    read -ra COMP_WORDS <<< "$2"
    if [[ $2 == *" " ]]; then COMP_WORDS+=(""); fi
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _effect_ldap effect-ldap "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: `source $argv[1]
    complete -C $argv[2] | cut -f 1`
}

const isInstalled = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0

for (const [shell, program] of Object.entries(shells)) {
  describe.skipIf(!isInstalled(shell))(`in ${shell}`, () => {
    it.effect("commands, flags, values and files are completed", () =>
      Effect.gen(function*() {
        const { code, stdout } = yield* runCli(["--completions", shell])
        expect(code).toBe(0)
        const script = join(folder, shell)
        writeFileSync(script, stdout)
        writeFileSync(join(folder, "people.ldif"), "")
        const completed = (line: string): ReadonlyArray<string> => {
          const args = shell === "fish" ? ["-N", "-c", program, script, line] : ["-c", program, shell, script, line]
          const { stderr, stdout } = spawnSync(shell, args, { encoding: "utf8", cwd: folder })
          expect(stderr).toBe("")
          return stdout.trim().split("\n").sort()
        }
        expect(completed("effect-ldap sea")).toEqual(["search"])
        expect(completed("effect-ldap replica ")).toEqual(["run", "status", "verify"])
        expect(completed("effect-ldap search --forma")).toEqual(["--format"])
        expect(completed("effect-ldap search --format ")).toEqual(["csv", "json", "jsonl", "ldif", "table"])
        expect(completed("effect-ldap apply peo")).toEqual(["people.ldif"])
        expect(completed("effect-ldap whoami --ca peo")).toEqual(["people.ldif"])
      }))
  })
}
