/**
 * Breadth-first search over all states that a world can reach. The first broken promise that it finds has a shortest path to it.
 */
import { decode, encode, maxBytes } from "./canonical.ts"
import { Broken } from "./promises/Broken.ts"
import { checkRelease, waysOf } from "./promises/release.ts"
import { applyStep } from "./promises/steps.ts"
import { StateTable } from "./StateTable.ts"
import { callerSteps } from "./world/callerSteps.ts"
import { connectionSteps } from "./world/connectionSteps.ts"
import { initialModel } from "./world/Model.ts"
import { peerSteps } from "./world/peerSteps.ts"
import type { Step } from "./world/Step.ts"
import type { World } from "./world/World.ts"

export interface Limits {
  /** The maximum number of states of one world. */
  readonly states: number
  /** The time limit for one world, in milliseconds. */
  readonly millis: number
}

export interface Found {
  readonly promise: string
  /** The events that lead to it. */
  readonly events: ReadonlyArray<string>
  /** Whether the same events break the same promise if states aren't renamed on the way. */
  readonly isConfirmed: boolean
}

export interface Result {
  readonly world: World
  readonly states: number
  readonly transitions: number
  /** The steps of the walks from each state to its end after a release. */
  readonly releaseSteps: number
  /** The length of the longest of the shortest paths to a state. */
  readonly depth: number
  readonly millis: number
  /** The transitions between phases that were seen, as `Open --> Closing`. */
  readonly phases: ReadonlyArray<string>
  /** Whether all states were reached. */
  readonly isComplete: boolean
  readonly violation: Found | undefined
}

export const alphabetOf = (world: World): ReadonlyArray<Step> => [
  ...callerSteps(world),
  ...connectionSteps(world),
  ...peerSteps(world)
]

export const search = (world: World, limits: Limits): Result => {
  const begun = performance.now()
  const alphabet = alphabetOf(world)
  const ways = waysOf(world, alphabet)
  const table = new StateTable()
  const scratch = new Uint8Array(maxBytes)
  table.add(scratch, encode(world, initialModel(world), scratch), -1, 0)
  const phases = new Set<string>()
  let transitions = 0
  let releaseSteps = 0
  let depth = 0
  let endOfDepth = 1
  const result = (isComplete: boolean, violation?: Found): Result => ({
    world,
    states: table.size,
    transitions,
    releaseSteps,
    depth,
    phases: [...phases].sort(),
    millis: performance.now() - begun,
    isComplete,
    violation
  })
  const eventsTo = (index: number): Array<number> => {
    const steps: Array<number> = []
    for (let at = index; at > 0;) {
      const { parent, step } = table.parentOf(at)
      steps.push(step)
      at = parent
    }
    return steps.reverse()
  }
  for (let index = 0; index < table.size; index++) {
    if (index === endOfDepth) {
      depth++
      endOfDepth = table.size
    }
    if (table.size > limits.states || ((index & 0x3ff) === 0 && performance.now() - begun > limits.millis)) {
      return result(false)
    }
    const start = table.startOf(index)
    const before = decode(world, table.bytes, start)
    let tried = -1
    try {
      for (let number = 0; number < alphabet.length; number++) {
        const step = alphabet[number]!
        if (!step.isEnabled(before)) continue
        tried = number
        transitions++
        const after = decode(world, table.bytes, start)
        applyStep(world, before, after, step)
        const from = before.machine.state.phase._tag
        const to = after.machine.state.phase._tag
        if (from !== to) phases.add(`${from} --> ${to}`)
        table.add(scratch, encode(world, after, scratch), index, number)
      }
      tried = -1
      releaseSteps += checkRelease(world, alphabet, ways, table.bytes, start)
    } catch (error) {
      const steps = eventsTo(index)
      if (tried >= 0) steps.push(tried)
      return result(false, found(world, alphabet, steps, error, tried < 0))
    }
  }
  return result(true)
}

const said = (error: unknown): string =>
  error instanceof Broken
    ? error.message
    : `the machine throws: ${error instanceof Error ? error.stack : String(error)}`

/** Follows the events again, from the initial state and without canonical forms. */
const found = (
  world: World,
  alphabet: ReadonlyArray<Step>,
  steps: ReadonlyArray<number>,
  error: unknown,
  isAfterRelease: boolean
): Found => {
  const events = steps.map((step) => alphabet[step]!.name)
  if (isAfterRelease) events.push("the session is released")
  return {
    promise: said(error),
    events,
    isConfirmed: isAfterRelease || said(replay(world, alphabet, steps)) === said(error)
  }
}

const replay = (world: World, alphabet: ReadonlyArray<Step>, steps: ReadonlyArray<number>): unknown => {
  const after = initialModel(world)
  const scratch = new Uint8Array(maxBytes)
  try {
    for (const number of steps) {
      const step = alphabet[number]!
      if (!step.isEnabled(after)) return `${step.name} can't happen`
      encode(world, after, scratch)
      applyStep(world, decode(world, scratch, 0), after, step)
    }
    return "nothing"
  } catch (error) {
    return error
  }
}
