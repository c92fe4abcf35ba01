/** The login of a service: the search, the bind and its session, the reasons of refusals, and the information that isn't revealed. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { inspect } from "node:util"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { ConnectFailed, fromResult, LdapError } from "../../../src/model/LdapError.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const person = (uid: string, mail: string) => ({
  dn: `uid=${uid},dc=example`,
  attributes: { objectClass: "account", uid, mail, userPassword: `${uid}pw` }
})

const entries = [
  { dn: "dc=example", attributes: { objectClass: "domain", dc: "example" } },
  person("ada", "ada@example.org"),
  person("bob", "both@example.org"),
  person("eve", "both@example.org")
]

interface Answer {
  readonly code: number
  readonly diagnosticMessage?: string
  readonly controls?: ReadonlyArray<LdapControl.LdapControl>
  /** The answer waits for this latch. */
  readonly after?: Effect.Effect<void>
}

/** A directory that answers binds according to `answers`, by their password, and a way to log in to it. */
const world = Effect.fnUntraced(function*(
  options: Partial<
    LdapLogin.LoginSettings & {
      readonly client: Pick<LdapSession.LdapOperations, "searchResult">
      readonly open: LdapLogin.LoginSession
    }
  > = {},
  answers: Readonly<Record<string, Answer>> = {}
) {
  const asked: Array<LdapControl.LdapControl> = []
  const directory = yield* InMemoryDirectory.make({
    entries,
    admin: { password: "secret" },
    interceptor: ({ controls, messageId, operation }) =>
      Effect.suspend((): ReturnType<InMemoryDirectory.Interceptor> => {
        if (operation._tag !== "BindRequest" || operation.authentication._tag !== "Simple") {
          return Effect.succeed("continue")
        }
        asked.push(...controls)
        const answer = answers[Buffer.from(operation.authentication.password).toString()]
        if (answer === undefined) return Effect.succeed("continue")
        const { after = Effect.void, code, controls: said = [], diagnosticMessage = "" } = answer
        const result = { code, matchedDn: "", diagnosticMessage, referrals: [] }
        return Effect.as(after, [{
          messageId,
          operation: { _tag: "BindResponse", result, serverCredentials: undefined },
          controls: said
        }])
      })
  })
  const open = Effect.flatMap(directory.connect, (socket) => LdapSession.fromSocket(socket, { protection: "local" }))
  const client = yield* open
  yield* client.bind(LdapAuth.simple("cn=admin,dc=example", Redacted.make("secret")))
  const logIn = LdapLogin.authenticate({
    client,
    open,
    base: "dc=example",
    filter: (login) => LdapFilter.ldapFilter`(|(uid=${login})(mail=${login}))`,
    ...options
  })
  const login = (name: string, password: string) => logIn(name, Redacted.make(password))
  const refused = (name: string, password: string) => Effect.flip(login(name, password))
  /** The messages on the connections of logins, without the connection of the session that searches. */
  const requests = () =>
    directory.log.pdus().filter(({ connection, direction }) => connection > 1 && direction === "request").map((
      { kind }
    ) => kind)
  return { directory, asked, open, client, login, refused, requests }
})

const policy = (response: LdapControl.PasswordPolicyResponse) => LdapControl.passwordPolicyResponse.make(response)
const adSays = (data: string) =>
  `80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data ${data}, v4563`

