/** S7: a bind and StartTLS have the connection alone. */
import { breaksOf } from "../Mutation.ts"
import { bind, driver, duplex, extended, messageReader, saslBind, startTls } from "../sources.ts"

export const s7 = breaksOf(
  "S7",
  {
    file: duplex,
    find: "while (this.#unread.length > 0 && !this.#isPaused) {",
    replace: "while (this.#unread.length > 0) {",
    test: "connection/EffectDuplex",
    name: "delivers nothing after a pause, even of the same read, and the rest in order later",
    why: "octets are handed over after a pause"
  },
  {
    file: driver,
    find:
      "        return this.dispatch({ _tag: \"Unsendable\", operation: action.operation, failure: { defect: cause } })\n",
    replace: "        throw cause\n",
    test: "session/core/turns",
    name: "a bind whose password is wiped while it waits",
    hangs: true,
    why: "a password that can't be read blocks the turns of all operations"
  },
  {
    file: bind,
    find: "startSending(driver, context, password, options, resume).leave)",
    replace: "{ startSending(driver, context, password, options, resume) })",
    test: "session/core/turns",
    name: "when a waiting bind is interrupted, operations behind it start, although another operation is in flight",
    why: "a bind that is given up before its turn is sent all the same"
  },
  {
    file: saslBind,
    find: "    if (this.#driver.hasUnread) {\n",
    replace: "    if (false) {\n",
    test: "connection/saslLayer",
    name: "the start of a message in clear text",
    hangs: true,
    why: "bytes in clear text become the start of what comes through a security layer"
  },
  {
    file: saslBind,
    find: "Cause.hasDies(cause) && this.operation.isBegun",
    replace: "false",
    test: "connection/saslLayer",
    name: "a defect of the mechanism",
    hangs: true,
    why: "a session goes on after a bind whose outcome isn't known"
  },
  {
    file: saslBind,
    find: `return Effect.sync(() => driver.dispatch({ _tag: "Interrupt", operation: reservation.operation }))`,
    replace: `return Effect.sync(() => driver.dispatch({ _tag: "Finish", operation: reservation.operation }))`,
    test: "session/interruption",
    name: "a bind is not abandoned; nothing is sent before its answer",
    why: "a bind that is interrupted after something was sent gives its turn away"
  },
  {
    file: messageReader,
    find: "leftover: this.#parser.pending, malformed",
    replace: "leftover: 0, malformed",
    test: "session/flow",
    name: "StartTLS: half a PDU after the answer ends the session too",
    why: "half a message in clear text becomes the beginning of one under TLS"
  },
  {
    file: saslBind,
    find: "        this.#isDeciding = result.code === LdapResultCode.success\n",
    replace: "",
    test: "connection/saslLayer",
    name: "a release waits for the layer",
    hangs: true,
    why: "the release doesn't wait until it is known how the unbind has to be sent"
  },
  {
    file: saslBind,
    find: "Effect.raceFirst(this.#converse, Effect.andThen(this.#driver.closed.await, Effect.interrupt))",
    replace: "this.#converse",
    test: "session/operations/conversations",
    name: "a mechanism that hangs is ended by the release of its session",
    hangs: true,
    why: "a mechanism outlives its session"
  },
  {
    file: saslBind,
    find: "this.operation.isBegun && !this.#isDecided ? this.#driver.decide(undefined) : Effect.void",
    replace: "this.#driver.decide(undefined)",
    test: "session/operations/conversations",
    name: "doesn't affect the next bind",
    why: "a bind decides for the one after it"
  },
  {
    file: saslBind,
    find: "    if (this.#driver.hasLayer) {\n",
    replace: "    if (false) {\n",
    test: "session/operations/conversations",
    name: "a second layer",
    hangs: true,
    why: "a layer is put into a layer"
  },
  {
    file: startTls,
    find:
      "    const handshake = connection.startTls(this.#tls)\n    if (Result.isFailure(handshake)) return { error: handshake.failure }\n    this.handshake = handshake.success\n",
    replace: "    this.handshake = Effect.flatten(Effect.fromResult(connection.startTls(this.#tls)))\n",
    test: "connection/tls",
    name: "with options that can't be used sends nothing, and the session goes on",
    hangs: true,
    why: "options that can't be used are found when the server has granted TLS"
  },
  {
    file: startTls,
    find: `if (connection.protection === "tls") return`,
    replace: `if (connection.protection === "sasl") return`,
    test: "connection/tls",
    name: "where TLS is on already is an InvalidRequest",
    hangs: true,
    why: "TLS is asked for where it is on"
  },
  {
    file: messageReader,
    find: `if (phase.channel._tag === "Handshake") return this.#machine.apply({ _tag: "ClearText" })`,
    replace: `if (phase.channel._tag === "Handshake") return`,
    test: "session/driver/connections",
    name: "bytes that a connection delivers during a handshake",
    hangs: true,
    why: "bytes in clear text in the middle of a handshake are no violation"
  },
  {
    file: extended,
    find: "  const detail = changesOfTheConnection.get(oid)\n",
    replace: "  const detail = changesOfTheConnection.get(`${oid}.`)\n",
    test: "session/driver/notices",
    name: "is refused with what to use instead, and nothing is sent",
    hangs: true,
    why: "StartTLS is sent without a handshake after it"
  },
  {
    file: extended,
    find: "      if (wrong !== undefined) return Effect.succeed(Effect.fail(driver.error(question, wrong)))\n",
    replace: "",
    test: "session/driver/notices",
    name: "is refused with what to use instead, and nothing is sent",
    hangs: true,
    why: "the stream of an extended operation doesn't refuse what changes the connection"
  }
)
