/**
 * Jobs that write change only entries below the base, on the servers that accept writes, whatever other servers say. Their loops
 * end.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import * as LdifApply from "../../../src/client/jobs/LdifApply.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapReferrals from "../../../src/client/referrals/LdapReferrals.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import type { RequestOperation, ResponseOperation } from "../../../src/protocol/LdapMessage.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const result = (code: number, referrals: ReadonlyArray<string> = []) => ({
  code,
  matchedDn: "",
  diagnosticMessage: "",
  referrals
})
const found = (...entries: ReadonlyArray<LdapEntry.LdapEntry>): ReadonlyArray<ResponseOperation> => [
  ...entries.map((entry) => ({ _tag: "SearchResultEntry" as const, entry })),
  { _tag: "SearchResultDone", result: result(0) }
]
const named = (...dns: ReadonlyArray<string>) => found(...dns.map((dn) => LdapEntry.make(dn, {})))

type Look = (operation: RequestOperation) => ReadonlyArray<ResponseOperation> | undefined

/** A directory with `ou=old`, two entries below it, and `cn=admins` next to it. `look` may answer a request first. */
const directoryOf = (look: Look = () => undefined) =>
  InMemoryDirectory.make({
    entries: [
      { dn: "dc=x", attributes: { objectClass: ["domain"], dc: "x" } },
      { dn: "ou=old,dc=x", attributes: { objectClass: ["organizationalUnit"], ou: "old" } },
      { dn: "cn=1,ou=old,dc=x", attributes: { objectClass: ["device"], cn: "1" } },
      { dn: "cn=2,ou=old,dc=x", attributes: { objectClass: ["device"], cn: "2" } },
      { dn: "cn=admins,dc=x", attributes: { objectClass: ["device"], cn: "admins" } }
    ],
    admin: { password: "secret" },
    interceptor: ({ messageId, operation }) => {
      const instead = look(operation)
      return Effect.succeed(
        instead === undefined ? "continue" : instead.map((operation) => ({ messageId, operation, controls: [] }))
      )
    }
  })

const auth = LdapAuth.simple("cn=admin,dc=x", Redacted.make("secret"))
const clientOf = ({ transport }: InMemoryDirectory.InMemoryDirectory, referrals?: LdapReferrals.ReferralPolicy) =>
  LdapClient.fromTransport(transport, { auth, referrals })

const walking = { treeDelete: "never" } as const
const deletions = ({ log }: InMemoryDirectory.InMemoryDirectory) =>
  log.pdus().filter(({ direction, kind }) => direction === "request" && kind === "DeleteRequest").length
const isSearchOf = (operation: RequestOperation, base: string) =>
  operation._tag === "SearchRequest" && operation.base === base

describe("deleteTree", () => {
  it.effect.each([
    "cn=admins,dc=x",
    "dc=x",
    "cn=1,ou=old,dc=x,dc=x",
    "cn=1,ou=very\\,ou=old,dc=x",
    "cn=1,ou=old,dc=x+dc=y",
    "",
    "not a name"
  ])("deletes nothing where a search brings %j", (outside) =>
    Effect.gen(function*() {
      const directory = yield* directoryOf((operation) =>
        isSearchOf(operation, "ou=old,dc=x") ? named("ou=old,dc=x", "cn=1,ou=old,dc=x", outside) : undefined
      )
      const client = yield* clientOf(directory)
      const { reason } = yield* Effect.flip(Stream.runDrain(LdapJobs.deleteTree(client, "ou=old,dc=x", walking)))
      assert.strictEqual(reason._tag, "ProtocolViolation")
      assert.include(reason.message, "not below it")
      assert.strictEqual(deletions(directory), 0)
    }))

  it.effect("recognises other spellings of the same names", () =>
    Effect.gen(function*() {
      const spelled = ["OU=Old, DC=X", "CN=1,ou=old,dc=x", "cn=\\32,OU=OLD,dc=x"]
      const directory = yield* directoryOf((operation) =>
        isSearchOf(operation, "ou=old,dc=x") ? named(...spelled) : undefined
      )
      const client = yield* clientOf(directory)
      assert.strictEqual(yield* Stream.runCount(LdapJobs.deleteTree(client, "ou=old,dc=x", walking)), 3)
    }))

  it.effect("a base such as <GUID=…> stands for the name that the server returns", () =>
    Effect.gen(function*() {
      const guid = "<GUID=12345678>"
      const directory = yield* directoryOf((operation) =>
        operation._tag === "SearchRequest" && operation.base === guid
          ? operation.scope === "base"
            ? named("ou=old,dc=x")
            : named("ou=old,dc=x", "cn=1,ou=old,dc=x", "cn=2,ou=old,dc=x")
          : undefined
      )
      const client = yield* clientOf(directory)
      assert.strictEqual(yield* Stream.runCount(LdapJobs.deleteTree(client, guid, walking)), 3)
    }))

  it.effect("follows no referrals, even if the client does", () =>
    Effect.gen(function*() {
      const evil = yield* directoryOf((operation) =>
        operation._tag === "SearchRequest" ? named("cn=admins,dc=x") : undefined
      )
      const directory = yield* directoryOf((operation) =>
        isSearchOf(operation, "ou=old,dc=x")
          ? [{ _tag: "SearchResultReference", uris: ["ldap://evil/ou=old,dc=x"] }, ...named("ou=old,dc=x")]
          : operation._tag === "DeleteRequest"
          ? [{ _tag: "DeleteResponse", result: result(10, ["ldap://evil/cn=admins,dc=x"]) }]
          : undefined
      )
      const transport = () => Effect.succeed(evil.transport)
      const client = yield* clientOf(
        directory,
        LdapReferrals.follow({ transport, credentials: () => Effect.succeed(auth) })
      )
      const { reason } = yield* Effect.flip(Stream.runDrain(LdapJobs.deleteTree(client, "ou=old,dc=x", walking)))
      assert.strictEqual(reason._tag, "ReferralReceived")
      assert.strictEqual(evil.log.pdus().length, 0)
    }))

  it.effect("searches on the servers for writes, not on replicas", () =>
    Effect.gen(function*() {
      const replica = yield* directoryOf((operation) =>
        isSearchOf(operation, "ou=old,dc=x") ? named("cn=admins,dc=x") : undefined
      )
      const master = yield* directoryOf()
      const client = yield* LdapClient.fromReadWrite(yield* clientOf(replica), yield* clientOf(master))
      const before = replica.log.pdus().length
      assert.strictEqual(yield* Stream.runCount(LdapJobs.deleteTree(client, "ou=old,dc=x", walking)), 3)
      assert.strictEqual(replica.log.pdus().length, before)
      assert.strictEqual(deletions(master), 3)
      assert.deepStrictEqual(yield* LdapJobs.exists(yield* clientOf(master), "cn=admins,dc=x"), true)
    }))
})

