/**
 * A job that writes stays on the server on which it started, over sessions with several servers. It fails if that server is lost.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import * as LdifApply from "../../../src/client/jobs/LdifApply.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { auth, type Host, make, quiet, type World } from "../servers/LdapServersWorld.ts"

const a = "ldap://a"
const b = "ldap://b"
const urls = [a, b]

const requests = ({ directory }: Host, kind: string) =>
  directory.log.pdus().filter(({ direction, kind: other }) => direction === "request" && other === kind).length

/** Both servers have the same tree of six entries: the directories don't replicate. */
const treeOn = ({ directory }: Host) =>
  Effect.scoped(
    Effect.flatMap(LdapSession.fromTransport(directory.transport, { auth }), (session) =>
      Effect.gen(function*() {
        yield* session.add("ou=old,dc=example", { objectClass: "organizationalUnit", ou: "old" })
        for (let i = 0; i < 5; i++)
          yield* session.add(`cn=${i},ou=old,dc=example`, { objectClass: "device", cn: `${i}` })
      }))
  )

const sessionsOnBoth = { min: 2, max: 4 }

/** A client whose sessions are with each server in turn. */
const clientOf = (world: World, pool: LdapPool.PoolOptions = sessionsOnBoth, retry?: LdapClient.RetrySchedule) =>
  Effect.gen(function*() {
    for (const host of world.hosts) yield* treeOn(host)
    const client = yield* world.provide(
      LdapClient.make({ servers: LdapServers.urls(urls, { strategy: "roundRobin" }), auth, pool, retry })
    )
    yield* quiet
    return client
  })

const walking = { treeDelete: "never" } as const
const deleteOld = (client: LdapClient.LdapClient) => LdapJobs.deleteTree(client, "ou=old,dc=example", walking)
const sizes = (world: World) => world.hosts.map(({ directory }) => directory.size).sort((x, y) => x - y)

