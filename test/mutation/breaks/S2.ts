/** S2: the release can't be skipped, doubled or interrupted, and is bounded. */
import { breaksOf } from "../Mutation.ts"
import { driver, duplex, openDriver, saslConnection, settings, sockets } from "../sources.ts"

export const s2 = breaksOf(
  "S2",
  {
    file: saslConnection,
    find: "    return Effect.forkDetach(whole, { startImmediately: true }).pipe(\n      Effect.flatMap(Fiber.join),\n",
    replace: "    return Effect.uninterruptible(whole).pipe(\n",
    test: "connection/saslLayer",
    name: "a layer that hangs",
    hangs: true,
    why: "the closing waits for a layer that never answers"
  },
  {
    file: driver,
    find: "addObserver(() =>\n",
    replace: "addObserver((exit) => Exit.isSuccess(exit) &&\n",
    test: "session/driver/defects",
    name: "when it is closed, after the peer's end",
    hangs: true,
    why: "the release waits for a closing that has broken"
  },
  {
    file: settings,
    find: "closeTimeout: millis(options.closeTimeout, 5_000)",
    replace: "closeTimeout: 1_000",
    test: "session/release",
    name: "a peer that never closes is waited for until closeTimeout, and not longer",
    why: "closeTimeout isn't the one that was given"
  },
  {
    file: driver,
    find: "        const deadline = this.#deadlines.set(action.of, action.millis)\n",
    replace:
      "        if (action.of === \"goodbye\") return\n        const deadline = this.#deadlines.set(action.of, action.millis)\n",
    test: "session/release",
    name: "a peer that never closes is waited for until closeTimeout, and not longer",
    hangs: true,
    why: "the goodbye has no time limit"
  },
  {
    file: driver,
    find: "const closed = Scope.close(this.#connectionScope, Exit.void)",
    replace: "const closed = Effect.void",
    test: "session/release",
    name: "a peer that never closes is waited for until closeTimeout, and not longer",
    why: "the release leaves the connection open"
  },
  {
    file: driver,
    find: `onEnd: (end) => this.dispatch({ _tag: "ConnectionEnd", end }),`,
    replace: "onEnd: () => {},",
    test: "session/release",
    name: "a session without operations sends one, then closes its side",
    hangs: true,
    why: "the session doesn't hear that the peer has closed its side"
  },
  {
    file: duplex,
    find: "    return Fiber.interruptAll(this.#fibers)\n",
    replace: "    return Effect.void\n",
    test: "connection/EffectDuplex",
    name: "comes before this side is closed; a stop doesn't close it",
    why: "what was stopped goes on"
  },
  {
    file: duplex,
    find: "    if (this.#isStopped) return\n",
    replace: "",
    test: "connection/EffectDuplex",
    name: "does not begin again after a stop",
    why: "what was stopped begins again"
  },
  {
    file: driver,
    find: "      this.dispatch({ _tag: \"Release\" })\n      return this.closed.await\n",
    replace: "      this.dispatch({ _tag: \"Release\" })\n      return Effect.void\n",
    test: "session/ending",
    name: "waits until the connection is closed, and sends nothing more",
    why: "the release of a session that is ending doesn't wait until it has ended"
  },
  {
    file: openDriver,
    find: "Scope.addFinalizer(Context.get(this.#context, Scope.Scope), this.#driver.release)",
    replace: "Effect.void",
    test: "session/release",
    name: "interrupting the fiber that owns the session releases it",
    why: "the scope's end doesn't release the session"
  },
  {
    file: sockets,
    find: "    socket.destroy()\n",
    replace: "    socket.end()\n",
    test: "connection/connect",
    name: "a peer that has stopped reading: the socket is destroyed at closeTimeout",
    hangs: true,
    why: "a closed scope waits for the peer's consent"
  },
  {
    file: driver,
    find: "        this.closed.happen()\n",
    replace: "",
    test: "session/release",
    name: "a peer that never closes is waited for until closeTimeout, and not longer",
    hangs: true,
    why: "the release never hears that all is closed"
  },
  {
    file: driver,
    find: "const closing = this.#handshaking === undefined",
    replace: "const closing = this.#handshaking !== null",
    test: "session/driver/connections",
    name: "a handshake that is under way is interrupted",
    hangs: true,
    why: "a handshake outlives its session"
  },
  {
    file: driver,
    find: "        return deadline === undefined ? undefined : this.#deadlines.clear(deadline)\n",
    replace:
      "        return action.of === \"goodbye\" ? undefined : deadline === undefined ? undefined : this.#deadlines.clear(deadline)\n",
    test: "session/driver/connections",
    name: "closing the connection has a closeTimeout of its own",
    why: "the time for the unbind cuts the closing short"
  }
)
