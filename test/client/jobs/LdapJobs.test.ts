/** Whole jobs: they send as few requests as possible, handle concurrent writes by other clients, and always end. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import type { RequestOperation, ResponseOperation } from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const top = { dn: "dc=x", attributes: { objectClass: ["domain"], dc: "x" } }

type Instead = ReadonlyArray<ResponseOperation> | undefined
type Look = (
  operation: RequestOperation,
  controls: ReadonlyArray<LdapControl.LdapControl>
) => Instead | Effect.Effect<Instead>

const result = (code: number) => ({ code, matchedDn: "", diagnosticMessage: "", referrals: [] })
const found = (...entries: ReadonlyArray<LdapEntry.LdapEntry>): ReadonlyArray<ResponseOperation> => [
  ...entries.map((entry) => ({ _tag: "SearchResultEntry" as const, entry })),
  { _tag: "SearchResultDone", result: result(0) }
]

/** An administrator's session with a directory. `look` sees each request first, and may answer it. */
const world = Effect.fnUntraced(function*(
  entries: ReadonlyArray<InMemoryDirectory.EntryInput> = [],
  look: Look = () => undefined,
  options: Partial<InMemoryDirectory.Options> & { readonly anonymous?: boolean } = {}
) {
  const directory = yield* InMemoryDirectory.make({
    entries: [top, ...entries],
    admin: { password: "secret" },
    interceptor: ({ controls, messageId, operation }) =>
      Effect.gen(function*() {
        const looked = look(operation, controls)
        const instead = Effect.isEffect(looked) ? yield* looked : looked
        return instead === undefined ? "continue" : instead.map((operation) => ({ messageId, operation, controls: [] }))
      }),
    ...options
  })
  const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
  if (options.anonymous !== true) {
    yield* session.bind(LdapAuth.simple("cn=admin,dc=x", Redacted.make("secret")))
  }
  const start = directory.log.entries.length
  /** The requests that a job has sent, without artificial ones. */
  const requests = () =>
    directory.log.entries.slice(start).flatMap((entry) =>
      entry._tag === "Pdu" && entry.direction === "request" ? [entry.kind] : []
    )
  return { directory, session, requests }
})

const unit = (ou: string, below = "dc=x") => ({
  dn: `ou=${ou},${below}`,
  attributes: { objectClass: ["organizationalUnit"], ou }
})

const group = (cn: string, ...member: ReadonlyArray<string>) => ({
  dn: `cn=${cn},dc=x`,
  attributes: { objectClass: ["groupOfNames"], cn, member }
})

const person = (cn: string) => ({ dn: `cn=${cn},dc=x`, attributes: { objectClass: ["person"], cn, sn: cn } })

// ---------------------------------------------------------------------------------------------------------------------

