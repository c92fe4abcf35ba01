/** S1: one unbind for a connection, last on the wire. */
import { breaksOf } from "../Mutation.ts"
import { driver, duplex, node, saslBind, writer } from "../sources.ts"

export const s1 = breaksOf(
  "S1",
  {
    file: duplex,
    find: "    if (!this.#isWriting) {\n",
    replace: "    {\n",
    test: "connection/EffectDuplex",
    name: "is in order, one chunk at a time, and reports room when all is written",
    why: "a write begins while another is on its way"
  },
  {
    file: duplex,
    find: "      else if (this.#unwritten.length > 0) return this.#write()\n",
    replace: "",
    test: "connection/EffectDuplex",
    name: "loses nothing at any moment",
    why: "what comes between the last step of a write and its end is never written"
  },
  {
    file: duplex,
    find: "if (Exit.isFailure(exit)) this.#unwritten = []\n      else if",
    replace: "if",
    test: "connection/EffectDuplex",
    name: "ends with a failed write: nothing follows, no room is reported, and the end is",
    why: "something follows what could not be written"
  },
  {
    file: duplex,
    find: "    if (this.#unwritten.length === 0) close()\n    else this.#onWritten = close\n",
    replace: "    close()\n",
    test: "connection/EffectDuplex",
    name: "comes before this side is closed; a stop doesn't close it",
    why: "our side is closed before all is written"
  },
  {
    file: saslBind,
    find: "if (!this.#isDeciding || !isReleased) this.#conversation",
    replace: "this.#conversation",
    test: "connection/saslLayer",
    name: "a release waits for the layer",
    hangs: true,
    why: "an unbind in clear text goes to a peer that expects wrapped octets"
  },
  {
    file: driver,
    find: "        this.#writer.unbind(action.messageId)\n",
    replace: "",
    test: "session/operations/sasl",
    name:
      "with a server that can't prove its identity ends the session, since the server takes the connection for bound",
    why: "no unbind is written"
  },
  {
    file: driver,
    find: "        this.#writer.unbind(action.messageId)\n",
    replace: "        this.#writer.unbind(action.messageId)\n        this.#writer.unbind(action.messageId + 1)\n",
    test: "session/ending",
    name: "waits until the connection is closed, and sends nothing more",
    why: "two unbinds are written"
  },
  {
    file: driver,
    find: "return this.#connection.shutdown(this.#onShutdown)",
    replace: "return this.#onShutdown()",
    test: "session/ending",
    name: "waits until the connection is closed, and sends nothing more",
    why: "our side is not closed after the unbind, so the peer doesn't know that nothing follows"
  },
  {
    file: node,
    find: "    socket.end(() => this.#settleShutdown())\n",
    replace: "    socket.destroy()\n",
    test: "connection/connect",
    name: "S1 and S2 on real sockets",
    why: "the socket is destroyed instead of half-closed: nothing is flushed, TLS has no close_notify"
  },
  {
    file: writer,
    find: "const controls = this.#options.unbindControls ?? []",
    replace: "const controls: ReadonlyArray<LdapControl> = []",
    test: "session/operations/controls",
    name: "a configuration sends controls with the bind and the unbind",
    why: "the unbind has no controls"
  }
)
