/** The client over several servers: failover without errors for callers, and the read/write split. */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { inspect } from "node:util"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import { LdapResultCode } from "../../../src/model/LdapResultCode.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as DirectoryFault from "../../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { hour, withSteps } from "../steppedClock.ts"
import * as TelemetryRecorder from "../TelemetryRecorder.ts"
import { admin, auth, type Host, make, quiet } from "./LdapServersWorld.ts"

const a = "ldap://a"
const b = "ldap://b"

/** The server that answers a read: each has its own URL in an entry. */
const answeredBy = (client: LdapClient.LdapClient) =>
  Effect.map(client.lookup("dc=example"), (entry) => entry._tag === "Some" ? entry.value.get("description") : undefined)

const count = ({ directory }: Host, ...kinds: ReadonlyArray<string>) =>
  directory.log.pdus().filter(({ direction, kind }) => direction === "request" && kinds.includes(kind)).length

const person = { objectClass: ["account"], uid: "x" }
const dn = "uid=x,dc=example"

describe("LdapClient over several servers", () => {
  it.effect("a server that is killed is replaced by another, and reads don't notice", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      const scope = yield* Scope.make()
      const client = yield* world.provide(Scope.provide(LdapClient.make({ urls: [a, b], auth }), scope))
      assert.strictEqual(yield* answeredBy(client), a)
      const running = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.forkChild(answeredBy(client)))
      yield* world.host(a).kill
      for (const fiber of running) yield* Fiber.join(fiber)
      assert.strictEqual(yield* answeredBy(client), b)
      assert.strictEqual(world.host(a).asked.length, 2)
      yield* Scope.close(scope, Exit.void)
      for (const { boundAs, octetsAfterUnbind, unbinds } of world.host(b).directory.log.connections) {
        assert.deepStrictEqual([boundAs, unbinds, octetsAfterUnbind], [admin, 1, 0])
      }
    }))

  it.effect("a Notice of Disconnection moves all operations to another server at once, and the server isn't asked again", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      const servers = LdapServers.urls([a, b], { rest: Schedule.spaced("1 minute") })
      const client = yield* world.provide(LdapClient.make({ servers, auth }))
      yield* world.host(a).directory.faults.set(DirectoryFault.disconnect({ on: "search" }))
      // The read that was ended by the notice is repeated on the other server. No time has passed.
      assert.strictEqual(yield* answeredBy(client), b)
      assert.strictEqual(world.host(a).asked.length, 1)
      yield* world.host(a).directory.faults.clear
      assert.strictEqual(yield* answeredBy(client), b)
      assert.strictEqual(world.host(a).asked.length, 1)
    }))

  const unavailable = DirectoryFault.result(LdapResultCode.unavailable, { on: "search" })

  it.effect("a server is used only if its session passes the pool's health check, which is made once", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      yield* world.host(a).directory.faults.set(unavailable)
      const client = yield* world.provide(LdapClient.make({ urls: [a, b], auth }))
      assert.strictEqual(yield* answeredBy(client), b)
      assert.strictEqual(count(world.host(b), "SearchRequest"), 2)
    }))

  it.effect("a server whose session fails the health check later rests, and isn't asked again at once", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      const pool = { checkInterval: "30 seconds" } as const
      const client = yield* world.provide(LdapClient.make({ urls: [a, b], auth, pool }))
      yield* world.host(a).directory.faults.set(unavailable)
      yield* TestClock.adjust("30 seconds")
      yield* quiet
      assert.strictEqual(yield* answeredBy(client), b)
      assert.strictEqual(world.host(a).asked.length, 1)
    }))

  it.effect("if a server closes one session, the others are checked before use, so reads don't fail twice", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      const client = yield* world.provide(LdapClient.make({ urls: [a, b], auth, pool: { min: 3 } }))
      yield* quiet
      assert.strictEqual(world.host(a).directory.log.openConnections, 3)
      // Each session notices it only with its next request.
      yield* world.host(a).directory.faults.set(DirectoryFault.disconnect())
      assert.strictEqual(yield* answeredBy(client), b)
      yield* quiet
      assert.strictEqual(world.host(a).directory.log.openConnections, 0)
    }))

  it.effect("withSession uses a server of the set", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      const client = yield* world.provide(LdapClient.make({ urls: [a, b], auth }))
      world.host(a).refuses = true
      const server = yield* client.withSession({ requestTimeout: "1 second" }, (session) =>
        Effect.succeed(session.server))
      assert.strictEqual(server, b)
    }))

  it.effect("if no server can be used, making the client fails with the reason for each", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      for (const host of world.hosts) host.refuses = true
      const error = yield* Effect.flip(world.provide(LdapClient.make({ urls: [a, b], auth })))
      assert.match(error.message, /ldap:\/\/a: .*ldap:\/\/b: /)
      // The program's Schedule lets operations survive a time without servers.
      const client = yield* world.provide(
        LdapClient.make({ urls: [a, b], auth, pool: { min: 0 }, retry: Schedule.spaced("1 second") })
      )
      const fiber = yield* Effect.forkChild(answeredBy(client))
      yield* quiet
      world.host(b).refuses = false
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), b)
    }))

  it.effect("the servers' diagnostic messages are in the error, but not in its span", () =>
    Effect.gen(function*() {
      const world = yield* make([a, b])
      const words = { code: LdapResultCode.busy, diagnosticMessage: "too many people like Ada" }
      for (const { directory } of world.hosts) yield* directory.faults.set(DirectoryFault.result(words, { on: "bind" }))
      const client = yield* world.provide(LdapClient.make({ urls: [a, b], auth, pool: { min: 0 } }))
      const recorder = TelemetryRecorder.make()
      const error = yield* recorder.watch(Effect.flip(client.lookup("dc=example")))
      assert.match(error.message, /like Ada/)
      const seen = recorder.spans.map((span) => inspect(span, { depth: null }))
      assert.isNotEmpty(seen)
      assert.match(seen.join(), /NoServerAvailable/)
      assert.notMatch(seen.join(), /like Ada/)
    }))

  it.live("urls from the environment", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example" } }]
      })
      const { url } = yield* InMemoryDirectory.listen(directory)
      const settings = ConfigProvider.fromEnv({ env: { LDAP_URLS: `ldap://127.0.0.1:1,${url}` } })
      const layer = LdapClient.layerConfig({ urls: Config.Array(Schema.String, "LDAP_URLS") }).pipe(
        Layer.provide(ConfigProvider.layer(settings))
      )
      const program = Effect.flatMap(LdapClient.LdapClient, (client) => client.rootDse)
      assert.strictEqual((yield* Effect.provide(program, layer)).get("vendorName"), "effect-ldap")
      assert.deepStrictEqual(directory.log.connections.map(({ unbinds }) => unbinds), [1])
      const one = LdapClient.layerConfig({ url: Config.succeed(url) })
      yield* Effect.provide(program, one)
    }))

  describe("read and write", () => {
    const opened = Effect.fnUntraced(function*(options?: LdapClient.ReadWriteOptions) {
      const world = yield* make([a, b])
      const servers = { ...options, read: LdapServers.urls([a]), write: LdapServers.urls([b]) }
      const client = yield* world.provide(LdapClient.make({ servers, auth, pool: { healthCheck: false } }))
      return { client, reads: world.host(a), writes: world.host(b), world }
    })

    it.effect("reads go to the read servers, and everything else to the write servers", () =>
      Effect.gen(function*() {
        const { client, reads, writes } = yield* opened()
        yield* client.add(dn, person)
        yield* client.modify(dn, LdapModification.add("description", "new"))
        yield* client.rename(dn, { newRdn: "uid=y" })
        yield* client.delete("uid=y,dc=example")
        yield* client.extended(LdapExtended.whoAmI)
        assert.strictEqual(yield* client.withSession({}, (session) => Effect.succeed(session.server)), b)
        assert.strictEqual(count(reads, "AddRequest", "ModifyRequest", "DeleteRequest", "ExtendedRequest"), 0)
        assert.isAtLeast(count(writes, "AddRequest", "ModifyRequest", "DeleteRequest", "ExtendedRequest"), 4)
        yield* Stream.runDrain(client.search({ base: "dc=example" }))
        yield* client.searchResult({ base: "dc=example" })
        yield* client.lookup("dc=example")
        yield* client.compare("dc=example", "dc", "example")
        yield* client.rootDse
        assert.strictEqual(count(reads, "SearchRequest", "CompareRequest"), 5)
        assert.strictEqual(count(writes, "SearchRequest", "CompareRequest"), 0)
      }))

    it.effect("a read that must see earlier writes can be sent to the servers for writes", () =>
      Effect.gen(function*() {
        const { client } = yield* opened()
        assert.strictEqual(yield* answeredBy(client), a)
        assert.strictEqual(yield* Effect.provideService(answeredBy(client), LdapClient.ReadFrom, "write"), b)
        const entries = client.search({ base: "dc=example", scope: "base" })
        const server = (stream: typeof entries) =>
          Effect.map(Stream.runCollect(stream), ([entry]) => entry!.get("description"))
        assert.strictEqual(yield* server(entries), a)
        assert.strictEqual(yield* server(Stream.provideService(entries, LdapClient.ReadFrom, "write")), b)
        yield* client.add(dn, person)
        assert.strictEqual(yield* answeredBy(client), a)
      }))

    it.effect("readYourWrites: reads go to the write servers while a write runs and for a while after, whether it succeeds or not", () =>
      Effect.gen(function*() {
        const { client, writes } = yield* opened({ readYourWrites: "5 seconds" })
        assert.strictEqual(yield* answeredBy(client), a)
        yield* writes.directory.faults.set(DirectoryFault.delay("1 minute", { on: "delete" }))
        const running = yield* Effect.forkChild(Effect.exit(client.delete("uid=unlisted,dc=example")))
        yield* quiet
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(yield* answeredBy(client), b)
        yield* Fiber.interrupt(running)
        yield* TestClock.adjust("4999 millis")
        assert.strictEqual(yield* answeredBy(client), b)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* answeredBy(client), a)
        yield* client.add(dn, person)
        assert.strictEqual(yield* answeredBy(client), b)
      }))

    it.effect.each([-hour, hour])(
      "readYourWrites doesn't follow the wall clock (set by %d ms)",
      (by) =>
        withSteps((step) =>
          Effect.gen(function*() {
            const { client } = yield* opened({ readYourWrites: "5 seconds" })
            yield* client.add(dn, person)
            step(by)
            yield* TestClock.adjust("4999 millis")
            assert.strictEqual(yield* answeredBy(client), b)
            yield* TestClock.adjust("1 millis")
            assert.strictEqual(yield* answeredBy(client), a)
          })
        )
    )
  })
})
