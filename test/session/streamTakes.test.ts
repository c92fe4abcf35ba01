/**
 * S6 and S10: the difference between what a stream has delivered and what its consumer has taken, if a consumer that is resumed in
 * the middle of a step takes, waits and stops waiting before the rest of that step.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import type { LdapMessage } from "../../src/protocol/LdapMessage.ts"
import { connect, done, entry, octets, ok, settle } from "./recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

const yes: LdapMessage["operation"] = { _tag: "CompareResponse", result: { ...ok, code: 6 } }
const start = <A, E, R>(operation: Effect.Effect<A, E, R>) => Effect.forkChild(operation, { startImmediately: true })

describe("entries that a stream delivers", () => {
  it.effect("S10: an entry that arrives with the answer for which its consumer waited is seen at once", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const seen: Array<string> = []
      const consumer = yield* start(
        Stream.runForEach(session.search({ base: "dc=x" }), ({ dn }) => {
          seen.push(dn)
          return dn === "cn=1" ? Effect.asVoid(session.compare("cn=a", "cn", "a")) : Effect.void
        })
      )
      const search = yield* peer.expect("SearchRequest")
      yield* peer.send(search.messageId, entry("cn=1"))
      const compare = yield* peer.expect("CompareRequest")
      // It is unread when the answer arrives, so the consumer takes it in the middle of that step.
      yield* peer.send(search.messageId, entry("cn=2"))
      yield* settle
      yield* peer.sendOctets(Buffer.concat([octets(compare.messageId, yes), octets(search.messageId, entry("cn=3"))]))
      yield* settle
      assert.deepStrictEqual(seen, ["cn=1", "cn=2", "cn=3"])
      yield* peer.send(search.messageId, done)
      yield* Fiber.join(consumer)
    }))

  it.effect("S6: a pull that replaces another one in the middle of a step leaves no timer set", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "500 millis" })
      const seen: Array<string> = []
      const consumer = yield* start(Effect.scoped(Effect.gen(function*() {
        const pull = yield* Stream.toPull(session.search({ base: "dc=x" }))
        const take = Effect.map(pull, (entries) => void seen.push(...entries.map(({ dn }) => dn)))
        yield* take
        yield* Effect.raceFirst(take, Effect.asVoid(session.compare("cn=a", "cn", "a")))
        yield* take
        // It doesn't wait for the server in this time.
        yield* Effect.sleep(2000)
        yield* take
      })))
      const search = yield* peer.expect("SearchRequest")
      yield* peer.send(search.messageId, entry("cn=1"))
      const compare = yield* peer.expect("CompareRequest")
      yield* peer.sendOctets(Buffer.concat([octets(compare.messageId, yes), octets(search.messageId, entry("cn=2"))]))
      yield* settle
      yield* TestClock.adjust(1900)
      yield* settle
      assert.strictEqual(peer.count("AbandonRequest"), 0)
      yield* peer.send(search.messageId, entry("cn=3"))
      yield* settle
      yield* TestClock.adjust(200)
      yield* Fiber.join(consumer)
      assert.deepStrictEqual(seen, ["cn=1", "cn=2", "cn=3"])
    }))

  it.effect.each<[string, boolean]>([
    ["a cursor that is given back", false],
    ["a sorted page that is left to its end", true]
  ])("S10: a full stream doesn't keep a search from the place of %s", ([, isSorted]) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "Infinity" })
      const controls = isSorted ? [LdapControl.sortRequest.make([{ attribute: "cn" }])] : []
      const large = entry("cn=s", { description: "x".repeat(1000) })
      const full = yield* start(Stream.runForEach(session.search({ base: "dc=full" }), () => Effect.never))
      const filling = yield* peer.expect("SearchRequest")
      yield* peer.send(filling.messageId, large)
      yield* settle
      yield* peer.sendOctets(Buffer.concat(Array.from({ length: 400 }, () => octets(filling.messageId, large))))
      yield* settle

      const first = yield* start(Stream.runDrain(session.search({ base: "dc=1", pageSize: 1, controls })))
      const page = yield* peer.expect("SearchRequest")
      const cookie = Buffer.from("more")
      if (!isSorted) {
        yield* peer.send(page.messageId, entry("cn=a"))
        yield* peer.send(page.messageId, done, [LdapControl.pagedResults({ size: 0, cookie })])
        yield* peer.expect("SearchRequest")
      }
      yield* Fiber.interrupt(first)
      const second = yield* start(session.searchResult({ base: "dc=2", pageSize: 1 }))
      if (isSorted) {
        yield* peer.send(page.messageId, done, [LdapControl.pagedResults({ size: 0, cookie })])
      } else yield* peer.expect("AbandonRequest")
      yield* settle
      // A sorted search pauses before it gives its cursor back.
      yield* TestClock.adjust(5)
      const back = yield* peer.expect("SearchRequest")
      assert.strictEqual(back.operation.base, "dc=1")
      yield* peer.send(back.messageId, done)
      const next = yield* peer.expect("SearchRequest")
      assert.strictEqual(next.operation.base, "dc=2")
      yield* peer.send(next.messageId, done)
      yield* Fiber.join(second)
      yield* Fiber.interrupt(full)
    }))
})
