/** The content of a profile file, checked. What it means is in profiles.ts. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { UsageError } from "../CliFailure.ts"
import { authMethods } from "./authMethods.ts"

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

export type Profile = typeof Profile.Type

const File = Schema.Struct({
  default: text,
  profiles: Schema.Record(Schema.String, Profile)
})

/** Reads the text of the file `at`. */
export const decode = (at: string, source: string): Effect.Effect<typeof File.Type, UsageError> =>
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
