/** Several directories in one program: each with its own tag, or opened on demand and released when idle. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LayerMap from "effect/LayerMap"
import * as TestClock from "effect/testing/TestClock"
import * as LdapClient from "../../src/client/LdapClient.ts"
import { ConnectFailed, LdapError } from "../../src/model/LdapError.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { settle } from "../session/recording/RecordingPeer.ts"

const directory = (dc: string) =>
  InMemoryDirectory.make({ entries: [{ dn: `dc=${dc}`, attributes: { objectClass: "domain", dc } }] })

const context = Effect.map(LdapClient.LdapClient, (ldap) => ldap.rootDse).pipe(
  Effect.flatten,
  Effect.map((rootDse) => rootDse.get("namingContexts"))
)

describe("several directories", () => {
  it.effect("each is a service under a tag of its own, and is unbound with its layer", () =>
    Effect.gen(function*() {
      class Staff extends Context.Service<Staff, LdapClient.LdapClient>()("test/Staff") {}
      class Students extends Context.Service<Students, LdapClient.LdapClient>()("test/Students") {}
      const [staff, students] = yield* Effect.all([directory("staff"), directory("students")])
      const layer = Layer.mergeAll(
        Layer.effect(Staff, LdapClient.fromTransport(staff.transport)),
        Layer.effect(Students, LdapClient.fromTransport(students.transport))
      )
      const found = yield* Effect.gen(function*() {
        const ofStaff = yield* (yield* Staff).rootDse
        const ofStudents = yield* (yield* Students).rootDse
        return [ofStaff, ofStudents].map((rootDse) => rootDse.get("namingContexts"))
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(found, ["dc=staff", "dc=students"])
      for (const { log } of [staff, students]) assert.deepInclude(log, { unbinds: 1, openConnections: 0 })
    }))
})

/** Two tenants' directories. */
const directories = Effect.all({ acme: directory("acme"), zenith: directory("zenith") })

/** A map that opens them, with health checks in the background as by default. */
const mapOf = (servers: Effect.Success<typeof directories>) =>
  LayerMap.make((tenant: keyof typeof servers) => LdapClient.layerTransport(servers[tenant].transport), {
    idleTimeToLive: "5 minutes"
  })

const world = Effect.flatMap(
  directories,
  (servers) => Effect.map(mapOf(servers), (tenants) => ({ ...servers, tenants }))
)

describe("a directory for each tenant", () => {
  it.effect("is opened at the first use and shared by all users", () =>
    Effect.gen(function*() {
      const { acme, tenants, zenith } = yield* world
      assert.strictEqual(acme.log.connections.length, 0)
      const ask = Effect.provide(context, tenants.get("acme"))
      assert.deepStrictEqual(yield* Effect.all([ask, ask], { concurrency: 2 }), ["dc=acme", "dc=acme"])
      assert.strictEqual(acme.log.connections.length, 1)
      assert.strictEqual(zenith.log.connections.length, 0)
      assert.strictEqual(yield* Effect.provide(context, tenants.get("zenith")), "dc=zenith")
    }))

  it.effect("is released after its idle time: one unbind, and another connection for a later use", () =>
    Effect.gen(function*() {
      const { acme, tenants } = yield* world
      yield* Effect.provide(context, tenants.get("acme"))
      yield* TestClock.adjust("4 minutes")
      yield* Effect.provide(context, tenants.get("acme"))
      yield* TestClock.adjust("4 minutes")
      assert.deepInclude(acme.log, { unbinds: 0, openConnections: 1 })
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepInclude(acme.log, { unbinds: 1, openConnections: 0 })
      assert.deepInclude(acme.log.connections[0], { unbinds: 1, octetsAfterUnbind: 0 })
      yield* Effect.provide(context, tenants.get("acme"))
      assert.strictEqual(acme.log.connections.length, 2)
    }))

  it.effect("is not released while it is in use, however long that takes", () =>
    Effect.gen(function*() {
      const { acme, tenants } = yield* world
      const latch = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Effect.andThen(Deferred.await(latch), context).pipe(Effect.provide(tenants.get("acme"))),
        { startImmediately: true }
      )
      yield* TestClock.adjust("20 minutes")
      assert.strictEqual(acme.log.unbinds, 0)
      yield* Deferred.succeed(latch, undefined)
      assert.strictEqual(yield* Fiber.join(fiber), "dc=acme")
      yield* TestClock.adjust("5 minutes")
      yield* settle
      assert.deepInclude(acme.log, { unbinds: 1, openConnections: 0 })
    }))

  it.effect("ends with the map, used or not", () =>
    Effect.gen(function*() {
      const servers = yield* directories
      yield* Effect.scoped(
        Effect.flatMap(mapOf(servers), (tenants) =>
          Effect.andThen(
            Effect.provide(context, tenants.get("acme")),
            Effect.provide(context, tenants.get("zenith"))
          ))
      )
      for (const { log } of [servers.acme, servers.zenith]) assert.deepInclude(log, { unbinds: 1, openConnections: 0 })
    }))

  it.effect("that was down at the first use works when it is up again, if its pool has min 0", () =>
    Effect.gen(function*() {
      const { acme } = yield* directories
      let isDown = true
      const reason = new ConnectFailed({ kind: "refused", detail: "it is down" })
      const transport = {
        ...acme.transport,
        connect: Effect.suspend(() =>
          isDown ? Effect.fail(new LdapError({ reason, operation: "connect" })) : acme.transport.connect
        )
      }
      const tenants = yield* LayerMap.make((_: "acme") => LdapClient.layerTransport(transport, { pool: { min: 0 } }), {
        idleTimeToLive: "5 minutes"
      })
      const ask = Effect.provide(context, tenants.get("acme"))
      assert.strictEqual((yield* Effect.flip(ask)).reason._tag, "ConnectFailed")
      isDown = false
      const asked = yield* Effect.forkChild(ask, { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(asked), "dc=acme")
    }))
})