/** For each password: the server's answer, the reason of the login, and whether the server checks the password first. */
const refusals: ReadonlyArray<readonly [string, Answer, LdapLogin.LoginReason["_tag"], boolean]> = [
  ["locked", { code: 49, controls: [policy({ error: "accountLocked" })] }, "AccountLocked", false],
  ["expired", { code: 49, controls: [policy({ error: "passwordExpired" })] }, "PasswordExpired", true],
  ["reset", { code: 0, controls: [policy({ error: "changeAfterReset" })] }, "MustChangePassword", true],
  ["Netscape expired", { code: 49, controls: [LdapControl.passwordExpired.make()] }, "PasswordExpired", false],
  ["Netscape reset", { code: 0, controls: [LdapControl.passwordExpired.make()] }, "MustChangePassword", true],
  [
    "389 locked",
    { code: 19, diagnosticMessage: "Exceed password retry limit. Please try later." },
    "AccountLocked",
    false
  ],
  [
    "389 inactivated",
    {
      code: 53,
      diagnosticMessage: "Account inactivated. Contact system administrator."
    },
    "AccountDisabled",
    false
  ],
  ["no password", { code: 48 }, "WrongCredentials", false],
  ["gone", { code: 32 }, "WrongCredentials", false],
  ["525", { code: 49, diagnosticMessage: adSays("525") }, "WrongCredentials", false],
  ["52e", { code: 49, diagnosticMessage: adSays("52e") }, "WrongCredentials", false],
  ["530", { code: 49, diagnosticMessage: adSays("530") }, "NotPermitted", true],
  ["531", { code: 49, diagnosticMessage: adSays("531") }, "NotPermitted", true],
  ["532", { code: 49, diagnosticMessage: adSays("532") }, "PasswordExpired", true],
  ["533", { code: 49, diagnosticMessage: adSays("533") }, "AccountDisabled", true],
  ["701", { code: 49, diagnosticMessage: adSays("701") }, "AccountExpired", true],
  ["773", { code: 49, diagnosticMessage: adSays("773") }, "MustChangePassword", true],
  ["775", { code: 49, diagnosticMessage: adSays("775") }, "AccountLocked", false],
  ["c000006d", { code: 49, diagnosticMessage: adSays("c000006d") }, "WrongCredentials", false],
  ["c0000234", { code: 49, diagnosticMessage: adSays("c0000234") }, "AccountLocked", false],
  ["52b", { code: 49, diagnosticMessage: adSays("52b") }, "WrongCredentials", false],
  ["8009030c", { code: 49, diagnosticMessage: adSays("8009030c") }, "WrongCredentials", false],
  ["52f", { code: 49, diagnosticMessage: adSays("52f") }, "AccountRestricted", true],
  ["568", { code: 49, diagnosticMessage: adSays("568") }, "TooManyGroups", true],
  ["569", { code: 49, diagnosticMessage: adSays("569") }, "NotPermitted", true],
  ["no data", { code: 49, diagnosticMessage: adSays("0") }, "WrongCredentials", false]
]
const answers = Object.fromEntries(refusals.map(([password, answer]) => [password, answer]))

