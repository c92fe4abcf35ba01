import { assert, describe, it } from "@effect/vitest"
import { maxInt } from "../../src/protocol/LdapMessage.ts"
import { InFlight } from "../../src/session/core/InFlight.ts"
import { makeOperation, type Operation } from "../../src/session/core/Operation.ts"

const operation = (messageId: number): Operation => ({
  ...makeOperation(undefined, { kind: "request", expects: "SearchResultDone", timeoutMillis: Infinity }),
  messageId
})

describe("requests in flight", () => {
  it("are found by their ids, also when those share their last bits", () => {
    const inFlight = new InFlight()
    const operations = [1, 129, 257, 2, maxInt, 65_537].map(operation)
    for (const each of operations) inFlight.add(each)
    assert.strictEqual(inFlight.size, 6)
    for (const each of operations) assert.strictEqual(inFlight.get(each.messageId), each)
    assert.isFalse(inFlight.has(385))
    assert.isFalse(inFlight.has(0))
    assert.deepStrictEqual(inFlight.values().map(({ messageId }) => messageId), [1, 2, 129, 257, 65_537, maxInt])
  })

  it("are gone one by one, in any order, and only once", () => {
    const inFlight = new InFlight()
    const [first, second, third] = [operation(1), operation(129), operation(257)] as const
    for (const each of [first, second, third]) inFlight.add(each)
    inFlight.delete(first)
    inFlight.delete(first)
    assert.strictEqual(inFlight.size, 2)
    assert.isUndefined(inFlight.get(1))
    assert.strictEqual(inFlight.get(129), second)
    // Another request takes the free slot. Those that were stored elsewhere are still found.
    const fourth = operation(385)
    inFlight.add(fourth)
    inFlight.delete(second)
    assert.deepStrictEqual(inFlight.values(), [third, fourth])
    inFlight.delete(operation(385))
    assert.strictEqual(inFlight.get(385), fourth)
  })
})
