/**
 * The boundary of the library. Whatever a program without type checks, a form or a setting passes to public functions, the result
 * is a typed error. Nothing invalid is sent, there are no defects, and outside of an Effect nothing throws except typed errors
 * where that is documented.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { inspect } from "node:util"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import * as LdapResolver from "../../../src/client/jobs/LdapResolver.ts"
import * as LdifApply from "../../../src/client/jobs/LdifApply.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import * as LdapMatching from "../../../src/model/attribute/LdapMatching.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { InvalidRequest, LdapError } from "../../../src/model/LdapError.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdifTransform from "../../../src/model/ldif/LdifTransform.ts"
import * as LdapUrl from "../../../src/model/url/LdapUrl.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSubschema from "../../../src/schema/LdapSubschema.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base } from "../../servers/directory.ts"

// ---------------------------------------------------------------------------------------------------------------------
// What may be given
// ---------------------------------------------------------------------------------------------------------------------

class Something {
  readonly field = 1
}

const cyclic: Record<string, unknown> = { _tag: "And" }
cyclic["filters"] = [cyclic, cyclic]

/** Values that are never valid, and values that are valid in other places. */
const strange: ReadonlyArray<unknown> = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  2 ** 53,
  10n,
  Symbol("symbol"),
  "",
  "text",
  "cn=a",
  "(cn=a)",
  "10 seconds",
  "\ud800",
  () => undefined,
  new Date(0),
  new Date(Number.NaN),
  new Map([["a", 1]]),
  new Set([1]),
  new Something(),
  /x/,
  new Error("error"),
  Buffer.from("octets"),
  new ArrayBuffer(3),
  new Uint16Array(2),
  Object.create(null),
  {},
  { toString: 5, rdns: [] },
  { toString: () => null, rdns: [] },
  {
    toString: () => {
      throw new Error("no text")
    },
    rdns: []
  },
  { toString: () => "\ud800", rdns: [] },
  { type: "1.2", write: 1 },
  [{ type: "1.2", write: 1 }],
  [{ oid: "1.2", type: 5 }],
  { seconds: Number.NaN },
  { milliseconds: 1n },
  [Number.NaN, 0],
  { length: 3 },
  { oid: 5 },
  { oid: "1.2", value: "text" },
  { oid: "not one", critical: true },
  { _tag: "And" },
  { _tag: "And", filters: [5] },
  { _tag: "And", filters: ["(cn=a)"] },
  { _tag: "Not" },
  { _tag: "Equality", attribute: "cn", value: "a" },
  { _tag: "Equality", attribute: 5, value: Buffer.from("a") },
  { _tag: "Substrings", attribute: "cn", any: "abc" },
  { _tag: "Substrings", attribute: "cn", any: [undefined] },
  { _tag: "Extensible", value: Buffer.from("a") },
  { _tag: "equality" },
  { type: "EqualityMatch", attribute: "cn", value: "a" },
  cyclic,
  { operation: "add" },
  { operation: "add", attribute: "cn", values: "a" },
  { operation: "add", attribute: "cn", values: [undefined] },
  { operation: "remove", attribute: "cn", values: [] },
  { description: "cn" },
  { description: "cn", values: [null] },
  { cn: undefined },
  { cn: [["a"]] },
  { cn: { base64: "AA==" } },
  [],
  [undefined],
  [null],
  [5],
  ["a"],
  [[]],
  [{}],
  Redacted.make("secret"),
  Redacted.make(undefined),
  Effect.succeed("effect")
]

const anything: Arbitrary.Arbitrary<unknown> = Arbitrary.map(
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  (n) => strange[n % strange.length]
)

/** Sometimes a valid value, sometimes any value, also as a field of an otherwise valid value. */
const mostly = (right: unknown): Arbitrary.Arbitrary<unknown> =>
  Arbitrary.map(
    Arbitrary.all([anything, Arbitrary.schema(Schema.Boolean)]),
    ([other, isRight]) => isRight ? right : other
  )

