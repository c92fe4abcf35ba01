/** `check`: examines a server and prints findings, each with advice. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapUrl from "../../../model/url/LdapUrl.ts"
import { Ended, ExitCode, UsageError } from "../../CliFailure.ts"
import { examine } from "../../doctor/examine.ts"
import type { Finding } from "../../doctor/Finding.ts"
import type { Patient } from "../../doctor/Patient.ts"
import { writeAll } from "../../output/standardOutput.ts"
import { jsonText, lineForTerminal } from "../../output/terminalText.ts"
import { resolve, type ResolvedSettings } from "../../settings/connection.ts"
import { connectionFlags, isGiven } from "../../settings/connectionFlags.ts"
import { Origins } from "../../settings/origins.ts"
import { worded } from "../../wording.ts"

export const check = Command.make(
  "check",
  {
    url: Argument.String("url").pipe(
      Argument.withDescription("The server; default --url or LDAP_URL"),
      Argument.optional
    ),
    json: isGiven(Flag.Boolean("json").pipe(Flag.withDescription("A line of JSON for each finding"))),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, json, url }) {
    const patient = yield* patientOf(yield* resolve(connection, Option.getOrUndefined(url)))
    const { canColor } = yield* TerminalCapabilities
    const origins = yield* Origins
    let failures = 0
    yield* writeAll(Stream.map(examine(patient), (found) => {
      const finding = { ...found, detail: worded(found.detail, origins) }
      if (finding.status === "failure") failures++
      return json ? `${jsonText(finding)}\n` : lineOf(finding, canColor)
    }))
    if (failures > 0) return yield* new Ended({ code: ExitCode.checkFailed })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Find out what is wrong with a server and how to fix it: DNS, TCP, TLS, the root DSE, binds, limits, clock and speed. " +
      "Exit code 1 if there is a failure. It makes a few connections, and on ldap:// one bind with a name that doesn't exist."
  ),
  Command.withExamples([
    { command: "effect-ldap check ldaps://ldap.example.org", description: "As an anonymous client" },
    {
      command: "effect-ldap check ldaps://dc1.example.com --ca ca.pem -D reader@example.com --json",
      description: "With a bind, for a program"
    }
  ])
)

const patientOf = Effect.fnUntraced(function*({ base, settings, url }: ResolvedSettings) {
  const parsed = yield* Effect.fromResult(
    Result.mapError(LdapUrl.parse(url), ({ message }) => new UsageError({ detail: message }))
  )
  const { pool: _, ...rest } = settings
  const session = { ...rest, url: undefined, urls: undefined }
  const patient: Patient = {
    url,
    address: parsed.scheme === "ldapi" || parsed.host === undefined
      ? undefined
      : { host: parsed.host.replace(/\.$/, ""), port: LdapUrl.port(parsed) ?? 389 },
    isLdaps: parsed.scheme === "ldaps",
    startTls: settings.startTls === true,
    tls: settings.tls ?? {},
    settings: withoutUrls(session),
    base,
    timeout: Duration.toMillis(settings.connectTimeout ?? "10 seconds")
  }
  return patient
})

const withoutUrls = <A extends { readonly url: undefined; readonly urls: undefined }>(
  { url: _, urls: __, ...rest }: A
): Omit<A, "url" | "urls"> => rest

const colours = { ok: 32, warning: 33, failure: 31 } as const

const lineOf = ({ advice, check, detail, status }: Finding, canColor: boolean): string => {
  const mark = status.padEnd(7)
  const marked = canColor ? `\x1b[${colours[status]}m${mark}\x1b[0m` : mark
  const what = `${marked}  ${check.padEnd(15)}  ${lineForTerminal(detail)}\n`
  return advice === undefined ? what : `${what}${" ".repeat(26)}-> ${lineForTerminal(advice)}\n`
}
