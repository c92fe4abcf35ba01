/**
 * S11, S12 and correct answers: the effect that each message of the peer must have, derived from the earlier messages on the wire.
 */
import type { Outcome } from "../../../src/session/core/SessionAction.ts"
import type { Model } from "../world/Model.ts"
import type { Said } from "../world/Step.ts"
import { type Done, isTlsUnderWay } from "./actions.ts"
import { broken } from "./Broken.ts"
import { isReadingFor } from "./invariants.ts"

type Verdict =
  /** Nothing happens. */
  | { readonly _tag: "Ignored" }
  /** The session ends because of a violation by the peer. */
  | { readonly _tag: "Violation" }
  | { readonly _tag: "Disconnection" }
  | { readonly _tag: "Notice" }
  | { readonly _tag: "Answer"; readonly index: number }
  | { readonly _tag: "Delivery"; readonly index: number; readonly size: number }
  | { readonly _tag: "Ended"; readonly index: number; readonly outcome: Outcome["_tag"] }
  /** The server has agreed to StartTLS. */
  | { readonly _tag: "Agreement" }
  /** The session has ended, and the answer to StartTLS determines how the goodbye is sent. */
  | { readonly _tag: "Goodbye" }
  | { readonly _tag: "Close" }

const ignored: Verdict = { _tag: "Ignored" }
const violation: Verdict = { _tag: "Violation" }

const verdictOf = (before: Model, said: Said): Verdict => {
  const { environment, operations } = before
  if (environment.isEnded) return verdictAfterEnd(before, said)
  if (environment.isTlsGranted) return violation
  switch (said._tag) {
    case "UnknownId":
    case "WrongNotice":
      return violation
    case "NoticeOfDisconnection":
      return { _tag: "Disconnection" }
    case "OtherNotice":
      return { _tag: "Notice" }
    default:
  }
  const index = said.to
  const call = environment.calls[index]!
  const { spec } = operations[index]!
  const isRequest = said._tag === "Foreign" && said.isRequest
  if (call.isSettled || call.isAnswered) return isRequest ? violation : ignored
  // Its id was guessed.
  if (!call.isWritten) return violation
  const answer: Verdict = { _tag: "Answer", index }
  switch (said._tag) {
    case "Final":
      return spec.kind === "startTls" && said.isSuccess ? { _tag: "Agreement" } : answer
    case "Refusal":
      return answer
    case "Entry":
      return call.isGone || spec.kind === "background" ? ignored : entryVerdict(before, index, said.size)
    case "Reference":
      return call.isGone || !(spec.givesAll === true || spec.kind === "collect")
        ? ignored
        : deliveryVerdict(before, index, said.size)
    case "Intermediate":
      return call.isGone || spec.givesAll !== true ? ignored : deliveryVerdict(before, index, said.size)
    default:
      return violation
  }
}

const entryVerdict = (before: Model, index: number, size: number): Verdict => {
  const { entryLimit } = before.operations[index]!.spec
  return entryLimit !== undefined && before.environment.calls[index]!.entries >= entryLimit.entries
    ? { _tag: "Ended", index, outcome: "TooManyEntries" }
    : deliveryVerdict(before, index, size)
}

const deliveryVerdict = (before: Model, index: number, size: number): Verdict => {
  const { maxUnread } = before.operations[index]!.spec
  const { held, isWaiting } = before.environment.calls[index]!
  // If no other operation needs the session to read, the server has to wait instead.
  const isTooMuch = maxUnread !== undefined && !isWaiting && held > 0 && held + size > maxUnread && isReadingFor(before)
  return isTooMuch ? { _tag: "Ended", index, outcome: "Unread" } : { _tag: "Delivery", index, size }
}

const verdictAfterEnd = (before: Model, said: Said): Verdict => {
  const { environment, operations } = before
  const isWaiting = !environment.isUnbound && !environment.isClosing && !environment.isClosed
  if (!isWaiting || !isTlsUnderWay(before)) return ignored
  if (environment.isTlsGranted) return { _tag: "Close" }
  if (!("to" in said) || operations[said.to]!.spec.kind !== "startTls") return ignored
  switch (said._tag) {
    case "Final":
      return { _tag: said.isSuccess ? "Agreement" : "Goodbye" }
    default:
      return { _tag: "Close" }
  }
}