describe("upsert", () => {
  it.effect("reads and writes on the servers for writes, and follows no referrals", () =>
    Effect.gen(function*() {
      const replica = yield* directoryOf()
      const refers = { refers: false }
      const master = yield* directoryOf((operation) =>
        refers.refers && operation._tag === "ModifyRequest"
          ? [{ _tag: "ModifyResponse", result: result(10, ["ldap://evil/cn=admins,dc=x"]) }]
          : undefined
      )
      const transport = () => Effect.die("it was followed")
      const writing = yield* clientOf(master, LdapReferrals.follow({ transport }))
      const client = yield* LdapClient.fromReadWrite(yield* clientOf(replica), writing)
      const before = replica.log.pdus().length
      yield* LdapJobs.upsert(client, "cn=1,ou=old,dc=x", { description: "a" })
      assert.strictEqual(replica.log.pdus().length, before)
      refers.refers = true
      const { reason } = yield* Effect.flip(LdapJobs.upsert(client, "cn=1,ou=old,dc=x", { description: "b" }))
      assert.strictEqual(reason._tag, "ReferralReceived")
    }))
})

describe("writes of LDIF and of passwords", () => {
  const referral = result(10, ["ldap://evil/cn=admins,dc=x"])
  const referred = new Map<RequestOperation["_tag"], ResponseOperation>([
    ["AddRequest", { _tag: "AddResponse", result: referral }],
    ["DeleteRequest", { _tag: "DeleteResponse", result: referral }],
    ["ModifyRequest", { _tag: "ModifyResponse", result: referral }],
    ["ModifyDnRequest", { _tag: "ModifyDnResponse", result: referral }],
    ["ExtendedRequest", { _tag: "ExtendedResponse", result: referral }]
  ])
  const dn = "cn=1,ou=old,dc=x"
  const newPassword = Redacted.make("correct horse")
  const apply = (client: LdapClient.LdapClient, ldif: string) =>
    Effect.mapError(
      Stream.runDrain(LdifApply.applyLdif(client, Stream.make(ldif).pipe(Ldif.decode()))),
      (error) => error._tag === "LdifApplyError" ? error.cause : error
    )
  it.effect.each<[string, (client: LdapClient.LdapClient) => Effect.Effect<unknown, LdapError | Ldif.LdifSyntaxError>]>(
    [
      ["an entry", (client) => apply(client, `dn: ${dn}\nobjectClass: device\ncn: 1\n`)],
      ["add", (client) => apply(client, `dn: ${dn}\nchangetype: add\nobjectClass: device\ncn: 1\n`)],
      ["delete", (client) => apply(client, `dn: ${dn}\nchangetype: delete\n`)],
      ["modify", (client) => apply(client, `dn: ${dn}\nchangetype: modify\nreplace: l\nl: x\n-\n`)],
      ["moddn", (client) => apply(client, `dn: ${dn}\nchangetype: modrdn\nnewrdn: cn=9\ndeleteoldrdn: 1\n`)],
      ["changePassword", (client) => LdapJobs.changePassword(client, dn, { newPassword })],
      [
        "changePasswordInActiveDirectory",
        (client) => LdapJobs.changePasswordInActiveDirectory(client, dn, { newPassword })
      ]
    ]
  )("%s: follow nothing, also where the client does", ([, write]) =>
    Effect.gen(function*() {
      const evil = yield* directoryOf()
      const directory = yield* directoryOf((operation) => {
        const answer = referred.get(operation._tag)
        return answer === undefined ? undefined : [answer]
      })
      const client = yield* clientOf(
        directory,
        LdapReferrals.follow({
          transport: () => Effect.succeed(evil.transport),
          credentials: () => Effect.succeed(auth)
        })
      )
      const error = yield* Effect.flip(write(client))
      assert.strictEqual(error._tag === "LdapError" && error.reason._tag, "ReferralReceived")
      assert.deepStrictEqual(evil.log.pdus(), [])
    }))
})

