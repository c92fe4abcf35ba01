/**
 * Why a session ended, as a value and in words. Errors of operations that were in flight, or came later, have it as a reason.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as ResultCode from "./LdapResultCode.ts"

/**
 * Why a session ended: its scope was closed (`Released`), the server announced it (`ServerNotice`, the Notice of
 * Disconnection of RFC 4511 section 4.4.1), the connection broke (`ConnectionLost`), or the peer violated the protocol
 * (`ProtocolViolation`).
 *
 * @category models
 * @since 0.1.0
 */
export type SessionEnd = Data.TaggedEnum<{
  Released: {}
  ServerNotice: { readonly code: number; readonly diagnosticMessage: string }
  ConnectionLost: { readonly detail: string; readonly cause?: unknown }
  ProtocolViolation: { readonly detail: string; readonly cause?: unknown }
}>

/**
 * @category constructors
 * @since 0.1.0
 */
export const SessionEnd = Data.taggedEnum<SessionEnd>()

/** Why a session ended, in words. @internal */
export const describeEnd: (end: SessionEnd) => string = SessionEnd.$match({
  Released: () => "its scope was closed",
  ServerNotice: ({ code, diagnosticMessage }) =>
    `the server announced the end with ${ResultCode.format(code)}${
      diagnosticMessage === "" ? "" : ` and says "${diagnosticMessage}"`
    }`,
  ConnectionLost: ({ detail }) => `the connection was lost (${detail})`,
  ProtocolViolation: ({ detail }) => `the peer broke the protocol (${detail})`
})
