/** S4: interruption while opening leaves nothing. */
import { breaksOf } from "../Mutation.ts"
import { addressRace, node, nodeConnect, openDriver, openWhole } from "../sources.ts"

export const s4 = breaksOf(
  "S4",
  {
    file: openWhole,
    find: "            : Scope.close(own, exit)\n",
    replace: "            : Effect.void\n",
    test: "session/release",
    name: "the session that failed to open is closed at once, although the caller's scope stays open",
    hangs: true,
    why: "a session whose bind failed stays open"
  },
  {
    file: openWhole,
    find: "? Scope.addFinalizerExit(outer, (end) => Scope.close(own, end))",
    replace: "? Effect.void",
    test: "session/release",
    name: "interrupting the fiber that owns the session releases it",
    why: "a session that is open doesn't belong to its caller's scope"
  },
  {
    file: openDriver,
    find: "      Effect.onError((cause) => Scope.close(connectionScope, Exit.failCause(cause))),\n",
    replace: "",
    test: "connection/connect",
    name: "S4: interruption while connecting",
    hangs: true,
    why: "what was opened before the interruption stays open"
  },
  {
    file: nodeConnect,
    find: "        Scope.addFinalizer(scope, connection.destroy),\n",
    replace: "        Effect.void,\n",
    test: "connection/connect",
    name: "S4: interruption while connecting",
    hangs: true,
    why: "a socket isn't destroyed with its scope"
  },
  {
    file: node,
    find: "      this.connected = outcomeOf(socket, event)\n",
    replace:
      "      this.connected = Deferred.makeUnsafe()\n      setImmediate(() => Deferred.doneUnsafe(this.connected, Deferred.await(outcomeOf(socket, event))))\n",
    test: "connection/connect",
    name: "opening, use, release",
    hangs: true,
    why: "the connection is made between two steps of a fiber, and the session doesn't notice"
  },
  {
    file: addressRace,
    find: "this.#scopes.filter((scope) => scope !== winner)",
    replace: "this.#scopes.slice(this.#scopes.length)",
    test: "connection/addressRace",
    name: "the first that connects wins, and the losers are closed in that moment",
    why: "attempts that lose stay open"
  },
  {
    file: addressRace,
    find: "        Fiber.interruptAll(this.#fibers),\n",
    replace: "        Effect.void,\n",
    test: "connection/addressRace",
    name: "at any step of its fibers: nothing is open",
    why: "attempts go on after the race"
  }
)