describe("members", () => {
  const names = ["cn=1,ou=old,dc=x", "cn=far,dc=x", "cn=hidden,dc=x", "cn=gone,dc=x", "no name", "cn=2,ou=old,dc=x"]
  const look: Look = (operation) => {
    if (operation._tag !== "SearchRequest") return undefined
    const done = (code: number, referrals?: ReadonlyArray<string>): ReadonlyArray<ResponseOperation> => [
      { _tag: "SearchResultDone", result: result(code, referrals) }
    ]
    switch (operation.base) {
      case "cn=g":
        return found(LdapEntry.make("cn=g", { member: names }))
      case "cn=far,dc=x":
        return done(10, ["ldap://elsewhere/cn=far,dc=x"])
      case "cn=hidden,dc=x":
        return done(50)
      case "no name":
        return done(34)
      default:
        return undefined
    }
  }

  it.effect("continues after members that can't be read, and reports them", () =>
    Effect.gen(function*() {
      const client = yield* clientOf(yield* directoryOf(look))
      const unreadable: Array<string> = []
      const onUnreadable = (dn: string, { reason }: LdapError) =>
        Effect.sync(() => void unreadable.push(`${dn}: ${reason._tag}`))
      const members = yield* Stream.runCollect(LdapJobs.members(client, "cn=g", { onUnreadable }))
      assert.deepStrictEqual(members.map(({ entry }) => entry.dn), ["cn=1,ou=old,dc=x", "cn=2,ou=old,dc=x"])
      assert.deepStrictEqual(unreadable.sort(), [
        "cn=far,dc=x: ReferralReceived",
        "cn=hidden,dc=x: InsufficientAccessRights",
        "no name: InvalidDnSyntax"
      ])
      // Without it too.
      assert.strictEqual(yield* Stream.runCount(LdapJobs.members(client, "cn=g", { nested: true })), 2)
    }))

  it.effect("but fail if the server itself has a problem", () =>
    Effect.gen(function*() {
      const client = yield* clientOf(
        yield* directoryOf((operation) =>
          isSearchOf(operation, "cn=hidden,dc=x")
            ? [{ _tag: "SearchResultDone", result: result(51) }]
            : look(operation)
        )
      )
      const { reason } = yield* Effect.flip(Stream.runDrain(LdapJobs.members(client, "cn=g")))
      assert.strictEqual(reason._tag, "Busy")
    }))
})

describe("ranges", () => {
  /**
   * Answers each request with a range of `size` values, none of which is the last. After `silentAfter` requests it stops answering.
   */
  const ranges = (size: number, silentAfter = Infinity) => {
    let asked = 0
    const directory = directoryOf((operation) => {
      if (operation._tag !== "SearchRequest" || operation.base !== "cn=g") return undefined
      if (asked >= silentAfter) return []
      const start = asked++ * Math.max(1, size)
      const member = Array.from({ length: size }, (_, i) => `cn=${start + i}`)
      return found(LdapEntry.make("cn=g", { [`member;range=${start}-${start + Math.max(1, size) - 1}`]: member }))
    })
    return Effect.map(Effect.flatMap(directory, clientOf), (client) => ({ client, asked: () => asked }))
  }
  const options = { memberAttributes: ["member"] }

  it.effect("without a value are an error, since they make no progress", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* ranges(0)
      const { reason } = yield* Effect.flip(LdapJobs.memberNames(client, "cn=g", options))
      assert.strictEqual(reason._tag, "ProtocolViolation")
      assert.strictEqual(asked(), 1)
    }))

  it.effect.each([1, 9])("of %d values each fail soon", (size) =>
    Effect.gen(function*() {
      const { asked, client } = yield* ranges(size)
      const { reason } = yield* Effect.flip(LdapJobs.memberNames(client, "cn=g", options))
      assert.strictEqual(reason._tag, "ProtocolViolation")
      assert.strictEqual(asked(), 10)
    }))

  it.effect("each range has the time limit of the job", () =>
    Effect.gen(function*() {
      const { client } = yield* ranges(30, 3)
      const fiber = yield* Effect.forkChild(
        Effect.flip(LdapJobs.memberNames(client, "cn=g", { ...options, timeout: "500 millis" }))
      )
      for (let i = 0; i < 20; i++) yield* TestClock.adjust("50 millis")
      assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "RequestTimeout", afterMillis: 500 })
    }))
})
