/** Arguments of jobs and logins from programs without type checks: the result is a typed error, and nothing invalid is sent. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import * as LdapResolver from "../../../src/client/jobs/LdapResolver.ts"
import * as LdapTransaction from "../../../src/client/jobs/transaction/LdapTransaction.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const strange: ReadonlyArray<unknown> = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  10n,
  Symbol("symbol"),
  "",
  "text",
  "\ud800",
  "10 seconds",
  () => undefined,
  new Date(0),
  new Date(Number.NaN),
  new Map([["a", 1]]),
  /x/,
  Buffer.from("bytes"),
  Object.create(null),
  {},
  { toString: () => null, rdns: [] },
  { seconds: Number.NaN },
  { upn: 5 },
  { domain: [null] },
  { dn: 5 },
  [],
  [undefined],
  [null],
  [""],
  ["cn=a"],
  [[]],
  [{}],
  Redacted.make("secret"),
  Redacted.make(undefined),
  Effect.succeed("effect")
]

const anything = Arbitrary.map(
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  (n) => strange[n % strange.length]
)
const half = Arbitrary.schema(Schema.Boolean)

/** A valid value, or any value. */
const mostly = (right: unknown) =>
  Arbitrary.map(Arbitrary.all([anything, half]), ([other, isRight]) => isRight ? right : other)

/** Options with any value in one field, or any value instead of the options. */
const optionsOf = (right: Readonly<Record<string, unknown>>) => {
  const names = [...Object.keys(right), "timeout"]
  const some = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })))
  return Arbitrary.map(
    Arbitrary.all([anything, some]),
    ([other, n]) => n % 7 === 0 ? other : { ...right, [names[n % names.length]!]: other }
  )
}

const dn = mostly("cn=a,dc=b")
const names = mostly(["cn=a,dc=b"])
const groups = {
  nested: true,
  by: "members",
  base: "dc=b",
  attributes: ["cn"],
  memberAttributes: ["member"],
  chunkSize: 5,
  concurrency: 2,
  maxRequests: 5
}
const list = { memberAttribute: "member", chunkSize: 5 }

type Job = (on: LdapSession.LdapSession, ...args: ReadonlyArray<never>) => Effect.Effect<unknown, unknown>

const logIn: Job = (on, options, login, password, attempt) =>
  Effect.suspend(() =>
    LdapLogin.authenticate({ client: on, open: Effect.succeed(on), ...(options as object) } as never)(
      login,
      password,
      attempt
    )
  )

const jobs: Readonly<Record<string, readonly [Job, ReadonlyArray<Arbitrary.Arbitrary<unknown>>]>> = {
  groupsOf: [LdapJobs.groupsOf, [dn, optionsOf(groups)]],
  isMemberOf: [LdapJobs.isMemberOf, [dn, dn, optionsOf(groups)]],
  addMembers: [LdapJobs.addMembers, [dn, names, optionsOf(list)]],
  removeMembers: [LdapJobs.removeMembers, [dn, names, optionsOf(list)]],
  syncMembers: [LdapJobs.syncMembers, [dn, names, optionsOf({ ...list, maxRemovals: 5 })]],
  unlock: [LdapJobs.unlock, [dn, optionsOf({})]],
  enable: [LdapJobs.enable, [dn, optionsOf({})]],
  disable: [LdapJobs.disable, [dn, optionsOf({})]],
  expire: [LdapJobs.expire, [dn, mostly(new Date(0)), optionsOf({})]],
  mustChangePassword: [LdapJobs.mustChangePassword, [dn, optionsOf({ required: true })]],
  createUserInActiveDirectory: [LdapJobs.createUserInActiveDirectory, [
    dn,
    optionsOf({
      sAMAccountName: "a",
      password: Redacted.make("p"),
      mustChangePassword: true,
      enabled: true,
      attributes: { sn: "a" }
    })
  ]],
  transaction: [(on, f, options) => LdapTransaction.runWith<void, never, never>(on, f, options), [
    mostly(() => Effect.void),
    optionsOf({ mode: "compensation", endTimeout: 1000 })
  ]],
  login: [logIn, [
    optionsOf({ bindAs: { upn: "example.org" }, base: "dc=b", roles: { "cn=a": "r" }, groups, attributes: ["cn"] }),
    mostly("a"),
    mostly(Redacted.make("p")),
    optionsOf({ newPassword: Redacted.make("q") })
  ]]
}

describe("arguments of jobs", () => {
  for (const [name, [job, inputs]] of Object.entries(jobs)) {
    it.effect.prop(
      `${name}: a typed error or an answer, and no invalid argument is sent`,
      [Arbitrary.all([...inputs])],
      ([given]) =>
        Effect.gen(function*() {
          const directory = yield* InMemoryDirectory.make({
            entries: [
              { dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } },
              { dn: "cn=a,dc=b", attributes: { objectClass: "groupOfNames", cn: "a", member: "dc=b" } }
            ],
            access: () => true
          })
          const session = yield* LdapSession.fromTransport(directory.transport)
          const exit = yield* Effect.exit(
            Effect.suspend(() => job(session, ...(given as unknown as ReadonlyArray<never>)))
          )
          if (Exit.isFailure(exit)) {
            assert.isFalse(Cause.hasDies(exit.cause), `${name}: ${Cause.pretty(exit.cause)}`)
            const { reason } = (exit.cause.reasons[0] as {
              readonly error?: {
                readonly reason?: { readonly _tag: string; readonly field?: string; readonly detail?: string }
              }
            }).error ?? {}
            const requests = directory.log.pdus().filter(({ direction }) => direction === "request")
            // "client": a request that this server doesn't support; it refuses it itself. "effect": the result of a function that
            // is called in the middle. The root DSE is in no naming context, which the server is asked for.
            const hasNoBase = reason?.detail?.startsWith("the server doesn't say where its entries are") === true
            const isLate = reason?.field === "client" || reason?.field === "effect" || hasNoBase
            if (reason?._tag === "InvalidRequest" && !isLate) assert.deepStrictEqual(requests, [])
          }
          assert.isTrue((yield* session.lookup("dc=b"))._tag === "Some")
        }).pipe(Effect.scoped),
      { arbitrary: { runs: 30 }, timeout: 60_000 }
    )
  }

  const noDescriptions = ["cn=a", "*", "a b", "", "cn;", "1.", "-a"]
  it.effect.each(noDescriptions)(
    "an attribute of members that is no description is refused before anything is sent: %o",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* InMemoryDirectory.make({ ldif: "dn: dc=b\nobjectClass: domain\ndc: b\n" })
        const session = yield* LdapSession.fromTransport(directory.transport)
        const options = { memberAttributes: [name] }
        const failures = yield* Effect.all([
          Effect.flip(LdapJobs.groupsOf(session, "dc=b", options)),
          Effect.flip(LdapJobs.isMemberOf(session, "dc=b", "dc=b", options)),
          Effect.flip(LdapJobs.memberNames(session, "dc=b", options)),
          Effect.flip(LdapResolver.make(session, { base: "dc=b" }).find(name, "x"))
        ])
        assert.deepStrictEqual(
          failures.map((error) => "reason" in error ? error.reason._tag : error._tag),
          failures.map(() => "InvalidRequest")
        )
        assert.deepStrictEqual(directory.log.pdus(), [])
      }).pipe(Effect.scoped)
  )
})
