/**
 * A carrier whose fibers give way to others at every step, and one whose ways are slow or break: nothing is lost, doubled or
 * forgotten between two steps of a fiber.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import { Carrier, type Ways } from "../../src/connection/Carrier.ts"
import type { ConnectionEnd } from "../../src/connection/LdapConnection.ts"
import { SessionEnd } from "../../src/model/LdapError.ts"
import { settle } from "../session/RecordingPeer.ts"

/** Ways that are never ready, unless a test says how. */
const ways = (given: Partial<Ways>): Ways => ({
  read: Effect.never,
  write: () => Effect.never,
  shutdown: Effect.never,
  ...given
})

/** The least that a fiber needs to go on at all. */
const restless = (operations: number) => Context.make(MaxOpsBeforeYield, operations)

const octets = (text: string): Uint8Array => Buffer.from(text)

const broken = SessionEnd.ConnectionLost({ detail: "it broke" }) as ConnectionEnd

/** A carrier and what it tells. */
const carry = (given: Partial<Ways>, context: Context.Context<never> = Context.empty()) => {
  const carrier = new Carrier(ways(given), context)
  const told: Array<string> = []
  let onOctets = (text: string): void => void told.push(text)
  carrier.receive({
    onOctets: (chunk) => onOctets(Buffer.from(chunk).toString()),
    onEnd: ({ detail }) => told.push(`end: ${detail}`),
    onRoom: () => told.push("room")
  })
  return {
    carrier,
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
  it.effect("hands over nothing after a pause, though it came in one read, and the rest in its order later", () =>
    Effect.gen(function*() {
      let reads = 0
      const { carrier, onOctets, told } = carry({
        read: Effect.suspend(() => (reads++ === 0 ? Effect.succeed(["a", "b", "c"].map(octets)) : Effect.never))
      })
      onOctets(() => carrier.pause())
      carrier.resume()
      assert.deepStrictEqual(told, ["a"])
      assert.isTrue(carrier.hasUnread)
      carrier.resume()
      assert.deepStrictEqual(told, ["a", "b"])
      onOctets(() => {
        carrier.pause()
        carrier.resume()
      })
      carrier.resume()
      yield* settle
      assert.deepStrictEqual(told, ["a", "b", "c"])
      assert.strictEqual(reads, 2)
    }))

  it.effect.each([3, 4, 5, 6, 7])(
    "goes on whenever it is resumed, where fibers give way after %s operations",
    (operations) =>
      Effect.gen(function*() {
        const queue = yield* Queue.unbounded<string>()
        const { carrier, onOctets, told } = carry(
          { read: Effect.map(Queue.take(queue), (text) => [octets(text)]) },
          restless(operations)
        )
        onOctets(() => {
          carrier.pause()
          // In each of the steps that follow.
          let steps = told.length
          const resume = () => {
            if (steps-- > 0) queueMicrotask(resume)
            else carrier.resume()
          }
          setImmediate(resume)
        })
        carrier.resume()
        for (let i = 0; i < 20; i++) {
          yield* Queue.offer(queue, `${i}`)
          for (let j = 0; j < 20 && told.length <= i; j++) yield* settle
          assert.lengthOf(told, i + 1)
        }
      })
  )

  it.effect("does not begin again once it was stopped", () =>
    Effect.gen(function*() {
      let reads = 0
      const { carrier, told } = carry({ read: Effect.andThen(Effect.sync(() => reads++), Effect.never) })
      carrier.resume()
      yield* carrier.stop
      carrier.resume()
      yield* settle
      assert.strictEqual(reads, 1)
      assert.deepStrictEqual(told, [])
    }))

  it.effect("hands nothing over within the call that writes, though the answer is there by then", () =>
    Effect.gen(function*() {
      let arrive = (_: Effect.Effect<ReadonlyArray<Uint8Array>>): void => assert.fail("nobody reads")
      const { carrier, told } = carry({
        read: Effect.callback((resume) => {
          arrive = resume
        }),
        write: () => Effect.sync(() => arrive(Effect.succeed([octets("answer")])))
      })
      carrier.resume()
      assert.isTrue(carrier.write(octets("question")))
      assert.deepStrictEqual(told, [])
      yield* settle
      assert.deepStrictEqual(told, ["answer"])
    }))
})

describe("writing", () => {
  it.effect("is one after the other, in order, and tells of room when all is written", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const { carrier, told } = carry({
        write: (chunk) =>
          Effect.andThen(Deferred.await(gate), Effect.sync(() => void written.push(Buffer.from(chunk).toString())))
      })
      assert.deepStrictEqual(["a", "b", "c"].map((text) => carrier.write(octets(text))), [false, false, false])
      yield* settle
      assert.deepStrictEqual([written, told], [[], []])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual([written, told], [["a", "b", "c"], ["room"]])
      // What is written within the call needs no word.
      assert.isTrue(carrier.write(octets("d")))
      assert.deepStrictEqual([written, told], [["a", "b", "c", "d"], ["room"]])
    }))

  it.effect.each([3, 4, 5, 6, 7])(
    "loses nothing, whenever it comes, where fibers give way after %s operations",
    (operations) =>
      Effect.gen(function*() {
        for (let steps = 0; steps < 20; steps++) {
          const written: Array<string> = []
          const { carrier } = carry(
            { write: (chunk) => Effect.sync(() => void written.push(Buffer.from(chunk).toString())) },
            restless(operations)
          )
          carrier.write(octets("a"))
          for (let i = 0; i < steps; i++) yield* Effect.yieldNow
          for (const text of ["b", "c"]) carrier.write(octets(text))
          for (let i = 0; i < 20; i++) yield* settle
          assert.deepStrictEqual(written, ["a", "b", "c"], `after ${steps} steps`)
        }
      })
  )

  it.effect("ends with what can't be written: nothing follows, no room is told, and the end is", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const gate = yield* Deferred.make<void, ConnectionEnd>()
      const { carrier, told } = carry({
        write: (chunk) => {
          written.push(Buffer.from(chunk).toString())
          return Deferred.await(gate)
        }
      })
      for (const text of ["a", "b"]) carrier.write(octets(text))
      yield* Deferred.fail(gate, broken)
      yield* settle
      assert.deepStrictEqual([written, told], [["a"], ["end: it broke"]])
    }))

  it.effect("comes before the closing of this side, which a stop leaves out", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const slow = {
        write: () => Effect.andThen(Deferred.await(gate), Effect.sync(() => void seen.push("written"))),
        shutdown: Effect.sync(() => void seen.push("closed"))
      }
      const { carrier } = carry(slow)
      carrier.write(octets("a"))
      carrier.shutdown(() => seen.push("told"))
      const stopped = carry(slow)
      stopped.carrier.write(octets("a"))
      stopped.carrier.shutdown(() => seen.push("told"))
      yield* stopped.carrier.stop
      yield* settle
      assert.deepStrictEqual(seen, [])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(seen, ["written", "closed", "told"])
    }))
})
