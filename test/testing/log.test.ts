/** The log of a directory, and clearing it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { make } from "./fixture.ts"
import { connect } from "./RawClient.ts"

describe("clearing the log", () => {
  it.effect("removes all but the open connections, and numbering continues", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const { log } = directory
      const gone = yield* connect(directory)
      assert.strictEqual(yield* gone.whoAmI, "")
      yield* gone.finish
      assert.strictEqual((yield* log.closed(1))?.closed, "fin")
      const open = yield* connect(directory)
      assert.strictEqual(yield* open.whoAmI, "")
      const before = log.entries
      log.clear()
      assert.deepStrictEqual([log.entries, log.pdus(), log.pdusByKind.size], [[], [], 0])
      assert.deepStrictEqual(log.connections.map(({ id }) => id), [2])
      assert.deepStrictEqual([log.openConnections, log.lastConnection, directory.openSessions.length], [1, 2, 1])
      assert.strictEqual(before.length, 7)
      assert.strictEqual(yield* log.closed(1), undefined)

      assert.strictEqual(yield* open.whoAmI, "")
      assert.deepStrictEqual(log.entries.map(({ connection, sequence }) => [connection, sequence]), [[2, 8], [2, 9]])
      yield* (yield* connect(directory)).finish
      assert.strictEqual((yield* log.closed(3))?.closed, "fin")
      yield* open.finish
      assert.deepStrictEqual((yield* directory.awaitClosed).map(({ id }) => id), [2, 3])
    }))
})
