/** Lookups and writes over a session, over a client, or over the least session. */
import * as Effect from "effect/Effect"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import type { Client } from "./Peer.ts"

interface Requesting {
  lookup(dn: string): Effect.Effect<unknown, unknown>
  add(dn: string, attributes: Readonly<Record<string, string>>): Effect.Effect<unknown, unknown>
  modify(dn: string, change: LdapModification.LdapModification): Effect.Effect<unknown, unknown>
  delete(dn: string): Effect.Effect<unknown, unknown>
}

export const requests = (on: Requesting): Pick<Client, "lookups" | "writes"> => ({
  lookups: (dns, inFlight) =>
    Effect.runPromise(Effect.forEach(dns, (dn) => on.lookup(dn), { concurrency: inFlight, discard: true })),
  writes: (dns, inFlight) =>
    Effect.runPromise(
      Effect.forEach(dns, (dn) =>
        on.add(dn, { objectClass: "device", cn: dn.slice(3, dn.indexOf(",")) }).pipe(
          Effect.andThen(on.modify(dn, LdapModification.replace("description", "changed"))),
          Effect.andThen(on.delete(dn))
        ), { concurrency: inFlight, discard: true })
    )
})