const optionsOf = (right: Readonly<Record<string, unknown>>): Arbitrary.Arbitrary<unknown> => {
  const names = [...Object.keys(right), "controls", "timeout", "cancel", "referrals"]
  return Arbitrary.map(
    Arbitrary.all([
      anything,
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
      Arbitrary.schema(Schema.Boolean)
    ]),
    ([other, n, isWhole]) => isWhole ? { ...right, [names[n % names.length]!]: other } : n % 5 === 0 ? other : right
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// Operations
// ---------------------------------------------------------------------------------------------------------------------

type Operations = Record<string, (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>>

/** All operations of a session or a client, as a program without types calls them. */
const untyped = (on: LdapSession.LdapOperations, jobs: boolean): Operations => {
  const run = (stream: Stream.Stream<unknown, unknown>) => Stream.runDrain(stream)
  const all = on as unknown as Record<string, (...args: ReadonlyArray<unknown>) => never>
  const operations: Record<string, unknown> = {}
  for (
    const name of [
      "searchResult",
      "lookup",
      "lookupResult",
      "compare",
      "compareResult",
      "add",
      "modify",
      "delete",
      "rename",
      "extended"
    ]
  ) {
    operations[name] = (...args: ReadonlyArray<unknown>) => all[name]!(...args)
  }
  for (const name of ["search", "searchMessages", "extendedMessages"]) {
    operations[name] = (...args: ReadonlyArray<unknown>) => run(all[name]!(...args))
  }
  if (jobs) {
    operations["upsert"] = (dn: never, attributes: never, options: never) =>
      LdapJobs.upsert(on, dn, attributes, options)
    operations["deleteTree"] = (dn: never, options: never) => run(LdapJobs.deleteTree(on, dn, options))
    operations["memberNames"] = (dn: never, options: never) => LdapJobs.memberNames(on, dn, options)
    operations["members"] = (dn: never, options: never) => run(LdapJobs.members(on, dn, options))
    operations["changePassword"] = (dn: never, options: never) => LdapJobs.changePassword(on, dn, options)
    operations["changePasswordInActiveDirectory"] = (dn: never, options: never) =>
      LdapJobs.changePasswordInActiveDirectory(on, dn, options)
    operations["resolveEntry"] = (dn: never, options: never) => LdapResolver.make(on, options).entry(dn)
    operations["resolveFind"] = (attribute: never, value: never, options: never) =>
      LdapResolver.make(on, options).find(attribute, value)
    operations["resolveFindAll"] = (attribute: never, value: never, options: never) =>
      LdapResolver.make(on, options).findAll(attribute, value)
    operations["resolveGroups"] = (dn: never, options: never) => LdapResolver.make(on, options).groupsOf(dn)
    operations["exists"] = (dn: never, options: never) => LdapJobs.exists(on, dn, options)
    operations["count"] = (options: never) => LdapJobs.count(on, options)
    operations["export"] = (options: never) => run(LdapJobs.exportLdif(on, options))
    operations["apply"] = (record: never, options: never) => run(LdifApply.applyLdif(on, Stream.make(record), options))
    operations["applyRecords"] = (records: never) => run(LdifApply.applyLdif(on, records))
  }
  return operations as Operations
}

const args: Readonly<Record<string, ReadonlyArray<Arbitrary.Arbitrary<unknown>>>> = (() => {
  const dn = mostly("cn=a,dc=b")
  const search = optionsOf({
    base: "dc=b",
    filter: "(cn=a)",
    scope: "one",
    attributes: ["cn"],
    sizeLimit: 1,
    timeLimit: "1 second",
    pageSize: 10,
    derefAliases: "never",
    typesOnly: true,
    ranges: "all"
  })
  const lookup = optionsOf({ filter: "(cn=a)", attributes: ["cn"], typesOnly: false, ranges: "all" })
  const attributes = mostly({ objectClass: "device", cn: "a" })
  const options = optionsOf({ timeout: 1000 })
  const resolver = optionsOf({
    base: "dc=b",
    filter: LdapFilter.present("cn"),
    attributes: ["cn"],
    chunkSize: 5,
    concurrency: 2,
    window: 0,
    names: "parent",
    memberAttribute: "member",
    caseExact: ["cn"]
  })
  const record = mostly({ _tag: "Delete", line: 0, dn: "cn=a", controls: [] })
  return {
    search: [search],
    searchMessages: [search],
    searchResult: [search],
    count: [search],
    export: [optionsOf({ base: "dc=b", width: 80 })],
    deleteTree: [dn, optionsOf({ concurrency: 2, pageSize: 10, treeDelete: "never" })],
    memberNames: [dn, optionsOf({ memberAttributes: ["member"] })],
    members: [
      dn,
      optionsOf({
        memberAttributes: ["member"],
        nested: true,
        base: "dc=b",
        attributes: ["cn"],
        concurrency: 2,
        onUnreadable: () => Effect.void
      })
    ],
    changePassword: [dn, optionsOf({ newPassword: Redacted.make("a"), oldPassword: Redacted.make("b") })],
    changePasswordInActiveDirectory: [
      dn,
      optionsOf({ newPassword: Redacted.make("a"), oldPassword: Redacted.make("b") })
    ],
    resolveEntry: [dn, resolver],
    resolveFind: [mostly("cn"), mostly("a"), resolver],
    resolveFindAll: [mostly("cn"), mostly("a"), resolver],
    resolveGroups: [dn, resolver],
    lookup: [dn, lookup],
    lookupResult: [dn, lookup],
    exists: [dn, lookup],
    compare: [dn, mostly("cn"), mostly("a"), options],
    compareResult: [dn, mostly("cn"), mostly("a"), options],
    add: [dn, attributes, options],
    upsert: [
      mostly("dc=b"),
      mostly({ description: "a" }),
      optionsOf({
        whenAdded: { sn: "a" },
        others: "delete",
        ignore: ["sn"],
        compare: "octets",
        schema: { attributeTypes: [], attributeType: () => undefined }
      })
    ],
    modify: [dn, mostly(LdapModification.replace("cn", "b")), options],
    delete: [dn, options],
    rename: [dn, optionsOf({ newRdn: "cn=b", newSuperior: "dc=b", deleteOldRdn: true })],
    extended: [mostly("1.3.6.1.4.1.4203.1.11.3"), mostly({ value: Buffer.from("a") }), options],
    extendedMessages: [mostly(LdapExtended.passwordModify), mostly({ userIdentity: "cn=a" }), options],
    apply: [record, optionsOf({ continueOnError: false })],
    applyRecords: [anything]
  }
})()

/** The outcome of a call. A throw outside of the Effect counts as a defect. */
const outcome = (make: () => Effect.Effect<unknown, unknown>): Effect.Effect<Exit.Exit<unknown, unknown>> =>
  Effect.suspend(() => {
    try {
      return Effect.exit(make())
    } catch (error) {
      return Effect.succeed(Exit.die(error))
    }
  })

const judge = (
  what: string,
  given: ReadonlyArray<unknown>,
  exit: Exit.Exit<unknown, unknown>
): LdapError | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const shown = () =>
    `${what}(${given.map((value) => inspect(value, { depth: 2, breakLength: Infinity })).join(", ")}): ${
      Cause.pretty(exit.cause)
    }`
  assert.isFalse(Cause.hasDies(exit.cause), shown())
  const failure = exit.cause.reasons[0]
  assert.strictEqual(failure?._tag, "Fail", shown())
  const error = failure?._tag === "Fail" ? failure.error : undefined
  const ldap = error instanceof LdifApply.LdifApplyError ? error.cause : error
  assert.instanceOf(ldap, LdapError, shown())
  assert.isString(ldap.message)
  return ldap
}

describe("operations of a session", () => {
  for (const [name, inputs] of Object.entries(args)) {
    it.effect.prop(
      `${name}: a typed error or an answer, and nothing is sent of what is invalid`,
      [Arbitrary.all([...inputs])],
      ([given]) =>
        Effect.gen(function*() {
          const directory = yield* InMemoryDirectory.make({
            entries: [{ dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } }],
            access: () => true
          })
          const session = yield* LdapSession.fromTransport(directory.transport)
          const operations = untyped(session, true)
          const answer = yield* Effect.forkChild(outcome(() => operations[name]!(...given)))
          // A resolver waits for as long as its window says.
          yield* TestClock.adjust(2 ** 53)
          const exit = yield* Fiber.join(answer)
          const error = judge(name, given, exit)
          const requests = directory.log.pdus().filter(({ direction }) => direction === "request")
          if (error?.reason._tag === "InvalidRequest" && name !== "upsert") assert.deepStrictEqual(requests, [])
          // The session works as before.
          yield* session.lookup("dc=b")
        }).pipe(Effect.scoped),
      { arbitrary: { runs: 100 }, timeout: 60_000 }
    )
  }
})

describe("invalid options", () => {
  const session = Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.make({
      entries: [{ dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } }],
      access: () => true
    })
    return yield* LdapSession.fromTransport(directory.transport)
  })

  /** Each of these was once treated as the default, or as no time at all. */
  const refused: ReadonlyArray<readonly [field: string, options: unknown]> = [
    ...[new Date(), new Map(), /x/, new Error("x"), 5, null, "x", [], Effect.succeed(1), Redacted.make("x")].map(
      (options) => ["options", options] as const
    ),
    ...[new Date(), {}, { a: 1 }, new Map(), [Number.NaN, 1], Number.NaN, { seconds: "1" }, { seconds: Number.NaN }]
      .map(
        (timeout) => ["timeout", { timeout }] as const
      ),
    ["controls", { controls: [{ type: "1.2", write: 1 }] }],
    ["controls", { controls: [{ type: "1.2", critical: "yes" }] }],
    ["controls", { controls: [{ oid: "1.2", type: 5 }] }]
  ]

  it.effect("are refused by every operation and job", () =>
    Effect.gen(function*() {
      const on = yield* session
      const { deleteTree, memberNames, upsert } = LdapJobs
      for (const [field, options] of refused) {
        const o = options as never
        for (
          const call of [
            on.compare("dc=b", "dc", "b", o),
            on.delete("dc=none", o),
            on.lookup("dc=b", o),
            upsert(on, "dc=b", { description: "x" }, o),
            memberNames(on, "dc=b", o),
            Stream.runDrain(deleteTree(on, "dc=none", o)),
            LdapJobs.exists(on, "dc=b", o),
            LdapJobs.changePassword(on, "dc=b", o)
          ] as ReadonlyArray<Effect.Effect<unknown, LdapError>>
        ) {
          const { reason } = yield* Effect.flip(call)
          assert.deepInclude(reason, { _tag: "InvalidRequest", field }, inspect(options))
        }
      }
      for (
        const [field, options] of [
          ["others", { others: "deleted" }],
          ["compare", { compare: "octet" }],
          ["ignore", { others: "delete", ignore: "mail" }],
          ["schema", { schema: {} }],
          ["whenAdded", { whenAdded: 5 }]
        ] as const
      ) {
        const { reason } = yield* Effect.flip(upsert(on, "dc=b", {}, options as never))
        assert.deepInclude(reason, { _tag: "InvalidRequest", field })
      }
      for (const timeout of [1000, "1 second", { seconds: 1 }, [1, 0], 10_000_000n] as const)
        assert.isTrue(yield* on.compare("dc=b", "dc", "b", { timeout }))
    }).pipe(Effect.scoped))

  it.effect("text with a lone surrogate is sent nowhere", () =>
    Effect.gen(function*() {
      const on = yield* session
      const half = "a\ud800"
      for (
        const call of [
          on.modify("dc=b", LdapModification.replace("description", half)),
          on.modify("dc=b", { operation: "replace", attribute: half, values: [] }),
          on.add("cn=a,dc=b", { objectClass: "device", cn: [half] }),
          on.compare("dc=b", "description", half),
          on.lookup(`cn=${half},dc=b`),
          on.lookup(LdapDn.ldapDn`cn=${half},dc=b`),
          on.rename("dc=b", { newRdn: `cn=${half}` }),
          on.rename("dc=b", { newRdn: LdapDn.rdn("cn", half) }),
          on.searchResult({ base: "dc=b", filter: LdapFilter.ldapFilter`(cn=${half})` }),
          on.searchResult({ base: "dc=b", filter: `(cn=${half})` }),
          on.bind(LdapAuth.simple(half, Redacted.make("x"))),
          on.bind(LdapAuth.simple("dc=b", Redacted.make(half))),
          on.bind(LdapAuth.simple("dc=b", Effect.succeed(Redacted.make(half)))),
          on.bind(LdapAuth.sasl(LdapSasl.external({ authzId: half }))),
          on.extended(LdapExtended.passwordModify, { userIdentity: half }),
          on.extended(LdapExtended.passwordModify, { userIdentity: "dc=b", newPassword: Redacted.make(half) }),
          on.searchResult({ base: "dc=b", attributes: [half] }),
          on.rename("dc=b", { newSuperior: half }),
          LdapJobs.changePassword(on, "dc=b", { newPassword: Redacted.make(half) }),
          LdapJobs.upsert(on, "dc=b", { description: half })
        ] as ReadonlyArray<Effect.Effect<unknown, LdapError>>
      ) {
        assert.strictEqual((yield* Effect.flip(call)).reason._tag, "InvalidRequest")
      }
      assert.throws(() => LdapControl.sortRequest.make([{ attribute: half }]), LdapControl.ControlError)
      const ldif = Ldif.format([Ldif.entry(`cn=${half}`, { cn: "a" }), Ldif.entry("cn=a", { cn: half })])
      assert.lengthOf(ldif.match(/^# left out/gm) ?? [], 2)
    }).pipe(Effect.scoped))
})

