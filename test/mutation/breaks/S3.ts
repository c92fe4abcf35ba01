/** S3: every operation hears of the end. */
import { breaksOf } from "../Mutation.ts"
import { driver, duplex, node, parser, pending, responseQueue, saslConnection } from "../sources.ts"

export const s3 = breaksOf(
  "S3",
  {
    file: duplex,
    find: "if (Exit.isFailure(exit) && !this.#isStopped)",
    replace: "if (Exit.isFailure(exit) && !this.#isStopped && !Cause.hasDies(exit.cause))",
    test: "session/driver/defects",
    name: "when it is written to",
    hangs: true,
    why: "a writer that broke leaves all operations waiting"
  },
  {
    file: node,
    find: "    socket.pause()\n    if",
    replace: "    if",
    test: "connection/NodeConnection",
    name: "bytes that the server sends before any request are not lost",
    why: "the socket is read before the session is there"
  },
  {
    file: saslConnection,
    find: "return unwrapped.length > 0 ? Effect.succeed(unwrapped) : Effect.fail(this.#end)",
    replace: "return Effect.fail(this.#end)",
    test: "connection/saslLayer",
    name: "an answer that came before a buffer that can't be unwrapped is delivered",
    why: "an answer is lost that had come before what can't be unwrapped"
  },
  {
    file: parser,
    find: "          if (lent) {\n",
    replace: "          if (position < 0) {\n",
    test: "connection/NodeConnection",
    name: "a value that a program keeps is not overwritten by later reads",
    why: "values change under the program when more is read"
  },
  {
    file: duplex,
    find: "if (Exit.isSuccess(exit) && !this.#isPaused) this.resume()",
    replace: "",
    test: "connection/EffectDuplex",
    name: "continues whenever it is resumed",
    why: "a resumption between the last step of a read and its end is forgotten"
  },
  {
    file: duplex,
    find: "    if (this.#isCalled) return Effect.andThen(laterThisTurn, this.#reading)\n",
    replace: "",
    test: "connection/EffectDuplex",
    name: "delivers nothing within the call that writes, although the response has arrived by then",
    why: "an answer is handed over before its question counts as written"
  },
  {
    file: driver,
    find: "    this.ended.happen(end)\n",
    replace: "",
    test: "session/release",
    name: "closed completes once for all waiting fibers, before or after the end",
    hangs: true,
    why: "`closed` never completes"
  },
  {
    file: responseQueue,
    find: "resume(this.#items.length > 0 ? this.#take() : this.#last)",
    replace: "resume(this.#last)",
    test: "session/ending",
    name: "are delivered before it",
    why: "what came before an error is lost"
  },
  {
    file: responseQueue,
    find: "return this.#items.length > 0 ? this.#take() : this.#last",
    replace: "return this.#last === undefined && this.#items.length > 0 ? this.#take() : this.#last",
    test: "session/ending",
    name: "if the consumer was busy until the session had ended",
    why: "what was not read yet is lost when the session ends"
  },
  {
    file: pending,
    find: "return new ConnectionLost({ detail: end.detail, inDoubt, cause: end.cause })",
    replace: "return new ConnectionLost({ detail: end.detail, inDoubt: false, cause: end.cause })",
    test: "session/release",
    name: "a lost connection fails the operations in flight, in doubt if they were written",
    why: "an operation that the server may have carried out is said not to be in doubt"
  },
  {
    file: pending,
    find: "return new SessionClosed({ why: end, inDoubt })",
    replace: "return new SessionClosed({ why: end, inDoubt: false })",
    test: "session/release",
    name: "operations in flight fail with SessionClosed, in doubt if they were written",
    why: "an operation that was released in flight is said not to be in doubt"
  },
  {
    file: driver,
    find: "        return pendingOf(action.operation).onWake()\n",
    replace: "        return\n",
    test: "session/streamTakes",
    name: "S10: an entry that arrives with the answer for which its consumer waited is seen at once",
    hangs: true,
    why: "a stream isn't told that something has come"
  }
)
