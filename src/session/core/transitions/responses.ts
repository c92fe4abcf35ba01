/** Responses of the server: matches each to its request, applies it, and detects violations of the protocol. */
import { LdapResultCode } from "../../../model/LdapResultCode.ts"
import { noticeOfDisconnection, startTls } from "../../../protocol/LdapExtended.ts"
import type { LdapMessage } from "../../../protocol/LdapMessage.ts"
import { mustRead, setUnread } from "../Backpressure.ts"
import { wasUsed } from "../MessageIds.ts"
import type { Operation } from "../Operation.ts"
import type { Core } from "../SessionAction.ts"
import type { Malformed } from "../SessionEvent.ts"
import { clearText, close, end, goodbye, violated } from "./ending.ts"
import { abandon, cancelEnded } from "./givingUp.ts"
import { clearTimer, settle } from "./sending.ts"

/** The least number of bytes that a response other than an entry counts for. */
const bytesOfOthers = 256

export const response = (core: Core, message: LdapMessage): void => {
  const { inFlight, phase } = core.state
  if (phase._tag !== "Open" && phase._tag !== "Ending") return
  if (phase.channel._tag === "Granted") return clearText(core)
  if (phase._tag === "Ending") {
    // Of all later messages only this one matters: it decides how the unbind may be sent.
    if (phase.channel._tag === "StartTls" && message.messageId === phase.channel.operation.messageId) {
      startTlsAnswered(core, phase.channel.operation, message)
    }
    return
  }
  const operation = inFlight.get(message.messageId)
  // A peer that answers a request before it was written has guessed its message id.
  if (operation === undefined || operation.stage !== "written") return unexpected(core, message)
  answer(core, operation, message)
}

/** Ends the processing of a chunk. */
export const readEnd = (core: Core, leftover: number, malformed: Malformed | undefined): void => {
  const { phase, woken } = core.state
  if (malformed !== undefined) violated(core, malformed.detail, malformed.cause)
  if (woken.length > 0) {
    core.state.woken = []
    for (const operation of woken) {
      if (operation.stage === "done") continue
      core.actions.push({ _tag: "Wake", operation })
    }
  }
  if (!("channel" in phase) || phase.channel._tag !== "Granted" || malformed !== undefined) return
  if (leftover > 0) return clearText(core)
  const { operation } = phase.channel
  core.state.phase = { ...phase, channel: { _tag: "Handshake", operation } }
  core.actions.push({ _tag: "Handshake", operation })
}

const answer = (core: Core, operation: Operation, message: LdapMessage): void => {
  const { _tag } = message.operation
  const { expects, givesAll, kind } = operation.spec
  if (_tag === "SearchResultEntry") {
    return expects === "SearchResultDone" ? entry(core, operation, message) : foreign(core, operation, message)
  }
  if (kind === "startTls" && _tag === "ExtendedResponse") return startTlsAnswered(core, operation, message)
  if (_tag === expects) return answered(core, operation, message)
  switch (_tag) {
    case "IntermediateResponse":
      return givesAll === true ? deliver(core, operation, message) : undefined
    case "SearchResultReference":
      if (expects !== "SearchResultDone") return foreign(core, operation, message)
      return givesAll === true || kind === "collect" ? deliver(core, operation, message) : undefined
    case "ExtendedResponse":
      // Samba answers requests with an unknown critical control by an ExtendedResponse, whatever the request was. If its result is
      // a refusal, it is accepted as the response.
      return message.operation.result.code !== LdapResultCode.success
        ? answered(core, operation, message)
        : foreign(core, operation, message)
    default:
      return foreign(core, operation, message)
  }
}