describe("operations of a client", () => {
  it.effect.prop("are checked before the pool and referral chasing see them", [
    mostly("cn=a,dc=b"),
    args["search"]![0]!,
    args["rename"]![1]!
  ], (given) =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } }],
        access: () => true
      })
      const client = yield* LdapClient.fromTransport(directory.transport)
      const operations = untyped(client, false)
      const [dn, search, rename] = given
      judge("search", [search], yield* outcome(() => operations["search"]!(search)))
      judge("lookup", [dn, search], yield* outcome(() => operations["lookup"]!(dn, search)))
      judge("rename", [dn, rename], yield* outcome(() => operations["rename"]!(dn, rename)))
      judge("add", [dn, search], yield* outcome(() => operations["add"]!(dn, search)))
      judge("modify", [dn, search], yield* outcome(() => operations["modify"]!(dn, search)))
    }).pipe(Effect.scoped), { arbitrary: { runs: 100 }, timeout: 60_000 })
})

describe.skipIf(inject("slapd") === undefined)("operations on slapd", () => {
  it.effect.prop("never end the connection", [
    args["search"]![0]!,
    mostly("cn=a,dc=nowhere"),
    mostly("cn"),
    mostly({ cn: "a" })
  ], (given) =>
    Effect.gen(function*() {
      const slapd = inject("slapd")!
      const session = yield* LdapSession.make({
        url: slapd.urls.ldapi,
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      const operations = untyped(session, false)
      const [search, dn, attribute, attributes] = given
      const outcomes = [
        yield* outcome(() => operations["searchResult"]!({ ...(search as object), base: "cn=nowhere", scope: "base" })),
        yield* outcome(() => operations["lookup"]!(dn, search)),
        yield* outcome(() => operations["compare"]!(dn, attribute, attribute)),
        yield* outcome(() => operations["add"]!("cn=a,dc=nowhere", attributes)),
        yield* outcome(() => operations["modify"]!("cn=a,dc=nowhere", attributes))
      ]
      for (const exit of outcomes) judge("operation", given, exit)
      assert.isTrue((yield* session.lookup(base)) !== undefined)
    }).pipe(Effect.scoped), { arbitrary: { runs: 60 }, timeout: 60_000 })
})

describe("binds and settings", () => {
  it.effect.prop(
    "auth, for binds and sessions",
    [anything, anything, anything],
    ([a, b, options]) =>
      Effect.gen(function*() {
        const directory = yield* InMemoryDirectory.make({
          entries: [{ dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } }]
        })
        const session = yield* LdapSession.fromTransport(directory.transport)
        const given = [a, b, options]
        const judged = (what: string, exit: Exit.Exit<unknown, unknown>) => judge(what, given, exit)
        const sending = { controls: [] }
        judged("bind", yield* outcome(() => session.bind(a as never, options as never)))
        judged("simple", yield* outcome(() => session.bind(LdapAuth.simple(a as never, b as never), sending)))
        judged("password", yield* outcome(() => session.bind(LdapAuth.simple("cn=a", Redacted.make(a) as never))))
        judged("rotating", yield* outcome(() => session.bind(LdapAuth.simple("cn=a", Effect.succeed(a) as never))))
        judged("sasl", yield* outcome(() => session.bind(LdapAuth.sasl(a as never))))
        judged(
          "plain",
          yield* outcome(() => session.bind(LdapAuth.sasl(LdapSasl.plain({ username: "a", password: a as never }))))
        )
        judged(
          "session",
          yield* outcome(() =>
            Effect.scoped(LdapSession.fromTransport(directory.transport, { auth: a, connectTimeout: b } as never))
          )
        )
        judged(
          "make",
          yield* outcome(() => Effect.scoped(LdapSession.make({ url: a, closeTimeout: b, tls: options } as never)))
        )
        judged("config", yield* outcome(() => Effect.scoped(LdapSession.make(a as never))))
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 100 }, timeout: 60_000 }
  )

  it.effect.prop(
    "options and arguments of logins",
    [anything, anything, anything],
    ([a, b, c]) =>
      Effect.gen(function*() {
        const directory = yield* InMemoryDirectory.make({
          entries: [{ dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } }]
        })
        const client = yield* LdapSession.fromTransport(directory.transport)
        const open = LdapSession.fromTransport(directory.transport)
        // It finds a user, so that a bind follows.
        const filter = () => LdapFilter.present("objectClass")
        const password = Redacted.make("x")
        const right = { client, open, base: "dc=b", filter }
        const fields = [
          "attributes",
          "base",
          "client",
          "concurrency",
          "filter",
          "followReferrals",
          "open",
          "passwordPolicy",
          "uniform"
        ]
        for (const field of fields) {
          for (const options of [a, { ...right, [field]: b }]) {
            const exits = [
              yield* outcome(() => LdapLogin.authenticate(options as never)("ada", password)),
              yield* outcome(() => Effect.scoped(LdapLogin.make(options as never)))
            ]
            for (const exit of exits) if (Exit.isFailure(exit)) assert.isFalse(Cause.hasDies(exit.cause), inspect(exit))
          }
        }
        const login = yield* outcome(() => LdapLogin.authenticate(right)(b as never, c as never))
        if (Exit.isFailure(login)) assert.isFalse(Cause.hasDies(login.cause), inspect(login))
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 100 }, timeout: 60_000 }
  )

  it.effect.prop("configurations of clients", [anything, anything], ([a, b]) =>
    Effect.gen(function*() {
      // Nothing listens there, so accepted settings are recognised without a server.
      for (
        const config of [a, { url: a, auth: b }, { urls: a }, { urls: [a, b] }, {
          url: "ldapi://%2Fnowhere",
          bindControls: a,
          requestTimeout: b
        }]
      ) {
        judge("make", [config], yield* outcome(() => Effect.scoped(LdapClient.make(config as never))))
      }
    }), { arbitrary: { runs: 100 }, timeout: 60_000 })
})

