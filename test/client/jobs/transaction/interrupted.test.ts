/**
 * Compensation against faults at each message: the server refuses it, never answers, or breaks the connection before or after it has
 * carried the request out, or the program is interrupted. All writes are undone, or the error names those that weren't.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../../src/auth/LdapAuth.ts"
import * as LdapTransaction from "../../../../src/client/jobs/transaction/LdapTransaction.ts"
import * as LdapClient from "../../../../src/client/LdapClient.ts"
import * as LdapServers from "../../../../src/client/servers/LdapServers.ts"
import type { LdapError } from "../../../../src/model/LdapError.ts"
import * as LdapModification from "../../../../src/model/LdapModification.ts"
import type * as LdapSession from "../../../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../../../src/testing/InMemoryDirectory.ts"
import { auth, type Host, make as servers, quiet } from "../../servers/LdapServersWorld.ts"

const top = "dc=example"
const mode = "compensation" as const

class Stop {
  readonly _tag = "Stop"
}

const person = (name: string, attributes: Record<string, string | ReadonlyArray<string>>) => ({
  dn: `cn=${name},${top}`,
  attributes: { objectClass: ["person", "extensibleObject"], cn: name, sn: name, ...attributes }
})

const entries = [
  { dn: top, attributes: { objectClass: "domain", dc: "example" } },
  person("one", { description: ["Before", "both"], street: "here", uidNumber: "5" }),
  person("two", { description: "two", uid: "moved" }),
  person("gone", { description: ["a", "b"] })
]

/** Each kind of write once, and one more on an entry that was written already. */
const changeAll = Effect.fnUntraced(function*(on: LdapSession.LdapOperations): Effect.fn.Return<void, LdapError> {
  yield* on.add(`cn=new,${top}`, { objectClass: "person", sn: "x" })
  yield* on.modify(`cn=one,${top}`, [
    LdapModification.replace("description", ["BEFORE", "new"]),
    LdapModification.delete("street"),
    LdapModification.add("telephoneNumber", "123")
  ])
  yield* on.modify(`cn=one,${top}`, LdapModification.increment("uidNumber", 10))
  yield* on.rename(`cn=two,${top}`, { newRdn: "cn=second+uid=moved", newSuperior: `cn=one,${top}` })
  yield* on.rename(`cn=new,${top}`, { newRdn: "cn=newer" })
  yield* on.delete(`cn=gone,${top}`)
})

const make = Effect.fnUntraced(function*(
  interceptor: InMemoryDirectory.Interceptor = () => Effect.succeed("continue")
) {
  const directory = yield* InMemoryDirectory.make({ entries, admin: { password: "secret" }, interceptor })
  const client = yield* LdapClient.fromTransport(directory.transport, {
    auth: LdapAuth.simple(`cn=admin,${top}`, Redacted.make("secret")),
    requestTimeout: "1 second",
    pool: { max: 2, keepAlive: "1 hour", checkInterval: "1 hour", checkAfterIdle: "1 hour" }
  })
  /** Each entry as text, with its values in order. */
  const content = () =>
    directory.export({ operational: false }).split(/\n\n+/).filter((record) => record.startsWith("dn:"))
      .map((record) => record.split("\n").filter((line) => line !== "").sort().join("\n")).sort()
  return { directory, client, content, before: content() }
})

/** Runs an effect while time passes, however long it waits. */
const passing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; i < 200; i++) {
      yield* quiet
      if (fiber.pollUnsafe() !== undefined) break
      yield* TestClock.adjust("500 millis")
    }
    return yield* Fiber.await(fiber)
  })

const requestKinds = ["search", "add", "modify", "delete", "rename"] as const

const faults: Readonly<Record<string, (where: DirectoryFault.RequestWhere) => DirectoryFault.DirectoryFault>> = {
  "is refused": (where) => DirectoryFault.result(53, where),
  "meets a busy server": (where) => DirectoryFault.result(51, where),
  "is never answered": (where) => DirectoryFault.drop(where),
  "is carried out and never answered": (where) => DirectoryFault.drop({ ...where, after: 0 }),
  "breaks the connection": (where) => DirectoryFault.reset(where),
  "is carried out and breaks the connection": (where) => DirectoryFault.reset({ ...where, after: 0 }),
  "meets a server that shuts down": (where) => DirectoryFault.disconnect(where)
}

