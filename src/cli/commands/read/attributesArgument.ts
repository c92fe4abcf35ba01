/** The attributes that a command shows, after its other arguments, as with `ldapsearch`. */
import * as Argument from "effect/cli/Argument"

export const attributesArgument: Argument.Argument<ReadonlyArray<string>> = Argument.variadic(
  Argument.String("attributes").pipe(
    Argument.withDescription("Attributes to show; default all user attributes, + for the operational ones")
  )
)
