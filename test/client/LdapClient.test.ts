/** The client as a service: its members, what it doesn't have, and the search of a URL. */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../servers/certificates.ts"

const entries = [
  { dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example" } },
  { dn: "cn=Ada,dc=example", attributes: { objectClass: ["person"], cn: "Ada", sn: "Lovelace" } },
  { dn: "cn=Grace,dc=example", attributes: { objectClass: ["person"], cn: "Grace", sn: "Hopper" } }
]

const directory = InMemoryDirectory.make({ entries, admin: { password: "secret" } })

const inMemory = Layer.effect(
  LdapClient.LdapClient,
  Effect.gen(function*() {
    const socket = yield* (yield* directory).connect
    return LdapClient.fromSession(yield* LdapSession.fromSocket(socket, { protection: "local" }))
  })
)

describe("LdapClient", () => {
  it.effect("has the operations of a session, but no bind or StartTLS, which would affect all users of a shared session", () =>
    Effect.gen(function*() {
      const client = yield* LdapClient.LdapClient
      for (const name of ["bind", "startTls", "closed", "unbind", "close"]) assert.notProperty(client, name)
      const names = yield* client.search({ base: "dc=example", scope: "one" }).pipe(
        Stream.map((entry) => entry.get("cn")),
        Stream.runCollect
      )
      assert.sameMembers([...names], ["Ada", "Grace"])
    }).pipe(Effect.provide(inMemory)))

  it.effect("searchUrl runs the search of the URL", () =>
    Effect.gen(function*() {
      const found = yield* Stream.runCollect(LdapClient.searchUrl("ldap:///dc=example?sn?one?(cn=A*)"))
      assert.deepStrictEqual(found.map(({ dn }) => dn), ["cn=Ada,dc=example"])
      assert.deepStrictEqual(found[0]!.descriptions, ["sn"])
    }).pipe(Effect.provide(inMemory)))

  it.effect.each(["no url", "ldap:///dc=example???(cn=", "ldap:///dc=example????!x-unknown=1"])(
    "searchUrl of %s is an InvalidRequest",
    (url) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Stream.runDrain(LdapClient.searchUrl(url)))
        assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "url" })
      }).pipe(Effect.provide(inMemory))
  )

  it.live("as a layer over a port, from settings: connected and bound while it lives, one unbind at its end", () =>
    Effect.gen(function*() {
      const served = yield* directory
      const { url } = yield* InMemoryDirectory.listen(served)
      const settings = ConfigProvider.fromUnknown({
        LDAP_URL: url,
        LDAP_PASSWORD: "secret",
        LDAP_POOL_MIN: "0",
        LDAP_POOL_MAX_AGE: "10 minutes"
      })
      const layer = LdapClient.layerConfig({
        url: Config.String("LDAP_URL"),
        auth: Config.map(
          Config.Redacted("LDAP_PASSWORD"),
          (password) => LdapAuth.simple("cn=admin,dc=example", password)
        ),
        pool: { min: Config.Int("LDAP_POOL_MIN"), maxAge: Config.Duration("LDAP_POOL_MAX_AGE") },
        retry: Config.succeed(Schedule.recurs(1))
      }).pipe(Layer.provide(ConfigProvider.layer(settings)))
      const program = Effect.gen(function*() {
        const client = yield* LdapClient.LdapClient
        assert.strictEqual(client.server, url)
        assert.strictEqual(served.log.connections.length, 0)
        yield* client.delete("cn=Grace,dc=example")
      })
      yield* Effect.provide(program, layer)
      assert.isUndefined(served.lookup("cn=Grace,dc=example"))
      const [connection] = served.log.connections
      assert.deepInclude(connection, {
        boundAs: "cn=admin,dc=example",
        unbinds: 1,
        octetsAfterUnbind: 0,
        closed: "fin"
      })
    }))

  it.live("a layer whose bind is refused fails, and leaves no connection", () =>
    Effect.gen(function*() {
      const served = yield* directory
      const { url } = yield* InMemoryDirectory.listen(served)
      const auth = LdapAuth.simple("cn=admin,dc=example", Redacted.make("wrong"))
      const error = yield* Effect.flip(Effect.provide(LdapClient.LdapClient, LdapClient.layer({ url, auth })))
      assert.strictEqual(error.reason._tag, "InvalidCredentials")
      assert.strictEqual(served.log.unbinds, 1)
      assert.strictEqual(served.log.openConnections, 0)
    }))

  describe("withSession", () => {
    const served = Effect.gen(function*() {
      const served = yield* InMemoryDirectory.make({
        entries: [...entries, {
          dn: "uid=u,dc=example",
          attributes: { objectClass: ["account"], uid: "u", userPassword: "user's" }
        }],
        admin: { password: "secret" }
      })
      const { url } = yield* InMemoryDirectory.listen(served)
      const auth = LdapAuth.simple("cn=admin,dc=example", Redacted.make("secret"))
      return { log: served.log, url, client: yield* LdapClient.make({ url, auth, pool: { max: 1 } }) }
    })
    const user = LdapAuth.simple("uid=u,dc=example", Redacted.make("user's"))
    const who = (operations: LdapSession.LdapOperations) =>
      Effect.map(operations.extended(LdapExtended.whoAmI), ({ answer }) => answer)

    it.live("withSession binds as another user on its own session, which is unbound at the end", () =>
      Effect.gen(function*() {
        const { client, log } = yield* served
        const answer = yield* client.withSession(user, (session) =>
          Effect.gen(function*() {
            yield* Effect.addFinalizer(() => Effect.orDie(session.rootDse))
            assert.strictEqual(yield* who(client), "dn:cn=admin,dc=example")
            return yield* who(session)
          }))
        assert.strictEqual(answer, "dn:uid=u,dc=example")
        assert.strictEqual(yield* who(client), "dn:cn=admin,dc=example")
        assert.deepStrictEqual(log.connections.map(({ unbinds }) => unbinds), [0, 1])
      }))

    it.live("withSession fails with the server's error, and leaves no connection", () =>
      Effect.gen(function*() {
        const { client, log } = yield* served
        const wrong = LdapAuth.simple("uid=u,dc=example", Redacted.make("wrong"))
        const error = yield* Effect.flip(client.withSession(wrong, () => Effect.die("it must not run")))
        assert.strictEqual(error.reason._tag, "InvalidCredentials")
        assert.deepStrictEqual(log.connections.map(({ unbinds }) => unbinds), [0, 1])
      }))

    it.live("settings replace the client's own; settings with a url replace all of them", () =>
      Effect.gen(function*() {
        const { client, url } = yield* served
        assert.strictEqual(yield* client.withSession({ requestTimeout: "1 seconds" }, who), "dn:cn=admin,dc=example")
        assert.strictEqual(yield* client.withSession({ auth: user }, who), "dn:uid=u,dc=example")
        assert.strictEqual(yield* client.withSession({ url }, who), "")
      }))

    it.live("TLS settings are replaced too: a client certificate of the user", () =>
      Effect.gen(function*() {
        const { ca, client: certificate, server } = makeCertificates()
        const served = yield* InMemoryDirectory.make({ entries })
        const { url } = yield* InMemoryDirectory.listen(served, {
          tls: { ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: false }
        })
        const client = yield* LdapClient.make({ url, tls: { ca: ca.cert } })
        const auth = LdapAuth.sasl(LdapSasl.external())
        assert.strictEqual(
          yield* client.withSession({ tls: { ca: ca.cert, ...certificate }, auth }, who),
          "dn:UID=alice"
        )
        // Without the authority that the client trusts: the settings are replaced completely.
        const error = yield* Effect.flip(client.withSession({ tls: certificate, auth }, who))
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
      }))

    it.live("on a client over a session, withSession needs a url", () =>
      Effect.gen(function*() {
        const { client, url } = yield* served
        yield* client.withSession({ url }, (session) =>
          Effect.gen(function*() {
            const over = LdapClient.fromSession(session)
            assert.deepInclude((yield* Effect.flip(over.withSession(user, who))).reason, {
              _tag: "InvalidRequest",
              field: "withSession"
            })
            assert.strictEqual(yield* over.withSession({ url, auth: user }, who), "dn:uid=u,dc=example")
          }))
      }))
  })
})
