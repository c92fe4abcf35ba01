/** S6: time limits follow the monotonic clock, and a process that was busy reads before a limit passes. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as TestClock from "effect/testing/TestClock"
import { Worker } from "node:worker_threads"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import { millisOf, systemClock } from "../../../src/session/driver/systemClock.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { connect, octets, ok, over, settle } from "../recording/RecordingPeer.ts"

/** A clock whose wall time can be set. Its monotonic time and its sleep are those of the real clock. */
const settable = (clock: Clock.Clock) => {
  let offset = 0
  const stepped: Clock.Clock = Object.create(clock, {
    currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() + offset },
    currentTimeNanosUnsafe: { value: () => clock.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n },
    monotonicTimeNanosUnsafe: { value: () => clock.monotonicTimeNanosUnsafe() },
    sleep: { value: (duration: never) => clock.sleep(duration) }
  })
  return {
    stepped,
    set: (millis: number) => {
      offset = millis
    }
  }
}

describe("S6: a wall clock that is set", () => {
  it.effect.each([["back", -3_600_000], ["forward", 3_600_000]] as const)(
    "%s by an hour changes no time limit of an operation, and none of the release",
    ([, step]) =>
      Effect.gen(function*() {
        const { set, stepped } = settable(yield* Clock.Clock)
        const { peer, session: opening } = yield* connect({ closeTimeout: "5 seconds", requestTimeout: "2 seconds" })
        const scope = yield* Scope.make()
        const session = yield* Effect.provideService(Scope.provide(opening, scope), Clock.Clock, stepped)
        const operation = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
        yield* peer.expect("DeleteRequest")
        set(step)
        yield* TestClock.adjust("1999 millis")
        yield* settle
        assert.isUndefined(operation.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepInclude((yield* Fiber.join(operation)).reason, { _tag: "RequestTimeout", inDoubt: true })
        set(0)
        const release = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* settle
        set(step)
        yield* TestClock.adjust("4999 millis")
        yield* settle
        assert.isUndefined(release.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(release)
      })
  )

  it("changes nothing of the time that sessions read without a clock of the program", () => {
    const [read, before] = [millisOf(systemClock), Date.now]
    const start = read()
    for (const step of [-3_600_000, 3_600_000]) {
      Date.now = () => before() + step
      try {
        assert.isAtLeast(read(), start)
        assert.isBelow(read() - start, 60_000)
      } finally {
        Date.now = before
      }
    }
  })

  it("read without a BigInt is in milliseconds, as that of a clock of the program", () => {
    const read = millisOf(systemClock)
    const other = millisOf(Object.create(systemClock) as Clock.Clock)
    const [start, otherStart] = [read(), other()]
    const until = start + 20
    while (read() < until);
    // Seconds would be far less, nanoseconds far more.
    const passed = other() - otherStart
    assert.isTrue(passed > 10 && passed < 10_000, `${passed}`)
  })
})

/** A server in its own thread, so that it answers while this thread is busy. Sets `answered` then. */
const server = `
const { parentPort, workerData } = require("node:worker_threads")
const answer = Buffer.from(workerData.answer)
const answered = new Int32Array(workerData.shared)
require("node:net").createServer((socket) => {
  socket.on("error", () => {})
  socket.once("data", () => socket.write(answer, () => {
    Atomics.store(answered, 0, 1)
    Atomics.notify(answered, 0)
  }))
}).listen(0, "127.0.0.1", function() { parentPort.postMessage(this.address().port) })
`

describe("S6: a process that was busy", () => {
  it.live("gets a response that arrived meanwhile, although the time limit has passed", () =>
    Effect.gen(function*() {
      const answered = new Int32Array(new SharedArrayBuffer(4))
      const worker = yield* Effect.acquireRelease(
        Effect.sync(() =>
          new Worker(server, {
            eval: true,
            workerData: { shared: answered.buffer, answer: octets(1, { _tag: "DeleteResponse", result: ok }) }
          })
        ),
        (worker) => Effect.promise(() => worker.terminate())
      )
      const port = yield* Effect.callback<number>((resume) => {
        worker.once("message", (port) => resume(Effect.succeed(port)))
      })
      const timeout = 50
      const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${port}`, closeTimeout: 0 })
      const operation = yield* Effect.forkChild(Effect.exit(session.delete("cn=a", { timeout })), {
        startImmediately: true
      })
      // The request is sent at the end of this turn; then this thread blocks until the response has arrived and the limit has passed.
      yield* Effect.promise(() => Promise.resolve())
      const until = performance.now() + 2 * timeout
      Atomics.wait(answered, 0, 0, 20_000)
      while (performance.now() < until);
      assert.strictEqual(answered[0], 1)
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(operation)))
    }))

  it.effect("has written the request that a fiber sent when a response resumed it, before that fiber goes on", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      let writes = 0
      const counted = Socket.make({
        reader: client.reader,
        writer: Effect.map(client.writer, (writer) => ({
          ...writer,
          write: (chunk: Parameters<typeof writer.write>[0]) =>
            Effect.andThen(Effect.sync(() => writes++), writer.write(chunk))
        }))
      })
      const session = yield* LdapSession.fromSocket(counted, { closeTimeout: 0, protection: "local" })
      const seen = yield* Effect.forkChild(
        Effect.gen(function*() {
          yield* session.delete("cn=a")
          yield* Effect.forkChild(Effect.exit(session.delete("cn=b")), { startImmediately: true })
          yield* Effect.promise(() => Promise.resolve())
          return writes
        }),
        { startImmediately: true }
      )
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      assert.strictEqual(yield* Fiber.join(seen), 2)
    }))
})
