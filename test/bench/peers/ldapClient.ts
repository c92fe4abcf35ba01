/** This library's `LdapClient` over its default pool, for lookups and writes: what the pool costs, beside a session. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import { configOf } from "./effectLdap.ts"
import type { Peer } from "./Peer.ts"
import { requests } from "./requests.ts"

export const peer: Peer = {
  connect: async (target) => {
    const scope = Scope.makeUnsafe()
    const client = await Effect.runPromise(Scope.provide(LdapClient.make(configOf(target)), scope))
    return { ...requests(client), close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
  }
}
