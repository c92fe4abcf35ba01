/**
 * A duplex whose fibers yield at every step, and one whose sides are slow or fail. Nothing is lost, repeated or forgotten between
 * two steps of a fiber.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import { EffectDuplex, type Sides } from "../../src/connection/EffectDuplex.ts"
import type { ConnectionEnd } from "../../src/connection/LdapConnection.ts"
import { SessionEnd } from "../../src/model/LdapError.ts"
import { settle } from "../session/recording/RecordingPeer.ts"

/** Sides that are never ready, unless a test changes that. */
const ways = (given: Partial<Sides>): Sides => ({
  read: Effect.never,
  write: () => Effect.never,
  shutdown: Effect.never,
  ...given
})

/** A scheduler that makes fibers yield after this many operations. */
const restless = (operations: number) => Context.make(MaxOpsBeforeYield, operations)

const octets = (text: string): Uint8Array => Buffer.from(text)

const broken = SessionEnd.ConnectionLost({ detail: "it broke" }) as ConnectionEnd

/** A duplex and a log of its calls to the receiver. */
const carry = (given: Partial<Sides>, context: Context.Context<never> = Context.empty()) => {
  const duplex = new EffectDuplex(ways(given), context)
  const told: Array<string> = []
  let onOctets = (text: string): void => void told.push(text)
  duplex.receive({
    onOctets: (chunk) => onOctets(Buffer.from(chunk).toString()),
    onEnd: ({ detail }) => told.push(`end: ${detail}`),
    onRoom: () => told.push("room")
  })
  return {
    duplex,
    told,
    onOctets: (handle: (text: string) => void) => {
      onOctets = (text) => {
        told.push(text)
        handle(text)
      }
    }
  }
}

describe("reading", () => {
  it.effect("delivers nothing after a pause, even of the same read, and the rest in order later", () =>
    Effect.gen(function*() {
      let reads = 0
      const { duplex, onOctets, told } = carry({
        read: Effect.suspend(() => (reads++ === 0 ? Effect.succeed(["a", "b", "c"].map(octets)) : Effect.never))
      })
      onOctets(() => duplex.pause())
      duplex.resume()
      assert.deepStrictEqual(told, ["a"])
      assert.isTrue(duplex.hasUnread)
      duplex.resume()
      assert.deepStrictEqual(told, ["a", "b"])
      onOctets(() => {
        duplex.pause()
        duplex.resume()
      })
      duplex.resume()
      yield* settle
      assert.deepStrictEqual(told, ["a", "b", "c"])
      assert.strictEqual(reads, 2)
    }))

  it.effect.each([3, 4, 5, 6, 7])(
    "continues whenever it is resumed, with fibers that yield after %s operations",
    (operations) =>
      Effect.gen(function*() {
        const queue = yield* Queue.unbounded<string>()
        const { duplex, onOctets, told } = carry(
          { read: Effect.map(Queue.take(queue), (text) => [octets(text)]) },
          restless(operations)
        )
        onOctets(() => {
          duplex.pause()
          // In each of the steps that follow.
          let steps = told.length
          const resume = () => {
            if (steps-- > 0) queueMicrotask(resume)
            else duplex.resume()
          }
          setImmediate(resume)
        })
        duplex.resume()
        for (let i = 0; i < 20; i++) {
          yield* Queue.offer(queue, `${i}`)
          for (let j = 0; j < 20 && told.length <= i; j++) yield* settle
          assert.lengthOf(told, i + 1)
        }
      })
  )

  it.effect("does not begin again after a stop", () =>
    Effect.gen(function*() {
      let reads = 0
      const { duplex, told } = carry({ read: Effect.andThen(Effect.sync(() => reads++), Effect.never) })
      duplex.resume()
      yield* duplex.stop
      duplex.resume()
      yield* settle
      assert.strictEqual(reads, 1)
      assert.deepStrictEqual(told, [])
    }))

  it.effect("delivers nothing within the call that writes, although the response has arrived by then", () =>
    Effect.gen(function*() {
      let arrive = (_: Effect.Effect<ReadonlyArray<Uint8Array>>): void => assert.fail("read was not called")
      const { duplex, told } = carry({
        read: Effect.callback((resume) => {
          arrive = resume
        }),
        write: () => Effect.sync(() => arrive(Effect.succeed([octets("answer")])))
      })
      duplex.resume()
      assert.isTrue(duplex.write(octets("question")))
      assert.deepStrictEqual(told, [])
      yield* settle
      assert.deepStrictEqual(told, ["answer"])
    }))
})

describe("writing", () => {
  it.effect("is in order, one chunk at a time, and reports room when all is written", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const { duplex, told } = carry({
        write: (chunk) =>
          Effect.andThen(Deferred.await(gate), Effect.sync(() => void written.push(Buffer.from(chunk).toString())))
      })
      assert.deepStrictEqual(["a", "b", "c"].map((text) => duplex.write(octets(text))), [false, false, false])
      yield* settle
      assert.deepStrictEqual([written, told], [[], []])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual([written, told], [["a", "b", "c"], ["room"]])
      // A write that completes within the call reports no room.
      assert.isTrue(duplex.write(octets("d")))
      assert.deepStrictEqual([written, told], [["a", "b", "c", "d"], ["room"]])
    }))

  it.effect.each([3, 4, 5, 6, 7])(
    "loses nothing at any moment, with fibers that yield after %s operations",
    (operations) =>
      Effect.gen(function*() {
        for (let steps = 0; steps < 20; steps++) {
          const written: Array<string> = []
          const { duplex } = carry(
            { write: (chunk) => Effect.sync(() => void written.push(Buffer.from(chunk).toString())) },
            restless(operations)
          )
          duplex.write(octets("a"))
          for (let i = 0; i < steps; i++) yield* Effect.yieldNow
          for (const text of ["b", "c"]) duplex.write(octets(text))
          for (let i = 0; i < 20; i++) yield* settle
          assert.deepStrictEqual(written, ["a", "b", "c"], `after ${steps} steps`)
        }
      })
  )

  it.effect("ends with a failed write: nothing follows, no room is reported, and the end is", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const gate = yield* Deferred.make<void, ConnectionEnd>()
      const { duplex, told } = carry({
        write: (chunk) => {
          written.push(Buffer.from(chunk).toString())
          return Deferred.await(gate)
        }
      })
      for (const text of ["a", "b"]) duplex.write(octets(text))
      yield* Deferred.fail(gate, broken)
      yield* settle
      assert.deepStrictEqual([written, told], [["a"], ["end: it broke"]])
    }))

  it.effect("comes before this side is closed; a stop doesn't close it", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const slow = {
        write: () => Effect.andThen(Deferred.await(gate), Effect.sync(() => void seen.push("written"))),
        shutdown: Effect.sync(() => void seen.push("closed"))
      }
      const { duplex } = carry(slow)
      duplex.write(octets("a"))
      duplex.shutdown(() => seen.push("told"))
      const stopped = carry(slow)
      stopped.duplex.write(octets("a"))
      stopped.duplex.shutdown(() => seen.push("told"))
      yield* stopped.duplex.stop
      yield* settle
      assert.deepStrictEqual(seen, [])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(seen, ["written", "closed", "told"])
    }))
})
