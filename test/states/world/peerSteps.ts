/** The messages of the peer: everything that RFC 4511 allows, in any order, and what it forbids. */
import { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import { startTls } from "../../../src/protocol/LdapExtended.ts"
import type { LdapMessage, ResponseOperation, ResultFields } from "../../../src/protocol/LdapMessage.ts"
import { type Model, unitBytes } from "./Model.ts"
import { messageStep, type Said, type Step } from "./Step.ts"
import type { Caller, World } from "./World.ts"

const resultOf = (code: number): ResultFields => ({ code, matchedDn: "", diagnosticMessage: "", referrals: [] })

const success = resultOf(0)
const refused = resultOf(53)
/** saslBindInProgress: the conversation continues. */
const inProgress = resultOf(14)

const final = (tag: ResponseOperation["_tag"], result: ResultFields): ResponseOperation =>
  ({ _tag: tag, result }) as ResponseOperation

/** The minimum size in bytes that a response counts for, other than an entry. */
const bytesOfOthers = 256

const reference = "x".repeat(unitBytes - bytesOfOthers)

const intermediate = { _tag: "IntermediateResponse", value: new Uint8Array(unitBytes - bytesOfOthers) } as const

/** The kinds of operations whose end depends on the result code. */
const readsCode: ReadonlySet<string> = new Set(["cancel", "bindStep", "startTls"])

const stepsFor = (world: World, { name, spec }: Caller, index: number): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  const say = (what: string, said: Said, operation: LdapMessage["operation"], isEnabled: Step["isEnabled"]): void => {
    steps.push(
      messageStep(
        world,
        `the peer answers ${name}: ${what}`,
        said,
        (model) => isEnabled(model) && hasOwnId(model),
        ({ operations }) => ({
          messageId: operations[index]!.messageId,
          operation,
          controls: []
        })
      )
    )
  }
  // A request that was withdrawn before it was written leaves its id to another request when the ids start again.
  const hasOwnId: Step["isEnabled"] = ({ environment, operations }) =>
    world.ages !== true || !environment.calls[index]!.isSettled ||
    operations.every(({ messageId }, other) => other === index || messageId !== operations[index]!.messageId)
  // The id is known from the encoding on. A peer may guess it before the request is written, and use it after the operation has
  // ended.
  const hasId: Step["isEnabled"] = ({ environment }) => environment.calls[index]!.isEncoded
  const isWritten: Step["isEnabled"] = ({ environment }) => environment.calls[index]!.isWritten
  /** Also after the last response, or after an Abandon: a late or repeated message. */
  const isInFlight: Step["isEnabled"] = ({ environment }) => {
    const call = environment.calls[index]!
    return call.isWritten && !call.isSettled && !call.isAnswered
  }
  const { expects, kind } = spec
  say("success", { _tag: "Final", to: index, isSuccess: true }, final(expects, success), hasId)
  if (readsCode.has(kind)) {
    const result = kind === "bindStep" ? inProgress : refused
    say("refused", { _tag: "Final", to: index, isSuccess: false }, final(expects, result), isWritten)
  }
  if (kind === "startTls") {
    const named = (oid: string) => ({ _tag: "ExtendedResponse" as const, result: success, oid })
    say("success by name", { _tag: "Final", to: index, isSuccess: true }, named(startTls.oid), isInFlight)
    say("success by another name", { _tag: "WrongName", to: index }, named("1.2.3"), isInFlight)
  }
  for (const units of world.entryUnits) {
    const size = units * unitBytes
    const entry = new LdapEntry(Buffer.alloc(size), 0, size)
    say(
      `an entry of ${units * unitBytes / 1024} KiB`,
      expects === "SearchResultDone"
        ? { _tag: "Entry", to: index, size }
        : { _tag: "Foreign", to: index, isRequest: false },
      { _tag: "SearchResultEntry", entry },
      isWritten
    )
    // If an entry has the wrong id, the machine ignores its size.
    if (expects !== "SearchResultDone") break
  }
  say(
    "a reference",
    expects === "SearchResultDone"
      ? { _tag: "Reference", to: index, size: unitBytes }
      : { _tag: "Foreign", to: index, isRequest: false },
    { _tag: "SearchResultReference", uris: [reference] },
    isInFlight
  )
  say("an intermediate response", { _tag: "Intermediate", to: index, size: unitBytes }, intermediate, isInFlight)
  if (expects !== "ExtendedResponse") {
    say(
      "an extended refusal",
      { _tag: "Refusal", to: index },
      { _tag: "ExtendedResponse", result: refused },
      isInFlight
    )
    const foreign: Said = { _tag: "Foreign", to: index, isRequest: false }
    say("an extended success", foreign, { _tag: "ExtendedResponse", result: success }, isInFlight)
  }
  const other = expects === "BindResponse" ? "CompareResponse" : "BindResponse"
  say(`a ${other}`, { _tag: "Foreign", to: index, isRequest: false }, final(other, success), isInFlight)
  say(
    "a request",
    { _tag: "Foreign", to: index, isRequest: true },
    { _tag: "DeleteRequest", dn: "" },
    ({ environment }) => environment.calls[index]!.isEncoded
  )
  return steps
}

/** Larger than all ids that a world can use. */
const unknownId = ({ machine }: Model): number => machine.state.ids.last + 1

export const peerSteps = (world: World): ReadonlyArray<Step> => {
  const unasked = (
    name: string,
    said: Said,
    operation: LdapMessage["operation"],
    messageId: (model: Model) => number
  ): Step =>
    messageStep(
      world,
      name,
      said,
      // When the ids have started again, each of them has been used.
      ({ environment }) => messageId !== unknownId || !environment.isAged,
      (model) => ({ messageId: messageId(model), operation, controls: [] })
    )
  const zero = () => 0
  return [
    ...world.callers.flatMap((caller, index) =>
      // It has no request.
      caller.spec.kind === "reservation" ? [] : stepsFor(world, caller, index)
    ),
    unasked(
      "the peer answers what was never asked",
      { _tag: "UnknownId" },
      final("DeleteResponse", success),
      unknownId
    ),
    unasked("the peer announces the end", { _tag: "NoticeOfDisconnection" }, {
      _tag: "ExtendedResponse",
      result: refused,
      oid: "1.3.6.1.4.1.1466.20036"
    }, zero),
    unasked("the peer sends a notice", { _tag: "OtherNotice" }, {
      _tag: "ExtendedResponse",
      result: success,
      oid: "1.2.3"
    }, zero),
    unasked(
      "the peer sends an entry without a request",
      { _tag: "WrongNotice" },
      final("DeleteResponse", success),
      zero
    )
  ]
}
