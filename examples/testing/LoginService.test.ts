/**
 * How to test a program that uses LDAP: without a server, without a port, without waiting. The README.md beside this file
 * explains each step.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { DirectoryFault, InMemoryDirectory } from "../../src/testing.ts"
import * as LoginService from "./LoginService.ts"

const people = "ou=people,dc=example,dc=org"

const ldif = `
dn: dc=example,dc=org
objectClass: organization
objectClass: dcObject
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=ada,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
mail: ada@example.org
userPassword: engine

dn: uid=grace,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: grace
cn: Grace Hopper
sn: Hopper
userPassword: nano
`

/**
 * The program gets its client from `LdapClient.layer({ url })`, the tests get it from a directory: the rest is the same. Each test
 * has its own directory, to inspect and to disturb, so no test sees the changes of another.
 */
const Test = Layer.provideMerge(
  LoginService.layer,
  InMemoryDirectory.layer({ ldif, client: { requestTimeout: "5 seconds", closeTimeout: "2 seconds" } })
)

const login = Effect.fnUntraced(function*(name: string, password: string) {
  const service = yield* LoginService.LoginService
  return yield* service.login(name, Redacted.make(password))
})

/** Starts an effect that will wait for the clock. */
const start = Effect.forkChild({ startImmediately: true })

describe("LoginService", () => {
  it.effect("accepts the right password", () =>
    Effect.gen(function*() {
      const user = yield* login("ada", "engine")
      assert.deepStrictEqual(user, { dn: `uid=ada,${people}`, name: "Ada Lovelace", mail: "ada@example.org" })
    }).pipe(Effect.provide(Test)))

  it.effect("gives the same reason for a wrong password and for an unknown name", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(login("ada", "difference")))._tag, "WrongCredentials")
      assert.strictEqual((yield* Effect.flip(login("charles", "engine")))._tag, "WrongCredentials")
      assert.strictEqual((yield* Effect.flip(login("*", "engine")))._tag, "WrongCredentials")
    }).pipe(Effect.provide(Test)))

  it.effect("locks an account for 15 minutes after three wrong passwords", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 3; i++) yield* Effect.flip(login("ada", "wrong"))
      // Now the right password is refused too, without a request to the directory.
      const locked = yield* Effect.flip(login("ada", "engine"))
      assert.deepInclude(locked, { _tag: "AccountLocked", secondsLeft: 15 * 60 })
      const directory = yield* InMemoryDirectory.InMemoryDirectory
      assert.strictEqual(directory.log.pdusByKind.get("BindRequest"), 3)
      // Other accounts are not affected.
      assert.strictEqual((yield* login("grace", "nano")).name, "Grace Hopper")

      yield* TestClock.adjust("14 minutes")
      assert.deepInclude(yield* Effect.flip(login("ADA", "engine")), { _tag: "AccountLocked", secondsLeft: 60 })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* login("ada", "engine")).name, "Ada Lovelace")
    }).pipe(Effect.provide(Test)))

  it.effect("a server that dies in the middle of a search", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.InMemoryDirectory
      const service = yield* LoginService.LoginService
      yield* directory.faults.set(DirectoryFault.reset({ on: "search", after: 1 }))
      const error = yield* Effect.flip(service.names)
      // An incomplete answer is an error.
      assert.strictEqual(error._tag, "DirectoryUnavailable")
      assert.strictEqual(error.cause.reason._tag, "ConnectionLost")
      // The server comes back, and so does the service.
      yield* directory.faults.clear
      assert.deepStrictEqual(yield* service.names, ["ada", "grace"])
    }).pipe(Effect.provide(Test)))

  it.effect("a slow server hits the time limit, not the user's patience", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.InMemoryDirectory
      yield* directory.faults.set(DirectoryFault.delay("1 minute", { on: "search" }))
      const attempt = yield* start(Effect.flip(login("ada", "engine")))
      // Time stands still until the test moves it, so wait until the server has begun to be slow.
      yield* directory.faults.happened()
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(attempt.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(attempt)
      assert.strictEqual(error._tag === "DirectoryUnavailable" ? error.cause.reason._tag : error._tag, "RequestTimeout")
    }).pipe(Effect.provide(Test)))

  it.effect("a server that hangs keeps no login waiting for ever", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.InMemoryDirectory
      yield* directory.faults.set(DirectoryFault.stall({ on: "bind" }))
      const attempt = yield* start(Effect.flip(login("ada", "engine")))
      yield* directory.faults.happened()
      // 5 seconds for the bind, 2 for the release, since the server doesn't read the unbind.
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual((yield* Fiber.join(attempt))._tag, "DirectoryUnavailable")
    }).pipe(Effect.provide(Test)))

  it.effect("leaves no connection behind, whatever happens", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.gen(function*() {
        const directory = yield* InMemoryDirectory.InMemoryDirectory
        yield* login("ada", "engine")
        yield* Effect.flip(login("ada", "wrong"))
        yield* directory.faults.set(DirectoryFault.result(51, { on: "bind" }))
        yield* Effect.flip(login("grace", "nano"))
        // Only the client's own session, which is anonymous, and looks people up.
        assert.deepStrictEqual(directory.openSessions.map(({ boundAs, id }) => [id, boundAs]), [[1, ""]])
        return directory
      }).pipe(Effect.provide(Test))
      // The program has ended. Each connection ended with an unbind, and was then closed.
      const connections = yield* directory.awaitClosed
      assert.strictEqual(connections.length, 4)
      for (const { closed, unbinds } of connections) assert.deepStrictEqual([unbinds, closed], [1, "fin"])
    }))

  it.effect("under random faults each login succeeds or gives a reason", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.InMemoryDirectory
      yield* directory.faults.set(DirectoryFault.random({
        seed: 7,
        probability: 0.3,
        faults: [
          DirectoryFault.reset(),
          DirectoryFault.close({ after: 0 }),
          DirectoryFault.disconnect(),
          DirectoryFault.garbage(),
          DirectoryFault.result(52),
          DirectoryFault.drop()
        ]
      }))
      const outcomes = new Map<string, number>()
      for (let i = 0; i < 40; i++) {
        const attempt = yield* start(
          Effect.flip(login("ada", "engine")).pipe(
            Effect.match({ onFailure: (user) => user.name, onSuccess: ({ _tag }) => _tag })
          )
        )
        // Every wait has a time limit, and a minute is longer than all of them.
        for (let s = 0; s < 60 && attempt.pollUnsafe() === undefined; s += 5) yield* TestClock.adjust("5 seconds")
        assert.isDefined(attempt.pollUnsafe(), `login ${i} hangs`)
        const outcome = yield* Fiber.join(attempt)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
      assert.deepStrictEqual([...outcomes.keys()].sort(), ["Ada Lovelace", "DirectoryUnavailable"])
      // Broken sessions were replaced, and none is left over.
      assert.isAtMost(directory.openSessions.length, 1)
    }).pipe(Effect.provide(Test)))
})
