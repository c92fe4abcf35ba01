/**
 * What callers do, and when. These rules are obligations of the driver. Each rule has the reason why the driver keeps it.
 */
import type { CallEvent } from "../../../src/session/core/SessionEvent.ts"
import { type Call, type Model, unitBytes } from "./Model.ts"
import type { Step } from "./Step.ts"
import type { Caller, World } from "./World.ts"

/** Messages that arrive together are processed together: the driver parses them at once, and other events wait in its queue. */
const isQuiet = ({ environment }: Model): boolean => !environment.isInChunk

const callStep = (
  name: string,
  about: number,
  isEnabled: (call: Call, model: Model) => boolean,
  event: (model: Model) => CallEvent,
  before?: (call: Call, model: Model) => void
): Step => ({
  name,
  about,
  isEnabled: (model) => isQuiet(model) && isEnabled(model.environment.calls[about]!, model),
  event,
  ...(before === undefined ? {} : { before: (model: Model) => before(model.environment.calls[about]!, model) })
})

/** The caller doesn't continue. */
const leave = (call: Call): void => {
  call.isGone = true
  endWait(call)
  call.held = 0
}

const endWait = (call: Call): void => {
  call.isWaiting = false
  call.isWoken = false
}

/** The conversation of a reservation runs in its own fiber, one step after another. */
const isStepNext = (model: Model, { callers }: World, index: number): boolean => {
  const reservation = callers[index]!.target!
  const { calls, isUndecided } = model.environment
  // Its fiber starts when the connection is granted, and continues after each answer.
  if (!calls[reservation]!.isGranted || isUndecided) return false
  for (let other = 0; other < index; other++) {
    if (callers[other]!.spec.kind !== "bindStep" || callers[other]!.target !== reservation) continue
    if (!calls[other]!.isSettled || !calls[other]!.isAnswered) return false
  }
  return true
}

const stepsOf = (world: World, caller: Caller, index: number): ReadonlyArray<Step> => {
  const { kind, timeoutMillis } = caller.spec
  const steps: Array<Step> = []
  /**
   * The caller may also leave when the operation has ended but the caller doesn't know yet, since the driver's queue is in between.
   */
  const isThere = (call: Call): boolean => call.isStarted && !call.isGone && (world.isLate === true || !call.isSettled)

  // A Cancel begins with the event `Cancel` of its target.
  if (kind !== "cancel") {
    steps.push(callStep(
      `${caller.name} starts`,
      index,
      (call, model) => !call.isStarted && (kind !== "bindStep" || isStepNext(model, world, index)),
      ({ operations }) => ({ _tag: "Start", operation: operations[index]! }),
      (call) => {
        call.isStarted = true
      }
    ))
  }
  for (const event of caller.leaves ?? []) {
    steps.push(callStep(
      event === "Interrupt" ? `${caller.name} is interrupted` : `${caller.name} is left to finish`,
      index,
      isThere,
      ({ operations }) => ({ _tag: event, operation: operations[index]! }),
      (call) => {
        call.isLeftToFinish = event === "LetFinish" && call.isWritten && !call.isSettled
        leave(call)
      }
    ))
  }
  world.callers.forEach((other, cancel) => {
    if (other.spec.kind !== "cancel" || other.target !== index) return
    steps.push(callStep(
      `${caller.name} is cancelled by ${other.name}`,
      index,
      isThere,
      ({ operations }) => ({ _tag: "Cancel", operation: operations[index]!, cancel: operations[cancel]! }),
      (call, { environment }) => {
        leave(call)
        environment.calls[cancel]!.isStarted = true
      }
    ))
  })
  if (caller.isUnsendable === true) {
    steps.push(callStep(
      `${caller.name} can't be encoded`,
      index,
      // The driver encodes on request, before anything is written.
      (call) => call.isEncoded && !call.isWritten && !call.isSettled,
      ({ operations }) => ({ _tag: "Unsendable", operation: operations[index]!, failure: { defect: "unsendable" } })
    ))
  }
  if (kind === "stream") {
    steps.push(
      callStep(
        `${caller.name} waits`,
        index,
        // One fiber reads a stream.
        (call) => isThere(call) && !call.isWaiting,
        ({ operations }) => ({ _tag: "Wait", operation: operations[index]!, timeoutMillis }),
        (call) => {
          call.isWaiting = !call.isSettled
        }
      ),
      callStep(
        `${caller.name} waits no longer`,
        index,
        (call) => isThere(call) && call.isWaiting,
        ({ operations }) => ({ _tag: "StopWaiting", operation: operations[index]! }),
        endWait
      ),
      callStep(
        `${caller.name} takes what there is`,
        index,
        (call) => isThere(call) && (call.held > 0 || call.isSettled),
        ({ environment, operations }) => {
          const bytes = environment.calls[index]!.held
          return { _tag: "Take", operation: operations[index]!, bytes: bytes === 0 ? unitBytes : bytes }
        },
        (call) => {
          call.held = 0
          endWait(call)
        }
      ),
      // More messages arrived before the driver processed this event.
      callStep(
        `${caller.name} has taken a part of what there is`,
        index,
        (call) => isThere(call) && call.held > unitBytes,
        ({ operations }) => ({ _tag: "Take", operation: operations[index]!, bytes: unitBytes }),
        (call) => {
          call.held -= unitBytes
          endWait(call)
        }
      )
    )
  }
  if (kind === "reservation") {
    steps.push(callStep(
      `${caller.name} is finished`,
      index,
      // Its fiber may end in any way, but it decides first.
      (call, { environment }) =>
        call.isGranted && !environment.isUndecided && (world.isLate === true || !call.isSettled),
      ({ operations }) => ({ _tag: "Finish", operation: operations[index]! })
    ))
  }
  if (timeoutMillis !== Infinity) {
    steps.push({
      name: `the time of ${caller.name} is over`,
      about: index,
      isEnabled: (model) => {
        const call = model.environment.calls[index]!
        // If a timer fired while another event was processed, its event is in the queue even if the timer was cleared since.
        return isQuiet(model) && (call.isTimed || (world.isLate === true && call.isSettled))
      },
      event: ({ operations }) => ({ _tag: "Timer", of: operations[index]! }),
      before: ({ environment }) => {
        environment.calls[index]!.isTimed = false
      }
    })
  }
  return steps
}

export const callerSteps = (world: World): ReadonlyArray<Step> => {
  const steps = world.callers.flatMap((caller, index) => stepsOf(world, caller, index))
  steps.push({
    name: "the session is released",
    about: -1,
    isEnabled: (model) => isQuiet(model) && (world.isLate === true || !model.environment.isEnded),
    event: () => ({ _tag: "Release" })
  })
  if (world.givesUp === true) {
    steps.push({
      name: "this side gives up",
      about: -1,
      isEnabled: (model) => isQuiet(model) && (world.isLate === true || !model.environment.isEnded),
      event: () => ({ _tag: "GiveUp", detail: "given up" })
    })
  }
  if (world.callers.some(({ spec }) => spec.kind === "reservation")) {
    steps.push({
      name: "what follows the bind is decided",
      about: -1,
      isEnabled: (model) => isQuiet(model) && (model.environment.isUndecided || world.isLate === true),
      event: () => ({ _tag: "Decide" }),
      before: ({ environment }) => {
        environment.isUndecided = false
      }
    })
  }
  return steps
}