describe("upsert", { timeout: 60_000 }, () => {
  const dn = "cn=Ada,dc=x"
  const wanted = { objectClass: ["person"], cn: "Ada", sn: "Lovelace", mail: ["a@x", "b@x"], title: [] }

  it.effect("adds a missing entry with its initial attributes; a second run writes nothing, and needs one request", () =>
    Effect.gen(function*() {
      const { directory, requests, session } = yield* world()
      const options = { whenAdded: { userPassword: "first" } }
      assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted, options))._tag, "Added")
      assert.strictEqual(directory.lookup(dn)?.get("userPassword"), "first")
      assert.isFalse(directory.lookup(dn)?.has("title"))
      assert.deepStrictEqual(requests(), ["SearchRequest", "AddRequest"])
      yield* session.modify(dn, LdapModification.replace("userPassword", "second"))
      assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted, options))._tag, "Unchanged")
      assert.strictEqual(directory.lookup(dn)?.get("userPassword"), "second")
      assert.deepStrictEqual(requests().slice(3), ["SearchRequest"])
    }).pipe(Effect.scoped))

  it.effect("sends only the values that were added or removed", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* world([{
        dn,
        attributes: {
          ...wanted,
          mail: ["b@x", "c@x"],
          title: "Countess",
          description: "not ours",
          "mail;lang-de": "d@x"
        }
      }])
      const done = yield* LdapJobs.upsert(session, dn, wanted)
      assert.deepStrictEqual(done._tag === "Modified" && done.changes, [
        LdapModification.delete("mail", ["c@x"]),
        LdapModification.add("mail", ["a@x"]),
        LdapModification.delete("title")
      ])
      assert.sameMembers([...directory.lookup(dn)!.getAll("mail")], ["a@x", "b@x"])
      assert.strictEqual(directory.lookup(dn)!.get("description"), "not ours")
      // A server returns this too if mail is requested, but it is another attribute.
      assert.strictEqual(directory.lookup(dn)!.get("mail;lang-de"), "d@x")
    }).pipe(Effect.scoped))

  it.effect("ignores the order of values and the case of descriptions", () =>
    Effect.gen(function*() {
      const { session } = yield* world([{ dn, attributes: wanted }])
      const same = { OBJECTCLASS: ["Person"], CN: "Ada", Sn: "Lovelace", MAIL: ["b@x", "a@x"] }
      assert.strictEqual((yield* LdapJobs.upsert(session, dn, same))._tag, "Unchanged")
    }).pipe(Effect.scoped))

  it.effect("adds object classes but removes none, and keeps the values of the RDN", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* world([{ dn, attributes: { ...wanted, objectClass: ["top", "person"] } }])
      const done = yield* LdapJobs.upsert(session, dn, { objectClass: ["PERSON", "account"], cn: ["Augusta"] })
      assert.deepStrictEqual(done._tag === "Modified" && done.changes, [
        LdapModification.add("objectClass", ["account"]),
        LdapModification.add("cn", ["Augusta"])
      ])
      assert.sameMembers([...directory.lookup(dn)!.getAll("cn")], ["Ada", "Augusta"])
    }).pipe(Effect.scoped))

  it.effect("others: delete keeps the given attributes, the RDN, the object classes and ignored attributes", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* world([{
        dn,
        attributes: { ...wanted, description: "d", "description;lang-de": "d", title: "t" }
      }])
      yield* LdapJobs.upsert(session, dn, { sn: "Lovelace" }, { others: "delete", ignore: ["Description"] })
      const left = directory.lookup(dn)!
      assert.strictEqual(left.get("cn"), "Ada")
      assert.deepStrictEqual(
        ["objectClass", "sn", "description", "description;lang-de"].filter((name) => left.has(name)),
        [
          "objectClass",
          "sn",
          "description",
          "description;lang-de"
        ]
      )
      assert.isFalse(left.has("mail") || left.has("title"))
    }).pipe(Effect.scoped))

  it.effect("if another client adds the entry meanwhile, it is read again and modified", () =>
    Effect.gen(function*() {
      let races = 0
      const { directory, requests, session } = yield* world(
        [{ dn, attributes: { ...wanted, sn: "Byron" } }],
        (operation) => {
          if (operation._tag === "SearchRequest" && races++ === 0)
            return [{ _tag: "SearchResultDone", result: result(32) }]
          return undefined
        }
      )
      assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted))._tag, "Modified")
      assert.strictEqual(directory.lookup(dn)?.get("sn"), "Lovelace")
      assert.deepStrictEqual(requests(), ["SearchRequest", "AddRequest", "SearchRequest", "ModifyRequest"])
    }).pipe(Effect.scoped))

  it.effect("retries once after a race with another client, but not after other errors", () =>
    Effect.gen(function*() {
      for (
        const [code, tag, reads] of [[16, "NoSuchAttribute", 2], [20, "AttributeOrValueExists", 2], [
          32,
          "NoSuchObject",
          2
        ], [50, "InsufficientAccessRights", 1]] as const
      ) {
        const { requests, session } = yield* world([{ dn, attributes: { ...wanted, sn: "Byron" } }], (operation) => {
          if (operation._tag === "ModifyRequest") return [{ _tag: "ModifyResponse", result: result(code) }]
          return undefined
        })
        const error = yield* Effect.flip(LdapJobs.upsert(session, dn, wanted))
        assert.strictEqual(error.reason._tag, tag)
        assert.strictEqual(requests().filter((kind) => kind === "SearchRequest").length, reads, tag)
      }
    }).pipe(Effect.scoped))

  it.effect("reads all ranges of values before it compares them", () =>
    Effect.gen(function*() {
      const values = Array.from({ length: 25 }, (_, i) => `cn=${i},dc=x`)
      const changes: Array<unknown> = []
      const { session } = yield* world([], (operation) => {
        if (operation._tag === "ModifyRequest") {
          changes.push(operation.changes)
          return [{ _tag: "ModifyResponse", result: result(0) }]
        }
        if (operation._tag === "SearchRequest") return found(ranged("cn=g,dc=x", values, operation.attributes, 10))
        return undefined
      })
      yield* LdapJobs.upsert(session, "cn=g,dc=x", { member: [...values.slice(1), "cn=new,dc=x"] })
      assert.deepStrictEqual(changes, [[
        LdapModification.delete("member", ["cn=0,dc=x"]),
        LdapModification.add("member", ["cn=new,dc=x"])
      ]])
    }).pipe(Effect.scoped))
})

