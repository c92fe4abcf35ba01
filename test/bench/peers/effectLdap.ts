/** This library, as a program uses it: one runtime, operations composed as effects. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { allStrings } from "../allStrings.ts"
import { user, users } from "../servers/directory.ts"
import type { Client, Peer, Target } from "./Peer.ts"
import { requests } from "./requests.ts"

/** The settings of a session. A client has the same, so that the pool is what they differ in. */
export const configOf = ({ bindDn, ca, password, url }: Target): LdapSession.SessionConfig => ({
  url,
  auth: LdapAuth.simple(bindDn, Redacted.make(password)),
  // The responder has an entry of 200 MB, which can take long on a busy machine.
  maxMessageSize: 256 * 1_048_576,
  requestTimeout: "Infinity",
  ...(ca === undefined ? {} : { tls: { ca } })
})

/** A program makes its settings once, for all its sessions. */
let kept: { readonly target: Target; readonly config: LdapSession.SessionConfig } | undefined

const connect = async (target: Target): Promise<Client> => {
  const scope = Scope.makeUnsafe()
  if (kept?.target !== target) kept = { target, config: configOf(target) }
  const { config } = kept
  const session = await Effect.runPromise(Scope.provide(LdapSession.make(config), scope))
  const logins = (client: LdapSession.LdapOperations) => ({
    client,
    open: config,
    base: users,
    filter: (login: string) => LdapFilter.equals("uid", login)
  })
  /** Created by the first login: the connect measurements don't need it. */
  let pooled: LdapLogin.Authenticator | undefined
  return {
    stream: (base) => Effect.runPromise(Stream.runFold(session.search({ base }), () => 0, (count) => count + 1)),
    streamRead: (base) =>
      Effect.runPromise(
        Stream.runFold(session.search({ base }), () => 0, (count, entry) => {
          const text = `${entry.get("cn") ?? ""}${entry.get("mail") ?? ""}`
          return text.length >= 0 ? count + 1 : count
        })
      ),
    streamText: (base) =>
      Effect.runPromise(
        Stream.runFold(session.search({ base }), () => 0, (count, entry) => allStrings(entry) > 0 ? count + 1 : count)
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
    ...requests(session),
    stop: (base, dn, onTenth) =>
      Effect.runPromise(
        Effect.gen(function*() {
          let [entries, start] = [0, 0]
          const counted = Stream.map(session.search({ base }), () => {
            if (++entries !== 10) return
            start = performance.now()
            onTenth()
          })
          yield* Stream.runDrain(Stream.take(counted, 10))
          yield* session.lookup(dn)
          return performance.now() - start
        })
      ),
    slow: (base, entries) =>
      Effect.runPromise(
        Stream.runForEach(Stream.take(session.search({ base }), entries), () => Effect.sleep(10)).pipe(
          Effect.as(entries)
        )
      ),
    logins: async (times, how) => {
      pooled ??= await Effect.runPromise(Scope.provide(LdapLogin.make(logins(session)), scope))
      for (let i = 0; i < times; i++) {
        const one = how === "pooled"
          ? pooled(user.uid, Redacted.make(user.password))
          : Effect.scoped(
            Effect.flatMap(
              LdapSession.make(config),
              (client) => LdapLogin.authenticate(logins(client))(user.uid, Redacted.make(user.password))
            )
          )
        await Effect.runPromise(one)
      }
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export const peer: Peer = { connect }