describe("authenticate", { timeout: 60_000 }, () => {
  it.effect("returns the user's entry, bound on a session of its own that is unbound again", () =>
    Effect.gen(function*() {
      const { client, directory, login } = yield* world({ attributes: ["mail"] })
      const { entry, expiresIn, graceLogins } = yield* login("ada", "adapw")
      assert.strictEqual(entry.dn, "uid=ada,dc=example")
      assert.deepStrictEqual(entry.descriptions, ["mail"])
      assert.isUndefined(expiresIn)
      assert.isUndefined(graceLogins)
      const [shared, own] = directory.log.connections
      assert.deepInclude(own, { boundAs: "uid=ada,dc=example", unbinds: 1, octetsAfterUnbind: 0 })
      assert.deepInclude(shared, { boundAs: "cn=admin,dc=example", unbinds: 0 })
      yield* client.delete("uid=eve,dc=example")
    }).pipe(Effect.scoped))

  it.effect("with a client it needs nothing else: the session is outside the pool, and anonymous until the bind", () =>
    Effect.gen(function*() {
      const { directory } = yield* world()
      const before = directory.log.connections.length
      const auth = LdapAuth.simple("cn=admin,dc=example", Redacted.make("secret"))
      const client = yield* LdapClient.fromTransport(directory.transport, { auth })
      const logIn = LdapLogin.authenticate({
        client,
        base: "dc=example",
        filter: (uid) => LdapFilter.equals("uid", uid)
      })
      assert.strictEqual((yield* logIn("ada", Redacted.make("adapw"))).entry.dn, "uid=ada,dc=example")
      const [pooled, own] = directory.log.connections.slice(before)
      assert.deepInclude(pooled, { boundAs: "cn=admin,dc=example", unbinds: 0 })
      assert.deepInclude(own, { boundAs: "uid=ada,dc=example", unbinds: 1, octetsAfterUnbind: 0 })
      const kinds = directory.log.pdus().filter(({ connection, direction }) =>
        connection === own?.id && direction === "request"
      ).map(({ kind }) => kind)
      assert.deepStrictEqual(kinds, ["BindRequest", "UnbindRequest"])
    }).pipe(Effect.scoped))

  it.effect("the login is a value and never filter syntax", () =>
    Effect.gen(function*() {
      const { refused, requests } = yield* world()
      for (const login of ["*", "ada)(uid=*", "a*", "\\2a", ""]) {
        const { reason } = yield* refused(login, "adapw")
        assert.deepInclude(reason, { _tag: "WrongCredentials", what: "login" })
      }
      assert.deepStrictEqual(requests(), [])
    }).pipe(Effect.scoped))

  it.effect("an empty password is refused before anything is sent", () =>
    Effect.gen(function*() {
      for (const uniform of [false, true]) {
        const { directory, refused } = yield* world({ uniform })
        const before = directory.log.entries.length
        assert.strictEqual((yield* refused("ada", "")).reason._tag, "EmptyPassword")
        assert.strictEqual(directory.log.entries.length, before)
      }
    }).pipe(Effect.scoped))

  it.effect("two entries are refused without a bind, and named", () =>
    Effect.gen(function*() {
      const { refused, requests } = yield* world()
      const { reason } = yield* refused("both@example.org", "bobpw")
      assert.isTrue(reason._tag === "AmbiguousLogin")
      assert.deepStrictEqual(reason._tag === "AmbiguousLogin" && reason.dns, [
        "uid=bob,dc=example",
        "uid=eve,dc=example"
      ])
      assert.deepStrictEqual(requests(), [])
    }).pipe(Effect.scoped))

  it.effect("an entry with an empty DN is no user, since a bind with that name would be anonymous", () =>
    Effect.gen(function*() {
      const rootDse = { entries: [LdapEntry.make("", { uid: "ada" })], references: [], result: undefined as never }
      const { refused, requests } = yield* world({ client: { searchResult: () => Effect.succeed(rootDse) } })
      assert.deepInclude((yield* refused("ada", "x")).reason, { _tag: "WrongCredentials", what: "login" })
      assert.deepStrictEqual(requests(), [])
    }).pipe(Effect.scoped))

  it.effect("a size limit means an ambiguous login if two entries arrived, and a failure otherwise", () =>
    Effect.gen(function*() {
      const limited = (count: number) => {
        const partial = { entries: entries.slice(1, 1 + count).map(({ dn }) => LdapEntry.make(dn, {})), references: [] }
        const reason = fromResult({ code: 4, matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
        return { searchResult: () => Effect.fail(new LdapError({ reason, operation: "search", partial })) }
      }
      const two = yield* world({ client: limited(2) })
      assert.strictEqual((yield* two.refused("ada", "adapw")).reason._tag, "AmbiguousLogin")
      const one = yield* world({ client: limited(1) })
      assert.strictEqual((yield* one.refused("ada", "adapw")).reason._tag, "DirectoryFailed")
    }).pipe(Effect.scoped))

  it.effect("a wrong password", () =>
    Effect.gen(function*() {
      const { refused } = yield* world()
      const error = yield* refused("ada", "no")
      assert.deepInclude(error.reason, { _tag: "WrongCredentials", what: "password" })
      assert.strictEqual(error.message, "login failed: the password is wrong")
      assert.isFalse(error.isRetryable)
    }).pipe(Effect.scoped))

  it.effect("each refusal has its reason", () =>
    Effect.gen(function*() {
      const { refused } = yield* world({}, answers)
      for (const [password, _, tag] of refusals) {
        assert.strictEqual((yield* refused("ada", password)).reason._tag, tag, password)
      }
    }).pipe(Effect.scoped))

  it.effect("the password policy's warnings come with the login", () =>
    Effect.gen(function*() {
      const { login } = yield* world({}, {
        soon: { code: 0, controls: [policy({ timeBeforeExpiration: 90 })] },
        grace: { code: 0, controls: [policy({ graceAuthNsRemaining: 0 }), LdapControl.passwordExpired.make()] },
        netscape: { code: 0, controls: [LdapControl.passwordExpiring.make(60)] }
      })
      assert.strictEqual(Duration.toSeconds((yield* login("ada", "soon")).expiresIn ?? 0), 90)
      assert.strictEqual((yield* login("ada", "grace")).graceLogins, 0)
      assert.strictEqual(Duration.toSeconds((yield* login("ada", "netscape")).expiresIn ?? 0), 60)
    }).pipe(Effect.scoped))

  it.effect("the bind carries the password policy control, not critical, unless passwordPolicy is false", () =>
    Effect.gen(function*() {
      const asking = yield* world()
      yield* asking.login("ada", "adapw")
      assert.deepStrictEqual(asking.asked.map(({ critical, oid }) => [oid, critical]), [
        [LdapControl.passwordPolicyRequest.oid, false]
      ])
      const silent = yield* world({ passwordPolicy: false })
      yield* silent.login("ada", "adapw")
      assert.deepStrictEqual(silent.asked, [])
    }).pipe(Effect.scoped))

  it.effect("a login that can't be decided fails with DirectoryFailed and the error, uniform or not", () =>
    Effect.gen(function*() {
      const reason = new ConnectFailed({ kind: "refused", detail: "connection refused" })
      const down = Effect.fail(new LdapError({ reason, operation: "connect" }))
      for (const uniform of [false, true]) {
        const unreachable = yield* world({ uniform, open: down })
        const busy = yield* world({ uniform }, { busy: { code: 51 }, unwilling: { code: 53 } })
        const searching = yield* world({ uniform, base: "dc=elsewhere" })
        const errors = [
          yield* unreachable.refused("ada", "adapw"),
          yield* unreachable.refused(uniform ? "unlisted" : "ada", "adapw"),
          yield* busy.refused("ada", "busy"),
          yield* busy.refused("ada", "unwilling"),
          yield* searching.refused("ada", "adapw")
        ]
        assert.deepStrictEqual(
          errors.map((
            { isRetryable, reason }
          ) => [reason._tag === "DirectoryFailed" && reason.cause.reason._tag, isRetryable]),
          [["ConnectFailed", true], ["ConnectFailed", true], ["Busy", true], ["UnwillingToPerform", false], [
            "NoSuchObject",
            false
          ]]
        )
      }
    }).pipe(Effect.scoped))

  it.effect("the auth of a configuration is not used", () =>
    Effect.gen(function*() {
      const { client, directory } = yield* world()
      const { url } = yield* InMemoryDirectory.listen(directory)
      const login = LdapLogin.authenticate({
        client,
        open: { url, auth: LdapAuth.simple("cn=admin,dc=example", Redacted.make("secret")) },
        base: "dc=example",
        filter: (login) => LdapFilter.equals("uid", login)
      })
      yield* login("ada", Redacted.make("adapw"))
      const binds = directory.log.pdus(2).filter(({ kind }) => kind === "BindRequest")
      assert.deepStrictEqual(binds.map(({ dn }) => dn), ["uid=ada,dc=example"])
    }).pipe(Effect.scoped))

  it.effect("errors contain neither the login nor the password", () =>
    Effect.gen(function*() {
      for (const uniform of [false, true]) {
        const { refused } = yield* world({ uniform }, answers)
        const shown: Array<string> = []
        for (const [login, password] of [["ada", "hunter2"], ["hunter2", "x"], ["ada", "775"]] as const) {
          const error = yield* refused(login, password)
          shown.push(inspect(error, { depth: 9 }), JSON.stringify(error), String(error.stack))
        }
        assert.notInclude(shown.join("\n"), "hunter2")
      }
    }).pipe(Effect.scoped))
})

describe("authenticate, uniform", { timeout: 60_000 }, () => {
  it.effect("an unknown user, an ambiguous one and a wrong password: the same error after the same requests", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      for (const login of ["unlisted", "ada", "both@example.org"]) {
        const { directory, refused } = yield* world({ uniform: true })
        const error = yield* refused(login, "no")
        yield* directory.log.closed(2)
        seen.push([
          error.message,
          JSON.stringify(error),
          directory.log.pdus().map(({ code, connection, direction, kind }) =>
            kind === "SearchResultEntry" ? [] : [connection, direction, kind, code]
          ).filter(({ length }) => length > 0)
        ])
      }
      assert.deepStrictEqual(seen[1], seen[0])
      assert.deepStrictEqual(seen[2], seen[0])
      assert.include(JSON.stringify(seen[0]), "either")
    }).pipe(Effect.scoped))

  it.effect("hides reasons that the server gives without checking the password, and keeps the others", () =>
    Effect.gen(function*() {
      const { refused } = yield* world({ uniform: true }, answers)
      for (const [password, _, tag, isUsersOwn] of refusals) {
        const { reason } = yield* refused("ada", password)
        assert.strictEqual(reason._tag, isUsersOwn ? tag : "WrongCredentials", password)
        if (!isUsersOwn) assert.deepInclude(reason, { what: "either" })
      }
    }).pipe(Effect.scoped))

  it.effect("the bind DN for unknown users is below the base and different each time", () =>
    Effect.gen(function*() {
      const { directory, refused } = yield* world({ uniform: true })
      yield* refused("unlisted", "no")
      yield* refused("unlisted", "no")
      const names = directory.log.pdus().filter(({ connection, kind }) => connection > 1 && kind === "BindRequest")
      assert.match(names[0]?.dn ?? "", /^cn=[0-9a-f-]{36},dc=example$/)
      assert.notStrictEqual(names[0]?.dn, names[1]?.dn)
    }).pipe(Effect.scoped))

  it.effect("a decoy is bound for unknown users, and its password logs in no user", () =>
    Effect.gen(function*() {
      const { directory, refused } = yield* world({ uniform: { decoy: "uid=eve,dc=example" } })
      for (const password of ["no", "evepw"]) {
        const { reason } = yield* refused("unlisted", password)
        assert.deepInclude(reason, { _tag: "WrongCredentials", what: "either" })
      }
      const names = directory.log.pdus().filter(({ connection, kind }) => connection > 1 && kind === "BindRequest")
      assert.deepStrictEqual(names.map(({ dn }) => dn), ["uid=eve,dc=example", "uid=eve,dc=example"])
    }).pipe(Effect.scoped))
})

