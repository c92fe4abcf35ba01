/** This library, as a program uses it: one runtime, operations composed as effects. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import type { Client, Peer, Target } from "./Peer.ts"

const connect = async ({ bindDn, ca, password, url }: Target): Promise<Client> => {
  const scope = Scope.makeUnsafe()
  const session = await Effect.runPromise(
    Scope.provide(
      LdapSession.make({
        url,
        auth: LdapAuth.simple(bindDn, Redacted.make(password)),
        ...(ca === undefined ? {} : { tls: { ca } })
      }),
      scope
    )
  )
  return {
    stream: (base) => Effect.runPromise(Stream.runFold(session.search({ base }), () => 0, (count) => count + 1)),
    streamRead: (base) =>
      Effect.runPromise(
        Stream.runFold(session.search({ base }), () => 0, (count, entry) => {
          const text = `${entry.get("cn") ?? ""}${entry.get("mail") ?? ""}`
          return text.length >= 0 ? count + 1 : count
        })
      ),
    collect: async (base) => (await Effect.runPromise(session.searchResult({ base }))).entries.length,
    pages: (base, pageSize) =>
      Effect.runPromise(Stream.runFold(session.search({ base, pageSize }), () => 0, (count) => count + 1)),
    values: (base, attribute, as) =>
      Effect.runPromise(
        Stream.runFold(session.search({ base }), () =>
          0, (count, entry) =>
          count + (as === "text" ? entry.getAll(attribute) : entry.getAllBytes(attribute)).length)
      ),
    lookups: (dns, inFlight) =>
      Effect.runPromise(Effect.forEach(dns, (dn) => session.lookup(dn), { concurrency: inFlight, discard: true })),
    writes: (dns, inFlight) =>
      Effect.runPromise(
        Effect.forEach(dns, (dn) =>
          session.add(dn, { objectClass: "device", cn: dn.slice(3, dn.indexOf(",")) }).pipe(
            Effect.andThen(session.modify(dn, LdapModification.replace("description", "changed"))),
            Effect.andThen(session.delete(dn))
          ), { concurrency: inFlight, discard: true })
      ),
    stop: (base, dn) =>
      Effect.runPromise(
        Effect.gen(function*() {
          yield* Stream.runDrain(Stream.take(session.search({ base }), 10))
          const start = performance.now()
          yield* session.lookup(dn)
          return performance.now() - start
        })
      ),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export const peer: Peer = { connect }
