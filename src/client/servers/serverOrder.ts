/**
 * In which order the servers of a set are tried: pure, given what chance and the set's own count say.
 */

/**
 * How a server is chosen among those of the best priority that can be used.
 *
 * **Details**
 *
 * - `failover`: the first as they are listed (of DNS: the one with the greatest weight). The others only if it can't be used.
 * - `roundRobin`: each in its turn.
 * - `random`: by chance, in proportion to the weights (RFC 2782).
 * - `fewestConnections`: the one with the fewest open sessions of this set.
 * - `fastestConnect`: the one that is connected first. The one that was the fastest the last time begins; each further one joins
 *   after `stagger`, or when one before it fails.
 *
 * Whichever is chosen, when it fails the next is tried, and those of the next priority after all of this one.
 *
 * @category models
 * @since 0.1.0
 */
export type Strategy = "failover" | "roundRobin" | "random" | "fewestConnections" | "fastestConnect"

/** What the order depends on. */
export interface Ranked {
  /** Lower ones first. */
  readonly priority: number
  readonly weight: number
  /** Sessions that are open, or being opened or closed. */
  readonly sessions: number
  /** How long connecting took the last time, in milliseconds; undefined where that isn't known. */
  readonly connectMillis: number | undefined
}

/**
 * All the servers, in groups of one priority each. `turn` counts the choices that were made; `random` is at least 0 and less
 * than 1.
 */
export const orderOf = <S extends Ranked>(
  strategy: Strategy,
  servers: ReadonlyArray<S>,
  turn: number,
  random: () => number
): ReadonlyArray<ReadonlyArray<S>> => {
  const groups = new Map<number, Array<S>>()
  for (const server of servers) {
    const group = groups.get(server.priority)
    if (group === undefined) groups.set(server.priority, [server])
    else group.push(server)
  }
  return [...groups.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, group]) => orderWithin(strategy, group, turn, random))
}

const orderWithin = <S extends Ranked>(
  strategy: Strategy,
  group: ReadonlyArray<S>,
  turn: number,
  random: () => number
): ReadonlyArray<S> => {
  switch (strategy) {
    case "failover":
      return by(group, ({ weight }) => -weight)
    case "roundRobin": {
      const first = turn % group.length
      return [...group.slice(first), ...group.slice(0, first)]
    }
    case "random":
      return drawn(group, random)
    case "fewestConnections":
      return by(group, ({ sessions }) => sessions)
    case "fastestConnect":
      // Unknown ones first: that is how they become known.
      return by(group, ({ connectMillis }) => connectMillis ?? -1)
  }
}

/** Those with the same value stay in their order. */
const by = <S>(group: ReadonlyArray<S>, value: (server: S) => number): ReadonlyArray<S> =>
  [...group].sort((a, b) => value(a) - value(b))

/**
 * One after the other, each with a probability in proportion to its weight among those that are left. A weight of 0 among
 * others is a very small one; where all are 0 they are alike (RFC 2782, "Weight").
 */
const drawn = <S extends Ranked>(group: ReadonlyArray<S>, random: () => number): ReadonlyArray<S> => {
  const left = [...group]
  const order: Array<S> = []
  const least = group.some(({ weight }) => weight > 0) ? 0.01 : 1
  const weightOf = ({ weight }: S): number => Math.max(weight, least)
  while (left.length > 0) {
    let rest = random() * left.reduce((sum, server) => sum + weightOf(server), 0)
    const index = left.findIndex((server) => (rest -= weightOf(server)) < 0)
    // Sums of fractions may end a little above what was drawn.
    order.push(...left.splice(index === -1 ? left.length - 1 : index, 1))
  }
  return order
}
