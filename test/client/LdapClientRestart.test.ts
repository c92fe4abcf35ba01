/** Servers that stop and start under load: each answer is for the configured identity. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { readFile } from "node:fs/promises"
import * as Net from "node:net"
import { join } from "node:path"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapPool from "../../src/client/pool/LdapPool.ts"
import * as LdapServers from "../../src/client/servers/LdapServers.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { ensureSlapd, type Slapd, startSlapd } from "../servers/slapd/slapd.ts"

/** While the server is down. */
const retry = Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))

/** Fibers that send Who am I? repeatedly, until they are stopped. */
const load = Effect.fnUntraced(function*(client: LdapClient.LdapClient) {
  const stop = yield* Deferred.make<void>()
  const answers = new Map<string, number>()
  const errors: Array<LdapError> = []
  const once = Effect.match(client.extended(LdapExtended.whoAmI), {
    onSuccess: ({ answer }) => void answers.set(answer, (answers.get(answer) ?? 0) + 1),
    onFailure: (error) => void errors.push(error)
  })
  const loop: Effect.Effect<void> = Effect.suspend(() =>
    Deferred.isDoneUnsafe(stop) ? Effect.void : Effect.flatMap(once, () => Effect.andThen(Effect.yieldNow, loop))
  )
  const fibers = yield* Effect.forEach(Array.from({ length: 12 }), () => Effect.forkChild(loop))
  const sum = () => [...answers.values()].reduce((sum, count) => sum + count, 0)
  return {
    answers,
    errors,
    /** Waits until the load has received this many more answers. */
    progress: (more: number) =>
      Effect.suspend(() => {
        const enough = sum() + more
        return Effect.sleep(1).pipe(Effect.repeat({ until: () => sum() >= enough }), Effect.asVoid)
      }),
    stop: Effect.andThen(Deferred.succeed(stop, undefined), Fiber.awaitAll(fibers))
  }
})

describe("LdapClient under load, while the server stops and starts", () => {
  it.live("the directory in memory, on a port", () =>
    Effect.gen(function*() {
      const admin = "cn=admin,dc=example"
      const directory = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example" } }],
        admin: { password: "secret" }
      })
      const start = Effect.fnUntraced(function*(port: number) {
        const scope = yield* Scope.make()
        const listening = yield* Scope.provide(InMemoryDirectory.listen(directory, { port }), scope)
        return { ...listening, stop: Scope.close(scope, Exit.void) }
      })
      let server = yield* start(0)
      const clientScope = yield* Scope.make()
      const client = yield* Scope.provide(
        LdapClient.make({
          url: server.url,
          auth: LdapAuth.simple(admin, Redacted.make("secret")),
          pool: { max: 3, concurrency: 2 },
          retry
        }),
        clientScope
      )
      const running = yield* load(client)
      for (let round = 0; round < 5; round++) {
        yield* running.progress(30)
        yield* server.stop
        yield* Effect.sleep(5)
        server = yield* start(server.port)
      }
      yield* running.progress(30)
      yield* running.stop
      yield* Scope.close(clientScope, Exit.void)
      assert.deepStrictEqual([...running.answers.keys()], [`dn:${admin}`])
      assert.deepStrictEqual(running.errors, [])
      assert.isAbove(directory.log.connections.length, 5)
      const bound = new Set<number>()
      for (const entry of directory.log.entries) {
        if (entry._tag !== "Pdu") continue
        if (entry.kind === "BindResponse" && entry.code === 0) bound.add(entry.connection)
        if (entry.direction === "request" && !["BindRequest", "UnbindRequest"].includes(entry.kind)) {
          assert.isTrue(bound.has(entry.connection), `${entry.kind} before the bind`)
        }
      }
      for (const connection of directory.log.connections) {
        assert.isAtMost(connection.unbinds, 1)
        assert.strictEqual(connection.octetsAfterUnbind, 0)
        if (connection.closed === "fin") assert.strictEqual(connection.unbinds, 1)
      }
      yield* server.stop
    }), 60_000)

  const found = inject("slapd") === undefined ? { missing: "" } : ensureSlapd()

  it.live.skipIf("missing" in found)("slapd, killed, over StartTLS", () =>
    Effect.gen(function*() {
      if ("missing" in found) return
      const start = Effect.acquireRelease(
        Effect.promise(() => startSlapd(found.path)),
        (slapd) => Effect.promise(() => slapd.stop())
      )
      let slapd: Slapd = yield* start
      const way = yield* passage(() => slapd.port)
      const client = yield* LdapClient.make({
        url: `ldap://127.0.0.1:${way.port}`,
        startTls: true,
        // Every start makes new certificates. Other tests check their verification.
        tls: { rejectUnauthorized: false },
        auth: LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password)),
        // slapd reports that it starts a moment before it listens.
        pool: { min: 0, max: 3, concurrency: 2 },
        retry
      })
      const running = yield* load(client)
      for (let round = 0; round < 2; round++) {
        yield* running.progress(30)
        const pid = yield* Effect.promise(() => readFile(join(slapd.directory, "slapd.pid"), "utf8"))
        process.kill(Number(pid), "SIGKILL")
        slapd = yield* start
      }
      yield* running.progress(30)
      yield* running.stop
      assert.deepStrictEqual([...running.answers.keys()], [`dn:${slapd.admin.dn}`])
      assert.deepStrictEqual(running.errors, [])
    }), 60_000)
})

