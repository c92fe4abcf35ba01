/** Writes that all happen or none: in transactions of servers, or undone by inverse writes. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../../src/client/jobs/LdapJobs.ts"
import * as LdapTransaction from "../../../../src/client/jobs/transaction/LdapTransaction.ts"
import * as LdapClient from "../../../../src/client/LdapClient.ts"
import type { LdapEntry } from "../../../../src/model/entry/LdapEntry.ts"
import type { LdapError } from "../../../../src/model/LdapError.ts"
import * as LdapModification from "../../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../../src/testing/InMemoryDirectory.ts"
import { findExecutable } from "../../../servers/installation.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"
import { startSlapd } from "../../../servers/slapd/slapd.ts"

const slapd = inject("slapd")
const ds389 = inject("ds389")
const samba = inject("samba")

class Stop {
  readonly _tag = "Stop"
}

interface World {
  readonly session: LdapSession.LdapSession
  readonly top: string
  readonly isActiveDirectory: boolean
  readonly canMove: boolean
}

let worlds = 0
const worldOf = Effect.fnUntraced(function*(
  config: LdapSession.SessionConfig,
  scratch: string,
  { canMove = true, isActiveDirectory = false }: Partial<Pick<World, "canMove" | "isActiveDirectory">> = {}
): Effect.fn.Return<World, LdapError, Scope.Scope> {
  const session = yield* LdapSession.make(config)
  const top = `ou=transactions-${process.pid}-${++worlds},${scratch}`
  yield* Effect.acquireRelease(
    session.add(top, { objectClass: "organizationalUnit" }),
    () => Effect.ignore(Stream.runDrain(LdapJobs.deleteTree(session, top)))
  )
  yield* session.add(`ou=one,${top}`, { objectClass: "organizationalUnit", description: "Before", street: "here" })
  yield* session.add(`ou=two,${top}`, { objectClass: "organizationalUnit", description: "two" })
  return { session, top, isActiveDirectory, canMove }
})

/** The entries below the top, without attributes that servers add. */
const content = ({ session, top }: World) =>
  Effect.map(session.searchResult({ base: top }), ({ entries }) =>
    entries.map((entry: LdapEntry) => [
      entry.dn.toLowerCase(),
      ["ou", "description", "street", "telephoneNumber"].map((name) => [...entry.getAll(name)].sort())
    ]).sort())

const changeAll = ({ canMove, isActiveDirectory, top }: World) =>
  Effect.fnUntraced(function*(on: LdapSession.LdapOperations): Effect.fn.Return<void, LdapError> {
    yield* on.add(`ou=new,${top}`, { objectClass: "organizationalUnit" })
    yield* on.modify(`ou=one,${top}`, [
      LdapModification.replace("description", "BEFORE"),
      LdapModification.replace("street"),
      LdapModification.add("telephoneNumber", "123")
    ])
    yield* on.rename(`ou=two,${top}`, {
      newRdn: "ou=moved",
      newSuperior: canMove ? `ou=one,${top}` : undefined
    })
    if (!isActiveDirectory) yield* on.delete(`ou=gone,${top}`)
  })

const prepared = Effect.fnUntraced(function*(world: Effect.Effect<World, LdapError, Scope.Scope>) {
  const made = yield* world
  // Attributes that the entry has in addition to its name, and an entry to delete.
  if (!made.isActiveDirectory)
    yield* made.session.add(`ou=gone,${made.top}`, { objectClass: "organizationalUnit", description: ["a", "b"] })
  return { ...made, before: yield* content(made) }
})

