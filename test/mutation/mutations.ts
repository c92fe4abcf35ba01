/**
 * Deliberate breaks: for each promise of a session (S1 to S11, see src/README.md) lines that keep it, and the tests that fail
 * when such a line is taken out or turned round. run.ts tries them all; mutations.test.ts sees to it that the texts are
 * still there.
 *
 * Not every line has a break here: what is left out are safeguards behind another one, which nothing notices while that
 * one stands.
 */
import { kerberosMutations } from "./kerberosMutations.ts"
import type { Mutation, Promised } from "./Mutation.ts"

export type { Mutation, Promised } from "./Mutation.ts"

/** How often the text of a break stands in its file, and in which line the first one begins. */
export const placeOf = (
  { find }: Pick<Mutation, "find">,
  source: string
): { readonly count: number; readonly line: number } => ({
  count: source.split(find).length - 1,
  line: source.slice(0, Math.max(0, source.indexOf(find))).split("\n").length
})

type Break = Omit<Mutation, "promise" | "tests"> & { readonly test: string }

const of = (promise: Promised, ...breaks: ReadonlyArray<Break>): ReadonlyArray<Mutation> =>
  breaks.map(({ test, ...rest }) => ({ ...rest, promise, tests: [`test/${test}.test.ts`] }))

const exchange = "src/session/Exchange.ts"
const session = "src/session/LdapSession.ts"
const node = "src/connection/NodeConnection.ts"
const handshake = "src/connection/tlsHandshake.ts"
const request = "src/session/operations/request.ts"
const search = "src/session/operations/search.ts"
const cursor = "src/session/Cursor.ts"
const bind = "src/session/operations/bind.ts"
const carrier = "src/connection/Carrier.ts"
const outbox = "src/session/Outbox.ts"
const saslConnection = "src/connection/SaslConnection.ts"
const turns = "src/session/Turns.ts"
const pace = "src/session/Pace.ts"
const deadlines = "src/session/driver/Deadlines.ts"
const ids = "src/session/MessageIds.ts"
const parser = "src/protocol/LdapParser.ts"
const reader = "src/ber/BerReader.ts"

