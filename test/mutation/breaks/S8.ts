/** S8: no reconnection that the program doesn't see. */
import { breaksOf } from "../Mutation.ts"
import { openDriver, session } from "../sources.ts"

export const s8 = breaksOf(
  "S8",
  {
    file: openDriver,
    find: "Effect.timeoutOrElse(transport.connect, {",
    replace: "Effect.timeoutOrElse(Effect.retry(transport.connect, { times: 2 }), {",
    test: "session/defaults",
    name: "a failed connection is not retried",
    why: "connecting is tried again in silence"
  },
  {
    file: session,
    find: "yield* session.bind(options.auth, { controls: options.bindControls })",
    replace: "yield* Effect.ignore(session.bind(options.auth))",
    test: "session/release",
    name: "a refused bind in the configuration ends in an unbind",
    hangs: true,
    why: "a session is there although its bind was refused"
  },
  {
    file: session,
    find: "if (options.startTls === true) yield* session.startTls()",
    replace: "if (options.startTls === true) yield* Effect.ignore(session.startTls())",
    test: "session/defaults",
    name: "a refused StartTLS of the configuration: no session, and nothing is sent in clear text",
    why: "a session is there in clear text although its StartTLS was refused"
  }
)