describe("a transaction by compensation", () => {
  for (const [name, fault] of Object.entries(faults)) {
    it.effect(
      `whatever message ${name}: all writes are undone, or the error names the others`,
      () =>
        Effect.gen(function*() {
          let reports = 0
          for (let nth = 1;; nth++) {
            const hasHappened = yield* Effect.scoped(Effect.gen(function*() {
              const { before, client, content, directory } = yield* make()
              yield* directory.faults.set([fault({ on: [...requestKinds], nth })])
              const exit = yield* passing(
                LdapTransaction.runWith(client, (on) => Effect.andThen(changeAll(on), Effect.fail(new Stop())), {
                  mode
                })
              )
              const error = Option.getOrThrow(Exit.findErrorOption(exit))
              const after = content()
              if (error._tag !== "CompensationFailed") assert.deepStrictEqual(after, before, `${nth}`)
              else {
                reports++
                assert.isTrue(error.remaining.every(({ error }) => error !== undefined), `${nth}`)
                const named = error.remaining.map(({ dn }) => dn.toLowerCase())
                const differing = [...before, ...after].filter((one) => before.includes(one) !== after.includes(one))
                  .map((one) => /^dn: (.*)$/m.exec(one)![1]!.toLowerCase())
                // An entry that has kept its new name differs under both names.
                const names = new Set([
                  ...named,
                  ...(named.some((dn) => dn.includes("second"))
                    ? [`cn=two,${top}`]
                    : [])
                ])
                assert.isTrue(
                  differing.every((dn) => names.has(dn)),
                  `${nth}: ${differing.join(" ")} of ${named.join(" ")}`
                )
              }
              const sent = directory.log.pdus()
                .filter(({ direction, kind }) => direction === "request" && isRequest(kind)).length
              return sent >= nth
            }))
            if (!hasHappened) {
              assert.isAbove(nth, 20)
              break
            }
          }
          // Faults after which the outcome can't be known, or the inverse is refused.
          assert.isAtMost(reports, name === "is refused" ? 12 : 3, name)
        }),
      60_000
    )
  }

  it.effect("interruption at any message leaves no writes", () =>
    Effect.gen(function*() {
      for (let nth = 1;; nth++) {
        let count = 0
        const reached = yield* Deferred.make<void>()
        const { before, client, content } = yield* make(({ operation }) => {
          if (!isRequest(operation._tag)) return Effect.succeed("continue")
          // The interruption arrives before the answer.
          return ++count === nth
            ? Effect.as(Effect.andThen(Deferred.succeed(reached, undefined), quiet), "continue" as const)
            : Effect.succeed("continue")
        })
        const fiber = yield* Effect.forkChild(
          LdapTransaction.runWith(client, (on) => Effect.andThen(changeAll(on), Effect.fail(new Stop())), { mode })
        )
        const isOver = yield* Effect.raceFirst(
          Effect.as(Deferred.await(reached), false),
          Effect.as(Fiber.await(fiber), true)
        )
        yield* passing(Fiber.interrupt(fiber))
        assert.deepStrictEqual(content(), before, `${nth}`)
        if (isOver) {
          assert.isAbove(nth, 20)
          break
        }
      }
    }).pipe(Effect.scoped), 60_000)

  it.effect("writes of other fibers run one after another, and those after the end are refused", () =>
    Effect.gen(function*() {
      const [gate, ended] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const { before, client, content } = yield* make(({ operation }) =>
        operation._tag === "AddRequest"
          ? Effect.as(Deferred.await(gate), "continue" as const)
          : Effect.succeed("continue")
      )
      const modify = (on: LdapSession.LdapOperations, value: string) =>
        on.modify(`cn=one,${top}`, LdapModification.replace("description", value))
      const fibers: Array<Fiber.Fiber<unknown, LdapError>> = []
      const fiber = yield* Effect.forkChild(LdapTransaction.runWith(client, (on) =>
        Effect.gen(function*() {
          yield* Effect.all([modify(on, "x"), modify(on, "y"), modify(on, "z")], { concurrency: 3 })
          // Both go on after the end: one is in flight, the other waits for it.
          fibers.push(yield* Effect.forkDetach(on.add(`cn=new,${top}`, { objectClass: "person", sn: "x" })))
          fibers.push(yield* Effect.forkDetach(modify(on, "late")))
          yield* quiet
          return yield* Effect.fail(new Stop())
        }).pipe(Effect.ensuring(Deferred.succeed(ended, undefined))), { mode }))
      yield* Deferred.await(ended)
      yield* quiet
      yield* Deferred.succeed(gate, undefined)
      const exit = yield* passing(Fiber.join(fiber))
      assert.isTrue(Option.getOrThrow(Exit.findErrorOption(exit))._tag === "Stop")
      assert.deepStrictEqual(content(), before)
      const late = Option.getOrThrow(Exit.findErrorOption(yield* Fiber.await(fibers[1]!)))
      assert.strictEqual(late.reason._tag, "InvalidRequest")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(fibers[0]!)))
    }).pipe(Effect.scoped))

  it.effect("an entry that has kept another name isn't treated as deleted", () =>
    Effect.gen(function*() {
      const { client, directory } = yield* make()
      const exit = yield* passing(LdapTransaction.runWith(client, (on) =>
        Effect.gen(function*() {
          yield* on.add(`cn=new,${top}`, { objectClass: "person", sn: "x" })
          yield* on.rename(`cn=new,${top}`, { newRdn: "cn=newer" })
          yield* directory.faults.set([DirectoryFault.result(53, { on: "rename" })])
          return yield* Effect.fail(new Stop())
        }), { mode }))
      const error = Option.getOrThrow(Exit.findErrorOption(exit))
      assert.isTrue(error._tag === "CompensationFailed")
      if (error._tag !== "CompensationFailed") return
      assert.deepStrictEqual(
        [error.undone, ...error.remaining.map(({ error, operation }) => `${operation} ${error?.reason._tag}`)],
        [0, "rename UnwillingToPerform", "add NoSuchObject"]
      )
    }).pipe(Effect.scoped))

  it.effect("an entry of another client in the place of a deleted one is reported, and left alone", () =>
    Effect.gen(function*() {
      const { client, directory } = yield* make()
      const gone = `cn=gone,${top}`
      const exit = yield* passing(LdapTransaction.runWith(client, (on) =>
        Effect.gen(function*() {
          yield* on.delete(gone)
          yield* client.add(gone, { objectClass: "person", sn: "theirs" })
          return yield* Effect.fail(new Stop())
        }), { mode }))
      const error = Option.getOrThrow(Exit.findErrorOption(exit))
      assert.isTrue(
        error._tag === "CompensationFailed" && error.remaining[0]!.error?.reason._tag === "EntryAlreadyExists"
      )
      assert.strictEqual(directory.lookup(gone)!.get("sn"), "theirs")
    }).pipe(Effect.scoped))
})

