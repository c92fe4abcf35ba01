/** Requests that wait to be written share a buffer: those that are withdrawn must not leave with the others. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { LdapParser } from "../../../src/protocol/LdapCodec.ts"
import { pendingOf, PendingOperation } from "../../../src/session/driver/PendingOperation.ts"
import { RequestWriter } from "../../../src/session/driver/RequestWriter.ts"
import { ok, settle } from "../recording/RecordingPeer.ts"
import { open, ScriptedConnection } from "./ScriptedConnection.ts"

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

/** A session whose first request is written, after which the connection has no room. */
const withoutRoom = Effect.gen(function*() {
  const connection = new ScriptedConnection()
  connection.onWrite = () => false
  const session = yield* open(connection, { closeTimeout: 0 })
  const first = yield* start(session.delete("cn=first"))
  yield* settle
  connection.onWrite = () => true
  connection.written.length = 0
  return { connection, session, first }
})

/** What was written: the names of requests, or the kind of a message without one. */
const written = ({ written }: ScriptedConnection): ReadonlyArray<string> =>
  written.map(({ operation }) => "dn" in operation ? operation.dn : operation._tag)

class Deletion extends PendingOperation {
  constructor(dn: string) {
    super({ operation: "delete", dn }, { kind: "request", expects: "DeleteResponse", timeoutMillis: Infinity })
  }
  request() {
    return { request: { _tag: "DeleteRequest", dn: this.context.dn! } as const, controls: [] }
  }
  onSettled(): void {}
}

describe("requests that wait to be written", () => {
  for (const withdrawn of [[0], [2], [4], [1, 3], [0, 1, 2], [2, 3, 4], [0, 1, 2, 3, 4], []]) {
    it.effect(`leave without those that were withdrawn: ${withdrawn.join(", ")}`, () =>
      Effect.gen(function*() {
        const { connection, session } = yield* withoutRoom
        const names = [0, 1, 2, 3, 4].map((i) => `cn=${i}`)
        const fibers = yield* Effect.forEach(names, (name) => start(session.delete(name)))
        for (const i of withdrawn) yield* Fiber.interrupt(fibers[i]!)
        assert.deepStrictEqual(written(connection), [])
        connection.receiver.onRoom()
        const left = names.filter((_, i) => !withdrawn.includes(i))
        assert.deepStrictEqual(written(connection), left)
        for (const { messageId } of connection.written)
          connection.send(messageId, { _tag: "DeleteResponse", result: ok })
        yield* Fiber.joinAll(fibers.filter((_, i) => !withdrawn.includes(i)))
        // The buffer is used again.
        const next = yield* start(session.delete("cn=next"))
        yield* settle
        assert.deepStrictEqual(written(connection), [...left, "cn=next"])
        yield* Fiber.interrupt(next)
      }))
  }

  it.effect("leave in their order with an Abandon among them", () =>
    Effect.gen(function*() {
      const { connection, first, session } = yield* withoutRoom
      yield* start(session.delete("cn=0"))
      yield* Fiber.interrupt(first)
      yield* start(session.delete("cn=1"))
      yield* start(session.delete("cn=2"))
      connection.receiver.onRoom()
      assert.deepStrictEqual(written(connection), ["cn=0", "AbandonRequest", "cn=1", "cn=2"])
    }))

  it.effect("are whole and in order where they fill several buffers", () =>
    Effect.gen(function*() {
      const { connection, session } = yield* withoutRoom
      const value = "x".repeat(40_000)
      const names = [0, 1, 2, 3, 4, 5].map((i) => `cn=${i}`)
      const fibers = yield* Effect.forEach(names, (name) => start(session.add(name, { objectClass: "device", value })))
      yield* Fiber.interrupt(fibers[1]!)
      yield* Fiber.interrupt(fibers[4]!)
      connection.receiver.onRoom()
      assert.deepStrictEqual(written(connection), ["cn=0", "cn=2", "cn=3", "cn=5"])
      for (const { operation } of connection.written) {
        assert.isTrue(operation._tag === "AddRequest" && operation.attributes[1]?.values[0]?.length === value.length)
      }
    }))

  it("leave nothing of one that can't be encoded", () => {
    const connection = new ScriptedConnection()
    const writer = new RequestWriter(() => connection, { allowInsecureAuth: false })
    const [a, wrong, b] = ["cn=a", "cn=\ud800", "cn=b"].map((dn) => new Deletion(dn).operation)
    assert.isUndefined(writer.encode(a!))
    assert.isDefined(writer.encode(wrong!))
    assert.isUndefined(writer.encode(b!))
    // Its space is used again.
    assert.strictEqual(pendingOf(b!).encoded?.start, pendingOf(a!).encoded?.end)
    writer.write([a!, wrong!, b!], 0)
    assert.deepStrictEqual(written(connection), ["cn=a", "cn=b"])
  })

  it("stay as they were written, whatever is written later: a connection may keep the bytes", () => {
    const kept: Array<Uint8Array> = []
    const connection = new ScriptedConnection()
    connection.write = (bytes) => {
      kept.push(bytes)
      return true
    }
    const writer = new RequestWriter(() => connection, { allowInsecureAuth: false })
    // Each batch has another size, beyond that of the buffer too, and one is withdrawn.
    const sizes = Array.from({ length: 300 }, (_, i) => (i * 7_919) % 700 + (i % 50 === 49 ? 70_000 : 0))
    const names = sizes.map((size, i) => `cn=${i}${"x".repeat(size)}`)
    for (const [i, dn] of names.entries()) {
      const [withdrawn, sent] = [new Deletion("cn=withdrawn").operation, new Deletion(dn).operation]
      if (i % 3 === 0) writer.encode(withdrawn)
      assert.isUndefined(writer.encode(sent))
      writer.write([sent], 0)
    }
    const parser = new LdapParser()
    const found: Array<string> = []
    for (const bytes of kept) {
      parser.push(bytes, ({ operation }) => found.push(operation._tag === "DeleteRequest" ? operation.dn : ""))
    }
    assert.deepStrictEqual(found, names)
  })

  it("take a bounded buffer, however many are withdrawn before the connection has room", () => {
    const writer = new RequestWriter(() => new ScriptedConnection(), { allowInsecureAuth: false })
    for (let i = 0; i < 100; i++) {
      const { operation } = new Deletion(`cn=${"x".repeat(10_000)}`)
      assert.isUndefined(writer.encode(operation))
      assert.isBelow(pendingOf(operation).encoded!.batch.size, 80_000)
    }
  })
})
