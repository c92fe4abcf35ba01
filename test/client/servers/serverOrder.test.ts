/** The strategies, with plain data instead of servers. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { orderOf, type Ranked, type Strategy } from "../../../src/client/servers/serverOrder.ts"

const whole = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const strategies = ["failover", "roundRobin", "random", "fewestConnections", "fastestConnect"] as const

const server = Arbitrary.map(
  Arbitrary.array(whole(0, 3), { minLength: 4, maxLength: 4 }),
  ([priority = 0, weight = 0, sessions = 0, connect = 0]): Ranked => (
    { priority, weight, sessions, connectMillis: connect === 0 ? undefined : connect }
  )
)

/** Fixed numbers, the same in every run. */
const chance = (seed: number) => {
  let state = seed + 1
  return () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff
}

const property = (name: string, holds: (servers: ReadonlyArray<Ranked>, turn: number) => void) =>
  it.prop(name, [Arbitrary.array(server, { maxLength: 8 }), whole(0, 1000)], ([servers, turn]) => holds(servers, turn))

const isSorted = (values: ReadonlyArray<number>) => values.every((value, i) => i === 0 || values[i - 1]! <= value)

describe("the order of servers", () => {
  property("has each server once, and priorities in their order, whatever the strategy", (servers, turn) => {
    for (const strategy of strategies) {
      const groups = orderOf(strategy, servers, turn, chance(turn))
      assert.sameMembers(groups.flat(), [...servers])
      assert.strictEqual(groups.flat().length, servers.length)
      assert.isTrue(isSorted(groups.flatMap((group) => group.map(({ priority }) => priority))))
      assert.strictEqual(new Set(groups.map(([first]) => first!.priority)).size, groups.length)
    }
  })

  const within = (strategy: Strategy, value: (server: Ranked) => number) =>
    property(
      `${strategy} sorts by what it is about, and keeps the order of the list where that is the same`,
      (servers, turn) => {
        for (const group of orderOf(strategy, servers, turn, chance(turn))) {
          assert.isTrue(isSorted(group.map(value)))
          group.forEach((server, i) => {
            const next = group[i + 1]
            if (next !== undefined && value(server) === value(next))
              assert.isBelow(servers.indexOf(server), servers.indexOf(next))
          })
        }
      }
    )
  within("failover", ({ weight }) => -weight)
  within("fewestConnections", ({ sessions }) => sessions)
  within("fastestConnect", ({ connectMillis }) => connectMillis ?? -1)

  property("round robin begins with each server equally often", (servers, turn) => {
    const group = servers.map((server) => ({ ...server, priority: 0 }))
    const firsts = group.map((_, i) => orderOf("roundRobin", group, turn + i, chance(0))[0]![0]!)
    assert.sameMembers(firsts, group)
  })

  it.prop("random starts with each server in proportion to its weight", [
    Arbitrary.array(whole(0, 5), { minLength: 1, maxLength: 5 }),
    whole(0, 1000)
  ], ([weights, seed]) => {
    const group = weights.map((weight): Ranked => ({ priority: 0, weight, sessions: 0, connectMillis: undefined }))
    const random = chance(seed)
    const draws = 4000
    const counts = new Map<Ranked, number>()
    for (let i = 0; i < draws; i++) {
      const first = orderOf("random", group, i, random)[0]![0]!
      counts.set(first, (counts.get(first) ?? 0) + 1)
    }
    const sum = weights.reduce((sum, weight) => sum + weight, 0)
    group.forEach((server) => {
      const expected = sum === 0 ? 1 / group.length : server.weight / sum
      assert.closeTo((counts.get(server) ?? 0) / draws, expected, 0.05)
    })
  })
})
