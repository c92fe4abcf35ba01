/** The client as a service: what it has, what it hasn't, and the search of a URL. */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

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
  it.effect("has the operations of a session, and nothing that changes who its sharers are", () =>
    Effect.gen(function*() {
      const client = yield* LdapClient.LdapClient
      for (const name of ["bind", "startTls", "closed", "unbind", "close"]) assert.notProperty(client, name)
      const names = yield* client.search({ base: "dc=example", scope: "one" }).pipe(
        Stream.map((entry) => entry.get("cn")),
        Stream.runCollect
      )
      assert.sameMembers([...names], ["Ada", "Grace"])
    }).pipe(Effect.provide(inMemory)))

  it.effect("searchUrl searches for what the URL says", () =>
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
      const settings = ConfigProvider.fromUnknown({ LDAP_URL: url, LDAP_PASSWORD: "secret" })
      const layer = LdapClient.layerConfig({
        url: Config.String("LDAP_URL"),
        auth: Config.map(
          Config.Redacted("LDAP_PASSWORD"),
          (password) => LdapAuth.simple("cn=admin,dc=example", password)
        )
      }).pipe(Layer.provide(ConfigProvider.layer(settings)))
      const program = Effect.gen(function*() {
        const client = yield* LdapClient.LdapClient
        assert.strictEqual(client.server, url)
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

  it.live("a layer that can't bind fails, and leaves no connection", () =>
    Effect.gen(function*() {
      const served = yield* directory
      const { url } = yield* InMemoryDirectory.listen(served)
      const auth = LdapAuth.simple("cn=admin,dc=example", Redacted.make("wrong"))
      const error = yield* Effect.flip(Effect.provide(LdapClient.LdapClient, LdapClient.layer({ url, auth })))
      assert.strictEqual(error.reason._tag, "InvalidCredentials")
      assert.strictEqual(served.log.unbinds, 1)
      assert.strictEqual(served.log.openConnections, 0)
    }))
})
