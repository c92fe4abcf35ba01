/** Sessions on which logins bind one after another: the messages on them, how logins share them, and when they are replaced. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import type { MemorySocket } from "../../../src/connection/MemorySocket.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { ConnectionLost, LdapError } from "../../../src/model/LdapError.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const person = (uid: string) => ({
  dn: `uid=${uid},dc=example`,
  attributes: { objectClass: "account", uid, userPassword: `${uid}pw` }
})

/** A correct password that must be changed. */
const mustChange = "must change"

const admin = LdapAuth.simple("cn=admin,dc=example", Redacted.make("secret"))

/** A directory, and a function that logs in to it. The session that searches for users has its first connection. */
const world = Effect.fnUntraced(function*(
  options: Partial<LdapLogin.LoginSettings & LdapLogin.LoginPoolOptions> = {}
) {
  const directory = yield* InMemoryDirectory.make({
    entries: [{ dn: "dc=example", attributes: { objectClass: "domain", dc: "example" } }, person("ada"), person("bob")],
    admin: { password: "secret" },
    interceptor: ({ messageId, operation }) =>
      Effect.succeed(
        operation._tag === "BindRequest" && operation.authentication._tag === "Simple" &&
          Buffer.from(operation.authentication.password).toString() === mustChange
          ? [{
            messageId,
            operation: {
              _tag: "BindResponse",
              result: { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] },
              serverCredentials: undefined
            },
            controls: [LdapControl.passwordPolicyResponse.make({ error: "changeAfterReset" })]
          }]
          : "continue"
      )
  })
  const sockets: Array<MemorySocket> = []
  const open = directory.connect.pipe(
    Effect.tap((socket) => Effect.sync(() => sockets.push(socket))),
    Effect.flatMap((socket) => LdapSession.fromSocket(socket, { protection: "local", closeTimeout: 0 }))
  )
  const client = yield* open
  yield* client.bind(admin)
  const settings = {
    client,
    open,
    base: "dc=example",
    filter: (login: string) => LdapFilter.equals("uid", login),
    ...options
  }
  /** Tests close this to see what happens to the sessions. */
  const scope = yield* Scope.fork(yield* Effect.scope)
  const logIn = yield* Scope.provide(LdapLogin.make(settings), scope)
  const login = (name: string, password = `${name}pw`) => logIn(name, Redacted.make(password))
  const refused = (name: string, password: string) =>
    Effect.map(Effect.flip(login(name, password)), ({ reason }) => reason)
  /** The messages on a connection, binds with their names. */
  const requests = (connection: number) =>
    directory.log.pdus(connection).filter(({ direction }) => direction === "request").map(({ dn, kind }) =>
      kind === "BindRequest" ? dn : kind
    )
  /** How many connections for logins there have been. */
  const opened = () => directory.log.connections.length - 1
  /** Waits until a bind has arrived on a connection. */
  const bindOn = (connection: number) =>
    directory.log.first((entry) =>
      entry._tag === "Pdu" && entry.connection === connection && entry.kind === "BindRequest"
    )
  return { directory, settings, sockets, scope, login, refused, requests, opened, bindOn }
})

const [ada, bob] = ["uid=ada,dc=example", "uid=bob,dc=example"]