describe("authenticate, many at once", { timeout: 60_000 }, () => {
  it.effect("at most `concurrency` sessions; other logins wait, and all get their answer", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { directory, login } = yield* world({ concurrency: 2 }, { slow: { code: 0, after: Deferred.await(gate) } })
      const logins = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 6 }), () => login("ada", "slow"), { concurrency: "unbounded" })
      )
      yield* directory.log.first((entry) =>
        entry._tag === "Pdu" && entry.connection === 3 && entry.kind === "BindRequest"
      )
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
      assert.strictEqual(directory.log.connections.length, 3)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(logins)).length, 6)
      assert.strictEqual(directory.log.connections.length, 7)
      // There were never more than two, in addition to the session that searches.
      let open = 0
      let most = 0
      for (const entry of directory.log.entries) {
        if (entry._tag === "Opened") open++
        if (entry._tag === "Closed") open--
        most = Math.max(most, open)
      }
      assert.strictEqual(most, 3)
    }).pipe(Effect.scoped))

  it.effect("an interrupted login leaves no session, and the next login starts", () =>
    Effect.gen(function*() {
      const { directory, login } = yield* world({ concurrency: 1 }, { never: { code: 0, after: Effect.never } })
      const stuck = yield* Effect.forkChild(login("ada", "never"))
      yield* directory.log.first((entry) =>
        entry._tag === "Pdu" && entry.connection === 2 && entry.kind === "BindRequest"
      )
      yield* Fiber.interrupt(stuck)
      yield* directory.log.closed(2)
      assert.strictEqual(directory.log.connection(2)?.unbinds, 1)
      yield* login("ada", "adapw")
    }).pipe(Effect.scoped))
})

