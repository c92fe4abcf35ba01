/** Operations whose caller has left. The search in test/states found these cases; here each has its own test. */
import { describe, expect, it } from "vitest"
import { makeOperation, type Operation } from "../../../src/session/core/Operation.ts"
import type { SessionEvent } from "../../../src/session/core/SessionEvent.ts"
import { SessionMachine } from "../../../src/session/core/SessionMachine.ts"

const timeoutMillis = 1000

const apply = (machine: SessionMachine, ...events: ReadonlyArray<SessionEvent>): void => {
  for (const event of events) machine.apply(event)
}

const outcomesOf = ({ actions }: SessionMachine) =>
  actions.flatMap((action) => action._tag === "Settle" ? [[action.operation.owner, action.outcome._tag]] : [])

const abandoned = ({ state: { queue } }: SessionMachine) =>
  [...queue.waiting].flatMap((item) => "target" in item && !("spec" in item) ? [item.target] : [])

describe("S5: a Cancel that never reaches the server leads to an Abandon of its target", () => {
  /** A search that is in flight, and a Cancel of it that waits to be written. */
  const cancelled = (): { machine: SessionMachine; search: Operation; cancel: Operation } => {
    const machine = new SessionMachine(timeoutMillis)
    const search = makeOperation("search", { kind: "stream", expects: "SearchResultDone", timeoutMillis })
    const cancel = makeOperation("cancel", { kind: "cancel", expects: "ExtendedResponse", timeoutMillis }, search)
    apply(
      machine,
      { _tag: "Start", operation: search },
      { _tag: "Flush" },
      { _tag: "Cancel", operation: search, cancel }
    )
    return { machine, search, cancel }
  }

  it("when the caller of the Cancel is interrupted", () => {
    const { cancel, machine, search } = cancelled()
    apply(machine, { _tag: "Interrupt", operation: cancel })
    expect(outcomesOf(machine)).toEqual([["cancel", "Withdrawn"], ["search", "Abandoned"]])
    expect(abandoned(machine)).toEqual([search.messageId])
  })

  it("when the Cancel is left to finish", () => {
    const { cancel, machine, search } = cancelled()
    apply(machine, { _tag: "LetFinish", operation: cancel })
    expect(outcomesOf(machine)).toEqual([["cancel", "Withdrawn"], ["search", "Abandoned"]])
    expect(abandoned(machine)).toEqual([search.messageId])
  })

  it("when the Cancel can't be encoded", () => {
    const { cancel, machine, search } = cancelled()
    apply(machine, { _tag: "Unsendable", operation: cancel, failure: { defect: "too large" } })
    expect(outcomesOf(machine)).toEqual([["cancel", "Unsendable"], ["search", "Abandoned"]])
    expect(abandoned(machine)).toEqual([search.messageId])
  })
})

it("S6: a bind request that was written ends in doubt when the time of its conversation is over", () => {
  const machine = new SessionMachine(timeoutMillis)
  const reservation = makeOperation("bind", { kind: "reservation", expects: "BindResponse", timeoutMillis })
  const step = makeOperation(
    "step",
    { kind: "bindStep", expects: "BindResponse", timeoutMillis: Infinity },
    reservation
  )
  apply(
    machine,
    { _tag: "Start", operation: reservation },
    { _tag: "Start", operation: step },
    { _tag: "Flush" },
    { _tag: "Timer", of: reservation }
  )
  const outcomes = machine.actions.flatMap((action) => (action._tag === "Settle" ? [action.outcome] : []))
  expect(outcomes).toMatchObject([{ _tag: "TimedOut", inDoubt: true }, { _tag: "SessionEnded", inDoubt: true }])
})

it("S5: the unbind has another message id than a request that was not answered, also when ids start again", () => {
  const machine = new SessionMachine(timeoutMillis)
  const search = makeOperation("search", { kind: "stream", expects: "SearchResultDone", timeoutMillis })
  apply(machine, { _tag: "Start", operation: search }, { _tag: "Flush" })
  // 2^31 other requests come and go.
  machine.state.ids.last = 2147483647
  apply(machine, { _tag: "Release" })
  const unbinds = machine.actions.flatMap((action) => (action._tag === "Unbind" ? [action.messageId] : []))
  expect([search.messageId, ...unbinds]).toEqual([1, 2])
})

it("S6: a search that is left to finish keeps the time limit that it has", () => {
  const machine = new SessionMachine(timeoutMillis)
  const search = makeOperation("search", { kind: "collect", expects: "SearchResultDone", timeoutMillis })
  apply(
    machine,
    { _tag: "Start", operation: search },
    { _tag: "Flush" },
    { _tag: "LetFinish", operation: search }
  )
  // The driver keeps one timer for each operation. A second timer would leave the first one without an owner.
  expect(machine.actions.filter(({ _tag }) => _tag === "SetTimer")).toHaveLength(1)
})