describe("sessions for logins that stay", () => {
  it.effect("logins one after the other are binds on one session, and one unbind at the end", () =>
    Effect.gen(function*() {
      const { directory, login, opened, requests, scope } = yield* world()
      assert.strictEqual(opened(), 0)
      for (const name of ["ada", "bob", "ada"]) {
        assert.strictEqual((yield* login(name)).entry.dn, `uid=${name},dc=example`)
      }
      assert.strictEqual(opened(), 1)
      assert.deepInclude(directory.log.connection(2), { boundAs: ada, closed: undefined })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(requests(2), [ada, bob, ada, "UnbindRequest"])
      assert.deepInclude(directory.log.connection(2), { unbinds: 1, octetsAfterUnbind: 0, closed: "fin" })
      assert.deepInclude(directory.log.connection(1), { boundAs: "cn=admin,dc=example", unbinds: 0 })
    }))

  it.effect("two logins at once never share a session", () =>
    Effect.gen(function*() {
      const { bindOn, directory, login, opened, requests } = yield* world({ concurrency: 2 })
      yield* directory.faults.set(DirectoryFault.delay("10 millis", { on: "bind" }))
      const logins = yield* Effect.forkChild(
        Effect.forEach(["ada", "bob", "ada", "bob"], (name) => login(name), { concurrency: "unbounded" })
      )
      yield* Effect.all([bindOn(2), bindOn(3)])
      // As long as those two aren't answered, nothing else is sent.
      assert.deepStrictEqual([requests(2).length, requests(3).length], [1, 1])
      yield* TestClock.adjust("10 millis")
      yield* TestClock.adjust("10 millis")
      assert.strictEqual((yield* Fiber.join(logins)).length, 4)
      assert.strictEqual(opened(), 2)
      assert.deepStrictEqual([...requests(2), ...requests(3)].sort(), [ada, ada, bob, bob])
    }))

  it.effect("a session whose bind was refused is unbound, and the next login has another", () =>
    Effect.gen(function*() {
      const { directory, login, refused, requests } = yield* world()
      yield* login("ada")
      assert.deepInclude(yield* refused("ada", "no"), { _tag: "WrongCredentials", what: "password" })
      yield* directory.log.closed(2)
      assert.deepStrictEqual(requests(2), [ada, ada, "UnbindRequest"])
      yield* login("bob")
      assert.deepStrictEqual(requests(3), [bob])
    }))

  it.effect("a session whose user must change the password is unbound too", () =>
    Effect.gen(function*() {
      const { directory, login, refused, requests } = yield* world()
      assert.strictEqual((yield* refused("ada", mustChange))._tag, "MustChangePassword")
      yield* directory.log.closed(2)
      yield* login("bob")
      assert.deepStrictEqual([requests(2), requests(3)], [[ada, "UnbindRequest"], [bob]])
    }))

  it.effect("uniform: an unknown user and a wrong password use and leave sessions in the same way", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      for (const name of ["unlisted", "ada"]) {
        const { directory, login, refused } = yield* world({ uniform: true })
        yield* login("bob")
        const reasons = [yield* refused(name, "no"), yield* refused(name, "no")]
        yield* directory.log.closed(3)
        yield* login("bob")
        const pdus = directory.log.pdus().filter(({ kind }) => kind !== "SearchResultEntry")
        seen.push([
          reasons.map(({ _tag, message }) => [_tag, message]),
          pdus.map(({ code, connection, direction, kind }) => [connection, direction, kind, code])
        ])
      }
      assert.deepStrictEqual(seen[1], seen[0])
    }))

  it.effect("a session that was idle for a minute is unbound", () =>
    Effect.gen(function*() {
      const { directory, login, opened } = yield* world()
      yield* login("ada")
      yield* TestClock.adjust("50 seconds")
      yield* login("bob")
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(directory.log.connection(2)?.closed, undefined)
      yield* TestClock.adjust("70 seconds")
      yield* directory.log.closed(2)
      assert.strictEqual(directory.log.connection(2)?.unbinds, 1)
      yield* login("ada")
      assert.strictEqual(opened(), 2)
    }))

  it.effect("a session older than maxAge is replaced, however busy it is", () =>
    Effect.gen(function*() {
      const { directory, login, requests } = yield* world({ maxAge: "2 minutes" })
      for (let i = 0; i < 5; i++) {
        yield* login("ada")
        yield* TestClock.adjust("30 seconds")
      }
      yield* directory.log.closed(2)
      assert.deepStrictEqual(requests(2), [ada, ada, ada, ada, "UnbindRequest"])
      assert.deepStrictEqual(requests(3), [ada])
    }))

  it.effect("a session that the server has closed meanwhile is replaced, and the login succeeds", () =>
    Effect.gen(function*() {
      const { directory, login, requests, sockets } = yield* world()
      yield* login("ada")
      yield* sockets[1]!.reset
      yield* directory.log.closed(2)
      yield* login("bob")
      assert.deepStrictEqual([requests(2), requests(3)], [[ada], [bob]])
    }))

  it.effect("a bind that may have reached the server is never sent again", () =>
    Effect.gen(function*() {
      const { directory, login, opened, refused, requests } = yield* world()
      yield* login("ada")
      for (const fault of [DirectoryFault.reset, DirectoryFault.close]) {
        const before = opened()
        yield* directory.faults.set(fault({ on: "bind" }))
        const reason = yield* refused("bob", "bobpw")
        assert.isTrue(reason._tag === "DirectoryFailed")
        if (reason._tag === "DirectoryFailed") {
          assert.deepInclude(reason.cause, { operation: "bind" })
          assert.deepInclude(reason.cause.reason, { inDoubt: true })
          assert.isFalse(reason.cause.isRetryable)
        }
        yield* directory.faults.clear
        yield* login("ada")
        assert.strictEqual(opened(), before + 1)
      }
      const binds = [2, 3, 4].flatMap(requests).filter((request) => request !== "UnbindRequest")
      assert.deepStrictEqual(binds, [ada, bob, ada, bob, ada])
    }))

  it.effect("a bind that was not sent is sent on another session, once", () =>
    Effect.gen(function*() {
      const { directory, settings } = yield* world()
      let tried = 0
      const unsent = new LdapError({
        reason: new ConnectionLost({ detail: "gone", inDoubt: false }),
        operation: "bind"
      })
      const logInAfter = (failures: number) =>
        LdapLogin.make({
          ...settings,
          open: Effect.map(settings.open, (session) => ({
            ...session,
            bind: (...args: Parameters<typeof session.bind>) =>
              ++tried <= failures ? Effect.fail(unsent) : session.bind(...args)
          }))
        })
      yield* (yield* logInAfter(1))("ada", Redacted.make("adapw"))
      assert.strictEqual(tried, 2)
      tried = 0
      const { reason } = yield* Effect.flip((yield* logInAfter(9))("ada", Redacted.make("adapw")))
      assert.strictEqual(reason._tag === "DirectoryFailed" && reason.cause, unsent)
      assert.strictEqual(tried, 2)
      assert.deepStrictEqual(directory.log.pdus().filter(({ dn }) => dn === ada).length, 2 + 1)
    }))

  it.effect("an interrupted bind ends its session, and the next login starts", () =>
    Effect.gen(function*() {
      const { bindOn, directory, login, requests } = yield* world({ concurrency: 1 })
      yield* directory.faults.set(DirectoryFault.stall({ on: "bind" }))
      const stuck = yield* Effect.forkChild(login("ada"))
      yield* bindOn(2)
      yield* Fiber.interrupt(stuck)
      yield* directory.faults.clear
      yield* login("bob")
      assert.deepStrictEqual(requests(2)[0], ada)
      assert.notInclude(requests(2), bob)
      assert.deepStrictEqual(requests(3), [bob])
    }))

  it.effect("a bind that times out ends its session, and the next login starts", () =>
    Effect.gen(function*() {
      const { bindOn, directory, login, refused, requests } = yield* world({ concurrency: 1 })
      yield* directory.faults.set(DirectoryFault.drop({ on: "bind" }))
      const late = yield* Effect.forkChild(refused("ada", "adapw"))
      yield* bindOn(2)
      yield* TestClock.adjust("30 seconds")
      const reason = yield* Fiber.join(late)
      assert.strictEqual(reason._tag === "DirectoryFailed" && reason.cause.reason._tag, "RequestTimeout")
      yield* directory.faults.clear
      yield* login("bob")
      assert.notInclude(requests(2), bob)
      assert.deepStrictEqual(requests(3), [bob])
    }))

  it.effect("when the scope closes, logins fail, and none hangs", () =>
    Effect.gen(function*() {
      const { bindOn, directory, refused, scope, sockets } = yield* world({ concurrency: 1 })
      yield* directory.faults.set(DirectoryFault.stall({ on: "bind" }))
      const under = yield* Effect.forkChild(refused("ada", "adapw"))
      yield* bindOn(2)
      const waiting = yield* Effect.forkChild(refused("bob", "bobpw"), { startImmediately: true })
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
      for (const reason of [yield* Fiber.join(under), yield* Fiber.join(waiting), yield* refused("ada", "adapw")]) {
        assert.strictEqual(reason._tag === "DirectoryFailed" && reason.cause.reason._tag, "SessionClosed")
      }
      assert.isFalse(sockets[1]!.isOpen())
    }))

  it.effect("with a client the sessions are beside its pool, and end before it", () =>
    Effect.gen(function*() {
      const { directory } = yield* world()
      const before = directory.log.connections.length
      const scope = yield* Scope.make()
      const logIn = yield* Effect.gen(function*() {
        const client = yield* LdapClient.fromTransport(directory.transport, { auth: admin })
        return yield* LdapLogin.make({ client, base: "dc=example", filter: (uid) => LdapFilter.equals("uid", uid) })
      }).pipe(Scope.provide(scope))
      for (const name of ["ada", "bob"]) yield* logIn(name, Redacted.make(`${name}pw`))
      const [pooled, own] = directory.log.connections.slice(before)
      assert.deepInclude(pooled, { boundAs: "cn=admin,dc=example", unbinds: 0 })
      assert.deepInclude(own, { boundAs: bob, unbinds: 0 })
      assert.strictEqual(directory.log.connections.length, before + 2)
      yield* Scope.close(scope, Exit.void)
      const unbinds = directory.log.entries.flatMap((entry) =>
        entry._tag === "Pdu" && entry.kind === "UnbindRequest" ? [entry.connection] : []
      )
      assert.deepStrictEqual(unbinds, [own!.id, pooled!.id])
    }))

  it.effect("if a client can't open a session, the login fails with the reason", () =>
    Effect.gen(function*() {
      const { directory, settings } = yield* world()
      const client = LdapClient.fromSession(
        yield* LdapSession.fromTransport(directory.transport, { auth: admin })
      )
      const logIn = yield* LdapLogin.make({ ...settings, client, open: undefined })
      const { reason } = yield* Effect.flip(logIn("ada", Redacted.make("adapw")))
      assert.strictEqual(reason._tag === "DirectoryFailed" && reason.cause.reason._tag, "InvalidRequest")
    }))

  it.effect("a server that can't be reached fails a login, and the next one tries again", () =>
    Effect.gen(function*() {
      const { directory, login, refused } = yield* world()
      yield* directory.faults.set(DirectoryFault.reset({ on: "connect" }))
      assert.strictEqual((yield* refused("ada", "adapw"))._tag, "DirectoryFailed")
      yield* directory.faults.clear
      yield* login("ada")
    }))

  it.live("a server that was restarted between two logins, over TCP", () =>
    Effect.gen(function*() {
      const { directory, settings } = yield* world()
      const start = Effect.fnUntraced(function*(port: number) {
        const scope = yield* Scope.make()
        const listening = yield* Scope.provide(InMemoryDirectory.listen(directory, { port }), scope)
        return { ...listening, stop: Scope.close(scope, Exit.void) }
      })
      const server = yield* start(0)
      const opened: Array<LdapSession.LdapSession> = []
      const open = Effect.tap(
        LdapSession.make({ url: server.url }),
        (session) => Effect.sync(() => opened.push(session))
      )
      const logIn = yield* LdapLogin.make({ ...settings, open })
      const login = (name: string) => logIn(name, Redacted.make(`${name}pw`))
      yield* login("ada")
      yield* server.stop
      yield* opened[0]!.closed
      const { reason } = yield* Effect.flip(login("bob"))
      assert.strictEqual(reason._tag === "DirectoryFailed" && reason.cause.reason._tag, "ConnectFailed")
      const again = yield* start(server.port)
      assert.strictEqual((yield* login("bob")).entry.dn, bob)
      yield* again.stop
    }))

  it.effect("an invalid concurrency is refused at once", () =>
    Effect.gen(function*() {
      const { settings } = yield* world()
      for (const concurrency of [0, 1.5, Infinity]) {
        const { reason } = yield* Effect.flip(LdapLogin.make({ ...settings, concurrency }))
        assert.strictEqual(reason._tag, "InvalidRequest")
      }
    }))
})
