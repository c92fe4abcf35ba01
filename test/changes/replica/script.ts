/** A scripted directory for tests of copies, and helpers that check a copy. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { setTimeout as delay } from "node:timers/promises"
import * as LdapChange from "../../../src/changes/LdapChange.ts"
import * as LdapReplica from "../../../src/changes/replica/LdapReplica.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"

export const base = "dc=example,dc=com"

/** A scripted directory: the changes that the next run emits. */
export class Script {
  changes: Array<LdapChange.LdapChange> = []
  asked: Array<string | undefined> = []
  readonly source = {
    follow: (since: string | undefined) => {
      this.asked.push(since)
      return Stream.concat(Stream.fromIterable(this.changes), Stream.never)
    },
    poll: (since: string | undefined) => {
      this.asked.push(since)
      return Stream.fromIterable(this.changes)
    },
    has: () => Effect.succeed(false)
  }
}

export const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

export const person = (
  n: number,
  attributes: Record<string, string | ReadonlyArray<string>> = {},
  dn = `cn=p${n},${base}`
) =>
  LdapChange.added({
    uuid: uuid(n),
    dn,
    entry: LdapEntry.make(dn, { objectClass: ["person"], cn: `p${n}`, sn: "x", ...attributes }),
    version: "1"
  })

export const checkpoint = (n: number) => LdapChange.checkpoint(`effect-ldap-changes:1:${n}` as LdapChange.ChangesCookie)

/** A refresh with these people and no others. */
export const refresh = (people: ReadonlyArray<LdapChange.LdapChange>, cookie: number) => [
  LdapChange.refreshStarted("initial"),
  ...people,
  LdapChange.refreshed("absent"),
  checkpoint(cookie)
]

export const people = (count: number) => Array.from({ length: count }, (_, n) => person(n))

export const dnsOf = (replica: { readonly entries: LdapReplica.LdapReplica["entries"] }) =>
  Effect.map(Stream.runCollect(replica.entries), (entries) => entries.map(({ entry }) => entry.dn))

export const reasonOf = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    if (!(error instanceof LdapReplica.LdapReplicaError)) throw error
    return error.reason
  })

/** Waits, in real time too, until the copy satisfies a condition. Fails if it doesn't. */
export const awaitIn = (
  replica: Pick<LdapReplica.LdapReplica, "progress">,
  isSo: (progress: LdapReplica.Progress) => boolean
) => inTime(Stream.runDrain(Stream.takeUntil(replica.progress, isSo)))

/** Fails if an effect takes too long, so that a bug fails the test instead of hanging it. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    effect,
    Effect.andThen(Effect.promise(() => delay(mostMillis)), Effect.die(new Error("what was awaited doesn't come")))
  )

const mostMillis = 20_000

/** Waits until a fiber ends, while virtual and real time pass. */
export const endOf = <A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<Exit.Exit<A, E>> =>
  inTime(Effect.gen(function*() {
    for (;;) {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      yield* TestClock.adjust("1 second")
      yield* Effect.promise(() => delay(5))
    }
  }))
