/**
 * S1, S2, S3, S5 and S7 under every order in which two and three fibers can take their steps, up to a bound (see schedules.ts). The
 * number of schedules is printed. `INTERLEAVINGS=2 npx vitest run test/session/interleavings` tries the schedules with two
 * deviations for all programs, which takes minutes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { answering } from "../recording/answering.ts"
import { over, type RecordingPeer } from "../recording/RecordingPeer.ts"
import { explore } from "./schedules.ts"

const auth = LdapAuth.simple("cn=a", Redacted.make("secret"))
const sasl = LdapAuth.sasl(LdapSasl.plain({ username: "a", password: Redacted.make("secret") }))

interface World {
  readonly session: LdapSession.LdapSession
  readonly peer: RecordingPeer
  /** Closes the scope of the session. Any fiber may do so, also several of them. */
  readonly release: Effect.Effect<void>
}

/** The fibers of a program. Their results are not checked; the messages on the wire are. */
type Program = (world: World) => ReadonlyArray<Effect.Effect<unknown, unknown>>

/** The answer belongs to the request, or the session ended before the answer arrived. */
const remove = ({ session }: World, dn: string) =>
  Effect.matchEffect(session.delete(dn), {
    onFailure: ({ reason: { _tag } }) => (_tag === "SessionClosed" ? Effect.void : Effect.die(_tag)),
    onSuccess: ({ matchedDn }) => (matchedDn === dn ? Effect.void : Effect.die(`the answer for ${matchedDn}`))
  })

const interrupted = (operation: Effect.Effect<unknown, unknown>) =>
  Effect.flatMap(Effect.forkChild(operation, { startImmediately: true }), (fiber) => Fiber.interrupt(fiber))

const programs: Record<string, Program> = {
  "an operation beside another one": (world) => [remove(world, "cn=a"), remove(world, "cn=b")],
  "an operation beside a bind": (world) => [remove(world, "cn=a"), world.session.bind(auth)],
  "an operation beside a bind by SASL": (world) => [remove(world, "cn=a"), world.session.bind(sasl)],
  "two binds": ({ session }) => [session.bind(auth), session.bind(LdapAuth.anonymous)],
  "an operation beside StartTLS": (world) => [remove(world, "cn=a"), world.session.startTls()],
  "an operation beside the release": (world) => [remove(world, "cn=a"), world.release],
  "a bind beside the release": ({ release, session }) => [session.bind(auth), release],
  "a bind by SASL beside the release": ({ release, session }) => [session.bind(sasl), release],
  "StartTLS beside the release": ({ release, session }) => [session.startTls(), release],
  "two releases": ({ release }) => [release, release],
  "an interrupted operation beside a bind": (world) => [
    interrupted(world.session.delete("cn=a")),
    world.session.bind(auth),
    remove(world, "cn=b")
  ],
  "a cancelled operation beside a bind": (world) => [
    interrupted(world.session.delete("cn=a", { cancel: true })),
    world.session.bind(auth)
  ],
  "an interrupted bind beside an operation": (world) => [interrupted(world.session.bind(auth)), remove(world, "cn=a")],
  "an interrupted bind by SASL beside an operation": (world) => [
    interrupted(world.session.bind(sasl)),
    remove(world, "cn=a")
  ],
  "an interrupted StartTLS beside an operation": (world) => [
    interrupted(world.session.startTls()),
    remove(world, "cn=a")
  ],
  "a stream with a lookup for each entry, beside a bind": ({ session }) => [
    Stream.runDrain(Stream.mapEffect(session.search({ base: "dc=a" }), ({ dn }) => session.lookup(dn))),
    session.bind(auth)
  ],
  "a stream in pages that ends early, beside a bind": ({ session }) => [
    Stream.runDrain(Stream.take(session.search({ base: "dc=a", pageSize: 1 }), 1)),
    session.bind(auth)
  ],
  "a stream in pages, beside the release": ({ release, session }) => [
    Stream.runDrain(session.search({ base: "dc=a", pageSize: 1 })),
    release
  ]
}

/** S7: between an exclusive request and its response, only a Cancel and the final unbind may be sent. */
const assertAlone = (kinds: ReadonlyArray<string>, answeredBy: ReadonlyArray<number>) => {
  kinds.forEach((kind, i) => {
    if (kind !== "BindRequest") return
    const next = kinds[i + 1]
    if (next === undefined || next === "UnbindRequest") return
    assert.isTrue(answeredBy[i]! <= i, `${next} was sent before the bind was answered: ${kinds.join()}`)
  })
}

const runOf = (program: Program, begin: Effect.Effect<void>): Effect.Effect<void, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const [client, server] = yield* MemorySocket.pair()
    const peer = yield* over(server)
    const upgradable = Socket.make({
      reader: Effect.map(client.reader, ({ pull }) => ({ pull, upgrade: () => Effect.yieldNow })),
      writer: client.writer
    })
    /** For each request: the number of requests that had arrived when it was answered. */
    const answeredBy: Array<number> = []
    const observed: RecordingPeer = {
      ...peer,
      send: (messageId, operation, controls) =>
        Effect.suspend(() => {
          const index = peer.received.findIndex((request) => request.messageId === messageId)
          answeredBy[index] = peer.received.length - 1
          return peer.send(messageId, operation, controls)
        })
    }
    const serving = yield* Effect.forkDetach(answering(observed))
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(
      LdapSession.fromSocket(upgradable, { protection: "local", allowInsecureAuth: true }),
      scope
    )
    const release = Scope.close(scope, Exit.void)
    const start = yield* Deferred.make<void>()
    const fibers = yield* Effect.forEach(
      program({ session, peer, release }),
      (effect) => Effect.forkChild(Effect.exit(Effect.andThen(Deferred.await(start), effect)))
    )
    yield* begin
    yield* Deferred.succeed(start, undefined)
    for (const fiber of fibers) {
      const exit = yield* Fiber.join(fiber)
      if (Exit.hasDies(exit)) return yield* Effect.failCause((exit as Exit.Failure<never, unknown>).cause)
    }
    // The session works as before, or has been released.
    const isOpen = Exit.isSuccess(yield* Effect.exit(session.delete("cn=last")))
    if (isOpen) assert.strictEqual((yield* session.bind(LdapAuth.anonymous)).code, 0)
    yield* release
    yield* peer.ended
    const seen = peer.events.join()
    assert.strictEqual(peer.count("UnbindRequest"), 1, seen)
    assert.strictEqual(peer.octetsAfterUnbind(), 0, seen)
    assert.strictEqual(peer.events.at(-1), "FIN", seen)
    assert.isAtMost(peer.count("AbandonRequest"), 1, seen)
    assertAlone(peer.kinds(), answeredBy)
    assert.isFalse(client.isOpen())
    yield* Fiber.interrupt(serving)
  }))

describe("every order of the steps of fibers", () => {
  const deviations = Number(process.env["INTERLEAVINGS"] ?? 1)

  it.each(Object.keys(programs))("%s", async (name) => {
    const { decisions, schedules } = await explore((begin) => runOf(programs[name]!, begin), { deviations })
    console.log(
      `${name}: ${schedules} schedules with at most ${deviations} deviations, up to ${decisions} decisions each`
    )
    assert.isAbove(schedules, 50)
  }, 600_000)
})
