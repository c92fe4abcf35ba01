/**
 * Runs a program under every order in which its fibers can take their steps, up to a bound.
 *
 * A schedule is a list of decisions. Before every operation that a fiber evaluates, there is a decision whether it continues or
 * yields. If several fibers are ready, there is a decision which is next. After each run of a fiber, there is a decision whether
 * the microtasks run now or after the next fiber. By default a fiber continues, the first ready fiber is next, and the microtasks
 * run at once. All schedules with at most `deviations` decisions against the default are tried, in order. With 0 there is one
 * schedule, with 1 there are as many as decisions, with 2 about half of the square of that. Most races need one or two, since they
 * are two steps with another step in between.
 *
 * Time stands still, and everything is in memory, so a schedule always gives the same run.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"

/** A decision against the default: its number, and the number of the alternative (from 1). */
export interface Deviation {
  readonly at: number
  readonly alternative: number
}

export type Schedule = ReadonlyArray<Deviation>

/** How many operations a fiber that has yielded runs before the next decision, since resuming it takes some operations. */
const leastBetweenYields = 3

/** The decisions of one run, in order. */
class Decisions {
  readonly #deviations: ReadonlyMap<number, number>
  /** The number of alternatives of each decision, without the default. */
  readonly alternatives: Array<number> = []
  /** Decisions count from here on. Everything before is the same for all programs. */
  hasBegun = false

  constructor(schedule: Schedule) {
    this.#deviations = new Map(schedule.map(({ alternative, at }) => [at, alternative]))
  }

  decide(alternatives: number): number {
    if (!this.hasBegun) return 0
    const at = this.alternatives.push(alternatives) - 1
    return this.#deviations.get(at) ?? 0
  }
}

class Controlled implements Scheduler.Scheduler {
  readonly executionMode = "async" as const
  readonly #decisions: Decisions
  readonly #ready: Array<() => void> = []
  #isRunning = false

  constructor(decisions: Decisions) {
    this.#decisions = decisions
  }

  shouldYield(fiber: { readonly currentOpCount: number }): boolean {
    return fiber.currentOpCount >= leastBetweenYields && this.#decisions.decide(1) === 1
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return {
      scheduleTask: (task) => {
        this.#ready.push(task)
        if (this.#isRunning) return
        this.#isRunning = true
        setImmediate(() => void this.#run())
      },
      flush: () => {}
    }
  }

  async #run(): Promise<void> {
    while (this.#ready.length > 0) {
      const next = this.#ready.length === 1 ? 0 : this.#decisions.decide(this.#ready.length - 1)
      const [task] = this.#ready.splice(next, 1)
      task!()
      if (this.#ready.length === 0 || this.#decisions.decide(1) === 0) await microtasks()
    }
    this.#isRunning = false
  }
}

/** Lets all microtasks run, including those that they schedule. */
const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 8; i++) await Promise.resolve()
}

export interface Explored {
  /** How many schedules were run. */
  readonly schedules: number
  /** The maximum number of decisions of a schedule. */
  readonly decisions: number
}

/**
 * Runs the program once for each schedule. Decisions count from where the program runs `begin`. Fails with the first schedule under
 * which the program fails, hangs, or leaves a fiber. `only` runs one schedule again.
 */
export const explore = async (
  program: (begin: Effect.Effect<void>) => Effect.Effect<void, unknown>,
  options: { readonly deviations: number; readonly only?: Schedule | undefined; readonly most?: number }
): Promise<Explored> => {
  let schedules = 0
  let most = 0
  const runs: Array<Schedule> = [options.only ?? []]
  while (runs.length > 0) {
    const schedule = runs.pop()!
    const decisions = new Decisions(schedule)
    const begin = Effect.sync(() => {
      decisions.hasBegun = true
    })
    await runUnder(program(begin), decisions, schedule)
    schedules++
    most = Math.max(most, decisions.alternatives.length)
    if (options.only !== undefined || schedule.length === options.deviations) continue
    if (schedules + runs.length >= (options.most ?? Infinity)) continue
    // The schedules with one more deviation, after the last one, so that no schedule comes twice.
    for (let at = decisions.alternatives.length - 1; at > (schedule.at(-1)?.at ?? -1); at--) {
      for (let alternative = decisions.alternatives[at]!; alternative > 0; alternative--) {
        runs.push([...schedule, { at, alternative }])
      }
    }
  }
  return { schedules, decisions: most }
}

const runUnder = async (
  program: Effect.Effect<void, unknown>,
  decisions: Decisions,
  schedule: Schedule
): Promise<void> => {
  let fibers = 0
  const controlled = program.pipe(
    Effect.provideService(Scheduler.Scheduler, new Controlled(decisions)),
    Effect.provideService(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => fibers++,
      recordFiberEnd: () => fibers--
    })
  )
  const fail = (what: string, cause?: unknown) => {
    throw new Error(`${what} under the schedule ${JSON.stringify(schedule)}`, { cause })
  }
  const fiber = Effect.runFork(controlled)
  for (let turn = 0; fiber.pollUnsafe() === undefined && turn < 2000; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  const exit = fiber.pollUnsafe()
  if (exit === undefined) {
    fiber.interruptUnsafe()
    return fail("it hangs")
  }
  if (Exit.isFailure(exit)) return fail(Cause.pretty(exit.cause))
  // What was interrupted last may need a turn to end.
  for (let turn = 0; fibers > 0 && turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  if (fibers !== 0) fail(`${fibers} fibers are left`)
}