const onEvery = (
  world: Effect.Effect<World, LdapError, Scope.Scope>,
  mode: NonNullable<LdapTransaction.TransactionOptions["mode"]>
) => {
  it.live(`${mode}: all writes stay after a success, and none after a failure`, () =>
    Effect.gen(function*() {
      const made = yield* prepared(world)
      const { before, session } = made
      const failing = LdapTransaction.runWith(
        session,
        (on) => Effect.andThen(changeAll(made)(on), Effect.fail(new Stop())),
        { mode }
      )
      assert.strictEqual((yield* Effect.flip(failing))._tag, "Stop")
      assert.deepStrictEqual(yield* content(made), before)
      yield* LdapTransaction.runWith(session, changeAll(made), { mode })
      const after = yield* content(made)
      assert.notDeepEqual(after, before)
      assert.isTrue(after.some(([dn]) => String(dn).startsWith(made.canMove ? "ou=moved,ou=one" : "ou=moved,")))
      assert.isTrue(Option.isSome(yield* session.lookup(`ou=new,${made.top}`)))
    }))

  it.live(`${mode}: a function that throws leaves no writes, and no open transaction`, () =>
    Effect.gen(function*() {
      const made = yield* prepared(world)
      const { before, session } = made
      const throwing = LdapTransaction.runWith<void, never, never>(session, () => {
        throw new Error("before there is an effect")
      }, { mode })
      assert.isTrue(Exit.hasDies(yield* Effect.exit(throwing)))
      assert.deepStrictEqual(yield* content(made), before)
      yield* LdapTransaction.runWith(session, changeAll(made), { mode })
      assert.notDeepEqual(yield* content(made), before)
    }))

  it.live(`${mode}: interruption leaves no writes`, () =>
    Effect.gen(function*() {
      const made = yield* prepared(world)
      const reached = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(LdapTransaction.runWith(
        made.session,
        (on) =>
          changeAll(made)(on).pipe(Effect.andThen(Deferred.succeed(reached, undefined)), Effect.andThen(Effect.never)),
        { mode }
      ))
      yield* Effect.raceFirst(Deferred.await(reached), Effect.asVoid(Fiber.join(fiber)))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* content(made), made.before)
    }))

  it.live(`${mode}: interruption at any moment leaves no writes`, () =>
    Effect.gen(function*() {
      const made = yield* prepared(world)
      for (let millis = 0; millis < 30; millis += 3) {
        const program = LdapTransaction.runWith(
          made.session,
          (on) => Effect.andThen(changeAll(made)(on), Effect.never),
          { mode }
        )
        yield* Effect.timeoutOption(program, millis)
        assert.deepStrictEqual(yield* content(made), made.before, `${millis}`)
      }
    }))
}

const config = (url: string, ca: string, dn: string, password: string): LdapSession.SessionConfig => ({
  url,
  tls: { ca },
  auth: LdapAuth.simple(dn, Redacted.make(password))
})

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const server = config(slapd.urls.ldaps, slapd.certificates.ca.cert, slapd.admin.dn, slapd.admin.password)
  const world = worldOf(server, `ou=scratch,${slapd.base}`)
  onEvery(world, "compensation")

  it.live("auto: doesn't use slapd's transactions, which can crash it", () =>
    Effect.gen(function*() {
      const made = yield* prepared(world)
      yield* LdapTransaction.runWith(made.session, (on) =>
        Effect.gen(function*() {
          yield* on.add(`ou=new,${made.top}`, { objectClass: "organizationalUnit" })
          assert.isTrue(Option.isSome(yield* on.lookup(`ou=new,${made.top}`)))
        }))
    }))
})

