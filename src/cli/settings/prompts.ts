/** Questions on the terminal. */
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Terminal from "effect/Terminal"
import { nodeServices } from "../nodeServices.ts"

/** Asks without echo. */
export const hidden = (message: string): Effect.Effect<Redacted.Redacted<string>, Terminal.QuitError> =>
  Effect.provide(Prompt.run(Prompt.Hidden({ message, validate: notEmpty })), nodeServices)

/** Asks for yes or no. Default: no. */
export const confirmed = (message: string): Effect.Effect<boolean, Terminal.QuitError> =>
  Effect.provide(Prompt.run(Prompt.Confirm({ message, initial: false })), nodeServices)

const notEmpty = (text: string): Effect.Effect<string, string> =>
  text === ""
    ? Effect.fail("an empty password is refused: servers take it for an anonymous bind")
    : Effect.succeed(text)