/** An entry as Active Directory returns it: the values of `member` from the requested one on, and at most this many. */
const ranged = (dn: string, values: ReadonlyArray<string>, attributes: ReadonlyArray<string>, most: number) => {
  const start = Number(
    attributes.map((name) => /^member;range=(\d+)-\*$/.exec(name)?.[1]).find((n) => n !== undefined) ?? 0
  )
  const end = Math.min(start + most, values.length)
  return LdapEntry.make(dn, {
    member: [],
    [`member;range=${start}-${end === values.length ? "*" : end - 1}`]: values.slice(start, end)
  })
}

// ---------------------------------------------------------------------------------------------------------------------

describe("deleteTree", { timeout: 60_000 }, () => {
  /** The content of the directory's root DSE doesn't matter. */
  const walking = { treeDelete: "never" } as const

  const tree = [
    unit("old"),
    unit("a", "ou=old,dc=x"),
    unit("b", "ou=a,ou=old,dc=x"),
    unit("c", "ou=a,ou=old,dc=x"),
    unit("d", "ou=old,dc=x"),
    unit("e", "ou=d,ou=old,dc=x"),
    unit("kept")
  ]

  it.effect("deletes leaves first, reports progress, and doesn't touch siblings of the base", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* world(tree)
      const gone = yield* LdapJobs.deleteTree(session, "ou=old,dc=x", walking).pipe(Stream.runCollect)
      assert.deepStrictEqual(
        gone.map(({ deleted, known, withSubtree }) => [deleted, known, withSubtree]),
        [1, 2, 3, 4, 5, 6]
          .map((n) => [n, 6, false])
      )
      const order = gone.map(({ dn }) => dn)
      assert.sameMembers(order.slice(0, 3), ["ou=b,ou=a,ou=old,dc=x", "ou=c,ou=a,ou=old,dc=x", "ou=e,ou=d,ou=old,dc=x"])
      assert.strictEqual(order[5], "ou=old,dc=x")
      assert.isUndefined(directory.lookup("ou=old,dc=x"))
      assert.isDefined(directory.lookup("ou=kept,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("sends one request with the tree delete control if the root DSE lists it, unless treeDelete is never", () =>
    Effect.gen(function*() {
      const controls: Array<LdapControl.LdapControl> = []
      const look: Look = (operation, sent) => {
        if (operation._tag === "SearchRequest" && operation.base === "") {
          return found(LdapEntry.make("", { supportedControl: ["1.2.3", LdapControl.treeDelete.oid] }))
        }
        if (operation._tag === "DeleteRequest" && sent.length > 0) {
          controls.push(...sent)
          return [{ _tag: "DeleteResponse", result: result(0) }]
        }
        return undefined
      }
      const { requests, session } = yield* world(tree, look)
      const gone = yield* LdapJobs.deleteTree(session, "ou=old,dc=x").pipe(Stream.runCollect)
      assert.deepStrictEqual(gone, [{ dn: "ou=old,dc=x", withSubtree: true, deleted: 1, known: 1 }])
      assert.deepStrictEqual(requests(), ["SearchRequest", "DeleteRequest"])
      assert.deepStrictEqual(controls.map(({ critical, oid }) => [oid, critical]), [[LdapControl.treeDelete.oid, true]])
      const walked = LdapJobs.deleteTree(session, "ou=old,dc=x", walking)
      assert.strictEqual(yield* Stream.runCount(walked), 6)
    }).pipe(Effect.scoped))

  it.effect("deletes entry by entry if the tree delete control fails at a limit of the server", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* world(tree, (operation, sent) => {
        if (operation._tag === "SearchRequest" && operation.base === "") {
          return found(LdapEntry.make("", { supportedControl: [LdapControl.treeDelete.oid] }))
        }
        if (operation._tag === "DeleteRequest" && sent.length > 0)
          return [{ _tag: "DeleteResponse", result: result(11) }]
        return undefined
      })
      assert.strictEqual(yield* Stream.runCount(LdapJobs.deleteTree(session, "ou=old,dc=x")), 6)
      assert.isUndefined(directory.lookup("ou=old,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("has at most `concurrency` deletions in flight, and deletes a parent only after its children", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const third = yield* Deferred.make<void>()
      let inFlight = 0
      let most = 0
      let begun = 0
      const leaves = Array.from({ length: 9 }, (_, i) => unit(`leaf${i}`, "ou=old,dc=x"))
      const { session } = yield* world([unit("old"), ...leaves], (operation) => {
        if (operation._tag !== "DeleteRequest") return
        most = Math.max(most, ++inFlight)
        if (++begun === 3) Deferred.doneUnsafe(third, Effect.void)
        return Effect.as(Effect.ensuring(Deferred.await(gate), Effect.sync(() => inFlight--)), undefined)
      })
      const deleting = yield* LdapJobs.deleteTree(session, "ou=old,dc=x", { ...walking, concurrency: 3 }).pipe(
        Stream.runCollect,
        Effect.forkChild
      )
      yield* Deferred.await(third)
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
      assert.strictEqual(begun, 3)
      yield* Deferred.succeed(gate, undefined)
      const gone = yield* Fiber.join(deleting)
      assert.strictEqual(most, 3)
      assert.strictEqual(gone.at(-1)?.dn, "ou=old,dc=x")
    }).pipe(Effect.scoped))

  it.effect("deletes an entry that is added meanwhile, and ignores one that is deleted meanwhile", () =>
    Effect.gen(function*() {
      let meddled = false
      let meddle = Effect.void
      const { directory, session } = yield* world(tree, (operation) => {
        if (operation._tag !== "DeleteRequest" || meddled) return undefined
        meddled = true
        return Effect.as(meddle, undefined)
      })
      meddle = Effect.gen(function*() {
        const other = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
        yield* other.bind(LdapAuth.simple("cn=admin,dc=x", Redacted.make("secret")))
        yield* other.add("ou=new,ou=d,ou=old,dc=x", unit("new").attributes)
        yield* other.delete("ou=e,ou=d,ou=old,dc=x")
      }).pipe(Effect.scoped, Effect.orDie)
      const gone = yield* LdapJobs.deleteTree(session, "ou=old,dc=x", { ...walking, concurrency: 1 }).pipe(
        Stream.runCollect
      )
      assert.isUndefined(directory.lookup("ou=old,dc=x"))
      assert.include(gone.map(({ dn }) => dn), "ou=new,ou=d,ou=old,dc=x")
      assert.strictEqual(new Set(gone.map(({ dn }) => dn)).size, gone.length)
      assert.strictEqual(gone.at(-1)?.deleted, gone.length)
    }).pipe(Effect.scoped))

  it.effect("a size limit of the server leads to further searches", () =>
    Effect.gen(function*() {
      const leaves = Array.from({ length: 20 }, (_, i) => unit(`leaf${i}`, "ou=old,dc=x"))
      const { directory, session } = yield* world([unit("old"), ...leaves], undefined, {
        anonymous: true,
        access: () => true,
        sizeLimit: 6
      })
      const gone = yield* LdapJobs.deleteTree(session, "ou=old,dc=x", { ...walking, pageSize: false }).pipe(
        Stream.runCollect
      )
      assert.strictEqual(gone.length, 21)
      assert.isUndefined(directory.lookup("ou=old,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("fails for a missing base, for an entry that may not be deleted, and if a round deletes nothing", () =>
    Effect.gen(function*() {
      const { session } = yield* world(tree)
      const missing = yield* Effect.flip(Stream.runDrain(LdapJobs.deleteTree(session, "ou=none,dc=x", walking)))
      assert.strictEqual(missing.reason._tag, "NoSuchObject")
      const refusing = yield* world(tree, (operation) => {
        if (operation._tag === "DeleteRequest") return [{ _tag: "DeleteResponse", result: result(50) }]
        return undefined
      })
      const refused = yield* Effect.flip(Stream.runDrain(LdapJobs.deleteTree(refusing.session, "ou=old,dc=x", walking)))
      assert.strictEqual(refused.reason._tag, "InsufficientAccessRights")
      const hiding = yield* world(tree, (operation) => {
        if (operation._tag === "DeleteRequest") return [{ _tag: "DeleteResponse", result: result(66) }]
        return undefined
      })
      const hidden = yield* Effect.flip(Stream.runDrain(LdapJobs.deleteTree(hiding.session, "ou=old,dc=x", walking)))
      assert.strictEqual(hidden.reason._tag, "NotAllowedOnNonLeaf")
    }).pipe(Effect.scoped))
})

// ---------------------------------------------------------------------------------------------------------------------

describe("groups", { timeout: 60_000 }, () => {
  const groups = [
    person("ada"),
    person("bob"),
    person("eve"),
    group("all", "cn=ada,dc=x", "CN=Some, DC=x", "cn=unlisted,dc=x"),
    group("some", "cn=bob,dc=x", "cn=ada,dc=x", "cn=few,dc=x"),
    group("few", "cn=all,dc=x", "cn=few,dc=x", "cn=eve,dc=x")
  ]

  const membersOf = (session: LdapSession.LdapSession, options?: LdapJobs.MembersOptions) =>
    LdapJobs.members(session, "CN=All,dc=x", options).pipe(
      Stream.map(({ depth, entry, isGroup }) => `${entry.get("cn")}${isGroup ? "*" : ""} ${depth}`),
      Stream.runCollect
    )

  it.effect("memberNames returns the names in the group, whether such entries exist or not", () =>
    Effect.gen(function*() {
      const { requests, session } = yield* world(groups)
      assert.deepStrictEqual(yield* LdapJobs.memberNames(session, "cn=all,dc=x"), [
        "cn=ada,dc=x",
        "CN=Some, DC=x",
        "cn=unlisted,dc=x"
      ])
      assert.strictEqual(requests().length, 1)
      const missing = yield* Effect.flip(LdapJobs.memberNames(session, "cn=none,dc=x"))
      assert.strictEqual(missing.reason._tag, "NoSuchObject")
    }).pipe(Effect.scoped))

  it.effect("not nested: the members that exist", () =>
    Effect.gen(function*() {
      const { session } = yield* world(groups)
      assert.deepStrictEqual(yield* membersOf(session), ["ada 1", "some* 1"])
    }).pipe(Effect.scoped))

  it.effect("nested: each member once, by the shortest path, also if groups contain each other or themselves", () =>
    Effect.gen(function*() {
      const { requests, session } = yield* world(groups)
      assert.deepStrictEqual(yield* membersOf(session, { nested: true, attributes: ["cn"] }), [
        "ada 1",
        "some* 1",
        "bob 2",
        "few* 2",
        "eve 3"
      ])
      // The group, and each name in it once.
      assert.strictEqual(requests().length, 7)
    }).pipe(Effect.scoped))

  it.effect("uniqueMember, without the unique identifiers", () =>
    Effect.gen(function*() {
      const { session } = yield* world([
        person("ada"),
        person("bob"),
        {
          dn: "cn=u,dc=x",
          attributes: {
            objectClass: "groupOfUniqueNames",
            cn: "u",
            uniqueMember: ["cn=ada,dc=x#'0101'B", "cn=bob,dc=x"]
          }
        }
      ])
      assert.deepStrictEqual(yield* LdapJobs.memberNames(session, "cn=u,dc=x"), ["cn=ada,dc=x", "cn=bob,dc=x"])
    }).pipe(Effect.scoped))

  it.effect("ranges are read to the end, and a server that repeats ranges is detected", () =>
    Effect.gen(function*() {
      const values = Array.from({ length: 25 }, (_, i) => `cn=${i},dc=x`)
      const { requests, session } = yield* world([], (operation) => {
        if (operation._tag === "SearchRequest") return found(ranged("cn=g,dc=x", values, operation.attributes, 10))
        return undefined
      })
      assert.deepStrictEqual(yield* LdapJobs.memberNames(session, "cn=g,dc=x"), values)
      assert.strictEqual(requests().length, 3)
      // One server sends the first values repeatedly. The other sends all values when the rest is requested.
      for (const second of [10, 25]) {
        let most = 10
        const circling = yield* world([], (operation) => {
          if (operation._tag !== "SearchRequest") return undefined
          const sent = found(ranged("cn=g,dc=x", values, [], most))
          most = second
          return sent
        })
        const error = yield* Effect.flip(LdapJobs.memberNames(circling.session, "cn=g,dc=x"))
        assert.strictEqual(error.reason._tag, "ProtocolViolation")
      }
    }).pipe(Effect.scoped))

  it.effect("inChain is one search with Active Directory's rule, in which the group itself doesn't count", () =>
    Effect.gen(function*() {
      const filters: Array<string> = []
      const { session } = yield* world([], (operation) => {
        if (operation._tag !== "SearchRequest") return
        filters.push(`${operation.base} ${LdapFilter.format(operation.filter)}`)
        const all = LdapEntry.make("cn=all,dc=x", { cn: "all" })
        return found(LdapEntry.make("cn=ada,dc=x", { cn: "ada", objectClass: "user" }), all)
      })
      assert.deepStrictEqual(yield* membersOf(session, { nested: "inChain", base: "dc=x" }), ["ada undefined"])
      assert.deepStrictEqual(filters, ["dc=x (memberOf:1.2.840.113556.1.4.1941:=CN=All,dc=x)"])
    }).pipe(Effect.scoped))
})

// ---------------------------------------------------------------------------------------------------------------------

describe("passwords", { timeout: 60_000 }, () => {
  it.effect("Password Modify (RFC 3062), and the password that a server generates", () =>
    Effect.gen(function*() {
      const values: Array<string> = []
      const { session } = yield* world([], (operation) => {
        if (operation._tag !== "ExtendedRequest") return
        values.push(`${operation.oid} ${Buffer.from(operation.value ?? []).toString("latin1")}`)
        const value = values.length > 1 ? undefined : Buffer.from("30058003616263", "hex")
        return [{ _tag: "ExtendedResponse", result: result(0), value }]
      })
      const generated = yield* LdapJobs.changePassword(session, "cn=ada,dc=x")
      assert.strictEqual(generated === undefined ? "" : Redacted.value(generated), "abc")
      const none = yield* LdapJobs.changePassword(session, "cn=ada,dc=x", {
        oldPassword: Redacted.make("old"),
        newPassword: Redacted.make("new")
      })
      assert.isUndefined(none)
      assert.deepStrictEqual(values, [
        "1.3.6.1.4.1.4203.1.11.1 0\x0d\x80\x0bcn=ada,dc=x",
        "1.3.6.1.4.1.4203.1.11.1 0\x17\x80\x0bcn=ada,dc=x\x81\x03old\x82\x03new"
      ])
    }).pipe(Effect.scoped))

  it.effect("Active Directory: a reset replaces, a change deletes and adds, in quotation marks and UTF-16", () =>
    Effect.gen(function*() {
      const changes: Array<unknown> = []
      const { session } = yield* world([], (operation) => {
        if (operation._tag !== "ModifyRequest") return
        for (const { attribute, operation: how, values } of operation.changes) {
          changes.push([how, attribute, values.map((value) => Buffer.from(value).toString("utf16le"))])
        }
        return [{ _tag: "ModifyResponse", result: result(0) }]
      })
      const newPassword = Redacted.make("né✓")
      yield* LdapJobs.changePasswordInActiveDirectory(session, "cn=ada,dc=x", { newPassword })
      const oldPassword = Redacted.make("old")
      yield* LdapJobs.changePasswordInActiveDirectory(session, "cn=ada,dc=x", { newPassword, oldPassword })
      assert.deepStrictEqual(changes, [
        ["replace", "unicodePwd", ["\"né✓\""]],
        ["delete", "unicodePwd", ["\"old\""]],
        ["add", "unicodePwd", ["\"né✓\""]]
      ])
    }).pipe(Effect.scoped))

  it.effect("an empty password is refused before anything is sent", () =>
    Effect.gen(function*() {
      const { requests, session } = yield* world()
      const newPassword = Redacted.make("")
      for (
        const change of [
          LdapJobs.changePassword(session, "cn=a,dc=x", { newPassword }),
          LdapJobs.changePasswordInActiveDirectory(session, "cn=a,dc=x", { newPassword })
        ]
      ) assert.strictEqual((yield* Effect.flip(change)).reason._tag, "InvalidRequest")
      assert.deepStrictEqual(requests(), [])
    }).pipe(Effect.scoped))
})

// ---------------------------------------------------------------------------------------------------------------------

describe("reading", { timeout: 60_000 }, () => {
  const people = Array.from({ length: 12 }, (_, i) => person(`p${i}`))

  it.effect("exists: by name, and by filter, without any attributes", () =>
    Effect.gen(function*() {
      const asked: Array<ReadonlyArray<string>> = []
      const { session } = yield* world(people, (operation) => {
        if (operation._tag === "SearchRequest") asked.push(operation.attributes)
      })
      assert.isTrue(yield* LdapJobs.exists(session, "cn=p1,dc=x"))
      assert.isFalse(yield* LdapJobs.exists(session, "cn=q1,dc=x"))
      assert.isFalse(yield* LdapJobs.exists(session, "cn=p1,dc=x", { filter: "(sn=p2)" }))
      assert.deepStrictEqual(asked, [["1.1"], ["1.1"], ["1.1"]])
    }).pipe(Effect.scoped))

  it.effect("count: all entries of the search, in pages and without attributes", () =>
    Effect.gen(function*() {
      const { requests, session } = yield* world(people)
      const search = { base: "dc=x", filter: "(objectClass=person)" }
      assert.strictEqual(yield* LdapJobs.count(session, search), 12)
      assert.strictEqual(requests().length, 1)
      assert.strictEqual(yield* LdapJobs.count(session, { ...search, pageSize: 5 }), 12)
      assert.strictEqual(requests().length, 4)
    }).pipe(Effect.scoped))

  it.effect("export: LDIF that reads back as the same entries, requested page by page", () =>
    Effect.gen(function*() {
      const { requests, session } = yield* world(people)
      const text = LdapJobs.exportLdif(session, { base: "dc=x", pageSize: 5 })
      const records = Result.getOrThrow(Ldif.parse((yield* Stream.runCollect(text)).join("")))
      assert.deepStrictEqual(records.map(({ dn }) => dn), ["dc=x", ...people.map(({ dn }) => dn)])
      assert.deepInclude(records[1], {
        _tag: "Entry",
        attributes: LdapEntry.make("", people[0]!.attributes).attributes
      })
      const before = requests().length
      assert.strictEqual(before, 3)
      yield* text.pipe(Stream.take(2), Stream.runDrain)
      // The page, and the release of the server's cursor.
      assert.isAtMost(requests().length - before, 2)
    }).pipe(Effect.scoped))
})