describe("a job over several servers", () => {
  it.effect("deleteTree reads and deletes on one of them", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      const client = yield* clientOf(world)
      const before = world.hosts[0]!.directory.size
      assert.strictEqual(yield* Stream.runCount(deleteOld(client)), 6)
      assert.deepStrictEqual(sizes(world), [before - 6, before])
    }))

  it.effect("two jobs at once delete the tree from one server each, and neither mixes the servers", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      const client = yield* clientOf(world)
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 8 }),
        () => Effect.exit(Stream.runCount(deleteOld(client))),
        { concurrency: "unbounded" }
      )
      // Jobs on the same server share the deletions, or find nothing. None of them finds an entry that is left over.
      const total = outcomes.reduce((sum, exit) => sum + (Exit.isSuccess(exit) ? exit.value : 0), 0)
      assert.strictEqual(total, 12)
      for (const exit of outcomes) {
        if (Exit.isFailure(exit)) assert.include(String(exit.cause), "noSuchObject")
      }
    }))

  it.effect("upsert changes an entry on the server on which it has read it", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      const client = yield* clientOf(world)
      const [first, second] = world.hosts as [Host, Host]
      // Twelve entries that one of the servers has. They are modified there, and added on the other one.
      const names = Array.from({ length: 12 }, (_, i) => `new${i}`)
      yield* Effect.scoped(Effect.flatMap(LdapSession.fromTransport(first.directory.transport, { auth }), (session) =>
        Effect.forEach(names, (cn) =>
          session.add(`cn=${cn},dc=example`, { objectClass: "device", cn }))))
      const before = requests(first, "AddRequest")
      const done = yield* Effect.forEach(
        names,
        (cn) =>
          LdapJobs.upsert(client, `cn=${cn},dc=example`, { objectClass: "device", cn, description: "x" }),
        { concurrency: "unbounded" }
      )
      const of = (tag: string) => done.filter(({ _tag }) => _tag === tag).length
      assert.isTrue(of("Added") > 0 && of("Modified") > 0)
      assert.strictEqual(requests(first, "AddRequest"), before)
      assert.strictEqual(requests(first, "ModifyRequest"), of("Modified"))
      assert.strictEqual(requests(second, "ModifyRequest"), 0)
    }))

  it.effect("applyLdif sends all records to one of them, however many other operations run", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      const client = yield* clientOf(world)
      const before = world.hosts[0]!.directory.size
      const records = Stream.fromIterable(
        Array.from(
          { length: 10 },
          (_, i) => Ldif.entry(`cn=x${i},dc=example`, { objectClass: ["device"], cn: [`x${i}`] })
        )
      ).pipe(Stream.tap(() => Effect.all([client.rootDse, client.rootDse, client.rootDse], { concurrency: 3 })))
      yield* Stream.runDrain(LdifApply.applyLdif(client, records))
      assert.deepStrictEqual(sizes(world), [before, before + 10])
    }))

  it.effect("if its server is lost in the middle, the job fails, and sends nothing to the other one", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      // A Schedule that would continue. The job has no other server, so it fails in any case.
      const client = yield* clientOf(world, sessionsOnBoth, Schedule.recurs(20))
      const before = world.hosts[0]!.directory.size
      let mine: Host | undefined
      const records = Stream.fromIterable(
        Array.from(
          { length: 10 },
          (_, i) => Ldif.entry(`cn=x${i},dc=example`, { objectClass: ["device"], cn: [`x${i}`] })
        )
      )
      let applied = 0
      const error = yield* Effect.flip(
        Stream.runForEach(LdifApply.applyLdif(client, records), () =>
          Effect.suspend(() => {
            if (++applied !== 4) return Effect.void
            mine = world.hosts.find(({ directory }) => directory.size > before)
            return Effect.andThen(mine!.kill, quiet)
          }))
      )
      assert.strictEqual(error._tag, "LdifApplyError")
      const { reason, server } = error.cause
      assert.include(["SessionClosed", "ConnectionLost"], reason._tag)
      assert.strictEqual(server, mine!.url)
      const other = world.hosts.find((host) => host !== mine)!
      assert.strictEqual(other.directory.size, before)
      // Other operations go on there, and so does the next job.
      yield* LdapJobs.upsert(client, "cn=next,dc=example", { objectClass: "device", cn: "next" })
      assert.strictEqual(other.directory.size, before + 1)
    }))

  it.effect("if only its session is lost, the job continues over another session with the same server", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      for (const host of world.hosts) yield* treeOn(host)
      const client = yield* world.provide(LdapClient.make({ urls, auth, pool: { min: 1, max: 4 } }))
      const before = world.host(a).directory.size
      const records = Stream.fromIterable(
        Array.from(
          { length: 10 },
          (_, i) => Ldif.entry(`cn=x${i},dc=example`, { objectClass: ["device"], cn: [`x${i}`] })
        )
      )
      let applied = 0
      yield* Stream.runForEach(LdifApply.applyLdif(client, records), () =>
        Effect.suspend(() =>
          ++applied === 4
            ? Effect.andThen(Effect.forEach([...world.host(a).sockets], ({ reset }) => reset, { discard: true }), quiet)
            : Effect.void
        ))
      assert.deepStrictEqual(world.hosts.map(({ directory }) => directory.size), [before + 10, before])
    }))

  it.effect("a session that is lost before the job's first request doesn't tie the job to its server", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      const client = yield* clientOf(world, { min: 1, max: 2, checkAfterIdle: "1 hour", checkInterval: "1 hour" })
      const first = world.hosts.find(({ sockets }) => sockets.size > 0)!
      yield* first.kill
      yield* LdapJobs.upsert(client, "cn=x,dc=example", { objectClass: "device", cn: "x" })
      const other = world.hosts.find((host) => host !== first)!
      assert.isTrue(other.directory.log.pdus().some(({ kind }) => kind === "AddRequest"))
    }))

  it.effect("jobs give their sessions back: after failures, interruptions and ends, and within each other", () =>
    Effect.gen(function*() {
      const world = yield* make(urls)
      const scope = yield* Scope.make()
      const servers = yield* world.make(LdapServers.urls(urls, { strategy: "roundRobin" }))
      const pool = yield* Scope.provide(
        LdapPool.make({ server: servers.server, open: servers.open(), min: 2, max: 2 }),
        scope
      )
      const client = LdapClient.fromPool(pool)
      for (const host of world.hosts) yield* treeOn(host)
      const failing: Effect.Effect<unknown, LdapError | LdifApply.LdifApplyError> = LdapJobs.upsert(
        client,
        "cn=x,dc=nowhere",
        { objectClass: "device", cn: "x" }
      )
      yield* Effect.flip(failing)
      yield* Stream.runHead(deleteOld(client))
      yield* Effect.timeoutOption(Effect.forever(Effect.andThen(Effect.exit(failing), Effect.yieldNow)), 0)
      // Each deletion runs a job with a paged search. The searches must not wait for the first job's search.
      yield* Stream.runForEach(
        deleteOld(client),
        () =>
          Effect.exit(
            Effect.andThen(LdapJobs.count(client, { base: "dc=example" }), Stream.runDrain(deleteOld(client)))
          )
      )
      const { inUse, waiting } = yield* pool.statistics
      assert.deepStrictEqual({ inUse, waiting }, { inUse: 0, waiting: 0 })
      yield* Scope.close(scope, Exit.void)
      for (const { directory } of world.hosts) {
        for (const { octetsAfterUnbind, unbinds } of directory.log.connections) {
          assert.deepStrictEqual([unbinds, octetsAfterUnbind], [1, 0])
        }
      }
    }))
})
