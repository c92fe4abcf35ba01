import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "tstyche"
import * as LdapClient from "../../src/client/LdapClient.ts"
import type * as LdapPool from "../../src/client/pool/LdapPool.ts"
import * as LdapServers from "../../src/client/servers/LdapServers.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import type { LdapOperations, SessionConfig } from "../../src/session/LdapSession.ts"

declare const client: LdapClient.LdapClient
declare const config: SessionConfig
declare const options: LdapClient.SearchOptions
declare const fromEnvironment: Config.Config<SessionConfig>

describe("a client", () => {
  test("has no bind, since many fibers share it", () => {
    expect(client).type.not.toHaveProperty("bind")
    expect(client).type.not.toHaveProperty("startTls")
  })

  test("has no method that ends it", () => {
    expect(client).type.not.toHaveProperty("unbind")
    expect(client).type.not.toHaveProperty("close")
    expect(client).type.not.toHaveProperty("destroy")
    expect(client).type.not.toHaveProperty("end")
  })

  test("has all the operations of a session, with the same types", () => {
    expect(client).type.toBeAssignableTo<LdapOperations>()
  })

  test("has the types of its options and results in its own namespace", () => {
    expect(client.search).type.toBeCallableWith(options)
    expect(client.searchResult(options)).type.toBe<Effect.Effect<LdapClient.SearchResult, LdapError>>()
    expect<LdapClient.SearchOptions["scope"]>().type.toBe<LdapClient.Scope | undefined>()
    expect<LdapClient.ClientOptions["pool"]>().type.toBe<LdapClient.PoolOptions | undefined>()
  })

  test("can't be made without a scope", () => {
    expect(Effect.runPromise).type.not.toBeCallableWith(LdapClient.make(config))
    expect(Effect.runPromise).type.toBeCallableWith(Effect.scoped(LdapClient.make(config)))
  })

  test("as a layer keeps its scope to itself", () => {
    expect(LdapClient.layer(config)).type.toBe<Layer.Layer<LdapClient.LdapClient, LdapError>>()
    expect(LdapClient.layerConfig(fromEnvironment)).type.toBe<
      Layer.Layer<LdapClient.LdapClient, LdapError | Config.ConfigError>
    >()
  })

  test("is told of its pool in its configuration", () => {
    expect(LdapClient.make).type.toBeCallableWith({ ...config, pool: { max: 2, maxAge: "1 hour", healthCheck: false } })
    expect(LdapClient.make).type.not.toBeCallableWith({ ...config, pool: { size: 2 } })
  })

  test("is told where its servers are in one way", () => {
    const set = LdapServers.srv("example.org")
    expect(LdapClient.make).type.toBeCallableWith({ urls: ["ldaps://a", "ldaps://b"] })
    expect(LdapClient.make).type.toBeCallableWith({ servers: set, startTls: true })
    expect(LdapClient.make).type.toBeCallableWith({ servers: { read: set, write: set, readYourWrites: "5 seconds" } })
    expect(LdapClient.make).type.not.toBeCallableWith({})
    expect(LdapClient.make).type.not.toBeCallableWith({ url: "ldaps://a", urls: ["ldaps://b"] })
    expect(LdapClient.make).type.not.toBeCallableWith({ servers: { read: set } })
    expect(LdapClient.layerConfig).type.toBeCallableWith({ urls: Config.Array(Schema.String, "URLS") })
  })

  test("lends an exclusive session, whose scope it closes", () => {
    const borrowed = client.withSession(
      {},
      (session) => Effect.as(Effect.addFinalizer(() => Effect.ignore(session.rootDse)), 1)
    )
    expect(borrowed).type.toBe<Effect.Effect<number, LdapError>>()
    expect(client.withSession).type.not.toBeCallableWith("cn=reader", () => Effect.void)
  })
})

describe("a session of a pool", () => {
  test("has no bind", () => {
    expect<LdapPool.PooledSession>().type.not.toHaveProperty("bind")
    expect<LdapPool.PooledSession>().type.not.toHaveProperty("startTls")
  })

  test("can't be made without a scope", () => {
    expect<LdapPool.LdapPool["get"]>().type.not.toBeAssignableTo<Effect.Effect<LdapPool.PooledSession, LdapError>>()
  })
})
