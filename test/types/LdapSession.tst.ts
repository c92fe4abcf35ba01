import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type * as Stream from "effect/Stream"
import { describe, expect, test } from "tstyche"
import type { LdapTransport } from "../../src/connection/LdapTransport.ts"
import type { LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import type { LdapError, LdapResult, SessionEnd } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"

declare const session: LdapSession.LdapSession
declare const config: LdapSession.SessionConfig
declare const fromEnvironment: Config.Config<LdapSession.SessionConfig>
declare const socket: Socket.Socket
declare const transport: LdapTransport

type Opening = Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

describe("a session", () => {
  test("has no method that ends or reopens it", () => {
    expect(session).type.not.toHaveProperty("unbind")
    expect(session).type.not.toHaveProperty("close")
    expect(session).type.not.toHaveProperty("destroy")
    expect(session).type.not.toHaveProperty("end")
    expect(session).type.not.toHaveProperty("disconnect")
    expect(session).type.not.toHaveProperty("connect")
    expect(session).type.not.toHaveProperty("socket")
    expect(session).type.not.toHaveProperty(Symbol.dispose)
    expect(session).type.not.toHaveProperty(Symbol.asyncDispose)
  })

  test("can't be made without a scope, however it is opened", () => {
    expect(LdapSession.make(config)).type.toBe<Opening>()
    expect(LdapSession.fromTransport(transport)).type.toBe<Opening>()
    expect(LdapSession.fromSocket(socket)).type.toBe<Opening>()
  })

  test("doesn't run without a scope", () => {
    expect(Effect.runPromise).type.not.toBeCallableWith(LdapSession.make(config))
    expect(Effect.runPromise).type.not.toBeCallableWith(LdapSession.fromSocket(socket))
    expect(Effect.runPromise).type.toBeCallableWith(Effect.scoped(LdapSession.make(config)))
  })

  test("as a layer keeps its scope to itself", () => {
    expect(LdapSession.layer(config)).type.toBe<Layer.Layer<LdapSession.LdapSession, LdapError>>()
    expect(LdapSession.layerConfig(fromEnvironment)).type.toBe<
      Layer.Layer<LdapSession.LdapSession, LdapError | Config.ConfigError>
    >()
  })
})

describe("operations", () => {
  test("fail with LdapError and with nothing else, and need nothing", () => {
    expect<ReturnType<LdapSession.LdapSession["search"]>>().type.toBe<Stream.Stream<LdapEntry, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["searchResult"]>>().type.toBe<
      Effect.Effect<LdapSession.SearchResult, LdapError>
    >()
    expect<ReturnType<LdapSession.LdapSession["lookup"]>>().type.toBe<
      Effect.Effect<Option.Option<LdapEntry>, LdapError>
    >()
    expect<ReturnType<LdapSession.LdapSession["compare"]>>().type.toBe<Effect.Effect<boolean, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["add"]>>().type.toBe<Effect.Effect<LdapResult, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["modify"]>>().type.toBe<Effect.Effect<LdapResult, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["delete"]>>().type.toBe<Effect.Effect<LdapResult, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["rename"]>>().type.toBe<Effect.Effect<LdapResult, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["bind"]>>().type.toBe<Effect.Effect<LdapResult, LdapError>>()
    expect<ReturnType<LdapSession.LdapSession["startTls"]>>().type.toBe<Effect.Effect<void, LdapError>>()
    expect(session.rootDse).type.toBe<Effect.Effect<LdapEntry, LdapError>>()
  })

  test("an extended operation by its OID too", () => {
    expect(session.extended("1.2.3")).type.toBe<Effect.Effect<LdapSession.ExtendedResult, LdapError>>()
  })

  test("none is left out of the list above", () => {
    expect<keyof LdapSession.LdapSession>().type.toBe<
      | "search"
      | "searchMessages"
      | "searchResult"
      | "lookup"
      | "lookupResult"
      | "compare"
      | "compareResult"
      | "add"
      | "modify"
      | "delete"
      | "rename"
      | "extended"
      | "extendedMessages"
      | "rootDse"
      | "bind"
      | "startTls"
      | "server"
      | "protection"
      | "tls"
      | "closed"
      | "notices"
    >()
  })
})

describe("the end", () => {
  test("is awaited and never fails", () => {
    expect(session.closed).type.toBe<Effect.Effect<SessionEnd>>()
    expect<SessionEnd["_tag"]>().type.toBe<"Released" | "ServerNotice" | "ConnectionLost" | "ProtocolViolation">()
  })
})
