/** SASL binds: the conversation, its failures, and the mechanisms against slapd. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { connect as connectTls, createServer, type Server } from "node:tls"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { passwordOf } from "../../servers/directory.ts"
import { connect, ok, settle } from "../recording/RecordingPeer.ts"

const password = Redacted.make("pencil")

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

/** A mechanism that sends these responses in turn, and accepts any challenge. */
const lines = (...responses: ReadonlyArray<string | undefined>): LdapSasl.SaslMechanism => {
  const step = (i: number): LdapSasl.SaslStep => {
    const response = responses[i]
    return {
      response: response === undefined ? undefined : Redacted.make(Buffer.from(response)),
      challenged: () => Effect.succeed(step(i + 1)),
      succeeded: () => Effect.undefined
    }
  }
  return { name: "LINES", sendsSecret: false, start: () => Effect.succeed(step(0)) }
}

const inProgress = { ...ok, code: 14 }

describe("a conversation", () => {
  it.effect("sends as many bind requests as the server asks for, with nothing in between", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const bind = yield* Effect.forkChild(session.bind(LdapAuth.sasl(lines("one", undefined, ""))), {
        startImmediately: true
      })
      const other = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      for (const expected of ["one", undefined, ""]) {
        const { messageId, operation } = yield* peer.expect("BindRequest")
        assert.deepStrictEqual(operation.authentication, {
          _tag: "Sasl",
          mechanism: "LINES",
          credentials: expected === undefined ? undefined : Buffer.from(expected)
        })
        yield* peer.send(messageId, { _tag: "BindResponse", result: expected === "" ? ok : inProgress })
      }
      assert.strictEqual((yield* Fiber.join(bind)).code, 0)
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(other)
    }))

  it.effect("that the server refuses fails with the server's reason, and the session goes on", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const bind = yield* Effect.forkChild(Effect.flip(session.bind(LdapAuth.sasl(lines("one", "two")))), {
        startImmediately: true
      })
      const first = yield* peer.expect("BindRequest")
      yield* peer.send(first.messageId, { _tag: "BindResponse", result: inProgress })
      const second = yield* peer.expect("BindRequest")
      yield* peer.send(second.messageId, { _tag: "BindResponse", result: { ...ok, code: 49 } })
      assert.strictEqual((yield* Fiber.join(bind)).reason._tag, "InvalidCredentials")
      yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
    }))

  it.effect("with a server that can't prove its identity ends the session, since the server takes the connection for bound", () =>
    Effect.gen(function*() {
      const { client, peer, session } = yield* open()
      const scram = LdapSasl.scram("SCRAM-SHA-256", { username: "user", password })
      const bind = yield* Effect.forkChild(Effect.flip(session.bind(LdapAuth.sasl(scram))), { startImmediately: true })
      const { messageId } = yield* peer.expect("BindRequest")
      yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(bind)).reason._tag, "AuthRejected")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      assert.strictEqual((yield* Effect.flip(session.delete("cn=a"))).reason._tag, "SessionClosed")
      yield* settle
      assert.isFalse(client.isOpen())
      assert.strictEqual(peer.count("UnbindRequest"), 1)
    }))

  it.effect("that fails at its start sends nothing, and the session goes on", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const plus = LdapSasl.scram("SCRAM-SHA-256-PLUS", { username: "user", password })
      const error = yield* Effect.flip(session.bind(LdapAuth.sasl(plus)))
      // There is no TLS to bind the channel to.
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      yield* settle
      assert.isEmpty(peer.received)
      yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
    }))

  it.effect("S9: a mechanism that sends its secret in clear text needs a protected connection", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      const plain = LdapAuth.sasl(LdapSasl.plain({ username: "user", password }))
      assert.strictEqual((yield* Effect.flip(session.bind(plain))).reason._tag, "InsecureAuth")
      yield* settle
      assert.isEmpty(peer.received)
    }))
})

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const tls = { ca: slapd.certificates.ca.cert }
  const alice = { username: "alice", password: Redacted.make(passwordOf("alice")) }
  const endPoint = { ...alice, channelBinding: "openldap" } as const
  const ways: ReadonlyArray<readonly [string, LdapSession.SessionConfig, LdapSasl.SaslMechanism]> = [
    ["SCRAM-SHA-1", { url: slapd.urls.ldap }, LdapSasl.scram("SCRAM-SHA-1", alice)],
    ["SCRAM-SHA-256", { url: slapd.urls.ldap }, LdapSasl.scram("SCRAM-SHA-256", alice)],
    ["SCRAM-SHA-512 over ldaps", { url: slapd.urls.ldaps, tls }, LdapSasl.scram("SCRAM-SHA-512", alice)],
    ["SCRAM-SHA-1-PLUS", { url: slapd.urls.ldaps, tls }, LdapSasl.scram("SCRAM-SHA-1-PLUS", endPoint)],
    ["SCRAM-SHA-256-PLUS", { url: slapd.urls.ldaps, tls }, LdapSasl.scram("SCRAM-SHA-256-PLUS", endPoint)],
    [
      "SCRAM-SHA-256-PLUS after StartTLS",
      { url: slapd.urls.ldap, tls, startTls: true },
      LdapSasl.scram("SCRAM-SHA-256-PLUS", endPoint)
    ],
    ["PLAIN over ldaps", { url: slapd.urls.ldaps, tls }, LdapSasl.plain(alice)],
    ["DIGEST-MD5", { url: slapd.urls.ldap }, LdapSasl.digestMd5(alice)],
    ["DIGEST-MD5 over ldaps", { url: slapd.urls.ldaps, tls }, LdapSasl.digestMd5(alice)],
    ["CRAM-MD5", { url: slapd.urls.ldap }, LdapSasl.cramMd5(alice)]
  ]
  const whoAmI = (session: LdapSession.LdapSession) =>
    Effect.map(session.extended(LdapExtended.whoAmI), ({ answer }) => answer)

  it.live.each(ways.map(([name]) => name))("%s authenticates the session as alice", (name) =>
    Effect.gen(function*() {
      const [, config, mechanism] = ways.find(([way]) => way === name)!
      const session = yield* LdapSession.make({ ...config, auth: LdapAuth.sasl(mechanism) })
      assert.strictEqual(yield* whoAmI(session), `dn:uid=alice,ou=people,${slapd.base}`)
    }))

  it.live("SCRAM reports the server's list of mechanisms, so a list that was changed on the way is detected", () =>
    Effect.gen(function*() {
      const open = LdapSession.make({ url: slapd.urls.ldaps, tls })
      const bound = (session: LdapSession.LdapSession, offered: ReadonlyArray<string>) =>
        session.bind(LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", { ...alice, offered })))
      const session = yield* open
      const offered = (yield* session.rootDse).getAll("supportedSASLMechanisms")
      assert.include(offered, "SCRAM-SHA-256-PLUS")
      yield* bound(session, offered)
      assert.strictEqual(yield* whoAmI(session), `dn:uid=alice,ou=people,${slapd.base}`)
      // The list as an attacker would change it: without the -PLUS forms.
      const other = yield* open
      const changed = offered.filter((mechanism) => !mechanism.endsWith("-PLUS"))
      const error = yield* Effect.flip(bound(other, changed))
      assert.strictEqual(error.reason._tag, "InvalidCredentials")
      assert.include(error.message, "client incorrectly assumed server had no channel binding")
    }))

  it.live("EXTERNAL over the unix socket authenticates the session as the user of this process", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ url: slapd.urls.ldapi, auth: LdapAuth.sasl(LdapSasl.external()) })
      assert.strictEqual(yield* whoAmI(session), `dn:${slapd.admin.dn}`)
    }))

  it.live.each([["ldaps", {}], ["StartTLS", { startTls: true }]] as const)(
    "EXTERNAL with a certificate authenticates the session as the user that the certificate names, over %s",
    ([name, options]) =>
      Effect.gen(function*() {
        const open = ({ cert, key }: { readonly cert: string; readonly key: string }) =>
          LdapSession.make({
            url: name === "ldaps" ? slapd.urls.ldaps : slapd.urls.ldap,
            ...options,
            tls: { ...tls, cert, key },
            auth: LdapAuth.sasl(LdapSasl.external())
          })
        const session = yield* open(slapd.certificates.client)
        assert.strictEqual(yield* whoAmI(session), `dn:uid=alice,ou=people,${slapd.base}`)
        // slapd doesn't trust the authority of this certificate: it closes the connection without a TLS alert.
        const error = yield* Effect.flip(open(slapd.certificates.untrustedClient))
        assert.strictEqual(error.reason._tag, "ConnectionLost")
      })
  )

  /** A man in the middle with a trusted certificate: it terminates the client's TLS and opens its own to the server. */
  const middleman = Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer(slapd.certificates.renewed, (client) => {
        const behind = connectTls({ port: slapd.tlsPort, host: slapd.host, ca: slapd.certificates.ca.cert })
        for (const [from, to] of [[client, behind], [behind, client]] as const) {
          from.on("error", () => to.destroy())
          from.pipe(to)
        }
      })
      server.listen(0, slapd.host, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

  it.live("SCRAM-SHA-256-PLUS detects a man in the middle, which SCRAM-SHA-256 does not", () =>
    Effect.gen(function*() {
      const address = (yield* middleman).address()
      const port = typeof address === "object" ? address?.port : undefined
      const session = yield* LdapSession.make({
        url: `ldaps://${slapd.host}:${port}`,
        tls: { ca: slapd.certificates.ca.cert }
      })
      const bound = LdapSasl.scram("SCRAM-SHA-256-PLUS", endPoint)
      const error = yield* Effect.flip(session.bind(LdapAuth.sasl(bound)))
      // slapd's code for a binding to another channel is other (80).
      assert.strictEqual(error.reason._tag, "Other")
      yield* session.bind(LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", alice)))
      assert.strictEqual(yield* whoAmI(session), `dn:uid=alice,ou=people,${slapd.base}`)
    }))

  it.live("a wrong password is InvalidCredentials, and the session goes on anonymously", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ url: slapd.urls.ldap })
      const wrong = LdapSasl.scram("SCRAM-SHA-256", { username: "alice", password: Redacted.make("wrong") })
      const error = yield* Effect.flip(session.bind(LdapAuth.sasl(wrong)))
      assert.strictEqual(error.reason._tag, "InvalidCredentials")
      assert.strictEqual(yield* whoAmI(session), "")
      yield* session.bind(LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", alice)))
      assert.strictEqual(yield* whoAmI(session), `dn:uid=alice,ou=people,${slapd.base}`)
    }))
})
