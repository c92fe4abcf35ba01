/** Requests over loopback, to a process that answers from prepared buffers: only the client's CPU is counted. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { operationsBy } from "../../../src/session/calls/operationsBy.ts"
import { untraced } from "../../../src/session/calls/Performer.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { peer as dropInPeer } from "../peers/dropIn.ts"
import { configOf, peer as sessionPeer } from "../peers/effectLdap.ts"
import { peer as clientPeer } from "../peers/ldapClient.ts"
import { peer as ldaptsPeer } from "../peers/ldapts.ts"
import type { Client, Peer } from "../peers/Peer.ts"
import { requests } from "../peers/requests.ts"
import { admin, groups, large, personDn } from "../servers/directory.ts"
import { startResponder } from "../servers/startResponder.ts"
import type { Pair, Pairs } from "./Pair.ts"

const dns = Array.from({ length: 300 }, (_, i) => personDn((i * 7_919) % 2_000))
const names = Array.from({ length: 60 }, (_, i) => `cn=w${i},ou=scratch,dc=bench`)
const entries = "o=2000,dc=bench"
const cycles = 30
const logins = 100

export const make = async (): Promise<Pairs> => {
  const responder = await startResponder(true)
  const target = { url: responder.url, ca: undefined, bindDn: admin.dn, password: admin.password }
  const connect = ({ connect }: Peer): Promise<Client> => connect(target)
  const [session, client, dropIn, ldapts] = [
    await connect(sessionPeer),
    await connect(clientPeer),
    await connect(dropInPeer),
    await connect(ldaptsPeer)
  ]
  const scope = Scope.makeUnsafe()
  const watched = await Effect.runPromise(Scope.provide(LdapSession.make(configOf(target)), scope))

  const pair = (own: Client, other: Client, work: (client: Client) => Promise<unknown> | undefined): Pair => ({
    own: () => work(own),
    other: () => work(other)
  })
  const cycle = (peer: Peer) => async () => {
    for (let i = 0; i < cycles; i++) await (await connect(peer)).close()
  }
  const one = ({ lookups }: Client) => lookups?.(dns, 1)
  const many = ({ lookups }: Client) => lookups?.(dns, 64)
  return {
    pairs: {
      stream: pair(session, ldapts, ({ stream }) => stream?.(entries)),
      "stream, two values": pair(session, ldapts, ({ streamRead }) => streamRead?.(entries)),
      collect: pair(session, ldapts, ({ collect }) => collect?.(entries)),
      "collect, drop-in": pair(dropIn, ldapts, ({ collect }) => collect?.(entries)),
      lookups: pair(session, ldapts, one),
      "lookups, drop-in": pair(dropIn, ldapts, one),
      "lookups, LdapClient": pair(client, session, one),
      "in flight": pair(session, ldapts, many),
      "in flight, drop-in": pair(dropIn, ldapts, many),
      "in flight, LdapClient": pair(client, session, many),
      telemetry: {
        own: () => requests(watched).lookups?.(dns, 1),
        other: () => requests(operationsBy(untraced(watched))).lookups?.(dns, 1)
      },
      writes: pair(session, ldapts, ({ writes }) => writes?.(names, 1)),
      connect: { own: cycle(sessionPeer), other: cycle(ldaptsPeer) },
      logins: {
        own: () => session.logins?.(logins, "pooled"),
        other: () => session.lookups?.(dns.slice(0, 2 * logins), 1)
      },
      groups: pair(session, ldapts, ({ values }) => values?.(groups, "member", "text")),
      "large value": pair(session, ldapts, ({ values }) => values?.(large, "jpegPhoto", "octets"))
    },
    close: async () => {
      await Promise.all([session, client, dropIn, ldapts].map((one) => one.close()))
      await Effect.runPromise(Scope.close(scope, Exit.void))
      responder.stop()
    }
  }
}
