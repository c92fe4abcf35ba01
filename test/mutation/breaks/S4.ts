/** S4: interruption while opening leaves nothing. */
import { breaksOf } from "../Mutation.ts"
import { addressRace, node, nodeConnect, openDriver } from "../sources.ts"

export const s4 = breaksOf(
  "S4",
  {
    file: openDriver,
    find: "      : this.#driver.release\n",
    replace: "      : Effect.void\n",
    test: "session/release",
    name: "the session that failed to open is closed at once, although the caller's scope stays open",
    hangs: true,
    why: "a session whose bind failed stays open"
  },
  {
    file: openDriver,
    find: "return Scope.close(this.#connectionScope, exit)",
    replace: "return Effect.void",
    test: "connection/connect",
    name: "S4: interruption while connecting",
    hangs: true,
    why: "what was opened before the interruption stays open"
  },
  {
    file: nodeConnect,
    find: "Effect.suspend(() => connection === undefined ? Effect.void : connection.destroy)",
    replace: "Effect.void",
    test: "connection/connect",
    name: "S4: interruption while connecting",
    hangs: true,
    why: "a socket isn't destroyed with its scope"
  },
  {
    file: node,
    find: "    this.#socket.on(event, onEvent)\n",
    replace: "    setTimeout(() => this.#socket.on(event, onEvent), 50)\n",
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
