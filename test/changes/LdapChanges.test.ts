/**
 * The promises of follow and poll: cookies belong to one request, typed errors, one unbind, backpressure, and refreshes that find
 * deletions.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import { LdapResultCode } from "../../src/model/LdapResultCode.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

const base = "dc=example"
const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
const device = (cn: string) => ({ objectClass: ["device"], cn })

const world = Effect.fnUntraced(function*(entries = 0) {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
      ...Array.from({ length: entries }, (_, i) => ({
        dn: `cn=d${i},${base}`,
        attributes: { ...device(`d${i}`), description: "x".repeat(1_000) }
      }))
    ],
    admin: { password: "secret" }
  })
  const client = yield* LdapClient.fromTransport(directory.transport, { auth, pool: { min: 0, max: 1 } })
  return { client, directory }
})

const tags = (changes: ReadonlyArray<LdapChanges.LdapChange>) => changes.map(({ _tag }) => _tag)
const quietly = Effect.provideService(References.MinimumLogLevel, "None")

describe("cookies", () => {
  const cookieOf = Effect.fnUntraced(function*(client: LdapClient.LdapClient, filter: string) {
    const changes = yield* Stream.runCollect(LdapChanges.poll(client, { base, filter }))
    const last = changes.at(-1)
    assert(last?._tag === "Checkpoint", "a poll ends with a checkpoint")
    return last.cookie
  })

  it.effect("a changed filter is a typed error that names it, or a refresh if that is asked for", () =>
    Effect.gen(function*() {
      const { client } = yield* world()
      const since = yield* cookieOf(client, "(objectClass=device)")
      const error = yield* Effect.flip(Stream.runDrain(LdapChanges.poll(client, { base, filter: "(cn=*)", since })))
      assert(error._tag === "LdapChangesError" && error.reason._tag === "CookieMismatch")
      assert.deepStrictEqual(error.reason.differs, ["filter"])
      assert.include(error.message, "onMismatch")
      const changes = yield* Stream.runCollect(
        LdapChanges.poll(client, { base, filter: "(cn=*)", since, onMismatch: "refresh" })
      )
      assert.deepInclude(changes[0], { _tag: "RefreshStarted", reason: "refused" })
      assert.deepInclude(changes.at(-2), { _tag: "Refreshed", deletes: "absent" })
    }).pipe(quietly))

  it.effect("a cookie survives another spelling of the base and another order of attributes, but not another base, source or text", () =>
    Effect.gen(function*() {
      const { client } = yield* world()
      const changes = yield* Stream.runCollect(LdapChanges.poll(client, { base, attributes: ["cn", "mail"] }))
      const last = changes.at(-1)
      assert(last?._tag === "Checkpoint")
      const since = last.cookie
      const again = LdapChanges.poll(client, { base: "DC=Example", attributes: ["MAIL", "cn"], since })
      assert.deepStrictEqual(tags(yield* Stream.runCollect(again)).at(-1), "Checkpoint")
      const reasonOf = (options: LdapChanges.FollowOptions) =>
        Effect.map(Effect.flip(Stream.runDrain(LdapChanges.poll(client, options))), ({ reason }) => reason._tag)
      assert.strictEqual(yield* reasonOf({ base, attributes: ["cn"], since }), "CookieMismatch")
      assert.strictEqual(yield* reasonOf({ base, attributes: ["cn", "mail"], source: "scan", since }), "CookieMismatch")
      assert.strictEqual(yield* reasonOf({ base, since: "abc" }), "CookieUnreadable")
      assert.strictEqual(yield* reasonOf({ base, since: since.replace(":1:", ":2:") }), "CookieUnreadable")
      assert.strictEqual(yield* reasonOf({ base, pollInterval: 10 }), "InvalidRequest")
      assert.strictEqual(yield* reasonOf({ base, source: "dirSync" }), "SourceUnavailable")
    }).pipe(quietly))

  it.effect("a cookie that the server refuses leads to a refresh that finds deletions", () =>
    Effect.gen(function*() {
      const first = yield* world(3)
      const copy = LdapChanges.makeCopy()
      for (let i = 0; i < 5; i++) yield* first.client.add(`cn=n${i},${base}`, device(`n${i}`))
      yield* Stream.runForEach(LdapChanges.poll(first.client, { base }), copy.apply)
      assert.strictEqual(copy.rows.size, 9)
      // Another server that is behind and has fewer entries.
      const second = yield* world(2)
      const changes = yield* Stream.runCollect(
        Stream.tap(LdapChanges.poll(second.client, { base, since: copy.cookie }), copy.apply)
      )
      assert.include(tags(changes), "RefreshStarted")
      assert.sameMembers([...copy.rows.values()].map(({ dn }) => dn), [base, `cn=d0,${base}`, `cn=d1,${base}`])
    }).pipe(quietly))
})

describe("a failure", () => {
  it.effect("is retried only if another attempt may succeed", () =>
    Effect.gen(function*() {
      const { client, directory } = yield* world(3)
      const outcomeOf = (fault: DirectoryFault.DirectoryFault, source: LdapChanges.ChangesSource = "scan") =>
        Effect.gen(function*() {
          yield* directory.faults.set([fault])
          const fiber = yield* Effect.forkChild(
            Effect.flip(Stream.runDrain(LdapChanges.poll(client, { base, source }))).pipe(
              Effect.map(({ reason }) => reason._tag),
              Effect.catch(() => Effect.succeed("tried again"))
            )
          )
          for (let i = 0; i < 40 && fiber.pollUnsafe() === undefined; i++) {
            for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
            yield* TestClock.adjust("1 second")
          }
          const outcome = fiber.pollUnsafe() === undefined ? "it goes on" : yield* Fiber.join(fiber)
          yield* Fiber.interrupt(fiber)
          return outcome
        })
      const where = { on: "search", dn: base, nth: 1 } as const
      const { result } = DirectoryFault
      assert.strictEqual(yield* outcomeOf(result(LdapResultCode.busy, where)), "tried again")
      assert.strictEqual(yield* outcomeOf(result(LdapResultCode.unavailable, where)), "tried again")
      assert.strictEqual(yield* outcomeOf(DirectoryFault.reset(where)), "tried again")
      assert.strictEqual(yield* outcomeOf(DirectoryFault.close(where)), "tried again")
      assert.strictEqual(yield* outcomeOf(DirectoryFault.disconnect(where)), "tried again")
      assert.strictEqual(yield* outcomeOf(DirectoryFault.garbage(where)), "tried again")
      assert.strictEqual(yield* outcomeOf(DirectoryFault.stall(where)), "tried again")
      // The server answers every search with this code, so a second attempt would fail like the first.
      const always = { on: "search", dn: base } as const
      assert.strictEqual(yield* outcomeOf(result(LdapResultCode.other, always)), "Other")
      assert.strictEqual(yield* outcomeOf(result(LdapResultCode.operationsError, always)), "OperationsError")
      assert.strictEqual(
        yield* outcomeOf(result(LdapResultCode.insufficientAccessRights, always)),
        "InsufficientAccessRights"
      )
      assert.strictEqual(yield* outcomeOf(result(4_000, always)), "UnknownResultCode")
      // A server whose result of a synchronization has no cookie: it answers the probe correctly, but not the search.
      const second = { ...always, nth: 2 }
      assert.strictEqual(yield* outcomeOf(result(LdapResultCode.success, second), "contentSync"), "ProtocolViolation")
    }).pipe(quietly), 20_000)
})

describe("a stream", () => {
  it.effect("has its own session, which is unbound once on interruption", () =>
    Effect.gen(function*() {
      const { client, directory } = yield* world()
      const copy = LdapChanges.makeCopy()
      const fiber = yield* Effect.forkChild(Stream.runForEach(LdapChanges.follow(client, { base }), copy.apply))
      while (!copy.isWhole) yield* Effect.yieldNow
      assert.lengthOf(directory.openSessions, 1)
      yield* Fiber.interrupt(fiber)
      const records = yield* directory.awaitClosed
      assert.deepStrictEqual(records.map(({ unbinds }) => unbinds), [1])
    }).pipe(quietly))

  it.effect("over a given session, its interruption abandons the search", () =>
    Effect.gen(function*() {
      const { directory } = yield* world()
      const session = yield* LdapSession.fromTransport(directory.transport, { auth })
      const copy = LdapChanges.makeCopy()
      const fiber = yield* Effect.forkChild(Stream.runForEach(LdapChanges.follow(session, { base }), copy.apply))
      while (!copy.isWhole) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      yield* session.lookup(base)
      assert.strictEqual(directory.log.pdusByKind.get("AbandonRequest"), 1)
    }).pipe(quietly))

  it.effect("a busy consumer makes the server wait (backpressure)", () =>
    Effect.gen(function*() {
      const { client, directory } = yield* world(3_000)
      const sent = () => directory.log.pdusByKind.get("SearchResultEntry") ?? 0
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(LdapChanges.follow(client, { base }), () => Effect.never)
      )
      // Waits until the server sends nothing more.
      for (let before = -1; before !== sent() || before < 2;) {
        before = sent()
        for (let i = 0; i < 200; i++) yield* Effect.yieldNow
      }
      yield* TestClock.adjust("5 minutes")
      assert.isAbove(sent(), 10)
      assert.isBelow(sent(), 2_000)
      yield* Fiber.interrupt(fiber)
    }).pipe(quietly))

  it.effect("an entry that leaves the filter is deleted from the view, and one that comes into it is added", () =>
    Effect.gen(function*() {
      const { client } = yield* world(1)
      const seen: Array<string> = []
      const fiber = yield* Effect.forkChild(Stream.runForEach(
        LdapChanges.follow(client, { base, filter: "(description=in)" }),
        (change) => Effect.sync(() => seen.push(change._tag))
      ))
      const until = (tag: string) =>
        Effect.gen(function*() {
          while (!seen.includes(tag)) yield* Effect.yieldNow
        })
      yield* until("Checkpoint")
      yield* client.modify(`cn=d0,${base}`, LdapModification.replace("description", "in"))
      yield* until("Added")
      yield* client.modify(`cn=d0,${base}`, LdapModification.replace("description", "out"))
      yield* until("Deleted")
      yield* Fiber.interrupt(fiber)
    }).pipe(quietly))
})

describe("a copy", () => {
  const row = (uuid: string, dn: string) => LdapChanges.modified({ uuid, dn, entry: dn, version: undefined })

  it.effect("two units that exchange their names keep their entries", () =>
    Effect.gen(function*() {
      const copy = LdapChanges.makeCopy<string>()
      const apply = (...changes: ReadonlyArray<LdapChanges.LdapChange<string>>) => Effect.forEach(changes, copy.apply)
      yield* apply(row("1", "ou=a"), row("2", "ou=b"), row("3", "cn=x,ou=a"), row("4", "cn=y,ou=b"))
      yield* apply(
        LdapChanges.refreshStarted("resume"),
        row("1", "ou=b"),
        row("2", "ou=a"),
        LdapChanges.refreshed("named")
      )
      assert.deepStrictEqual([...copy.rows.values()].map(({ dn, uuid }) => `${uuid} ${dn}`), [
        "1 ou=b",
        "2 ou=a",
        "3 cn=x,ou=b",
        "4 cn=y,ou=a"
      ])
      // Outside a refresh the rows move at once.
      yield* apply(row("1", "ou=c"))
      assert.strictEqual(copy.rows.get("3")?.dn, "cn=x,ou=c")
    }))

  it("UUIDs of all servers have one form", () => {
    const uuid = "c8e1b081-1dd1-11b2-8001-ef1fd0d4c9c4"
    assert.strictEqual(LdapChanges.uuidFromText("C8E1B081-1dd111b2-8001ef1f-d0d4c9c4"), uuid)
    assert.strictEqual(LdapChanges.uuidFromGuid(LdapChanges.guidFromUuid(uuid)), uuid)
    assert.strictEqual(Buffer.from(LdapChanges.guidFromUuid(uuid)).toString("hex"), "81b0e1c8d11db2118001ef1fd0d4c9c4")
    assert.isUndefined(LdapChanges.uuidFromText("x"))
    assert.isUndefined(LdapChanges.uuidFromGuid(new Uint8Array(15)))
  })
})
