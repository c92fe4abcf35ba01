/** Tests of a program that uses LDAP, with vitest alone: an effect is run as a promise. */
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { expect, it } from "vitest"
import { LdapClient } from "../../src/index.ts"
import { DirectoryFault, InMemoryDirectory } from "../../src/testing.ts"

const Directory = InMemoryDirectory.layer({
  entries: [
    { dn: "dc=example,dc=org", attributes: { objectClass: "domain", dc: "example" } },
    { dn: "uid=ada,dc=example,dc=org", attributes: { objectClass: "account", uid: "ada" } }
  ]
})

it("finds ada", () =>
  Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    const { entries } = yield* ldap.searchResult({ base: "dc=example,dc=org", filter: "(uid=ada)" })
    expect(entries.map((entry) => entry.dn)).toEqual(["uid=ada,dc=example,dc=org"])
  }).pipe(Effect.provide(Directory), Effect.runPromise))

it("gives up after five seconds, in no time", () =>
  Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.InMemoryDirectory
    const ldap = yield* LdapClient.LdapClient
    yield* directory.faults.set(DirectoryFault.drop({ on: "search" }))
    const lookup = yield* Effect.forkChild(Effect.flip(ldap.lookup("dc=example,dc=org", { timeout: "5 seconds" })), {
      startImmediately: true
    })
    yield* directory.faults.happened()
    yield* TestClock.adjust("5 seconds")
    expect((yield* Fiber.join(lookup)).reason._tag).toBe("RequestTimeout")
  }).pipe(Effect.provide(Directory), Effect.provide(TestClock.layer()), Effect.runPromise))

it("loses the answer of a write that was carried out", () =>
  Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.InMemoryDirectory
    const ldap = yield* LdapClient.LdapClient
    yield* directory.faults.set(DirectoryFault.reset({ on: "delete", after: 0 }))
    const { reason } = yield* Effect.flip(ldap.delete("uid=ada,dc=example,dc=org"))
    expect(reason).toMatchObject({ _tag: "ConnectionLost", inDoubt: true })
    expect(directory.lookup("uid=ada,dc=example,dc=org")).toBeUndefined()
  }).pipe(
    Effect.provide(InMemoryDirectory.layer({
      entries: [
        { dn: "dc=example,dc=org", attributes: { objectClass: "domain", dc: "example" } },
        { dn: "uid=ada,dc=example,dc=org", attributes: { objectClass: "account", uid: "ada" } }
      ],
      access: () => true
    })),
    Effect.runPromise
  ))
