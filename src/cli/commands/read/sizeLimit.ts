/** What to do where the server's size limit has ended a search. */
import * as Effect from "effect/Effect"
import { LdapError } from "../../../model/LdapError.ts"
import { Advised } from "../../CliFailure.ts"
import { Origins } from "../../settings/origins.ts"
import { sizeAdvice } from "../../wording.ts"

/** Fails with the error; of a size limit that no pages help against, it says after how many entries the server stops. */
export const stoppedAt = <E>(error: E, count: () => number): Effect.Effect<never, E | Advised> =>
  isSizeLimit(error)
    ? Effect.flatMap(Origins, (origins) =>
      Effect.fail(new Advised({ cause: error, advice: sizeAdvice(origins, count()) })))
    : Effect.fail(error)

/** The same for a search that wasn't read in pages. */
export const withoutPages = <E>(error: E): Effect.Effect<never, E | Advised> =>
  Effect.fail(isSizeLimit(error) ? new Advised({ cause: error, advice: "give --all, which reads in pages" }) : error)

const isSizeLimit = (error: unknown): error is LdapError =>
  error instanceof LdapError && error.reason._tag === "SizeLimitExceeded"