/** A slapd of its own: one that crashes takes no other test with it. */
describe.skipIf(slapd === undefined)("slapd with transactions", () => {
  if (slapd === undefined) return
  const path = findExecutable("slapd")!
  const serverOf = Effect.map(
    Effect.acquireRelease(Effect.promise(() => startSlapd(path)), (own) => Effect.promise(() => own.stop())),
    (own) => ({
      server: config(own.urls.ldaps, own.certificates.ca.cert, own.admin.dn, own.admin.password),
      scratch: `ou=scratch,${own.base}`
    })
  )
  onEvery(
    Effect.flatMap(serverOf, ({ scratch, server }) => worldOf(server, scratch, { canMove: false })),
    "transaction"
  )

  it.live("a move is refused before it is sent, since it crashes slapd", () =>
    Effect.gen(function*() {
      const { scratch, server } = yield* serverOf
      const made = yield* prepared(worldOf(server, scratch))
      const error = yield* Effect.flip(LdapTransaction.runWith(made.session, changeAll(made), { mode: "transaction" }))
      assert.isTrue(error._tag === "LdapError" && error.reason._tag === "InvalidRequest")
      assert.deepStrictEqual(yield* content(made), made.before)
    }))

  it.live("a write that can't be carried out fails the commit, and leaves no writes; through a client", () =>
    Effect.gen(function*() {
      const { scratch, server } = yield* serverOf
      const made = yield* prepared(worldOf(server, scratch))
      const client = yield* LdapClient.make(server)
      const program = LdapTransaction.run(
        Effect.gen(function*() {
          const ldap = yield* LdapClient.LdapClient
          yield* ldap.add(`ou=new,${made.top}`, { objectClass: "organizationalUnit" })
          yield* ldap.add(`ou=one,${made.top}`, { objectClass: "organizationalUnit" })
          assert.isTrue(Option.isNone(yield* ldap.lookup(`ou=new,${made.top}`)))
        }),
        { mode: "transaction" }
      ).pipe(Effect.provideService(LdapClient.LdapClient, client))
      const error = yield* Effect.flip(program)
      assert.isTrue(error._tag === "LdapError" && error.reason._tag === "EntryAlreadyExists")
      assert.deepStrictEqual(yield* content(made), made.before)
    }))

  it.live("a hundred transactions, committed and aborted by turns", () =>
    Effect.gen(function*() {
      const { scratch, server } = yield* serverOf
      const { session, top } = yield* worldOf(server, scratch)
      const clients = yield* Effect.forEach(Array.from({ length: 10 }), () => LdapSession.make(server))
      yield* Effect.forEach(clients, (client, n) =>
        Effect.forEach(Array.from({ length: 10 }), (_, i) =>
          Effect.exit(LdapTransaction.runWith(client, (on) =>
            Effect.andThen(
              on.add(`ou=${n}-${i},${top}`, { objectClass: "organizationalUnit" }),
              i % 2 === 0 ? Effect.void : Effect.fail(new Stop())
            ), { mode: "transaction" }))), { concurrency: 10, discard: true })
      const { entries } = yield* session.searchResult({ base: top, scope: "one", filter: "(ou=*-*)" })
      assert.lengthOf(entries, 50)
    }))
})

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const server = config(ds389.urls.ldaps, ds389.certificates.ca.cert, ds389.admin.dn, ds389.admin.password)
  onEvery(worldOf(server, `ou=scratch,${ds389.base}`), "auto")
})

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const server = config(samba.urls.ldaps, samba.certificates.ca.cert, samba.admin.upn, samba.admin.password)
  const world = worldOf(server, `OU=scratch,${samba.base}`, { isActiveDirectory: true })
  onEvery(world, "auto")

  it.live("a deletion is refused, since a deleted entry would come back as another one", () =>
    Effect.gen(function*() {
      const made = yield* prepared(world)
      const error = yield* Effect.flip(LdapTransaction.runWith(made.session, (on) => on.delete(`ou=two,${made.top}`)))
      assert.isTrue(error._tag === "LdapError" && error.reason._tag === "InvalidRequest")
      assert.deepStrictEqual(yield* content(made), made.before)
    }))
})