export const checkAnswer = (before: Model, after: Model, said: Said, done: Done): void => {
  const verdict = verdictOf(before, said)
  const { environment } = after
  const newlyClosing = environment.isClosing && !before.environment.isClosing
  const newlyUnbound = environment.isUnbound && !before.environment.isUnbound
  const phase = after.machine.state.phase
  const isViolated = done.hasEnded && "end" in phase && phase.end._tag === "ProtocolViolation"
  const mayEnd = verdict._tag === "Violation" || verdict._tag === "Disconnection"
  if (done.hasEnded && !mayEnd) broken(`S11: ${said._tag} ends the session`)
  if (done.woken.length > 0) broken("a stream is woken before all that arrived is parsed")
  if (done.encoded.length > 0) broken("a request is sent before all that arrived is parsed")
  if (done.delivered.length > (verdict._tag === "Delivery" ? 1 : 0))
    broken("S11: a response goes where it doesn't belong")
  if (done.notices > (verdict._tag === "Notice" ? 1 : 0)) broken("a notice that is none")
  switch (verdict._tag) {
    case "Violation":
      if (!isViolated) broken(`S11: ${said._tag} doesn't end the session`)
      for (const { outcome } of done.settled) {
        if (outcome._tag !== "SessionEnded") broken(`S11: ${said._tag} gives ${outcome._tag}`)
      }
      return
    case "Disconnection":
      if (!done.hasEnded || !environment.isNoticed) broken("S3: the notice of disconnection doesn't end the session")
      return
    case "Notice":
      if (done.notices !== 1 || done.settled.length > 0) broken("a notice is not passed on")
      return
    case "Ignored":
      if (done.settled.length > 0 || newlyClosing || newlyUnbound) broken(`S11: ${said._tag} does something`)
      return
    case "Agreement":
      if (done.settled.length > 0 || newlyClosing || newlyUnbound)
        broken("S7: the agreement to StartTLS does something")
      return
    case "Goodbye":
      if (!newlyUnbound) broken("S1: no unbind, although StartTLS was refused")
      return
    case "Close":
      if (!newlyClosing) broken("S2: the connection isn't freed, although the server says what makes no sense")
      return
    case "Answer":
      settledOnly(after, done, verdict.index, "Answered")
      return checkCancelled(before, done, verdict.index, said._tag === "Final" && said.isSuccess, after)
    case "Ended":
      if (done.delivered.length > 0) broken("S12: a response too many is delivered")
      if (!done.abandoned.includes(verdict.index)) broken(`S5: no Abandon of ${verdict.index}`)
      return settledOnly(after, done, verdict.index, verdict.outcome)
    case "Delivery": {
      if (done.settled.length > 0) broken("S12: a response ends an operation")
      if (done.delivered[0] !== verdict.index) broken("S10: a response is lost")
      const call = environment.calls[verdict.index]!
      const { spec } = after.operations[verdict.index]!
      if (spec.kind === "stream") call.held += verdict.size
      if (spec.entryLimit !== undefined && said._tag === "Entry") call.entries++
    }
  }
}

/** The operation ends, and with it only the target of its Cancel. */
const settledOnly = (after: Model, done: Done, index: number, tag: Outcome["_tag"]): void => {
  const { spec, target } = after.operations[index]!
  const cancelled = spec.kind === "cancel" ? (target!.owner as number) : -1
  let isSettled = false
  for (const settled of done.settled) {
    if (settled.index === index) {
      if (settled.outcome._tag !== tag) broken(`operation ${index} should end with ${tag}, not ${settled.outcome._tag}`)
      isSettled = true
    } else if (settled.index !== cancelled || settled.outcome._tag !== "Abandoned") {
      broken(`S11: an answer to ${index} ends ${settled.index}`)
    }
  }
  if (!isSettled) broken(`S11: operation ${index} goes on after its last response`)
  for (const abandoned of done.abandoned) {
    if (abandoned !== cancelled && !(abandoned === index && tag !== "Answered"))
      broken(`S5: an Abandon of ${abandoned}`)
  }
}

/** An operation that was cancelled successfully isn't abandoned. If the Cancel failed, it is. */
const checkCancelled = (before: Model, done: Done, index: number, isGranted: boolean, after: Model): void => {
  const { spec, target } = after.operations[index]!
  if (spec.kind !== "cancel") return
  const cancelled = target!.owner as number
  if (before.environment.calls[cancelled]!.isSettled) return
  if (!after.environment.calls[cancelled]!.isSettled) broken(`S5: the Cancel is over, and ${cancelled} goes on`)
  const hasAbandon = done.abandoned.includes(cancelled)
  if (hasAbandon !== isGranted) return
  broken(
    hasAbandon ? `S5: an Abandon of ${cancelled}, which the server has cancelled` : `S5: no Abandon of ${cancelled}`
  )
}
