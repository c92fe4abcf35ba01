/** Two tasks that are compared, and how. */

/** The work of this library and that of another, or of a floor. Each call does all of it once. */
export interface Pair {
  readonly own: () => unknown
  readonly other: () => unknown
}

/** The pairs of one process by their names. They are made when it begins. */
export interface Pairs {
  readonly pairs: Readonly<Record<string, Pair>>
  readonly close?: () => Promise<void>
}

/** CPU microseconds of this process, including the threads that collect garbage and compile. */
const cpuOf = async (work: () => unknown): Promise<number> => {
  // Most garbage of the other task is not counted. A full collection would also discard compiled code.
  globalThis.gc?.({ type: "minor" })
  const before = process.cpuUsage()
  await work()
  const { system, user } = process.cpuUsage(before)
  return system + user
}

/** In CPU microseconds: tasks of a few milliseconds take hundreds of turns until all of their code is compiled. */
const leastSpent = 800_000
const mostSpent = 6_000_000
const leastTurns = 5

/**
 * The CPU of the first over that of the other, best with best: other work on the machine can only add. They take turns. If the ratio
 * is within the limit, it ends early; otherwise it goes on, so that a busy moment doesn't decide.
 */
export const ratioOf = async ({ other, own }: Pair, limit: number): Promise<number> => {
  let [ownBest, otherBest, spent] = [Infinity, Infinity, 0]
  for (let turn = 0; turn === 0 || spent < mostSpent; turn++) {
    for (const isOwn of turn % 2 === 0 ? [true, false] : [false, true]) {
      const micros = await cpuOf(isOwn ? own : other)
      spent += micros
      if (isOwn) ownBest = Math.min(ownBest, micros)
      else otherBest = Math.min(otherBest, micros)
    }
    if (turn + 1 >= leastTurns && spent >= leastSpent && ownBest <= limit * otherBest) break
  }
  return ownBest / otherBest
}
