/** S13: a defect stays with its owner. */
import { breaksOf } from "../Mutation.ts"
import { driver, eventQueue, guarded, signal, startTlsHandshake } from "../sources.ts"

export const s13 = breaksOf(
  "S13",
  {
    file: signal,
    find: "guarded(() => resume(happened))",
    replace: "resume(happened)",
    test: "session/driver/defects",
    name: "are all resumed although one of them throws",
    why: "an observer of the end that throws keeps others from hearing of it"
  },
  {
    file: driver,
    find:
      "      try {\n        this.#perform(action)\n      } catch (cause) {\n        this.#broken(action, cause)\n      }\n",
    replace: "      this.#perform(action)\n",
    test: "session/driver/defects",
    name: "S13",
    hangs: true,
    why: "a callback that throws stops the session"
  },
  {
    file: guarded,
    find: "  queueMicrotask(() => {\n    throw cause\n  })\n",
    replace: "  queueMicrotask(() => {})\n",
    test: "session/driver/defects",
    name: "doesn't affect an operation whose response arrives in the same chunk",
    why: "what a callback throws is lost"
  },
  {
    file: driver,
    find: "      case \"Write\":\n      case \"Unbind\":\n",
    replace: "",
    test: "session/driver/connections",
    name: "a connection that throws when it is written to",
    hangs: true,
    why: "a connection that throws when it is written to leaves its callers waiting"
  },
  {
    file: driver,
    find: "      case \"Pause\":\n      case \"Resume\":\n        return this.dispatch",
    replace: "        return this.dispatch",
    test: "session/driver/connections",
    name: "a connection that throws when it is paused",
    hangs: true,
    why: "a connection that throws when it is paused is read on"
  },
  {
    file: driver,
    find: "      case \"Shutdown\":\n        return this.dispatch({ _tag: \"ShutdownDone\" })\n      default:",
    replace: "      default:",
    test: "session/driver/connections",
    name: "a connection that throws when this side is closed",
    hangs: true,
    why: "the release waits for a shutdown that has thrown"
  },
  {
    file: driver,
    find: "this.#events.isBusy ? Uint8Array.from(bytes) : bytes",
    replace: "bytes",
    test: "session/driver/connections",
    name: "lent bytes",
    why: "bytes that were lent are read when they are others already"
  },
  {
    file: eventQueue,
    find: "    if (this.#isBusy) {\n",
    replace: "    if (this.#waiting === undefined) {\n",
    test: "session/driver/EventQueue",
    name: "EventQueue",
    why: "a step begins in the middle of another"
  },
  {
    file: eventQueue,
    find: "      this.#waiting = this.#waiting.slice(i + 1)\n      i = -1\n",
    replace: "      this.#waiting = this.#waiting.slice(i + 1)\n",
    test: "session/driver/EventQueue",
    name: "EventQueue",
    why: "events that wait are lost when there are many"
  },
  {
    file: eventQueue,
    find: "    this.#waiting = emptied(this.#waiting)\n",
    replace: "",
    test: "session/driver/EventQueue",
    name: "EventQueue",
    why: "events are worked off again"
  },
  {
    file: startTlsHandshake,
    find: "    Effect.exit,\n",
    replace:
      "    Effect.result,\n    Effect.map((result) => result._tag === \"Success\" ? Exit.void : Exit.fail(result.failure)),\n",
    test: "session/driver/defects",
    name: "S13: a handshake that dies",
    hangs: true,
    why: "a handshake that dies leaves everything waiting"
  }
)