const isRequest = (kind: string): boolean => /^(?:Search|Add|Modify|Delete|ModifyDn|Rename)Request$/.test(kind)

// ---------------------------------------------------------------------------------------------------------------------
// Several servers
// ---------------------------------------------------------------------------------------------------------------------

const urls = ["ldap://a", "ldap://b"]

const writesOf = ({ directory }: Host) =>
  directory.log.pdus().filter(({ direction, kind }) =>
    direction === "request" && isRequest(kind) && kind !== "SearchRequest"
  ).length

const many = (on: LdapSession.LdapOperations, client: LdapClient.LdapClient) =>
  Effect.gen(function*() {
    for (let i = 0; i < 6; i++) {
      yield* on.add(`cn=x${i},${top}`, { objectClass: "device" })
      // The writes are on one server, whichever sessions other operations use meanwhile.
      yield* Effect.all([client.rootDse, client.rootDse, client.rootDse], { concurrency: 3 })
      assert.isTrue(Option.isSome(yield* on.lookup(`cn=x${i},${top}`)))
      for (const pageSize of [undefined, 2]) {
        const { entries } = yield* on.searchResult({ base: `cn=x${i},${top}`, pageSize })
        assert.lengthOf(entries, 1)
      }
      assert.isAbove(yield* Stream.runCount(on.search({ base: top, pageSize: 1 })), i)
    }
  })

const overBoth = Effect.gen(function*() {
  const world = yield* servers(urls)
  const client = yield* world.provide(LdapClient.make({
    servers: LdapServers.urls(urls, { strategy: "roundRobin" }),
    auth,
    pool: { min: 2, max: 4 }
  }))
  yield* quiet
  const sizes = () => world.hosts.map(({ directory }) => directory.size)
  return { world, client, sizes, before: sizes() }
})

describe("a transaction over several servers", () => {
  it.effect("writes, reads and undoes on one of them", () =>
    Effect.gen(function*() {
      const { before, client, sizes, world } = yield* overBoth
      const failing = LdapTransaction.runWith(
        client,
        (on) => Effect.andThen(many(on, client), Effect.fail(new Stop())),
        { mode }
      )
      assert.strictEqual((yield* Effect.flip(failing))._tag, "Stop")
      assert.deepStrictEqual(sizes(), before)
      assert.deepStrictEqual(world.hosts.map(writesOf).sort((a, b) => a - b), [0, 12])
      yield* LdapTransaction.runWith(client, (on) => many(on, client), { mode })
      assert.strictEqual(sizes().filter((size, i) => size !== before[i]).length, 1)
    }))

  it.effect("if its server is lost, the error lists what was written there, and the other one sees nothing", () =>
    Effect.gen(function*() {
      const { client, world } = yield* overBoth
      let mine: Host | undefined
      const exit = yield* passing(LdapTransaction.runWith(client, (on) =>
        Effect.gen(function*() {
          yield* many(on, client)
          mine = world.hosts.find((host) => writesOf(host) > 0)
          yield* mine!.kill
          yield* quiet
          yield* on.add(`cn=last,${top}`, { objectClass: "device" })
        }), { mode }))
      const error = Option.getOrThrow(Exit.findErrorOption(exit))
      assert.isTrue(error._tag === "CompensationFailed")
      if (error._tag !== "CompensationFailed") return
      assert.deepStrictEqual([error.undone, error.remaining.length], [0, 6])
      assert.isTrue(error.remaining.every(({ error }) => error!.server === mine!.url))
      assert.strictEqual(writesOf(world.hosts.find((host) => host !== mine)!), 0)
    }))
})
