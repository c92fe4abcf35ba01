/**
 * The profile file: settings under a name, as JSON.
 *
 *     {
 *       "default": "staff",
 *       "profiles": {
 *         "staff": { "url": "ldaps://ldap.example.org", "bindDn": "cn=reader,dc=example,dc=org", "passwordFile": "staff.password" }
 *       }
 *     }
 *
 * Paths in it are relative to its folder. It holds no password, since a file with passwords needs stricter access rights.
 */
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { type LocalError, UsageError } from "../CliFailure.ts"
import type { Layer } from "./layers.ts"
import type { Profile } from "./profileFile.ts"
import { textIn } from "./secrets.ts"

/** The names of `LdapConfig` for the keys of a profile. */
const names: Readonly<Record<keyof Profile, string>> = {
  url: "URL",
  bindDn: "BIND_DN",
  passwordFile: "PASSWORD_FILE",
  auth: "AUTH",
  user: "USER",
  keytab: "KEYTAB",
  kdc: "KDC",
  service: "SERVICE",
  base: "BASE",
  startTls: "START_TLS",
  ca: "CA",
  cert: "CERT",
  key: "KEY",
  allowInsecureAuth: "ALLOW_INSECURE_AUTH",
  connectTimeout: "CONNECT_TIMEOUT",
  requestTimeout: "REQUEST_TIMEOUT"
}

const paths: ReadonlySet<string> = new Set(["passwordFile", "ca", "cert", "key", "keytab"])

/** The file and the profile that the user has named, and the default path of the file. */
export interface ProfileChoice {
  readonly file: string | undefined
  readonly defaultFile: string
  readonly name: string | undefined
}

/** Reads the profile; `undefined` if no profile was named, and the file is missing or has no default. */
export const readProfile = Effect.fnUntraced(function*(
  { defaultFile, file, name }: ProfileChoice
): Effect.fn.Return<Layer | undefined, UsageError | LocalError> {
  const at = file ?? defaultFile
  if (file === undefined && !existsSync(at)) {
    return name === undefined
      ? undefined
      : yield* new UsageError({ detail: `there is no profile file at ${at}, in which --profile ${name} could be` })
  }
  const source = yield* textIn(at, `the profile file ${at}`)
  const { decode } = yield* profileFile
  const { default: standard, profiles } = yield* decode(at, source)
  const chosen = name ?? standard
  if (chosen === undefined) return undefined
  const profile = Object.hasOwn(profiles, chosen) ? profiles[chosen] : undefined
  if (profile === undefined) {
    const known = Object.keys(profiles).map((name) => JSON.stringify(name)).join(", ")
    return yield* new UsageError({
      detail: `${at} has no profile ${JSON.stringify(chosen)}; it has ${known || "none"}`
    })
  }
  const folder = dirname(at)
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(profile)) {
    if (value === "") continue
    const written = String(value)
    values.set(names[key as keyof Profile], paths.has(key) ? resolve(folder, written) : written)
  }
  return { place: `the profile ${JSON.stringify(chosen)}`, values }
})

/** Most runs have no profile file, and its schema takes time to load. */
const profileFile = Effect.promise(() => import("./profileFile.ts"))
