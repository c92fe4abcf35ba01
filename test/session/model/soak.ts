/**
 * Opens and closes thousands of sessions, each with a bind and an abandoned search, and reports leaks:
 *
 *     node test/session/model/soak.ts --sessions 100000 --over memory
 *     node test/session/model/soak.ts --sessions 100000 --over tcp
 *
 * Fails if the number of unbinds that the peers received differs from the number of sessions, if a descriptor or a fiber is left,
 * or if memory grew by more than 32 MB after the first tenth.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync, readdirSync } from "node:fs"
import * as Net from "node:net"
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import { LdapParser } from "../../../src/protocol/LdapCodec.ts"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { entry, octets, ok } from "../recording/RecordingPeer.ts"

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "100000" },
    over: { type: "string", default: "memory" },
    concurrency: { type: "string", default: "16" }
  }
})

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

let unbinds = 0
let fibers = 0

/** The server's side: answers a bind, and begins a search that never ends. */
const serve = (write: (octets: Uint8Array) => void): (chunk: Uint8Array) => void => {
  const parser = new LdapParser()
  return (chunk) => {
    const failure = parser.push(chunk, ({ messageId, operation }) => {
      const reply = (operation: ProtocolOperation) => write(octets(messageId, operation))
      if (operation._tag === "BindRequest") reply({ _tag: "BindResponse", result: ok })
      if (operation._tag === "SearchRequest") reply(entry("cn=a"))
      if (operation._tag === "UnbindRequest") unbinds++
    })
    if (failure !== undefined) throw failure
  }
}

type Opening = Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

const inMemory: Effect.Effect<Opening> = Effect.succeed(
  Effect.gen(function*() {
    const [client, server] = yield* MemorySocket.pair()
    const serving = Effect.scoped(
      Effect.gen(function*() {
        const { pull } = yield* server.reader
        const { write } = yield* server.writer
        const answers: Array<Uint8Array> = []
        const take = serve((octets) => answers.push(octets))
        yield* Effect.forever(
          Effect.flatMap(pull, (chunks) => {
            for (const chunk of chunks) take(chunk as Uint8Array)
            return Effect.forEach(answers.splice(0), write, { discard: true })
          })
        )
      })
    )
    yield* Effect.forkDetach(Effect.exit(serving), { startImmediately: true })
    return yield* LdapSession.fromSocket(client, { protection: "local", auth })
  })
)

const overTcp: Effect.Effect<Opening, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer((socket) => {
        socket.on("data", serve((octets) => socket.write(octets)))
        socket.on("error", () => {})
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  ),
  (server) => LdapSession.make({ url: `ldap://127.0.0.1:${(server.address() as Net.AddressInfo).port}`, auth })
)

const auth = LdapAuth.simple("cn=a", Redacted.make("secret"))

const descriptors = (): number => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : NaN)

interface Left {
  readonly rss: number
  readonly heap: number
  readonly descriptors: number
  readonly fibers: number
}

/** The resources in use when everything is idle. */
const left = Effect.gen(function*() {
  for (let i = 0; i < 100; i++) yield* Effect.yieldNow
  collectGarbage()
  yield* Effect.yieldNow
  collectGarbage()
  const { heapUsed, rss } = process.memoryUsage()
  return { rss, heap: heapUsed, descriptors: descriptors(), fibers } satisfies Left
})

const print = (name: string, { descriptors, fibers, heap, rss }: Left) =>
  console.log(
    `${name}: RSS ${(rss / 2 ** 20).toFixed(1)} MB, heap ${(heap / 2 ** 20).toFixed(1)} MB, ` +
      `${descriptors} descriptors, ${fibers} fibers`
  )

const program = Effect.gen(function*() {
  const opening = yield* values.over === "tcp" ? overTcp : inMemory
  const session = Effect.scoped(
    Effect.gen(function*() {
      const session = yield* opening
      const search = session.search({ base: "dc=example,dc=org" })
      yield* Stream.runDrain(Stream.take(search, 1))
      yield* Effect.forkChild(Stream.runDrain(search))
    })
  ).pipe(
    Effect.provideService(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => fibers++,
      recordFiberEnd: () => fibers--
    })
  )
  const many = (count: number) =>
    Effect.forEach(Array.from({ length: count }), () => Effect.flatMap(Effect.forkChild(session), Fiber.join), {
      concurrency: Number(values.concurrency),
      discard: true
    })
  const sessions = Number(values.sessions)
  const warmUp = Math.ceil(sessions / 10)
  yield* many(warmUp)
  const before = yield* left
  print(`after ${warmUp} sessions over ${values.over}`, before)
  for (let rest = sessions - warmUp; rest > 0; rest -= 10_000) yield* many(Math.min(rest, 10_000))
  const after = yield* left
  print(`after ${sessions} sessions, ${unbinds} unbinds`, after)
  const grown = (after.heap - before.heap) / 2 ** 20
  const isClean = unbinds === sessions && after.fibers === 0 && !(after.descriptors > before.descriptors) && grown < 32
  if (!isClean) process.exitCode = 1
})

await Effect.runPromise(Effect.scoped(program))
