/** S6: a time limit ends one operation. */
import { breaksOf } from "../Mutation.ts"
import {
  bind,
  connectWithin,
  deadlines,
  saslBind,
  search,
  stalledWrites,
  startTlsHandshake,
  systemClock
} from "../sources.ts"

export const s6 = breaksOf(
  "S6",
  {
    file: stalledWrites,
    find: "      this.begin()\n",
    replace: "",
    test: "session/driver/connections",
    name: "whose peer takes some bytes, and then nothing more, ends after writeTimeout from the last ones",
    why: "a peer that took some bytes may then take nothing for ever"
  },
  {
    file: deadlines,
    find: "const at = this.now() + afterMillis",
    replace: "const at = performance.now() + afterMillis",
    test: "session/interruption",
    name: "S6: a time limit ends one operation",
    hangs: true,
    why: "limits are set by another clock than that of the program"
  },
  {
    file: deadlines,
    find: "if (deadline.at < this.#nearest) this.#wakeAt(deadline.at, afterMillis)",
    replace: "if (this.#nearest === Infinity) this.#wakeAt(deadline.at, afterMillis)",
    test: "session/operations/limits",
    name: "set while a longer one runs passes first",
    hangs: true,
    why: "an earlier deadline waits for a later one"
  },
  {
    file: deadlines,
    find: "    if (nearest < this.#nearest) this.#wakeAt(nearest, nearest - this.now())\n",
    replace: "",
    test: "session/interruption",
    name: "limits of different lengths pass in their own order, whichever was set first",
    hangs: true,
    why: "only the nearest limit passes"
  },
  {
    file: deadlines,
    find: "if (deadline.at > now || !deadline.isSet) continue",
    replace: "if (!deadline.isSet) continue",
    test: "session/interruption",
    name: "limits of different lengths pass in their own order, whichever was set first",
    why: "one limit that passes ends all that are limited"
  },
  {
    file: deadlines,
    find: "    if (previous === undefined) this.#first = next\n    else previous.next = next\n",
    replace: "",
    test: "session/interruption",
    name: "limits of different lengths pass in their own order, whichever was set first",
    hangs: true,
    why: "a limit that was cleared passes all the same"
  },
  {
    file: connectWithin,
    find: "const stopTimer = limit === Infinity",
    replace: "const stopTimer = limit !== Infinity",
    test: "connection/connect",
    name: "one that never answers the connection attempt: connectTimeout, on the Clock",
    hangs: true,
    why: "connecting has no limit"
  },
  {
    file: startTlsHandshake,
    find: "Effect.timeoutOrElse({ duration: within.limit,",
    replace: "Effect.timeoutOrElse({ duration: Infinity,",
    test: "session/hostile/hostile",
    name: "ConnectFailed at connectTimeout",
    hangs: true,
    why: "the handshake of StartTLS has no limit"
  },
  {
    file: bind,
    find: "afterMillis === Infinity ? credentials :",
    replace: "afterMillis > 0 ? credentials :",
    test: "session/bounds",
    name: "fail the bind at its time limit; nothing was sent, and the session goes on",
    hangs: true,
    why: "the credentials of a simple bind have no limit"
  },
  {
    file: saslBind,
    find: `expects: "BindResponse", timeoutMillis: options.timeoutMillis }`,
    replace: `expects: "BindResponse", timeoutMillis: Infinity }`,
    test: "session/interruption",
    name: "a bind without a response fails at its time limit and ends the session",
    hangs: true,
    why: "a conversation has no limit"
  },
  {
    file: systemClock,
    find: "(): number => steady.now()",
    replace: "(): number => Date.now()",
    test: "session/driver/clock",
    name: "changes nothing of the time that sessions read without a clock of the program",
    why: "setting the clock of the machine changes time limits of programs that provide no clock"
  },
  {
    file: systemClock,
    find: "Number(clock.monotonicTimeNanosUnsafe()) / 1e6",
    replace: "clock.currentTimeMillisUnsafe()",
    test: "session/driver/clock",
    name: "by an hour changes no time limit of an operation",
    hangs: true,
    why: "setting the clock of the machine changes time limits"
  },
  {
    file: deadlines,
    find: "if (this.#hasTurn(deadline, now)) {",
    replace: "if (now < 0) {",
    test: "session/driver/clock",
    name: "gets a response that arrived meanwhile, although the time limit has passed",
    why: "an answer that lies in the socket is reported as missing"
  },
  {
    file: deadlines,
    find: "    this.#nearest = Infinity\n    let isWaiting",
    replace: "    let isWaiting",
    test: "session/interruption",
    name: "limits of different lengths pass in their own order, whichever was set first",
    hangs: true,
    why: "limits that are set after one has passed never pass"
  },
  {
    file: bind,
    find: "Math.max(0, timeoutMillis - (driver.now() - since))",
    replace: "timeoutMillis",
    test: "session/operations/limits",
    name: "of a bind covers the credentials and the response together",
    why: "a bind has its time twice"
  },
  {
    file: saslBind,
    find: `outcome._tag === "TimedOut" && !outcome.inDoubt && this.#conversation !== undefined`,
    replace: `outcome._tag === "TimedOut" && this.#answer !== undefined`,
    test: "session/bounds",
    name: "fail the bind at its time limit; nothing was sent, and the session goes on: SASL",
    why: "the error doesn't say that the credentials were missing"
  },
  {
    file: search,
    find: "Math.max(0, search.timeoutMillis - (driver.now() - since))",
    replace: "search.timeoutMillis",
    test: "session/operations/limits",
    name: "in pages covers",
    hangs: true,
    why: "each page has the whole time again"
  },
  {
    file: search,
    find: "timeoutMillis: search.timeoutMillis, remainingMillis,",
    replace: "timeoutMillis: remainingMillis,",
    test: "session/operations/limits",
    name: "of a collected search in pages covers all pages",
    why: "the error names what was left for a page instead of the limit"
  }
)
