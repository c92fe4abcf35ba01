/** The root DSE (RFC 4512 section 5.1): a lookup of the entry without a name. */
import * as Exit from "effect/Exit"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { InvalidRequest, type LdapError } from "../../../model/LdapError.ts"
import type { SearchOptions } from "../../LdapOperations.ts"
import { everything } from "../../operations/searchRequest.ts"
import type { Call } from "../Call.ts"
import type { Requester } from "../Requester.ts"
import { collecting, describeSearch } from "./search.ts"

const search: SearchOptions = { base: "", scope: "base", filter: everything, attributes: ["*", "+"] }

export const rootDse: Call<LdapEntry> = {
  name: "search",
  kind: "read",
  isStream: false,
  describe: () => describeSearch(search),
  outcome: () => ({ entries: 1 }),
  run: (on) => on.rootDse,
  ...collecting(search, {
    succeeded: (_, { entries: [entry] }, requester) => entry === undefined ? hidden(requester) : Exit.succeed(entry),
    failed: (error, _, requester) => error.reason._tag === "NoSuchObject" ? hidden(requester) : Exit.fail(error)
  })
  // Each server has its own root DSE, so there is no other server to continue at: no target.
}

const hidden = (requester: Requester): Exit.Exit<never, LdapError> => {
  const detail = "this server doesn't show its root DSE to this user"
  return Exit.fail(requester.error({ operation: "rootDse" }, new InvalidRequest({ field: "rootDse", detail })))
}
