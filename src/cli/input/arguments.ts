/**
 * Rewrites the arguments before `effect/cli` reads them. `--save` takes two values. `help search` becomes `search --help`. Flags of
 * OpenLDAP's tools are either accepted, or refused with the flag to use instead.
 */
import * as Effect from "effect/Effect"
import { UsageError } from "../CliFailure.ts"

/** Flags of `ldapsearch` and similar tools for what is the default here: simple binds, plain LDIF, and a prompt for the password. */
const needless: ReadonlySet<string> = new Set(["-x", "-L", "-LL", "-LLL", "-W"])

const instead: ReadonlyMap<string, string> = new Map([
  ["-w", "-w: a password as an argument is visible to others; leave it out and you are asked, or give -y FILE"],
  ["-E", "-E: give --all for all entries, in pages and ranges"],
  ["-Y", "-Y: give --auth, as in --auth kerberos"],
  ["-U", "-U: give --user"]
])

/** Reads up to `--`; no flags follow after it. */
export const argumentsOf = (args: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, UsageError> => {
  if (args[0] === "help") return Effect.succeed([...args.slice(1), "--help"])
  const end = args.indexOf("--")
  const flags = end < 0 ? args : args.slice(0, end)
  const written: Array<string> = []
  for (let i = 0; i < flags.length; i++) {
    const [name = "", attribute, folder] = flags.slice(i, i + 3)
    const advice = instead.get(name)
    if (advice !== undefined) return Effect.fail(new UsageError({ detail: advice }))
    if (name === "--save" && attribute !== undefined && folder !== undefined && !attribute.includes("=")) {
      // A flag of effect/cli has one value.
      written.push("--save", `${attribute}=${folder}`)
      i += 2
    } else if (name === "-ZZ") written.push("-Z")
    else if (!needless.has(name)) written.push(name)
  }
  return Effect.succeed([...written, ...args.slice(flags.length)])
}