// ---------------------------------------------------------------------------------------------------------------------
// Plain functions
// ---------------------------------------------------------------------------------------------------------------------

/** Functions that never throw, whatever their arguments. */
const total: Readonly<Record<string, (a: never, b: never) => unknown>> = {
  "LdapFilter.equals": (a, b) => LdapFilter.equals(a, b),
  "LdapFilter.substrings": (a, b) => LdapFilter.substrings(a, { initial: b, any: [b] }),
  "LdapFilter.startsWith": (a, b) => LdapFilter.startsWith(a, b),
  "LdapFilter.contains": (a, b) => LdapFilter.contains(a, b),
  "LdapFilter.greaterOrEqual": (a, b) => LdapFilter.greaterOrEqual(a, b),
  "LdapFilter.extensible": (a, b) => LdapFilter.extensible({ attribute: a, value: b }),
  "LdapFilter.bitAnd": (a, b) => LdapFilter.bitAnd(a, b),
  "LdapFilter.inChain": (a, b) => LdapFilter.inChain(a, b),
  "LdapFilter.and": (a, b) => LdapFilter.format(LdapFilter.and(a, b)),
  "LdapFilter.not": (a) => LdapFilter.format(LdapFilter.not(a)),
  "LdapFilter.validate": (a) => LdapFilter.validate(a),
  "LdapFilter.validate, message": (a) =>
    Result.match(LdapFilter.validate(a), { onFailure: ({ message }) => message, onSuccess: () => "" }),
  "LdapFilter.parse": (a, b) => LdapFilter.parse(a, b),
  "LdapFilter.template": (a, b) => LdapFilter.template(a, { placeholders: ["login"], style: b }),
  "LdapDn.parse": (a, b) => LdapDn.parse(a, b),
  "LdapDn.template": (a, b) => LdapDn.template(a, { placeholders: ["login"], style: b }),
  "LdapFilter.template, options": (a, b) => [LdapFilter.template(a, b), LdapFilter.template("(cn={{a}})", b)],
  "LdapDn.template, options": (a, b) => [LdapDn.template(a, b), LdapDn.template("cn={{a}}", b)],
  "Ldif.diff": (a, b) => [
    Ldif.diff(a, b),
    Ldif.diff([a], [b]),
    Ldif.diff([Ldif.entry("cn=a", { cn: "a" })], [{ dn: "cn=a", attributes: a } as never], b),
    Ldif.diff([], [], { ignore: a, compare: b, schema: a })
  ],
  "LdapMatching.equal, options": (a, b) => [
    LdapMatching.equal("cn", "a", "a", a),
    LdapMatching.equal("cn", a, "a", { schema: b })
  ],
  "LdapUrl.parse": (a, b) => LdapUrl.parse(a, b),
  "Ldif.parse": (a, b) => Ldif.parse(a, b),
  "Ldif.entry": (a, b) => Ldif.entry(a, b),
  "Ldif.modify": (a, b) => Ldif.modify(a, b),
  "LdapModification.add": (a, b) => LdapModification.add(a, b),
  "LdapModification.replace": (a, b) => LdapModification.replace(a, b),
  "LdapModification.delete": (a, b) => LdapModification.delete(a, b),
  "LdapMatching.equal": (a, b) => LdapMatching.equal(a, b, b),
  "LdapMatching.normalize": (a, b) => LdapMatching.normalize(a, b),
  "LdapMatching.hasEquality": (a) => LdapMatching.hasEquality(a),
  "LdapAuth.simple": (a, b) => LdapAuth.simple(a, b),
  "LdapAuth.sasl": (a) => LdapAuth.sasl(a),
  "LdapServers.urls": (a) => LdapServers.urls([a]),
  "LdapControl.make": (a, b) => LdapControl.make(a, { value: b }),
  "LdapSubschema.parseAttributeType": (a) => LdapSubschema.parseAttributeType(a)
}

