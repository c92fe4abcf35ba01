/** The root DSE (RFC 4512 section 5.1): a lookup of the entry without a name. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { InvalidRequest } from "../../../model/LdapError.ts"
import { everything } from "../../operations/searchRequest.ts"
import type { Call } from "../Call.ts"
import { lookup } from "./lookup.ts"

const found = lookup("", { filter: everything, attributes: ["*", "+"] })

export const rootDse: Call<LdapEntry> = {
  ...found,
  outcome: () => ({ entries: 1 }),
  run: (on) => on.rootDse,
  over: (requester) =>
    Effect.flatMap(
      found.over(requester),
      Option.match({
        onNone: () =>
          Effect.fail(
            requester.error(
              { operation: "rootDse" },
              new InvalidRequest({ field: "rootDse", detail: "this server doesn't show its root DSE to this user" })
            )
          ),
        onSome: Effect.succeed
      })
    ),
  // Each server has its own root DSE, so there is no other server to continue at.
  target: undefined
}