const answered = (core: Core, operation: Operation, message: LdapMessage): void => {
  const { kind } = operation.spec
  const code = "result" in message.operation ? message.operation.result.code : LdapResultCode.success
  settle(core, operation, { _tag: "Answered", message })
  if (kind === "cancel") cancelEnded(core, operation, code === LdapResultCode.success)
  // If the mechanism agreed on a security layer, it begins with the next byte (RFC 4513 section 5.2.1.4).
  else if (kind === "bindStep" && code === LdapResultCode.success) {
    core.state.phase = { _tag: "Open", channel: { _tag: "Undecided" } }
  }
}

const entry = (core: Core, operation: Operation, message: LdapMessage): void => {
  const { entryLimit } = operation.spec
  operation.entries++
  if (operation.isAttended && entryLimit !== undefined && operation.entries > entryLimit.entries) {
    return abandon(core, operation, { _tag: "TooManyEntries", limit: entryLimit })
  }
  deliver(core, operation, message)
}

const deliver = (core: Core, operation: Operation, message: LdapMessage): void => {
  if (!operation.isAttended) return
  const bytes = sizeOf(message)
  if (operation.spec.kind === "stream") {
    const { access, backpressure, woken } = core.state
    const { maxUnread = Infinity } = operation.spec
    const unread = operation.unread + bytes
    if (operation.unread > 0 && unread > maxUnread && !operation.isWaiting && mustRead(backpressure, access)) {
      return abandon(core, operation, { _tag: "Unread", maxUnread })
    }
    setUnread(backpressure, operation, unread)
    if (operation.isWaiting && !woken.includes(operation)) {
      clearTimer(core, operation)
      woken.push(operation)
    }
  }
  core.actions.push({ _tag: "Deliver", operation, message, bytes })
}

const sizeOf = ({ operation }: LdapMessage): number => {
  switch (operation._tag) {
    case "SearchResultEntry":
      return operation.entry.size
    case "SearchResultReference":
      return operation.uris.reduce((sum, { length }) => sum + length, bytesOfOthers)
    case "IntermediateResponse":
      return bytesOfOthers + (operation.value?.length ?? 0)
    default:
      return bytesOfOthers
  }
}

const foreign = (core: Core, { messageId, spec }: Operation, { operation }: LdapMessage): void =>
  violated(core, `${operation._tag} in answer to a request that ends in ${spec.expects}, message id ${messageId}`)

/** Handles a message that no request waits for. */
const unexpected = (core: Core, message: LdapMessage): void => {
  const { messageId, operation } = message
  const isResponse = !operation._tag.endsWith("Request")
  if (messageId === 0) {
    if (operation._tag !== "ExtendedResponse") return violated(core, `${operation._tag} as an unsolicited notification`)
    if (operation.oid !== noticeOfDisconnection.oid) return void core.actions.push({ _tag: "Notice", message })
    const { code, diagnosticMessage } = operation.result
    return end(core, { _tag: "ServerNotice", code, diagnosticMessage }, false)
  }
  if (!isResponse) return violated(core, `${operation._tag} from a server`)
  // A late response to an abandoned operation is not the server's fault.
  if (core.state.inFlight.has(messageId) || !wasUsed(core.state.ids, messageId)) {
    violated(core, `${operation._tag} for message id ${messageId}, which was never used`)
  }
}

const startTlsAnswered = (
  core: Core,
  operation: Operation,
  { messageId, operation: said, controls }: LdapMessage
): void => {
  const { phase } = core.state
  if (said._tag !== "ExtendedResponse") return close(core)
  if (said.result.code === LdapResultCode.success) {
    // RFC 4511 section 4.14.2 requires the OID in the response; some servers leave it out.
    if (said.oid !== undefined && said.oid !== startTls.oid) {
      return violated(core, `the answer to StartTLS names ${said.oid}`)
    }
    if (!("channel" in phase)) return
    core.state.phase = { ...phase, channel: { _tag: "Granted", operation } }
  } else if (phase._tag === "Ending") {
    goodbye(core)
  } else {
    settle(core, operation, { _tag: "Answered", message: { messageId, operation: said, controls } })
  }
}