/** Arguments that are bugs of the program: the function throws a typed error that says so. */
const documented: Readonly<
  Record<
    string,
    readonly [(a: never, b: never) => unknown, ...ReadonlyArray<abstract new(...args: ReadonlyArray<never>) => unknown>]
  >
> = {
  "LdapEntry.make": [(a, b) => LdapEntry.make(a, b), InvalidRequest],
  "LdifTransform.dropAttributes": [(a) => LdifTransform.dropAttributes(a), InvalidRequest],
  "LdifTransform.keepAttributes": [(a) => LdifTransform.keepAttributes(a), InvalidRequest],
  "LdifTransform.renameAttributes": [(a) => LdifTransform.renameAttributes(a), InvalidRequest],
  "LdifTransform.moveBase": [(a, b) => LdifTransform.moveBase(a, b), InvalidRequest],
  "LdifTransform.anonymize": [(a, b) => LdifTransform.anonymize({ key: a, keep: b }), InvalidRequest],
  "LdapDn.rdn": [(a, b) => LdapDn.rdn(a, b), LdapDn.DnSyntaxError],
  "LdapDn.ldapDn": [(a) => LdapDn.ldapDn`uid=${a},o=x`, LdapDn.DnSyntaxError],
  "LdapFilter.ldapFilter": [(a) => LdapFilter.ldapFilter`(uid=${a})`, LdapFilter.FilterSyntaxError]
}

describe("plain functions", () => {
  for (const [name, call] of Object.entries(total)) {
    it.prop(`${name} never throws`, [anything, anything], ([a, b]) => {
      call(a as never, b as never)
    }, { arbitrary: { runs: 300 } })
  }
  for (const [name, [call, ...errors]] of Object.entries(documented)) {
    it.prop(`${name} throws its own error, or none`, [anything, anything], ([a, b]) => {
      try {
        call(a as never, b as never)
      } catch (error) {
        assert.isTrue(errors.some((Error) => error instanceof Error), inspect(error))
      }
    }, { arbitrary: { runs: 300 } })
  }

  it("a filter that contains itself is refused, with a message of bounded length", () => {
    const result = LdapFilter.validate(cyclic as never)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.isBelow(result.failure.message.length, 1000)
  })
})
