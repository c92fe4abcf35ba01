/** Mass deletions: a copy stops before them, and a person confirms whether they are intended. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { LdapReplica } from "../../../replica.ts"
import { Ended, ExitCode } from "../../CliFailure.ts"
import { say } from "../../output/standardOutput.ts"
import { optional } from "../../settings/connectionFlags.ts"
import { canAsk, confirm } from "../../settings/secrets.ts"

/** A number or a percentage. */
export const maxDeletionsFlag = Flag.String("max-deletions").pipe(
  Flag.withMetavar("N|N%"),
  Flag.withDescription(
    "The most deletions within an hour; if there would be more, the copy stops before them; default 10%"
  ),
  Flag.withDefault("10%")
)

export const confirmDeletionsFlag = optional(
  Flag.Int("confirm-deletions").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Allow this number of deletions once; --max-deletions doesn't count them")
  )
)

/** The text in the form that `LdapReplica` takes. `LdapReplica` checks it. */
export const limitOf = (text: string): number | `${number}%` =>
  /^[0-9]+$/.test(text) ? Number(text) : text as `${number}%`

/** Runs work that may delete. If the guard stops it and there is a terminal, asks, and tries again if the answer is yes. */
export const askingAboutDeletions = Effect.fnUntraced(function*<A, E, R>(
  { confirmDeletions }: Pick<LdapReplica.LdapReplica, "confirmDeletions">,
  work: Effect.Effect<A, E, R>
) {
  while (true) {
    const outcome = yield* Effect.result(work)
    if (outcome._tag === "Success") return outcome.success
    const error = outcome.failure
    if (!(error instanceof LdapReplica.LdapReplicaError) || error.reason._tag !== "TooManyDeletions") {
      return yield* Effect.fail(error)
    }
    const { before, deletions, entries, limit } = error.reason
    const earlier = before === 0 ? "" : ` beside ${before} within the last hour`
    const what = `${deletions} of ${entries} entries would be deleted${earlier}, and --max-deletions allows ${limit}`
    if (!(yield* canAsk)) {
      yield* say(
        `effect-ldap: ${what}; nothing was deleted. See whether the directory, the filter and the rights of the bind DN are right, ` +
          `then give --confirm-deletions ${deletions}`
      )
      return yield* new Ended({ code: ExitCode.declined })
    }
    yield* say(`${what}.`)
    if (!(yield* confirm(`Delete ${deletions} entries of the copy?`, ""))) {
      yield* say("Nothing was deleted.")
      return yield* new Ended({ code: ExitCode.declined })
    }
    yield* confirmDeletions(deletions)
  }
})
