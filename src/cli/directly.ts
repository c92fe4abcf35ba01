/**
 * `whoami` without `effect/cli`: scripts call it in loops, and to load that module takes as long as the rest of the command. Only
 * arguments whose meaning is beyond doubt are read here, a list of plain flags. All others are left to parsing.ts, with its messages.
 */
import * as Effect from "effect/Effect"
import { isAbsolute, resolve } from "node:path"
import { printIdentity } from "./commands/read/printIdentity.ts"
import type { ConnectionFlags } from "./settings/connectionFlags.ts"

/** Flags with a value. */
const texts: ReadonlyMap<string, keyof ConnectionFlags> = new Map([
  ["--url", "url"],
  ["-H", "url"],
  ["--bind-dn", "bindDn"],
  ["-D", "bindDn"],
  ["--connect-timeout", "connectTimeout"],
  ["--timeout", "timeout"],
  ["--profile", "profile"],
  ["-P", "profile"]
])

/** Flags with the path of a file. */
const files: ReadonlyMap<string, keyof ConnectionFlags> = new Map([
  ["--password-file", "passwordFile"],
  ["-y", "passwordFile"],
  ["--ca", "ca"],
  ["--cert", "cert"],
  ["--key", "key"]
])

/** Flags without a value. */
const switches: ReadonlyMap<string, keyof ConnectionFlags> = new Map([
  ["--start-tls", "startTls"],
  ["-Z", "startTls"],
  ["--allow-insecure-auth", "allowInsecureAuth"]
])

const none: ConnectionFlags = {
  url: undefined,
  bindDn: undefined,
  passwordFile: undefined,
  passwordStdin: false,
  auth: undefined,
  user: undefined,
  keytab: undefined,
  kdc: undefined,
  service: undefined,
  startTls: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  allowInsecureAuth: undefined,
  connectTimeout: undefined,
  timeout: undefined,
  profile: undefined,
  config: undefined,
  trace: false
}

/** The flags of a connection, if the arguments are nothing else, each at most once. */
export const plainFlags = (args: ReadonlyArray<string>): ConnectionFlags | undefined => {
  const given = new Map<keyof ConnectionFlags, string | boolean>()
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!
    const key = texts.get(name) ?? files.get(name) ?? switches.get(name)
    if (key === undefined || given.has(key)) return undefined
    if (switches.has(name)) {
      given.set(key, true)
      continue
    }
    const value = args[++i]
    if (value === undefined || value === "" || value.startsWith("-")) return undefined
    given.set(key, files.has(name) && !isAbsolute(value) ? resolve(value) : value)
  }
  return { ...none, ...Object.fromEntries(given) }
}

/** The command, if these arguments are read here. */
export const directly = ([command, ...args]: ReadonlyArray<string>) => {
  const flags = command === "whoami" ? plainFlags(args) : undefined
  // A question that is ended by Ctrl-C ends the run, as it does under effect/cli.
  return flags && Effect.catchTag(printIdentity(flags), "QuitError", () => Effect.interrupt)
}
