/** Events one after another, however deep the calls are that bring them. */
import { assert, describe, it } from "@effect/vitest"
import { EventQueue } from "../../../src/session/driver/EventQueue.ts"

describe("EventQueue", () => {
  it("begins no step in the middle of another: what comes meanwhile waits, in its order", () => {
    const seen: Array<string> = []
    const queue = new EventQueue<number>((event) => {
      seen.push(`begin ${event}`)
      assert.isTrue(queue.isBusy)
      if (event === 1) {
        queue.dispatch(2)
        queue.dispatch(3)
      }
      if (event === 2) queue.dispatch(4)
      seen.push(`end ${event}`)
    })
    queue.dispatch(1)
    assert.isFalse(queue.isBusy)
    queue.dispatch(5)
    assert.deepStrictEqual(seen, [1, 2, 3, 4, 5].flatMap((event) => [`begin ${event}`, `end ${event}`]))
  })

  it("works off each of a hundred thousand once, of which every one brings the next, with a shallow stack", () => {
    const last = 100_000
    let next = 0
    let isInOrder = true
    const queue = new EventQueue<number>((event) => {
      isInOrder &&= event === next++
      if (event < last) queue.dispatch(event + 1)
    })
    queue.dispatch(0)
    assert.strictEqual(next, last + 1)
    assert.isTrue(isInOrder)
  })

  it("works off many that one of them brings", () => {
    const seen: Array<number> = []
    const queue = new EventQueue<number>((event) => {
      seen.push(event)
      if (event === 0) { for (let i = 1; i <= 5000; i++) queue.dispatch(i) }
    })
    queue.dispatch(0)
    assert.deepStrictEqual(seen, Array.from({ length: 5001 }, (_, i) => i))
  })
})
