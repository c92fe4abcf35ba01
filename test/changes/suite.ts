/**
 * Tests that hold for every source on every server: after each poll the copy equals the server's entries, and a live stream reaches that
 * state while connections are cut.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import type { LdapClient } from "../../src/client/LdapClient.ts"
import { type Place, randomOf, step } from "./histories.ts"
import { linesOf, linesOnServer, type UuidAttribute } from "./sameAs.ts"

export interface Subject {
  readonly client: LdapClient
  /** `top` exists; the view and the history are below it. */
  readonly place: Place
  readonly source: LdapChanges.ChangesSource
  readonly uuid: UuidAttribute
  readonly seed: number
  /** Default {@link filter}. */
  readonly filter?: string | undefined
  /** Whether the consumer provides `known`. */
  readonly known?: boolean | undefined
}

/** Containers are in the view; leaves enter and leave it with their description. */
export const filter = "(|(objectClass=organizationalUnit)(description=in))"

/** Polls after every few changes; the consumer sometimes loses its rows since the last checkpoint. */
export const polled = (subject: Subject, rounds: number) =>
  Effect.gen(function*() {
    const { client, place, source, uuid } = subject
    const random = randomOf(subject.seed)
    const counter = { value: 0 }
    const view = { base: place.top, filter: subject.filter ?? filter }
    const copy = LdapChanges.makeCopy()
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 8; i++) yield* step(client, place, random, counter)
      const known = subject.known === false ? {} : { known: copy.known }
      const changes = LdapChanges.poll(client, { ...view, source, since: copy.cookie, ...known })
      // The consumer crashes in the middle, and continues from its last checkpoint.
      if (random() < 0.3) {
        const most = Math.floor(random() * 8)
        yield* Stream.runForEach(Stream.take(changes, most), copy.apply)
      }
      yield* Stream.runForEach(
        LdapChanges.poll(client, { ...view, source, since: copy.cookie, ...known }),
        copy.apply
      )
      assert.deepStrictEqual(linesOf(copy), yield* linesOnServer(client, view, uuid), `after round ${round}`)
    }
  })

/** Follows while the history runs; `disturb` is called between changes. */
export const followed = (
  subject: Subject,
  changes: number,
  disturb: (change: number) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const { client, place, source, uuid } = subject
    const random = randomOf(subject.seed)
    const counter = { value: 0 }
    const view = { base: place.top, filter: subject.filter ?? filter }
    const copy = LdapChanges.makeCopy()
    const following = LdapChanges.follow(client, {
      ...view,
      source,
      known: copy.known,
      pollInterval: "2 seconds",
      schedule: Schedule.spaced("100 millis")
    })
    const fiber = yield* Effect.forkChild(Stream.runForEach(following, copy.apply))
    for (let i = 0; i < changes; i++) {
      yield* Effect.retry(step(client, place, random, counter), Schedule.spaced("50 millis"))
      yield* disturb(i)
    }
    const expected = yield* Effect.retry(linesOnServer(client, view, uuid), Schedule.spaced("50 millis"))
    // The last change arrives within the pause between two polls plus the time of a reconnection.
    const arrived = Effect.suspend((): Effect.Effect<void, unknown> => {
      if (fiber.pollUnsafe() !== undefined) return Effect.andThen(Fiber.join(fiber), Effect.die("the stream has ended"))
      return JSON.stringify(linesOf(copy)) === JSON.stringify(expected) ? Effect.void : Effect.fail("not yet")
    })
    yield* arrived.pipe(
      Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 600 }),
      Effect.catch(() => Effect.sync(() => assert.deepStrictEqual(linesOf(copy), expected)))
    )
    yield* Fiber.interrupt(fiber)
    return copy
  })