describe("in memory", () => {
  const top = "dc=example"
  const world = Effect.gen(function*() {
    let silent: (kind: string) => boolean = () => false
    const directory = yield* InMemoryDirectory.make({
      entries: [
        { dn: top, attributes: { objectClass: "domain", dc: "example" } },
        {
          dn: `ou=one,${top}`,
          attributes: { objectClass: ["organizationalUnit", "extensibleObject"], ou: "one", uidNumber: "5" }
        }
      ],
      admin: { password: "secret" },
      interceptor: ({ operation }) =>
        Effect.suspend((): ReturnType<InMemoryDirectory.Interceptor> =>
          silent(operation._tag) ? Effect.never : Effect.succeed("continue")
        )
    })
    const session = yield* LdapSession.fromTransport(directory.transport, {
      auth: LdapAuth.simple(`cn=admin,${top}`, Redacted.make("secret")),
      requestTimeout: "1 second"
    })
    const mode = "compensation" as const
    return {
      directory,
      session,
      mode,
      setSilent: (when: typeof silent) => Effect.sync(() => void (silent = when))
    }
  })

  it.live("values that other clients wrote meanwhile stay, and so do their increments of numbers", () =>
    Effect.gen(function*() {
      const { directory, mode, session } = yield* world
      const one = `ou=one,${top}`
      const exit = yield* Effect.exit(LdapTransaction.runWith(session, (on) =>
        Effect.gen(function*() {
          yield* on.modify(one, [
            LdapModification.add("description", ["a", "b"]),
            LdapModification.increment("uidNumber", 10)
          ])
          // Another client removes one value, adds one, and increments a number.
          yield* session.modify(one, [
            LdapModification.delete("description", "a"),
            LdapModification.add("description", "theirs"),
            LdapModification.increment("uidNumber", 1)
          ])
          return yield* Effect.die("stop")
        }), { mode }))
      assert.isTrue(Exit.isFailure(exit))
      const entry = directory.lookup(one)!
      assert.deepStrictEqual([entry.getAll("description"), entry.get("uidNumber")], [["theirs"], "6"])
    }).pipe(Effect.scoped))

  it.live("writes that can't be undone are reported, also after an interruption, and within the time limit", () =>
    Effect.gen(function*() {
      const { mode, session, setSilent } = yield* world
      const error = yield* Effect.flip(LdapTransaction.runWith(session, (on) =>
        Effect.gen(function*() {
          yield* on.add(`ou=new,${top}`, { objectClass: "organizationalUnit" })
          // Another client adds an entry below it, so it can't be deleted.
          yield* session.add(`ou=below,ou=new,${top}`, { objectClass: "organizationalUnit" })
          yield* on.modify(`ou=one,${top}`, LdapModification.add("description", "x"))
          return yield* Effect.fail(new Stop())
        }), { mode }))
      assert.isTrue(error._tag === "CompensationFailed")
      if (error._tag !== "CompensationFailed") return
      assert.deepStrictEqual([error.undone, error.remaining.length], [1, 1])
      assert.deepInclude(error.remaining[0]!, { operation: "add", dn: `ou=new,${top}` })
      assert.strictEqual(error.remaining[0]!.error?.reason._tag, "NotAllowedOnNonLeaf")
      assert.include(error.message, "ou=new")
      const late = yield* Effect.flip(LdapTransaction.runWith(session, (on) =>
        Effect.gen(function*() {
          yield* on.modify(`ou=one,${top}`, LdapModification.add("description", "y"))
          yield* setSilent((kind) => kind === "ModifyRequest")
          return yield* Effect.fail(new Stop())
        }), { mode, endTimeout: "200 millis" }))
      assert.isTrue(late._tag === "CompensationFailed" && late.remaining[0]?.error === undefined)
    }).pipe(Effect.scoped))

  it.live("a write in doubt is undone if it was carried out", () =>
    Effect.gen(function*() {
      const { directory, mode, session, setSilent } = yield* world
      const one = `ou=one,${top}`
      const error = yield* Effect.flip(LdapTransaction.runWith(session, (on) =>
        Effect.gen(function*() {
          yield* on.modify(one, LdapModification.add("description", "x"))
          yield* setSilent((kind) => kind === "ModifyRequest")
          yield* on.modify(one, LdapModification.add("description", "y")).pipe(Effect.ensuring(setSilent(() => false)))
        }), { mode }))
      assert.isTrue(error._tag === "LdapError" && error.reason._tag === "RequestTimeout")
      assert.isFalse(directory.lookup(one)!.has("description"))
    }).pipe(Effect.scoped))

  it.live("operations that can't be part of it are refused, and so are all operations after the end", () =>
    Effect.gen(function*() {
      const { mode, session } = yield* world
      const tag = (
        effect: Effect.Effect<unknown, { readonly _tag: string; readonly reason?: { readonly _tag: string } }>
      ) => Effect.map(Effect.flip(effect), ({ reason }) => reason?._tag)
      for (const way of [mode, "transaction"] as const) {
        const kept = yield* LdapTransaction.runWith(session, (on) =>
          Effect.gen(function*() {
            const change = { userIdentity: `ou=one,${top}`, newPassword: Redacted.make("x") }
            assert.strictEqual(yield* tag(on.extended(LdapExtended.passwordModify, change)), "InvalidRequest")
            assert.isTrue(Option.isSome(yield* on.lookup(top)))
            assert.strictEqual(yield* tag(on.add(5 as never, {})), "InvalidRequest")
            return on
          }), { mode: way })
        assert.strictEqual(yield* tag(kept.delete(`ou=one,${top}`)), "InvalidRequest")
      }
      for (const options of [5, { mode: "x" }, { endTimeout: "Infinity" }, { endTimeout: {} }]) {
        assert.strictEqual(
          yield* tag(LdapTransaction.runWith(session, () => Effect.void, options as never)),
          "InvalidRequest"
        )
      }
      assert.isTrue(
        Result.isFailure(
          yield* Effect.result(LdapTransaction.runWith(session, 5 as unknown as () => Effect.Effect<void>))
        )
      )
    }).pipe(Effect.scoped))
})
