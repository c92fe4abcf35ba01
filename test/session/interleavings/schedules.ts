/**
 * Runs a program under every order in which its fibers can take their steps, up to a bound.
 *
 * A schedule is a list of decisions. There is one before every operation that a fiber evaluates (does it go on, or give way to the
 * others?), one wherever several fibers are ready (which is next?), and one after each run of a fiber (do the microtasks come now, or
 * after the next fiber?). By default a fiber goes on, the first that is ready is next, and the microtasks come at once. All schedules
 * with at most `deviations` decisions against the default are tried, in order: with 0 there is one, with 1 as many as there are
 * decisions, with 2 about half of their square. Most races need one or two, since they are two steps with something in between.
 *
 * Time stands still, and everything is in memory, so a schedule gives the same run each time.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"

/** A decision that goes against the default: which, and which of its alternatives (from 1 on). */
export interface Deviation {
  readonly at: number
  readonly alternative: number
}

export type Schedule = ReadonlyArray<Deviation>

/** A fiber that has given way goes on for so many operations before it is asked again: to take it up costs some. */
const leastBetweenYields = 3

/** Decisions of one run, in the order in which they come up. */
class Decisions {
  readonly #deviations: ReadonlyMap<number, number>
  /** How many alternatives each had, the default not counted. */
  readonly alternatives: Array<number> = []
  /** Decisions count from here on: what goes before is the same for all programs. */
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

/** Lets every microtask run, and those that they plan. */
const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 8; i++) await Promise.resolve()
}

export interface Explored {
  /** How many schedules were run. */
  readonly schedules: number
  /** The most decisions that one of them had. */
  readonly decisions: number
}

/**
 * Runs the program once for each schedule; decisions count from where it runs `begin`. Fails with the first schedule under which it fails, hangs, or leaves a fiber. `only` is to
 * run one again.
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
    // Those that deviate once more, behind the last deviation: so none comes twice.
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
