/** The root DSE (RFC 4512 section 5.1): a lookup of the entry without a name. */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { InvalidRequest, type LdapError, type LdapResult } from "../../../model/LdapError.ts"
import type { Outcome } from "../../../telemetry/Tracing.ts"
import type { LdapOperations, SearchOptions } from "../../LdapOperations.ts"
import { everything } from "../../operations/searchRequest.ts"
import type { Call } from "../Call.ts"
import type { Collected, Requester } from "../Requester.ts"
import { CollectedSearch } from "./CollectedSearch.ts"

const search: SearchOptions = { base: "", scope: "base", filter: everything, attributes: ["*", "+"] }

class RootDse extends CollectedSearch<LdapEntry> {
  outcome(): Outcome {
    return { entries: 1 }
  }

  run(on: LdapOperations): Effect.Effect<LdapEntry, LdapError> {
    return on.rootDse
  }

  succeeded(_: LdapResult, { entries: [entry] }: Collected, requester: Requester): Exit.Exit<LdapEntry, LdapError> {
    return entry === undefined ? hidden(requester) : Exit.succeed(entry)
  }

  failed(error: LdapError, _: Collected, requester: Requester): Exit.Exit<LdapEntry, LdapError> {
    return error.reason._tag === "NoSuchObject" ? hidden(requester) : Exit.fail(error)
  }

  /** Each server has its own root DSE, so there is no other server to continue at. */
  get target(): undefined {
    return undefined
  }
}

export const rootDse: Call<LdapEntry> = /* @__PURE__ */ new RootDse(search)

const hidden = (requester: Requester): Exit.Exit<never, LdapError> => {
  const detail = "this server doesn't show its root DSE to this user"
  return Exit.fail(requester.error({ operation: "rootDse" }, new InvalidRequest({ field: "rootDse", detail })))
}
