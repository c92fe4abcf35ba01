/**
 * Interrupts a fiber at each of its steps in turn, and at each step of every other fiber that participates: before each operation
 * that the runtime evaluates, while the fiber runs and while it waits.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"

/** The arguments of one run of a scenario. After the run, none of the fibers that it started may be left. */
export interface Stepping {
  /** Starts the fiber that will be interrupted. Steps are counted from here until it ends. */
  readonly target: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<Fiber.Fiber<A, E>, never, R>
}

/** Resumes a fiber in the next microtask instead of the next turn of the event loop, since there are many. */
const atOnce = new Scheduler.MixedScheduler("async", (task) => {
  let isCancelled = false
  queueMicrotask(() => {
    if (!isCancelled) task()
  })
  return () => {
    isCancelled = true
  }
})

/** Ends a scenario that hangs. It uses real time even under a test clock, so that the failure names the scenario. */
const hanging = Effect.callback<never>((resume) => {
  const timer = setTimeout(() => resume(Effect.die("it hangs")), 10_000)
  return Effect.sync(() => clearTimeout(timer))
})

/**
 * A scheduler that makes every fiber yield after a number of operations, for long enough that sockets deliver their events in
 * between. The default is 2,048 operations, so a bug between two particular operations would show once in a thousand runs.
 */
export const givingWayAfter = (operations: number): Scheduler.Scheduler => {
  const patient = new Scheduler.MixedScheduler("async", (task) => {
    const timer = setTimeout(task, 1)
    return () => clearTimeout(timer)
  })
  return {
    executionMode: patient.executionMode,
    makeDispatcher: () => patient.makeDispatcher(),
    shouldYield: (fiber) => fiber.currentOpCount >= operations
  }
}

/** Resuming a fiber that yielded costs two operations. With more frequent yields it would never continue. */
const leastBetweenYields = 3

/**
 * Runs the scenario once for each step, until the fiber ends before its interruption is due, and returns the number of steps. With
 * `yields` every fiber yields after each of its operations, which is the other extreme of how fibers can interleave.
 */
export const atEveryStep = Effect.fnUntraced(function*<E, R>(
  options: { readonly yields: boolean; readonly every?: number | undefined },
  scenario: (stepping: Stepping) => Effect.Effect<void, E, R>
): Effect.fn.Return<number, E, R> {
  const scheduling = yield* Scheduler.Scheduler
  const parent = options.yields ? atOnce : scheduling
  for (let step = 0;; step += options.every ?? 1) {
    let steps = 0
    let fibers = 0
    let isInterrupted = false
    let target: Fiber.Fiber<unknown, unknown> | undefined
    const scheduler: Scheduler.Scheduler = {
      executionMode: parent.executionMode,
      makeDispatcher: () => parent.makeDispatcher(),
      shouldYield: (fiber) => {
        if (target !== undefined && target.pollUnsafe() === undefined && steps++ === step) {
          isInterrupted = true
          if (fiber !== target) {
            target.interruptUnsafe()
          } else {
            // A running fiber is interrupted when it has yielded.
            queueMicrotask(() => target!.interruptUnsafe())
            return true
          }
        }
        return options.yields ? fiber.currentOpCount >= leastBetweenYields : parent.shouldYield(fiber)
      }
    }
    const run = scenario({
      target: (effect) =>
        Effect.forkDetach(
          Effect.withFiber((fiber) => {
            target = fiber
            return effect
          }),
          { startImmediately: true }
        )
    })
    const leaving = Effect.suspend(() => {
      let turns = 0
      return Effect.whileLoop({
        while: () => fibers > 0 && turns++ < 1000,
        body: () => Effect.yieldNow,
        step: () => {}
      })
    })
    yield* run.pipe(
      Effect.provideService(Scheduler.Scheduler, scheduler),
      Effect.provideService(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => fibers++,
        recordFiberEnd: () => fibers--
      }),
      Effect.andThen(leaving),
      Effect.andThen(Effect.suspend(() => (fibers === 0 ? Effect.void : Effect.die(`${fibers} fibers are left`)))),
      Effect.raceFirst(hanging),
      Effect.catchDefect((defect) =>
        Effect.die(
          new Error(`interrupted at step ${step}${options.yields ? ", yielding" : ""}: ${String(defect)}`, {
            cause: defect
          })
        )
      )
    )
    if (!isInterrupted) return steps
  }
})
