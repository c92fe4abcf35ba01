/** S5: interruption abandons once. */
import { breaksOf } from "../Mutation.ts"
import { driver, request, responseQueue, saslConnection, startTls, writer } from "../sources.ts"

export const s5 = breaksOf(
  "S5",
  {
    file: request,
    find: "      return leave(this.#driver, this, this.#asked)\n",
    replace: "      return Effect.void\n",
    test: "session/interruption",
    name: "delete: one Abandon that names it, and the session goes on",
    hangs: true,
    why: "an interrupted operation isn't abandoned"
  },
  {
    file: responseQueue,
    find: "    return leave(this.#driver, this, this.#question)\n",
    replace: "    return Effect.void\n",
    test: "session/interruption",
    name: "a stream that ends early abandons its search once",
    hangs: true,
    why: "a stream that ends early isn't abandoned"
  },
  {
    file: driver,
    find: "return this.#planFlush()",
    replace: "return this.#flush()",
    test: "session/interruption",
    name: "nothing is sent for one that was not written yet",
    why: "a request of an interrupted operation is written"
  },
  {
    file: driver,
    find: "if (!this.#writer.write(items, this.#now()) && rooms === this.#rooms) {",
    replace: "this.#writer.write(items, this.#now())\n    if (rooms < 0) {",
    test: "connection/NodeConnection",
    name: "backpressure: a request can be withdrawn while the peer doesn't read, and is sent when there is room",
    why: "requests don't wait for room, and can't be taken back"
  },
  {
    file: driver,
    find: "        this.#stalls.end()\n        this.dispatch({ _tag: \"Room\" })\n",
    replace: "        this.#stalls.end()\n",
    test: "connection/NodeConnection",
    name: "backpressure: a request can be withdrawn while the peer doesn't read, and is sent when there is room",
    hangs: true,
    why: "what waits for room is not written when there is some"
  },
  {
    file: driver,
    find: "      this.dispatch({ _tag: \"Room\" })\n      return Scope",
    replace: "      return Scope",
    test: "connection/saslLayer",
    name: "goes on writing when there is room again after a bind that left none",
    why: "nothing is written through a layer where there was no room below it"
  },
  {
    file: saslConnection,
    find: "        this.#goOn?.()\n",
    replace: "",
    test: "connection/saslLayer",
    name: "waits for room in the connection below, then goes on",
    why: "what is wrapped never goes on after it had to wait"
  },
  {
    file: request,
    find: `if (givingUp === "abandon") return`,
    replace: `if (typeof givingUp !== "object") return`,
    test: "session/interruption",
    name: "interruption sends a Cancel, and waits for its answer",
    why: "cancel: true abandons"
  },
  {
    file: driver,
    find: "&& rooms === this.#rooms) {\n      this.dispatch",
    replace: ") {\n      this.dispatch",
    test: "session/driver/connections",
    name: "that reports room within the call that writes",
    hangs: true,
    why: "requests wait for room that was told already"
  },
  {
    file: writer,
    find: "abandoned: target }",
    replace: "abandoned: messageId }",
    test: "session/interruption",
    name: "delete: one Abandon that names it",
    why: "an Abandon names itself"
  },
  {
    file: startTls,
    find: `return Effect.sync(() => driver.dispatch({ _tag: "Interrupt", operation: pending.operation }))`,
    replace: "return Effect.void",
    test: "session/interruption",
    name: "StartTLS that waits for its turn is given up without a trace",
    hangs: true,
    why: "a StartTLS that is given up before its turn is sent all the same"
  }
)
