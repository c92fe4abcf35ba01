/** Text from servers is made safe for a terminal or a spreadsheet; exit codes and messages. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { exitCodeOf } from "../../src/cli/CliFailure.ts"
import { entriesAsText, type EntryFormat, formats } from "../../src/cli/output/EntryFormat.ts"
import { lineForTerminal, textForTerminal } from "../../src/cli/output/terminalText.ts"
import { LdapEntry, LdapError } from "../../src/index.ts"
import { runCli } from "./runCli.ts"

/** Clears the screen, changes the window title, starts a C1 control, changes the direction of text. */
const hostile = "a\x1b[2J\x1b]0;title\x07\u009b31m\u202etxt\rb\u2028"

const textOf = (format: EntryFormat, entry: LdapEntry.LdapEntry): Effect.Effect<string> =>
  Stream.mkString(entriesAsText({ format, columns: ["cn", "description"] })(Stream.succeed(entry)))

describe("text for a terminal", () => {
  it("has no control characters, line separators or direction marks", () => {
    expect(lineForTerminal(hostile)).toBe("a\\x1b[2J\\x1b]0;title\\x07\\x9b31m\\u202etxt\\x0db\\u2028")
    expect(textForTerminal("one\ntwo\x1b")).toBe("one\ntwo\\x1b")
    expect(lineForTerminal("Zoë 花子 🙂")).toBe("Zoë 花子 🙂")
  })

  for (const format of formats) {
    it.effect(`entries as ${format} have none either`, () =>
      Effect.gen(function*() {
        const text = yield* textOf(format, LdapEntry.make(`cn=${hostile}`, { cn: hostile, description: ["x", "y"] }))
        // oxlint-disable-next-line no-control-regex -- what a terminal acts on
        expect(text.replaceAll("\r\n", "\n")).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]/)
        if (format === "jsonl") expect(JSON.parse(text).attributes.cn).toEqual([hostile])
      }))
  }

  it.effect("a spreadsheet gets no formula", () =>
    Effect.gen(function*() {
      const text = yield* textOf(
        "csv",
        LdapEntry.make("cn=x", { cn: "=HYPERLINK(\"http://x\")", description: "-1, \"2\"" })
      )
      expect(text).toBe("dn,cn,description\r\ncn=x,\"'=HYPERLINK(\"\"http://x\"\")\",\"'-1, \"\"2\"\"\"\r\n")
    }))
})

describe("exit codes", () => {
  const of = (reason: LdapError.LdapErrorReason) => exitCodeOf(new LdapError.LdapError({ reason, operation: "search" }))
  const result = { matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] }

  it("are the server's result code, or the C API's code for failures of the client", () => {
    expect(of(new LdapError.NoSuchObject(result))).toBe(32)
    expect(of(new LdapError.InvalidCredentials(result))).toBe(49)
    expect(of(new LdapError.UnknownResultCode({ ...result, code: 4096 }))).toBe(80)
    expect(of(new LdapError.ConnectFailed({ kind: "refused", detail: "" }))).toBe(91)
    expect(of(new LdapError.ConnectionLost({ detail: "", inDoubt: true }))).toBe(81)
    expect(of(new LdapError.RequestTimeout({ afterMillis: 1, inDoubt: true }))).toBe(85)
    expect(exitCodeOf(new Error())).toBe(80)
  })
})

describe("arguments", () => {
  it.effect("a mistake in the arguments is reported on standard error only", () =>
    Effect.gen(function*() {
      for (
        const args of [["nonsense"], ["search", "--nonsense"], ["lookup"], ["search", "(uid=", "--url", "ldap://x"]]
      ) {
        const { code, stderr, stdout } = yield* runCli(args)
        expect({ args, code, stdout: stdout.toString() }).toEqual({ args, code: 89, stdout: "" })
        expect(stderr).not.toBe("")
      }
    }))
})
