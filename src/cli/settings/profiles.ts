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
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { LocalError, UsageError } from "../CliFailure.ts"
import { authMethods } from "./connectionFlags.ts"
import type { Layer } from "./layers.ts"

const text = Schema.optionalKey(Schema.String)
const flag = Schema.optionalKey(Schema.Boolean)

const Profile = Schema.Struct({
  url: text,
  bindDn: text,
  passwordFile: text,
  auth: Schema.optionalKey(Schema.Literals(authMethods)),
  user: text,
  keytab: text,
  kdc: text,
  service: text,
  base: text,
  startTls: flag,
  ca: text,
  cert: text,
  key: text,
  allowInsecureAuth: flag,
  connectTimeout: text,
  requestTimeout: text
})

type Profile = typeof Profile.Type

const File = Schema.Struct({
  default: text,
  profiles: Schema.Record(Schema.String, Profile)
})

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
): Effect.fn.Return<Layer | undefined, UsageError | LocalError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const at = file ?? defaultFile
  if (file === undefined && !(yield* Effect.orElseSucceed(fs.exists(at), () => false))) {
    return name === undefined
      ? undefined
      : yield* new UsageError({ detail: `there is no profile file at ${at}, in which --profile ${name} could be` })
  }
  const source = yield* Effect.mapError(
    fs.readFileString(at),
    ({ message }) => new LocalError({ detail: `the profile file ${at} can't be read: ${message}` })
  )
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
  const folder = path.dirname(at)
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(profile)) {
    if (value === "") continue
    const written = String(value)
    values.set(names[key as keyof Profile], paths.has(key) ? path.resolve(folder, written) : written)
  }
  return { place: `the profile ${JSON.stringify(chosen)}`, values }
})

const decode = (at: string, source: string): Effect.Effect<typeof File.Type, UsageError> =>
  Effect.try({
    try: (): unknown => JSON.parse(source),
    catch: () => new UsageError({ detail: `the profile file ${at} is not JSON` })
  }).pipe(
    Effect.flatMap((json) =>
      hasPassword(json)
        ? Effect.fail(
          new UsageError({
            detail: `the profile file ${at} holds a password: put it into a file, and name that in "passwordFile"`
          })
        )
        : Effect.mapError(
          Schema.decodeUnknownEffect(File)(json, { onExcessProperty: "error" }),
          ({ message }) => new UsageError({ detail: `the profile file ${at} can't be used: ${message}` })
        )
    )
  )

const hasPassword = (json: unknown): boolean =>
  typeof json === "object" && json !== null && "profiles" in json && typeof json.profiles === "object" &&
  json.profiles !== null &&
  Object.values(json.profiles).some((profile: unknown) =>
    typeof profile === "object" && profile !== null && "password" in profile
  )
