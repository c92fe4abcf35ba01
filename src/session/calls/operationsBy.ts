/**
 * The list of operations: each is a method that makes a call and has it performed. To add an operation, write a file that makes its
 * calls, put it into this list, and document it in `LdapOperations`; all layers above a session have it then.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapOperations } from "../LdapOperations.ts"
import { add } from "./add.ts"
import type { Call, StreamCall } from "./Call.ts"
import { compare, compareResult } from "./compare.ts"
import { delete_ } from "./delete.ts"
import { extendedBy } from "./extended.ts"
import { lookup, lookupResult } from "./lookup.ts"
import { modify } from "./modify.ts"
import type { Performer } from "./Performer.ts"
import { rename } from "./rename.ts"
import { rootDse } from "./rootDse.ts"
import { search, searchMessages, searchResult } from "./search.ts"

export const operationsBy = (performer: Performer): LdapOperations => {
  const one =
    <Arguments extends ReadonlyArray<unknown>, A>(call: (...args: Arguments) => Call<A>) =>
    (...args: Arguments): Effect.Effect<A, LdapError> => performer.one(call(...args))
  const many =
    <Arguments extends ReadonlyArray<unknown>, A>(call: (...args: Arguments) => StreamCall<A>) =>
    (...args: Arguments): Stream.Stream<A, LdapError> => performer.many(call(...args))
  return {
    search: many(search),
    searchMessages: many(searchMessages),
    searchResult: one(searchResult),
    lookup: one(lookup),
    lookupResult: one(lookupResult),
    rootDse: performer.one(rootDse),
    compare: one(compare),
    compareResult: one(compareResult),
    add: one(add),
    modify: one(modify),
    delete: one(delete_),
    rename: one(rename),
    ...extendedBy(performer)
  }
}
