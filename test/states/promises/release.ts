/** S2: the release leads from every state to closed, whether the environment responds or not. */
import { decode } from "../canonical.ts"
import type { Step } from "../world/Step.ts"
import type { World } from "../world/World.ts"
import { takeStep } from "./actions.ts"
import { broken } from "./Broken.ts"

/** More steps than any path to the end has. */
const mostSteps = 16

export interface Ways {
  /** Only the time limit of the goodbye passes. */
  readonly silent: ReadonlyArray<Step>
  /** The events that the environment owes, in the order in which they are tried. */
  readonly polite: ReadonlyArray<Step>
}

const owed: ReadonlyArray<RegExp> = [
  /^what arrived together is parsed$/,
  /^the handshake succeeds$/,
  /^what follows the bind is decided$/,
  /^this side is closed$/,
  /^the connection is freed$/,
  /^the peer answers .*: success$/,
  /^the connection ends \(ConnectionLost\)$/
]

export const waysOf = (world: World, alphabet: ReadonlyArray<Step>): Ways => {
  const isTls = ({ about }: Step): boolean => about < 0 || world.callers[about]!.spec.kind === "startTls"
  // A correct peer answers once.
  const once = (step: Step): Step => ({
    ...step,
    isEnabled: (model) =>
      step.isEnabled(model) &&
      (step.about < 0 ||
        (model.environment.calls[step.about]!.isWritten && !model.environment.calls[step.about]!.isAnswered))
  })
  return {
    silent: alphabet.filter(({ name }) =>
      name === "the time of the goodbye is over" || name === "what arrived together is parsed"
    ),
    polite: owed.flatMap((name) => alphabet.filter((step) => name.test(step.name) && isTls(step)).map(once))
  }
}

/** Releases the session in a copy of the state and follows both paths. */
export const checkRelease = (
  world: World,
  alphabet: ReadonlyArray<Step>,
  ways: Ways,
  bytes: Uint8Array,
  at: number
): number => {
  const release = alphabet.find(({ name }) => name === "the session is released")!
  let walked = 0
  for (const way of [ways.silent, ways.polite]) {
    const model = decode(world, bytes, at)
    const start = way.find(({ isEnabled, name }) => name === "what arrived together is parsed" && isEnabled(model))
    if (start !== undefined) takeStep(model, start)
    if (!model.environment.isEnded) takeStep(model, release)
    let steps = 0
    while (!model.environment.isClosed) {
      const next = way.find((step) => step.isEnabled(model))
      if (next === undefined) return broken("S2: after the release nothing more happens, and the session isn't closed")
      takeStep(model, next)
      walked++
      if (++steps > mostSteps) return broken("S2: the release comes to no end")
    }
  }
  return walked
}