export const mutations: ReadonlyArray<Mutation> = [
  ...of(
    "S1",
    {
      file: carrier,
      find: "    if (!this.#isWriting) {\n",
      replace: "    {\n",
      test: "connection/Carrier",
      name: "is one after the other, in order",
      why: "a write begins while another is on its way"
    },
    {
      file: carrier,
      find: "      else if (this.#unwritten.length > 0) return this.#write()\n",
      replace: "",
      test: "connection/Carrier",
      name: "loses nothing, whenever it comes",
      why: "what comes between the last step of a write and its end is never written"
    },
    {
      file: carrier,
      find: "if (Exit.isFailure(exit)) this.#unwritten = []\n      else if",
      replace: "if",
      test: "connection/Carrier",
      name: "ends with what can't be written",
      why: "something follows what could not be written"
    },
    {
      file: carrier,
      find: "    if (this.#unwritten.length === 0) close()\n    else this.#onWritten = close\n",
      replace: "    close()\n",
      test: "connection/Carrier",
      name: "comes before the closing of this side, which a stop leaves out",
      why: "our side is closed before all is written"
    },
    {
      file: exchange,
      find: "this.#securing?.settled ?? this.#undecided",
      replace: "this.#securing?.settled",
      test: "connection/saslLayer",
      name: "a release waits for the layer",
      hangs: true,
      why: "an unbind in clear text goes to a peer that expects wrapped octets"
    },
    {
      file: exchange,
      find: "      this.#connection.write(this.#unbind)\n",
      replace: "",
      test: "session/sasl",
      name: "with a server that can't prove who it is ends the session",
      why: "no unbind is written"
    },
    {
      file: exchange,
      find: "      this.#connection.write(this.#unbind)\n",
      replace: "      for (const octets of [this.#unbind, this.#unbind]) this.#connection.write(octets)\n",
      test: "session/ending",
      name: "waits until the connection is closed, and adds nothing",
      why: "two unbinds are written"
    },
    {
      file: exchange,
      find: "    this.#outbox.clear()\n",
      replace: "",
      test: "session/ending",
      name: "is behind what is on its way, and instead of what waits for room",
      why: "what was not written yet is written while the session ends"
    },
    {
      file: exchange,
      find: `this.#mayUnbind = !isSecuring && (end._tag === "Released" || end._tag === "ProtocolViolation")`,
      replace: "this.#mayUnbind = true",
      test: "session/hostile",
      name: "a Notice of Disconnection, and nothing",
      why: "an unbind goes to a peer that has said goodbye"
    },
    {
      file: exchange,
      find: `this.#mayUnbind = !isSecuring && (end._tag === "Released" || end._tag === "ProtocolViolation")`,
      replace: `this.#mayUnbind = end._tag === "Released" || end._tag === "ProtocolViolation"`,
      test: "session/hostile",
      name: "a hostile peer: S7: StartTLS",
      why: "an unbind is sent between the request for StartTLS and its answer"
    },
    {
      file: exchange,
      find: `(end._tag === "Released" || end._tag === "ProtocolViolation")`,
      replace: `end._tag === "Released"`,
      test: "session/hostile",
      name: "S11: what can't be read",
      why: "none after a violation, although the peer still listens"
    },
    {
      file: exchange,
      find: "      this.#connection.shutdown(() => {\n",
      replace: "      queueMicrotask(() => {\n",
      test: "session/ending",
      name: "waits until the connection is closed, and adds nothing",
      why: "our side is not closed after the unbind, so the peer doesn't know that nothing follows"
    },
    {
      file: node,
      find: "    socket.end(finish)\n",
      replace: "    socket.destroy()\n",
      test: "connection/connect",
      name: "S1 and S2 on real sockets",
      why: "the socket is destroyed instead of half-closed: nothing is flushed, TLS has no close_notify"
    }
  ),
  ...of(
    "S2",
    {
      file: saslConnection,
      find:
        "    return Effect.forkDetach(whole, { startImmediately: true }).pipe(\n      Effect.flatMap(Fiber.join),\n",
      replace: "    return Effect.uninterruptible(whole).pipe(\n",
      test: "connection/saslLayer",
      name: "a layer that hangs",
      hangs: true,
      why: "whoever closes waits for a layer that never answers"
    },
    {
      file: exchange,
      find: "      Effect.ensuring(Deferred.succeed(this.#closed, undefined)),\n",
      replace: "      Effect.andThen(Deferred.succeed(this.#closed, undefined)),\n",
      test: "session/defects",
      name: "when it is closed, after the peer's end",
      hangs: true,
      why: "the release waits for a closing that has broken"
    },
    {
      file: session,
      find: `options.closeTimeout ?? "5 seconds"`,
      replace: `"1 second"`,
      test: "session/release",
      name: "a peer that never closes is waited for until closeTimeout, and not longer",
      why: "closeTimeout isn't the one that was given"
    },
    {
      file: exchange,
      find: "    if (!isDone) limit = this.deadlines.set(",
      replace: "    if (limit !== undefined) limit = this.deadlines.set(",
      test: "session/release",
      name: "a peer that never closes is waited for until closeTimeout, and not longer",
      hangs: true,
      why: "the goodbye has no time limit"
    },
    {
      file: exchange,
      find: "const closed = Scope.close(this.#connectionScope, Exit.void)",
      replace: "const closed = Effect.void",
      test: "session/release",
      name: "a peer that never closes is waited for until closeTimeout, and not longer",
      why: "the release leaves the connection open"
    },
    {
      file: exchange,
      find: "this.#securing?.settled ?? this.#undecided",
      replace: "this.#undecided",
      test: "session/release",
      name: "a StartTLS on its way: the unbind waits for the answer",
      why: "the goodbye doesn't wait for a StartTLS, and goes without an unbind"
    },
    {
      file: exchange,
      find: "    this.#onConnectionEnd?.()\n",
      replace: "",
      test: "session/release",
      name: "a session that never did anything sends one, then closes its side",
      hangs: true,
      why: "the goodbye isn't over when the peer has closed its side"
    },
    {
      file: exchange,
      find: "        if (this.#connectionEnd !== undefined) isOver()\n        else this.#onConnectionEnd = isOver\n",
      replace: "        this.#onConnectionEnd = isOver\n",
      test: "session/ending",
      name: "doesn't wait for a peer that has closed while the unbind was going out",
      hangs: true,
      why: "the goodbye waits for an end that has come"
    },
    {
      file: carrier,
      find: "    return Fiber.interruptAll(this.#fibers)\n",
      replace: "    return Effect.void\n",
      test: "connection/Carrier",
      name: "comes before the closing of this side, which a stop leaves out",
      why: "what was stopped goes on"
    },
    {
      file: carrier,
      find: "    if (this.#isStopped) return\n",
      replace: "",
      test: "connection/Carrier",
      name: "does not begin again once it was stopped",
      why: "what was stopped begins again"
    },
    {
      file: exchange,
      find: "this.end(SessionEnd.Released()) ? this.#close : Deferred.await(this.#closed)",
      replace: "this.end(SessionEnd.Released()) ? this.#close : this.#close",
      test: "session/hostile",
      name: "garbage, while it doesn't read, and reads again when the session is being closed",
      hangs: true,
      why: "a release says goodbye although somebody else does already"
    },
    {
      file: exchange,
      find: "this.end(SessionEnd.Released()) ? this.#close : Deferred.await(this.#closed)",
      replace: "this.end(SessionEnd.Released()) ? this.#close : Effect.void",
      test: "session/ending",
      name: "waits until the connection is closed, and adds nothing",
      why: "the release of a session that is ending doesn't wait until it has ended"
    },
    {
      file: exchange,
      find: "Scope.addFinalizer(Context.get(context, Scope.Scope), exchange.#release)",
      replace: "Effect.void",
      test: "session/release",
      name: "interrupting the fiber that owns the session releases it",
      why: "the scope's end doesn't release the session"
    },
    {
      file: node,
      find: "    socket.destroy()\n",
      replace: "    socket.end()\n",
      test: "connection/connect",
      name: "a peer that has stopped reading: the socket is destroyed at closeTimeout",
      hangs: true,
      why: "a closed scope waits for the peer's consent"
    }
  ),
  ...of(
    "S3",
    {
      file: carrier,
      find: "if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause))",
      replace: "if (Exit.isFailure(exit) && !Cause.hasDies(exit.cause) && !Cause.hasInterruptsOnly(exit.cause))",
      test: "session/defects",
      name: "when it is written to",
      hangs: true,
      why: "a writer that broke leaves everybody waiting"
    },
    {
      file: node,
      find: "    socket.pause()\n    socket.on(\"data\", this.#onData)\n",
      replace: "    socket.on(\"data\", this.#onData)\n    socket.pause()\n",
      test: "connection/NodeConnection",
      name: "what the server says before anybody asks is not lost",
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
      name: "what a program keeps stays as it was",
      why: "values change under the program when more is read"
    },
    {
      file: carrier,
      find: "if (Exit.isSuccess(exit) && !this.#isPaused) this.resume()",
      replace: "",
      test: "connection/Carrier",
      name: "goes on whenever it is resumed",
      why: "a resumption between the last step of a read and its end is forgotten"
    },
    {
      file: carrier,
      find: "    if (this.#isCalled) return Effect.andThen(laterThisTurn, this.#reading)\n",
      replace: "",
      test: "connection/Carrier",
      name: "hands nothing over within the call that writes",
      why: "an answer is handed over before its question counts as written"
    },
    {
      file: exchange,
      find: "          if (this.#connectionEnd !== undefined) this.#onEnd(this.#connectionEnd)\n",
      replace: "",
      test: "connection/NodeConnection",
      name: "an end that comes while the server is judged is told after it",
      hangs: true,
      why: "nobody hears of an end that came during a handshake"
    },
    {
      file: exchange,
      find: "      this.end(SessionEnd.ConnectionLost({ detail: defect, cause }))\n",
      replace: "      return void this.end(SessionEnd.ConnectionLost({ detail: defect, cause }))\n",
      test: "session/defects",
      name: "an answer that came with it",
      why: "an answer is lost that had come before a defect"
    },
    {
      file: exchange,
      find: `if (this.#state._tag === "Ended") return this.error(inFlight, closedBy(this.#state.end, false))`,
      replace: "",
      test: "session/release",
      name: "operations that start later fail at once and write nothing",
      hangs: true,
      why: "a session that has ended takes requests"
    },
    {
      file: exchange,
      find: "    for (const entry of inFlight) {\n",
      replace: "    for (const entry of inFlight.slice(inFlight.length)) {\n",
      test: "session/release",
      name: "S3: the end is the same for everybody",
      hangs: true,
      why: "operations in flight are never told"
    },
    {
      file: exchange,
      find: "inDoubt: written, cause",
      replace: "inDoubt: false, cause",
      test: "session/release",
      name: "S3: the end is the same for everybody",
      why: "an operation that the server may have carried out is said not to be in doubt"
    },
    {
      file: exchange,
      find: "      entry.written = true\n",
      replace: "",
      test: "session/release",
      name: "operations in flight fail with SessionClosed, in doubt if they were written",
      why: "nobody knows what was written"
    },
    {
      file: exchange,
      find: "    Deferred.doneUnsafe(this.ended, Effect.succeed(end))\n",
      replace: "",
      test: "session/release",
      name: "closed completes once for all who wait, before or after",
      hangs: true,
      why: "`closed` never completes"
    },
    {
      file: exchange,
      find: "this.end(SessionEnd.ServerNotice({ code, diagnosticMessage }))",
      replace: `this.end(SessionEnd.ConnectionLost({ detail: "the server closed it" }))`,
      test: "session/hostile",
      name: "a Notice of Disconnection, and then answers",
      why: "a Notice of Disconnection is not told from a lost connection"
    },
    {
      file: exchange,
      find: `    if (this.#state._tag === "Ended") return false\n`,
      replace: "",
      test: "session/hostile",
      name: "a Notice of Disconnection, and then answers",
      hangs: true,
      why: "a later reason replaces the first"
    },
    {
      file: exchange,
      find: "    this.turns.end()\n",
      replace: "",
      test: "session/ending",
      name: "is told at once to a bind that waits for its turn, and to what waits for the bind",
      why: "who waits for a turn isn't told of the end"
    }
  ),
  ...of(
    "S4",
    {
      file: session,
      find: "          : Scope.close(own, exit)\n",
      replace: "          : Effect.void\n",
      test: "session/release",
      name: "the session that failed to open is closed at once, although the caller's scope stays open",
      hangs: true,
      why: "a session whose bind failed stays open"
    },
    {
      file: session,
      find: "? Scope.addFinalizerExit(outer, (end) => Scope.close(own, end))",
      replace: "? Effect.void",
      test: "session/release",
      name: "interrupting the fiber that owns the session releases it",
      why: "a session that is open doesn't belong to its caller's scope"
    },
    {
      file: session,
      find: "      Effect.onError((cause) => Scope.close(connectionScope, Exit.failCause(cause))),\n",
      replace: "",
      test: "connection/connect",
      name: "S4: interruption while connecting",
      hangs: true,
      why: "what was opened before the interruption stays open"
    },
    {
      file: node,
      find: "Effect.andThen(Scope.addFinalizer(scope, connection.destroy), restore(connected))",
      replace: "restore(connected)",
      test: "connection/connect",
      name: "S4: interruption while connecting",
      hangs: true,
      why: "a socket isn't destroyed with its scope"
    },
    {
      file: node,
      find: "    this.connected = outcomeOf(socket, \"connect\")\n",
      replace: `    this.connected = Deferred.makeUnsafe()
    setImmediate(() => Deferred.doneUnsafe(this.connected, Deferred.await(outcomeOf(socket, "connect"))))
`,
      test: "connection/connect",
      name: "opening, use, release",
      hangs: true,
      why: "the connection is made between two steps of a fiber, and nobody notices"
    }
  ),
  ...of(
    "S5",
    {
      file: request,
      find: "    settle()\n    return giveUp(exchange, id, asked)\n",
      replace: "    settle()\n    return Effect.void\n",
      test: "session/interruption",
      name: "delete: one Abandon that names it, and the session goes on",
      hangs: true,
      why: "an interrupted operation isn't abandoned"
    },
    {
      file: cursor,
      find: "const givenUp = this.isUnderWay ? giveUp(this.#exchange, this.#id!, this.#question) : Effect.void",
      replace: "const givenUp = Effect.void",
      test: "session/interruption",
      name: "a stream that ends early abandons its search once",
      hangs: true,
      why: "a stream that ends early isn't abandoned"
    },
    {
      file: exchange,
      find: "      this.#outbox.withdraw(messageId)\n",
      replace: "",
      test: "session/interruption",
      name: "nothing is sent for one that was not written yet",
      why: "a request that nobody wants is written"
    },
    {
      file: outbox,
      find: "    this.#requests.delete(id)\n",
      replace: "",
      test: "connection/NodeConnection",
      name: "what a peer that doesn't read has no room for can be taken back",
      why: "a request that waits for room can't be taken back"
    },
    {
      file: outbox,
      find: "this.#hasRoom = this.#write(",
      replace: "this.#write(",
      test: "connection/NodeConnection",
      name: "what a peer that doesn't read has no room for can be taken back",
      why: "requests don't wait for room, and can't be taken back"
    },
    {
      file: outbox,
      find: "    this.#hasRoom = true\n    if (!this.#isPlanned) this.#flush()\n",
      replace: "    this.#hasRoom = true\n",
      test: "connection/NodeConnection",
      name: "what a peer that doesn't read has no room for can be taken back",
      hangs: true,
      why: "what waits for room is not written when there is some"
    },
    {
      file: exchange,
      find: "        this.#outbox.onRoom()\n",
      replace: "",
      test: "connection/saslLayer",
      name: "writes on where the bind had left no room",
      why: "nothing is written through a layer where there was no room below it"
    },
    {
      file: saslConnection,
      find: "        this.#goOn?.()\n",
      replace: "",
      test: "connection/saslLayer",
      name: "waits for room below it, and goes on when there is some",
      why: "what is wrapped never goes on after it had to wait"
    },
    {
      file: exchange,
      find: "    this.#inFlight.delete(messageId)\n    if (entry.written) {\n",
      replace: "    if (entry.written) {\n",
      test: "session/givingUp",
      name: "frees its slot at once: a bind doesn't wait for an answer to it",
      why: "an abandoned operation keeps its slot"
    },
    {
      file: exchange,
      find: "if (isResponse(operation._tag) && this.#ids.wasUsed(messageId)) return",
      replace: "",
      test: "session/interruption",
      name: "late responses are dropped, and nobody else gets them",
      hangs: true,
      why: "a late answer is taken for a violation"
    },
    {
      file: exchange,
      find: "      this.#ids.abandon(messageId)\n",
      replace: "",
      test: "session/messageIds",
      name: "an abandoned one is not used again",
      why: "the id of an abandoned operation is given to another"
    },
    {
      file: ids,
      find: "this.#isInFlight(this.#last) || ",
      replace: "",
      test: "session/messageIds",
      name: "one in flight is passed over",
      why: "an id in flight is given to another operation"
    },
    {
      file: request,
      find: `        givingUp: "disown"\n      })`,
      replace: "      })",
      test: "session/givingUp",
      name: "by a Cancel that isn't answered: the Cancel is not abandoned",
      why: "a Cancel is abandoned"
    },
    {
      file: request,
      find: `if (givingUp === undefined || givingUp === "abandon") return`,
      replace: `if (givingUp !== "disown") return`,
      test: "session/interruption",
      name: "interruption sends a Cancel, and waits for its answer",
      why: "cancel: true abandons"
    }
  ),
  ...of(
    "S6",
    {
      file: request,
      find: "if (asked.renewsTimeout === true) exchange",
      replace: "exchange",
      test: "session/limits",
      name: "of any other operation doesn't",
      hangs: true,
      why: "whoever speaks in between holds up an operation for ever"
    },
    {
      file: request,
      find:
        "  const deadline = exchange.deadlines.set(timeoutMillis, () => exchange.abandon(messageId, \"RequestTimeout\"))",
      replace: "  const deadline = undefined",
      test: "session/paging",
      name: "of a server that falls silent is abandoned at last",
      hangs: true,
      why: "a page that nobody wants holds up a bind for ever"
    },
    {
      file: search,
      find: ", renewsTimeout: true }",
      replace: " }",
      test: "session/limits",
      name: "of a search that is collected begins anew with each message",
      why: "a long answer is given up while it comes"
    },
    {
      file: request,
      find: `    else exchange.abandon(id, "RequestTimeout")\n`,
      replace: "",
      test: "session/interruption",
      name: "the operation is abandoned at its time, the others go on",
      hangs: true,
      why: "an operation whose time is up isn't abandoned"
    },
    {
      file: cursor,
      find: `if (this.#id !== undefined) this.#exchange.abandon(this.#id, "RequestTimeout")`,
      replace: "",
      test: "session/limits",
      name: "of a stream abandons its search, once",
      why: "a search whose time is up isn't abandoned"
    },
    {
      file: deadlines,
      find: "at: this.#clock.currentTimeMillisUnsafe() + afterMillis",
      replace: "at: Date.now() + afterMillis",
      test: "session/interruption",
      name: "S6: a time limit ends one operation",
      hangs: true,
      why: "limits are set by the machine's time"
    },
    {
      file: deadlines,
      find: "if (deadline.at < this.#nearest) this.#sleepUntil(deadline.at)",
      replace: "if (this.#nearest === Infinity) this.#sleepUntil(deadline.at)",
      test: "session/limits",
      name: "that is set while a longer one runs passes before it",
      hangs: true,
      why: "an earlier deadline waits for a later one"
    },
    {
      file: deadlines,
      find: "    if (nearest < this.#nearest) this.#sleepUntil(nearest)\n",
      replace: "",
      test: "session/interruption",
      name: "limits of different lengths pass in their own order, whichever was set first",
      hangs: true,
      why: "only the nearest limit passes"
    },
    {
      file: deadlines,
      find: "millis > 0 ? Effect.sleep(millis) : Effect.yieldNow",
      replace: "Effect.sleep(millis)",
      test: "session/limits",
      name: "of no time is over at once",
      why: "a limit of no time passes before it is set"
    },
    {
      file: deadlines,
      find: "if (deadline.at <= now && this.#deadlines.delete(deadline)) deadline.onPassed()",
      replace: "if (this.#deadlines.delete(deadline)) deadline.onPassed()",
      test: "session/interruption",
      name: "limits of different lengths pass in their own order, whichever was set first",
      why: "one limit that passes ends all that are limited"
    },
    {
      file: cursor,
      find: "    this.#exchange.deadlines.takeBack(this.#deadline)\n",
      replace: "",
      test: "session/limits",
      name: "of a search rests while nobody asks for more",
      why: "the limit of a search runs on while nobody asks for more"
    },
    {
      file: session,
      find: "Effect.timeoutOrElse(transport.connect, {\n    duration: limit,",
      replace: "Effect.timeoutOrElse(transport.connect, {\n    duration: Infinity,",
      test: "connection/connect",
      name: "one that never answers the attempt to connect: connectTimeout, on the Clock",
      hangs: true,
      why: "connecting has no limit"
    },
    {
      file: exchange,
      find: "        duration: connectTimeout,\n",
      replace: "        duration: Infinity,\n",
      test: "session/hostile",
      name: "ConnectFailed at connectTimeout",
      hangs: true,
      why: "the handshake of StartTLS has no limit"
    },
    {
      file: bind,
      find: "      withdraw()\n      end(Effect.fail(exchange.error(context, new RequestTimeout(",
      replace: "      isOver || (Effect.fail(exchange.error(context, new RequestTimeout(",
      test: "session/interruption",
      name: "a bind that gets no answer fails at its time and is not abandoned: simple",
      hangs: true,
      why: "a simple bind has no limit"
    },
    {
      file: bind,
      find: "  return timeoutMillis === Infinity\n    ? whole",
      replace: "  return timeoutMillis > 0\n    ? whole",
      test: "session/interruption",
      name: "a bind that gets no answer fails at its time and is not abandoned",
      hangs: true,
      why: "a bind has no limit"
    },
    {
      file: request,
      find: "  return timeoutMillis === Infinity\n    ? turn",
      replace: "  return timeoutMillis > 0\n    ? turn",
      test: "session/hostile",
      name: "silence in answer to a bind",
      hangs: true,
      why: "the wait for a turn has no limit"
    }
  ),
  ...of(
    "S7",
    {
      file: bind,
      find:
        `authentication._tag === "Sasl" && "result" in operation && operation.result.code === LdapResultCode.success`,
      replace: `authentication._tag === "Sasl" && "entry" in operation`,
      test: "connection/saslLayer",
      name: "nothing is read: what comes meanwhile",
      why: "what comes right after a bind is read in clear text"
    },
    {
      file: exchange,
      find: "this.#undecided === undefined && this.#securing",
      replace: "this.#securing",
      test: "connection/saslLayer",
      name: "nothing is read: what comes meanwhile",
      why: "it is read on while a bind has not decided how"
    },
    {
      file: exchange,
      find: "this.#securing?.granted !== true && this.pace.mayRead",
      replace: "this.pace.mayRead",
      test: "session/turns",
      name: "nothing is read while a handshake is on its way",
      why: "the session reads what belongs to the handshake"
    },
    {
      file: carrier,
      find: "while (this.#unread.length > 0 && !this.#isPaused) {",
      replace: "while (this.#unread.length > 0) {",
      test: "connection/Carrier",
      name: "hands over nothing after a pause",
      why: "octets are handed over after a pause"
    },
    {
      file: bind,
      find: "        exchange.turns.release()\n        end(Effect.flatMap(",
      replace: "        if (!isOver) exchange.turns.release()\n        end(Effect.flatMap(",
      test: "session/interruption",
      name: "a bind is not abandoned; nothing is sent before its answer",
      hangs: true,
      why: "an interrupted bind keeps its turn for ever"
    },
    {
      file: bind,
      find: "        exchange.turns.release()\n        return end(Effect.die(cause))\n",
      replace: "        throw cause\n",
      test: "session/turns",
      name: "a password that is wiped while its bind waits",
      hangs: true,
      why: "a password that can't be had stops everybody's turns"
    },
    {
      file: bind,
      find: "    return Effect.sync(() => {\n      withdraw()\n",
      replace: "    return Effect.sync(() => {\n",
      test: "session/turns",
      name: "what waits for a bind goes on when the bind is given up",
      why: "a bind that is given up before its turn is sent all the same"
    },
    {
      file: bind,
      find: "    if (exchange.hasUnread) return fail(",
      replace: "    if (false) return fail(",
      test: "connection/saslLayer",
      name: "the start of a message in clear text",
      hangs: true,
      why: "octets in clear text become the start of what comes through a security layer"
    },
    {
      file: bind,
      find: "Cause.hasDies(cause) ? exchange.giveUp(",
      replace: "false ? exchange.giveUp(",
      test: "connection/saslLayer",
      name: "a defect of the mechanism",
      hangs: true,
      why: "a session goes on after a bind whose outcome nobody knows"
    },
    {
      file: turns,
      find: "return this.#ended || (!this.#held && this.#alone.size === 0)",
      replace: "return true",
      test: "session/flow",
      name: "a bind waits for what is in flight, and what comes meanwhile waits for it",
      why: "operations don't wait for a bind"
    },
    {
      file: turns,
      find: "      if (!this.#ended && !this.#isIdle()) return undefined\n",
      replace: "",
      test: "session/flow",
      name: "a bind waits for what is in flight, and what comes meanwhile waits for it",
      why: "a bind doesn't wait for what is in flight"
    },
    {
      file: search,
      find: "const give = () => exchange.turns.whenOpen(() => giveCookieBack(exchange, search, cookie))",
      replace: "const give = () => giveCookieBack(exchange, search, cookie)",
      test: "session/flow",
      name: "a cookie is given back when the bind has its answer, not before",
      why: "a cookie is given back while a bind is on its way"
    },
    {
      file: request,
      find: "asked.hasTurn === true || exchange.turns.isOpen\n",
      replace: "asked.hasTurn !== false\n",
      test: "session/flow",
      name: "not by a delete that was about to begin",
      why: "an operation is sent whose turn has passed between two steps of its fiber"
    },
    {
      file: turns,
      find: "    if (this.#isAdvancing) return\n",
      replace: "",
      test: "session/turns",
      name: "a thousand that wait for a turn which each of them gives back at once",
      hangs: true,
      why: "the stack grows with every one that waits"
    },
    {
      file: turns,
      find: "if (this.#held && !this.#ended) return",
      replace: "",
      test: "session/turns",
      name: "a bind waits for the end of the handshake, although nothing is in flight then",
      why: "a bind doesn't wait for the handshake of StartTLS"
    },
    {
      file: turns,
      find: "if (this.#alone.delete(take)) this.advance()",
      replace: "this.#alone.delete(take)",
      test: "session/turns",
      name: "what waits for a bind goes on when the bind is given up, although something is in flight",
      why: "what waits for a bind that is given up waits for ever"
    },
    {
      file: turns,
      find: "Effect.sync(() => isMine && this.release())",
      replace: "Effect.void",
      test: "session/everyStep",
      name: "bind by SASL while others are at work",
      hangs: true,
      why: "a turn that comes in the moment of the interruption is never given back"
    },
    {
      file: bind,
      find: "Effect.flatMap((fiber) => restore(Fiber.join(fiber)))",
      replace:
        "Effect.flatMap((fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber)))",
      test: "session/interruption",
      name: "a bind is not abandoned; nothing is sent before its answer",
      why: "an interrupted bind is abandoned, and gives its turn away"
    },
    {
      file: exchange,
      find: "if (this.#securing?.granted === true) return this.#clearTextAfterStartTls()",
      replace: "",
      test: "session/turns",
      name: "no handshake begins where the answer to StartTLS brings a message in clear text with it",
      why: "a message in the packet of the answer to StartTLS is believed"
    },
    {
      file: exchange,
      find: "if (this.#parser.pending > 0) {",
      replace: "if (this.#parser.pending > 1_000_000) {",
      test: "session/flow",
      name: "StartTLS: half a PDU after the answer is as bad",
      why: "half a message in clear text becomes the beginning of one under TLS"
    }
  ),
  ...of(
    "S8",
    {
      file: exchange,
      find: `if (this.#state._tag === "Ended") return this.error(inFlight, closedBy(this.#state.end, false))`,
      replace: `if (this.#state._tag === "Ended") this.#state = { _tag: "Open" }`,
      test: "session/security",
      name: "a lost session stays lost",
      hangs: true,
      why: "a session that was lost opens itself again"
    },
    {
      file: session,
      find: "Effect.timeoutOrElse(transport.connect, {",
      replace: "Effect.timeoutOrElse(Effect.retry(transport.connect, { times: 2 }), {",
      test: "session/unsaid",
      name: "a connection that fails is not tried again",
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
      test: "session/unsaid",
      name: "a StartTLS of the configuration that is refused",
      why: "a session is there in clear text although its StartTLS was refused"
    }
  ),
  ...of(
    "S9",
    {
      file: bind,
      find: `if (sendsSecret && exchange.insecure !== undefined)`,
      replace: `if (sendsSecret && options.controls.length > 99)`,
      test: "session/security",
      name: "it isn't even asked for then",
      why: "passwords go over the network in clear text"
    },
    {
      file: bind,
      find: ` || (auth._tag === "Sasl" && auth.mechanism.sendsSecret)`,
      replace: "",
      test: "session/sasl",
      name: "S9: a mechanism that sends its secret as it is needs a protected connection",
      hangs: true,
      why: "PLAIN goes over the network in clear text"
    },
    {
      file: "src/auth/mechanisms/PlainMechanism.ts",
      find: "sendsSecret: true",
      replace: "sendsSecret: false",
      test: "auth/mechanisms/mechanisms",
      name: "which mechanisms need a protected connection",
      why: "PLAIN says that it keeps its secret"
    },
    {
      file: session,
      find: "allowInsecureAuth: options.allowInsecureAuth ?? false",
      replace: "allowInsecureAuth: options.allowInsecureAuth ?? true",
      test: "session/security",
      name: "it isn't even asked for then",
      why: "clear text is allowed by default"
    },
    {
      file: "src/connection/LdapTransport.ts",
      find: `protection: options?.protection ?? "none"`,
      replace: `protection: options?.protection ?? "local"`,
      test: "session/unsaid",
      name: "a socket of which nothing is known is not trusted with one",
      why: "a socket of which nothing is known counts as protected"
    },
    {
      file: node,
      find: `/^(::ffff:)?127\\./.test(address)`,
      replace: "address.length > 0",
      test: "session/unsaid",
      name: "an address that isn't loopback is not local",
      why: "every address counts as this machine's"
    },
    {
      file: bind,
      find: `if (context.dn !== "" && Redacted.value(current).length === 0) {`,
      replace: `if (context.dn === "" && Redacted.value(current).length === 0) {`,
      test: "session/security",
      name: "an empty one is refused before it is sent",
      hangs: true,
      why: "a name with an empty password is sent, which servers take for nobody"
    },
    {
      file: "src/auth/Password.ts",
      find: `if (value.length === 0) return yield* new InvalidRequest({ field, detail: "it is empty" })`,
      replace: "",
      test: "auth/mechanisms/mechanisms",
      name: "nothing is sent that would read as something else",
      why: "mechanisms of SASL send an empty password"
    },
    {
      file: bind,
      find: `dn: auth._tag === "Simple" ? auth.dn : ""`,
      replace: `dn: auth._tag === "Simple" ? auth.dn + Redacted.value(auth.password as never) : ""`,
      test: "session/security",
      name: "it appears in no error, no log and no inspected value",
      why: "an error names the password"
    },
    {
      file: handshake,
      find: "rejectUnauthorized: options.rejectUnauthorized ?? true",
      replace:
        "...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized })",
      test: "connection/connect",
      name: "verification is on whatever the environment says",
      why: "a variable of the environment turns verification off"
    },
    {
      file: handshake,
      find: "      host: name,\n",
      replace: "",
      test: "session/unsaid",
      name: "of an address, the certificate's addresses are looked at",
      why: "the certificate's addresses aren't looked at"
    },
    {
      file: handshake,
      find: "checkServerIdentity: options.checkServerIdentity ?? Tls.checkServerIdentity",
      replace: "checkServerIdentity: () => undefined",
      test: "connection/connect",
      name: "TLS",
      why: "a certificate for another host is taken"
    },
    {
      file: handshake,
      find: `minVersion: options.minVersion ?? "TLSv1.2"`,
      replace: "minVersion: options.minVersion",
      test: "connection/tls",
      name: "nor where a flag or the environment lets Node speak it",
      why: "a flag brings TLS 1.0 back"
    },
    {
      file: handshake,
      find: "return shown.some((fingerprint) =>",
      replace: "return pins.length === 0 || shown.some((fingerprint) =>",
      test: "connection/tls",
      name: "another server is refused although its certificate is good",
      why: "no pinned fingerprint is as good as any"
    },
    {
      file: node,
      find: "Effect.mapError(prepared.judge(negotiated), (refusal) => fail({ kind: \"tls\", ...refusal })),",
      replace: "Effect.ignore(prepared.judge(negotiated)),",
      test: "connection/tls",
      name: "sees what was negotiated, and may refuse with a reason",
      why: "a server that the program refuses is used all the same"
    },
    {
      file: "src/connection/SocketConnection.ts",
      find: "rejectUnauthorized: tls.rejectUnauthorized ?? true",
      replace: "rejectUnauthorized: tls.rejectUnauthorized ?? false",
      test: "session/unsaid",
      name: "the upgrade of a socket of Effect verifies, unless it is told not to",
      why: "StartTLS on a socket of Effect takes any certificate"
    },
    {
      file: bind,
      find: `reason._tag !== "AuthRejected" && reason._tag !== "InvalidRequest"`,
      replace: `reason._tag !== "InvalidRequest"`,
      test: "session/sasl",
      name: "with a server that can't prove who it is ends the session",
      hangs: true,
      why: "a session goes on with a server that could not prove who it is"
    },
    {
      file: "src/auth/mechanisms/ScramMechanism.ts",
      find: "if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {",
      replace: "if (signature.length !== expected.length) {",
      test: "auth/mechanisms/ScramMechanism",
      name: "SCRAM, servers that are not what they say",
      why: "any signature of the server's is believed"
    }
  ),
  ...of(
    "S10",
    {
      file: search,
      find: "this.cookie !== undefined && this.cookie.length > 0",
      replace: "true",
      test: "session/paging",
      name: "but not for ever, and the first page not at all",
      hangs: true,
      why: "a server that has no time for a search is asked again and again"
    },
    {
      file: search,
      find: `reason._tag === "Busy"`,
      replace: "reason._tag === undefined",
      test: "session/paging",
      name: "a page for which the server is too busy is asked for again",
      hangs: true,
      why: "half of an answer is lost to a server that needs another moment"
    },
    {
      file: search,
      find: `search.givingUp !== "abandon" || !isSorted(search)`,
      replace: "search.pageSize !== 0",
      test: "session/paging",
      name: "a page of a sorted search comes to its end",
      hangs: true,
      why: "slapd keeps a sorted search that nobody can give back"
    },
    {
      file: pace,
      find: "return this.#full === 0 || this.#waiting > 0 || this.#isNeeded()",
      replace: "return true",
      test: "session/flow",
      name: "stops the reading while nobody else waits, so the server has to wait",
      why: "an unread stream fills the memory"
    },
    {
      file: pace,
      find: " || this.#waiting > 0",
      replace: "",
      test: "session/flow",
      name: "loses nothing and doesn't hold up others: a lookup for every entry of a stream",
      hangs: true,
      why: "a lookup within a stream deadlocks"
    },
    {
      file: pace,
      find: " || this.#isNeeded()",
      replace: "",
      test: "session/flow",
      name: "an unread stream doesn't keep a bind from its turn",
      hangs: true,
      why: "a bind deadlocks behind an unread stream"
    },
    {
      file: turns,
      find: "    if (this.isAwaited) this.#onAwaited()\n",
      replace: "",
      test: "session/flow",
      name: "an unread stream doesn't keep a bind from its turn that comes when nothing is read any more",
      why: "a bind deadlocks behind an unread stream that is full already"
    },
    {
      file: cursor,
      find: "        if (this.#octets >= highWaterMark) this.#setFull(true)\n",
      replace: "",
      test: "session/flow",
      name: "stops the reading while nobody else waits, so the server has to wait",
      why: "no stream is ever full"
    },
    {
      file: cursor,
      find: "        this.#items = []\n        this.#setFull(false)\n",
      replace: "        this.#items = []\n",
      test: "session/flow",
      name: "a stream that is ended while the reading is stopped starts it again",
      hangs: true,
      why: "a stream that was full stops the reading after its end"
    },
    {
      file: node,
      find: "  pause(): void {\n    this.#socket.pause()\n",
      replace: "  pause(): void {\n",
      test: "session/hostile",
      name: "40 MB of entries that nobody reads, and that are read at last",
      why: "the socket is read although nobody asks"
    },
    {
      file: search,
      find: "if (search.pageSize !== undefined) whenOpenGiveBack(exchange, search, unused)",
      replace: "",
      test: "session/interruption",
      name: "a paged search that ends between pages gives the server's cursor back",
      hangs: true,
      why: "the server keeps a cursor that nobody wants"
    },
    {
      file: search,
      find:
        `    deadline = exchange.deadlines.set(search.timeoutMillis, () => exchange.abandon(sent, "RequestTimeout"))\n`,
      replace: "    deadline = undefined\n",
      test: "session/hostile",
      name: "silence in answer to a cookie that was given back",
      hangs: true,
      why: "a cookie that is given back has no time limit, and a bind waits for its answer"
    },
    {
      file: search,
      find:
        "const isIdle = isEmpty && next !== undefined && previous !== undefined && Buffer.compare(next, previous) === 0",
      replace: "const isIdle = isEmpty",
      test: "session/hostile",
      name: "many empty pages with other cookies, and an entry at last",
      hangs: true,
      why: "empty pages are an error although they lead on"
    },
    {
      file: search,
      find: "return this.#idle < mostIdlePages\n",
      replace: "return this.#idle < 10_000_000\n",
      test: "session/hostile",
      name: "empty pages with the same cookie, for ever",
      hangs: true,
      why: "a server can keep a search going for ever"
    },
    {
      file: search,
      find: `return paged === undefined ? "unreadable" : paged.cookie`,
      replace: "return paged === undefined ? undefined : paged.cookie",
      test: "session/hostile",
      name: "a control for the next page that can't be read",
      why: "half of an answer passes for the whole"
    }
  ),
  ...of(
    "S11",
    {
      file: saslConnection,
      find: "if (this.#length === 0 || this.#length > this.#maxLength) {",
      replace: "if (this.#length === 0) {",
      test: "connection/saslLayer",
      name: "larger than what was agreed on",
      hangs: true,
      why: "a wrapped buffer may be as large as the peer likes"
    },
    {
      file: saslConnection,
      find: "if (this.#length === 0 || this.#length > this.#maxLength) {",
      replace: "if (this.#length > this.#maxLength) {",
      test: "connection/saslLayer",
      name: "a buffer of no octets",
      hangs: true,
      why: "a wrapped buffer may be empty"
    },
    {
      file: exchange,
      find: "const violation = this.#violation ?? malformed\n",
      replace: "const violation = this.#violation\n",
      test: "session/hostile",
      name: "an answer, and garbage in the same packet",
      hangs: true,
      why: "what can't be read is ignored"
    },
    {
      file: request,
      find: `if (answer === undefined) return "foreign"\n`,
      replace: `if (answer === undefined) return "more"\n`,
      test: "session/hostile",
      name: "S11: what can't be read",
      hangs: true,
      why: "a response of the wrong kind is ignored"
    },
    {
      file: exchange,
      find: `if (operation._tag !== "ExtendedResponse") {`,
      replace: `if (operation._tag === "UnbindRequest") {`,
      test: "session/hostile",
      name: "S11: what can't be read",
      hangs: true,
      why: "message id 0 may carry anything"
    },
    {
      file: ids,
      find: "return this.#wrapped || id <= this.#last",
      replace: "return id > 0",
      test: "session/hostile",
      name: "S11: what can't be read",
      hangs: true,
      why: "an answer to an id that was never used is ignored"
    },
    {
      file: exchange,
      find: "new LdapParser({ maxMessageSize: options.maxMessageSize })",
      replace: "new LdapParser()",
      test: "session/hostile",
      name: "a message one octet above maxMessageSize",
      hangs: true,
      why: "the session doesn't hand its maxMessageSize on"
    },
    {
      file: parser,
      find: "if (header + length > this.#maxMessageSize) {",
      replace: "if (length > 0xffffffff) {",
      test: "protocol/LdapParser",
      name: "maxMessageSize",
      why: "a message may be of any size"
    },
    {
      file: parser,
      find: "if (tag !== 0x30) throw new BerError(describeForeign(tag), 0)",
      replace: "",
      test: "protocol/LdapParser",
      name: "says what it found instead of LDAP",
      why: "what speaks another protocol is read as LDAP"
    },
    {
      file: parser,
      find: "if (this.#failure !== undefined) return this.#failure",
      replace: "",
      test: "protocol/LdapParser",
      name: "every further call gives the same failure and no message",
      why: "the parser goes on behind what it couldn't read"
    },
    {
      file: reader,
      find: "if (start + length > end) throw new BerError(`length ${length} passes",
      replace: "if (start + length > this.bytes.length) throw new BerError(`length ${length} passes",
      test: "ber/Ber",
      name: "never leaves the element that it is in",
      why: "an element may pass the end of the one that holds it"
    },
    {
      file: reader,
      find: "if (length > 4) throw new BerError(`an integer of",
      replace: "if (length > 40) throw new BerError(`an integer of",
      test: "ber/Ber",
      name: "elements",
      why: "an integer of any length is taken, and wraps"
    },
    {
      file: "src/model/entry/LdapEntry.ts",
      find: "const attributes = Object.create(null) as Record<string, ReadonlyArray<unknown>>",
      replace: "const attributes = {} as Record<string, ReadonlyArray<unknown>>",
      test: "model/entry/LdapEntry",
      name: "has no attributes but those that it was given",
      why: "an attribute named __proto__ is lost"
    },
    {
      file: "src/model/entry/EntryText.ts",
      find: "return text.length === places[count] ? places : undefined",
      replace: "return places",
      test: "model/entry/EntryIndex",
      name: "whatever the octets are",
      why: "values are cut out of the wrong place where octets aren't UTF-8"
    },
    {
      file: "src/model/entry/EntryText.ts",
      find: "if (elementEnd(bytes, set) !== next) return undefined",
      replace: "",
      test: "model/entry/EntryIndex",
      name: "whatever the octets are",
      why: "a value may take the end of a character from what follows it"
    }
  ),
  ...kerberosMutations
]
