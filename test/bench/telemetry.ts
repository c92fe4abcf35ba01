/**
 * The cost of spans and metrics for a lookup without a reader: lookups with the session's telemetry, in turns with lookups without.
 * Both run in one process, since the difference between two processes is larger than the figure.
 *
 *     node test/bench/telemetry.ts URL [--quick]
 */
import * as Effect from "effect/Effect"
import { operationsBy } from "../../src/session/calls/operationsBy.ts"
import { untraced } from "../../src/session/calls/Performer.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { SessionMetrics } from "../../src/telemetry/SessionMetrics.ts"
import { personDn } from "./servers/directory.ts"

const [url = ""] = process.argv.slice(2)
const quick = process.argv.includes("--quick")
const [turns, lookups] = quick ? [4, 200] : [24, 1_500]
const dns = Array.from({ length: lookups }, (_, i) => personDn(i))

const cpuMicros = Effect.fnUntraced(function*(session: LdapSession.LdapOperations) {
  const before = process.cpuUsage()
  yield* Effect.forEach(dns, (dn) => session.lookup(dn), { discard: true })
  const { system, user } = process.cpuUsage(before)
  return (system + user) / lookups
})

// oxlint-disable-next-line typescript/unbound-method -- it is put back where it was taken from
const answered = SessionMetrics.prototype.answered

const program = Effect.gen(function*() {
  const session = yield* LdapSession.make({ url })
  // They differ in nothing but the tracing.
  const bare = operationsBy(untraced(session))
  let [watched, alone] = [Infinity, Infinity]
  for (let turn = 0; turn < turns; turn++) {
    SessionMetrics.prototype.answered = answered
    watched = Math.min(watched, yield* cpuMicros(session))
    SessionMetrics.prototype.answered = () => {}
    alone = Math.min(alone, yield* cpuMicros(bare))
  }
  return { watched, alone, ratio: watched / alone }
})

console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(program))))
