/** Tests of the recording server itself, with known connections. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { makeCertificates } from "../../servers/certificates.ts"
import { octets } from "./RecordingPeer.ts"
import { listen } from "./RecordingServer.ts"

const { ca, server: certificate } = makeCertificates()
const unbind = octets(1, { _tag: "UnbindRequest" })

const clear = (port: number) =>
  Effect.callback<Net.Socket>((resume) => {
    const socket = Net.connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
    socket.on("error", () => {})
  })

const secure = (port: number) =>
  Effect.callback<Tls.TLSSocket>((resume) => {
    const socket = Tls.connect({ port, host: "127.0.0.1", ca: ca.cert }, () => resume(Effect.succeed(socket)))
    socket.on("error", () => {})
  })

describe("the recording server tells apart", () => {
  it.live("TCP: FIN, RST, and bytes after the unbind", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const fin = yield* clear(server.port)
      const first = yield* server.accept
      fin.end(unbind)
      assert.strictEqual(yield* first.ended, "end")
      assert.deepStrictEqual(first.events, ["UnbindRequest", "FIN"])

      const rst = yield* clear(server.port)
      const second = yield* server.accept
      rst.write(unbind)
      yield* second.expect("UnbindRequest")
      rst.resetAndDestroy()
      assert.strictEqual(yield* second.ended, "reset")
      assert.deepStrictEqual(second.events, ["UnbindRequest", "RST"])

      const more = yield* clear(server.port)
      const third = yield* server.accept
      more.end(Buffer.concat([unbind, unbind]))
      yield* third.ended
      assert.strictEqual(third.count("UnbindRequest"), 2)
      assert.isAbove(third.octetsAfterUnbind(), 0)
      assert.strictEqual(server.opened(), 3)
    }))

  it.live("TLS: close_notify before FIN, and FIN alone", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate, secure: true })
      const polite = yield* secure(server.port)
      const first = yield* server.accept
      polite.end(unbind)
      assert.strictEqual(yield* first.ended, "end")
      assert.deepStrictEqual(first.events, ["TLS", "UnbindRequest", "close_notify", "FIN"])

      const tcp = yield* clear(server.port)
      const second = yield* server.accept
      const rude = yield* Effect.callback<Tls.TLSSocket>((resume) => {
        const socket = Tls.connect(
          { socket: tcp, host: "127.0.0.1", ca: ca.cert },
          () => resume(Effect.succeed(socket))
        )
        socket.on("error", () => {})
      })
      rude.write(unbind)
      yield* second.expect("UnbindRequest")
      tcp.destroySoon()
      yield* second.ended
      assert.deepStrictEqual(second.events, ["TLS", "UnbindRequest", "FIN"])
    }))
})