describe("LdapClient over two servers, of which one is killed under load", () => {
  const found = inject("slapd") === undefined ? { missing: "" } : ensureSlapd()

  it.live.skipIf("missing" in found)(
    "the other takes over: no operation has another identity, and no answer is lost",
    () =>
      Effect.gen(function*() {
        if ("missing" in found) return
        const start = Effect.acquireRelease(
          Effect.promise(() => startSlapd(found.path)),
          (slapd) => Effect.promise(() => slapd.stop())
        )
        const [first, second] = yield* Effect.all([start, start], { concurrency: 2 })
        // slapd reports that it starts a moment before it listens.
        for (const { urls: { ldap } } of [first, second]) {
          const once = Effect.scoped(LdapSession.make({ url: ldap }))
          yield* Effect.retry(once, { schedule: Schedule.spaced("10 millis"), times: 1000 })
        }
        const set = LdapServers.urls([first.urls.ldap, second.urls.ldap], { rest: Schedule.spaced("5 minutes") })
        const servers = yield* LdapServers.make(set, {
          startTls: true,
          tls: { ca: [first.certificates.ca.cert, second.certificates.ca.cert] },
          auth: LdapAuth.simple(first.admin.dn, Redacted.make(first.admin.password))
        })
        const pool = yield* LdapPool.make({ max: 3, concurrency: 2, server: servers.server, open: servers.open() })
        const running = yield* load(LdapClient.fromPool(pool))
        yield* running.progress(30)
        assert.deepStrictEqual((yield* servers.statistics).map(({ sessions }) => sessions > 0), [true, false])
        const pid = yield* Effect.promise(() => readFile(join(first.directory, "slapd.pid"), "utf8"))
        process.kill(Number(pid), "SIGKILL")
        yield* running.progress(100)
        assert.deepStrictEqual(
          (yield* servers.statistics).map(({ sessions, state }) => [state._tag, sessions > 0]),
          [["Resting", false], ["Up", true]]
        )
        yield* running.stop
        assert.deepStrictEqual([...running.answers.keys()], [`dn:${first.admin.dn}`])
        assert.deepStrictEqual(running.errors, [])
      }),
    60_000
  )
})

/** A fixed port that forwards to the server's current port. */
const passage = (target: () => number): Effect.Effect<{ readonly port: number }, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: Net.Server; readonly sockets: Set<Net.Socket> }>((resume) => {
        const sockets = new Set<Net.Socket>()
        const server = Net.createServer((near) => {
          const far = Net.connect(target(), "127.0.0.1")
          for (const [from, to] of [[near, far], [far, near]] as const) {
            sockets.add(from)
            from.on("error", () => to.destroy()).on("close", () => {
              sockets.delete(from)
              to.destroy()
            }).pipe(to)
          }
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
      }),
      ({ server, sockets }) =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    ),
    ({ server }) => ({ port: (server.address() as Net.AddressInfo).port })
  )
