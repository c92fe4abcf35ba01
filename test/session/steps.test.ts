/**
 * What opening and closing a session costs, counted: the operations that the runtime evaluates, and the fibers that it starts. Each
 * shows in the time of a connection, so none may be added unnoticed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { answering } from "./recording/answering.ts"
import { listen } from "./recording/RecordingServer.ts"

/** Counts the steps and fibers of everything that runs with it, also of fibers that a session starts later. */
const counter = () => {
  let [steps, fibers] = [0, 0]
  const scheduler = new Scheduler.MixedScheduler()
  const counting: Scheduler.Scheduler = {
    executionMode: scheduler.executionMode,
    makeDispatcher: () => scheduler.makeDispatcher(),
    shouldYield: () => {
      steps++
      return false
    }
  }
  return <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      const before = { steps, fibers }
      return effect.pipe(
        Effect.provideService(Scheduler.Scheduler, counting),
        Effect.provideService(Metric.FiberRuntimeMetrics, {
          recordFiberStart: () => fibers++,
          recordFiberEnd: () => {}
        }),
        Effect.map(() => ({ steps: steps - before.steps, fibers: fibers - before.fibers }))
      )
    })
}

const auth = LdapAuth.simple("cn=a", Redacted.make("secret"))
const certificates = makeCertificates()
const tls = { ca: certificates.ca.cert }

describe("opening, binding and closing a session over a socket", () => {
  it.live.each(
    [
      // A fiber that connects, which a timer can interrupt.
      { url: "ldap://127.0.0.1", steps: 18, fibers: 1 },
      { url: "ldaps://127.0.0.1", steps: 25, fibers: 1 },
      // Also two that look addresses up, two attempts at most, and the delays between them.
      { url: "ldap://localhost", steps: 145, fibers: 8 }
    ] as const
  )("$url: takes no more steps and fibers than now", ({ fibers, steps, url }) =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate: certificates.server, secure: url.startsWith("ldaps") })
      yield* Effect.forkScoped(
        Effect.forever(Effect.flatMap(server.accept, (peer) => Effect.forkScoped(answering(peer))))
      )
      const cost = counter()
      const scope = yield* Scope.make()
      const opening = yield* cost(Scope.provide(LdapSession.make({ url: `${url}:${server.port}`, auth, tls }), scope))
      const closing = yield* cost(Scope.close(scope, Exit.void))
      assert.isAtMost(opening.steps, steps)
      assert.isAtMost(opening.fibers, fibers)
      assert.isAtMost(closing.steps, 12)
      // The fiber that closes the connection: a release may be interrupted while it waits, and the closing may not.
      assert.isAtMost(closing.fibers, 1)
    }))
})
