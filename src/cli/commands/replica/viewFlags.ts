/** The flags that select the content of a copy. `run` and `verify` have the same ones, and must be given the same values. */
import * as Argument from "effect/cli/Argument"
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ChangesSource } from "../../../changes/LdapChange.ts"
import { baseOf } from "../../settings/base.ts"
import { optional } from "../../settings/connectionFlags.ts"
import { filterOf } from "../read/searchFlags.ts"

export const viewFlags = {
  filter: Argument.String("filter").pipe(
    Argument.withDescription("Which entries; default (objectClass=*)"),
    Argument.optional
  ),
  base: optional(
    Flag.String("base").pipe(
      Flag.withAlias("b"),
      Flag.withMetavar("DN"),
      Flag.withDescription("Base of the entries; default LDAP_BASE, or the server's naming context")
    )
  ),
  attributes: optional(
    Flag.String("attributes").pipe(Flag.withMetavar("A,B"), Flag.withDescription("Only these attributes"))
  ),
  source: Flag.Literals("source", ["auto", ...ChangesSource.literals]).pipe(
    Flag.withDescription("How changes are read; auto takes the best way that the server offers"),
    Flag.withDefault("auto" as const)
  )
}

/** The view that the flags describe. */
export const viewOf = Effect.fnUntraced(function*(
  { attributes, base, filter, source }: Command.Command.Config.Infer<typeof viewFlags>,
  connected: Parameters<typeof baseOf>[0]
) {
  return {
    filter: yield* filterOf(Option.getOrUndefined(filter), undefined),
    base: yield* baseOf(connected, base),
    attributes: attributes?.split(","),
    source
  }
})
