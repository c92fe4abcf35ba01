/** S8: no reconnection that the program doesn't see. */
import { breaksOf } from "../Mutation.ts"
import { connectWithin, session } from "../sources.ts"

export const s8 = breaksOf(
  "S8",
  {
    file: connectWithin,
    find: "(transport.connect)\n",
    replace: "(Effect.retry(transport.connect, { times: 2 }))\n",
    test: "session/defaults",
    name: "a failed connection is not retried",
    why: "connecting is tried again in silence"
  },
  {
    file: session,
    find: "startBind(driver, auth, bindOptions, done)",
    replace: "startBind(driver, auth, bindOptions, () => done(Exit.void))",
    test: "session/release",
    name: "a refused bind in the configuration ends in an unbind",
    hangs: true,
    why: "a session is there although its bind was refused"
  },
  {
    file: session,
    find: "Effect.andThen(session.startTls(), bound)",
    replace: "Effect.andThen(Effect.ignore(session.startTls()), bound)",
    test: "session/defaults",
    name: "a refused StartTLS of the configuration: no session, and nothing is sent in clear text",
    why: "a session is there in clear text although its StartTLS was refused"
  }
)
