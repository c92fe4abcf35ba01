/** Events are handled one after another, however deep the calls that add them are. */
import { assert, describe, it } from "@effect/vitest"
import { EventQueue } from "../../../src/session/driver/EventQueue.ts"

describe("EventQueue", () => {
  it("runs one step at a time: events that arrive during a step wait in order", () => {
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

  it("handles 100,000 events, each of which adds the next, once each and with a shallow stack", () => {
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

  it("handles many events that one event adds", () => {
    const seen: Array<number> = []
    const queue = new EventQueue<number>((event) => {
      seen.push(event)
      if (event === 0) { for (let i = 1; i <= 5000; i++) queue.dispatch(i) }
    })
    queue.dispatch(0)
    assert.deepStrictEqual(seen, Array.from({ length: 5001 }, (_, i) => i))
  })
})