describe("templates of settings", { timeout: 60_000 }, () => {
  const filter = Result.getOrThrow(
    LdapFilter.template("(|(uid={0})(mail={0}))", { placeholders: ["login"], style: "{0}" })
  )
  const base = Result.getOrThrow(LdapDn.template("uid={{login}},dc=example", { placeholders: ["login"] }))
  const anyone = () => LdapFilter.present("objectClass")

  it.effect("a filter finds the user, and a login is never syntax", () =>
    Effect.gen(function*() {
      const { login, refused } = yield* world({ filter })
      assert.strictEqual((yield* login("ada", "adapw")).entry.dn, "uid=ada,dc=example")
      assert.deepInclude((yield* refused("*)(uid=ada", "adapw")).reason, { _tag: "WrongCredentials", what: "login" })
    }).pipe(Effect.scoped))

  it.effect("a DN names the user, and a login is never syntax", () =>
    Effect.gen(function*() {
      const { login, refused } = yield* world({ base, filter: anyone })
      assert.strictEqual((yield* login("ada", "adapw")).entry.dn, "uid=ada,dc=example")
      for (const name of ["unlisted", "ada,uid=ada", "ada+cn=x", ""]) {
        assert.deepInclude((yield* refused(name, "adapw")).reason, { _tag: "WrongCredentials", what: "login" })
      }
      assert.deepInclude((yield* refused("ada", "wrong")).reason, { _tag: "WrongCredentials", what: "password" })
    }).pipe(Effect.scoped))

  it.effect("with uniform the unknown user costs a bind below the same entry", () =>
    Effect.gen(function*() {
      const { directory, refused } = yield* world({ base, filter: anyone, uniform: true })
      assert.deepInclude((yield* refused("unknown", "x")).reason, { _tag: "WrongCredentials", what: "either" })
      assert.isAbove(directory.log.connections.length, 1)
    }).pipe(Effect.scoped))

  it.effect("invalid logins and passwords are refused before anything is sent", () =>
    Effect.gen(function*() {
      const { open, requests } = yield* world()
      const client = yield* open
      const logIn = LdapLogin.authenticate({ client, open, base: "dc=example", filter })
      const password = Redacted.make("adapw")
      for (
        const [name, secret, field] of [
          [undefined, password, "login"],
          [null, password, "login"],
          [5, password, "login"],
          ["ada", undefined, "password"],
          ["ada", "adapw", "password"],
          ["ada", Redacted.make(undefined), "password"],
          ["ada", Redacted.make(5), "password"]
        ]
      ) {
        const { reason } = yield* Effect.flip(logIn(name as never, secret as never))
        assert.strictEqual(reason._tag, "DirectoryFailed")
        const cause = reason._tag === "DirectoryFailed" ? reason.cause.reason : undefined
        assert.strictEqual(cause?._tag === "InvalidRequest" ? cause.field : "", field as string)
      }
      assert.deepStrictEqual(requests(), [])
    }).pipe(Effect.scoped))
})

it.effect("a code of Active Directory that isn't about the user, or isn't known, isn't called a wrong password", () =>
  Effect.gen(function*() {
    for (const code of ["80090346", "51f", "576", "999"]) {
      const { refused } = yield* world({}, { x: { code: 49, diagnosticMessage: adSays(code) } })
      const { message, reason } = yield* refused("ada", "x")
      assert.strictEqual(reason._tag, "DirectoryFailed")
      assert.notInclude(message, "wrong")
    }
  }).pipe(Effect.scoped))
