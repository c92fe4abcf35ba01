/**
 * The order in which the servers of a set are tried: a pure function of a random number and of the number of earlier choices.
 */

/**
 * How a server is chosen among those of the best priority that can be used.
 *
 * **Details**
 *
 * - `failover`: the first of the list (with DNS: the one with the greatest weight). The others are used only if it can't be used.
 * - `roundRobin`: each in turn.
 * - `random`: at random, in proportion to the weights (RFC 2782).
 * - `fewestConnections`: the one with the fewest open sessions of this set.
 * - `fastestConnect`: the one that connects first. The server that was the fastest the last time is tried first; each further one is tried
 *   as well after `stagger`, or when one before it has failed.
 *
 * If the chosen server fails, the next one is tried. Servers of the next priority are tried after all servers of this one.
 *
 * @category models
 * @since 0.1.0
 */
export type Strategy = "failover" | "roundRobin" | "random" | "fewestConnections" | "fastestConnect"

/** The properties that the order depends on. */
export interface Ranked {
  /** Lower priorities come first. */
  readonly priority: number
  readonly weight: number
  /** Sessions that are open, or being opened or closed. */
  readonly sessions: number
  /** How long connecting took the last time, in milliseconds; undefined if that isn't known. */
  readonly connectMillis: number | undefined
}

/**
 * All the servers, in groups of one priority each. `turn` is the number of earlier choices; `random` is at least 0 and less
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
      // Servers without a measured time come first, so that they get one.
      return by(group, ({ connectMillis }) => connectMillis ?? -1)
  }
}

/** The sort is stable: equal values stay in their order. */
const by = <S>(group: ReadonlyArray<S>, value: (server: S) => number): ReadonlyArray<S> =>
  [...group].sort((a, b) => value(a) - value(b))

/**
 * Draws one server after the other, each with a probability in proportion to its weight among the remaining ones. A weight of 0 beside
 * others counts as a very small weight; if all weights are 0, all servers are equally likely (RFC 2782, "Weight").
 */
const drawn = <S extends Ranked>(group: ReadonlyArray<S>, random: () => number): ReadonlyArray<S> => {
  const left = [...group]
  const order: Array<S> = []
  const least = group.some(({ weight }) => weight > 0) ? 0.01 : 1
  const weightOf = ({ weight }: S): number => Math.max(weight, least)
  while (left.length > 0) {
    let rest = random() * left.reduce((sum, server) => sum + weightOf(server), 0)
    const index = left.findIndex((server) => (rest -= weightOf(server)) < 0)
    // Because of rounding, the last sum may be a little below what was drawn.
    order.push(...left.splice(index === -1 ? left.length - 1 : index, 1))
  }
  return order
}
