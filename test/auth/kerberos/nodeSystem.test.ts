/** The machine's own names and sockets, and KDCs that they can't reach. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createSocket } from "node:dgram"
import { vi } from "vitest"
import { addressesOf, nodeSystem } from "../../../src/auth/kerberos/system/nodeSystem.ts"

vi.mock(import("node:dns/promises"), async (original) => {
  const real = await original()
  const lookup: unknown = (host: string, options: object) =>
    host === "six.example" ? Promise.resolve({ address: "::1", family: 6 }) : real.lookup(host, options)
  return { ...real, lookup: lookup as typeof real.lookup }
})

/** Answers each datagram with these. */
const answering = (address: "127.0.0.1" | "::1", answers: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = createSocket(address === "::1" ? "udp6" : "udp4")
      socket.on("message", (_, { address, port }) => {
        for (const answer of answers) socket.send(answer, port, address)
      })
      await new Promise<void>((resolve) => socket.bind(0, address, resolve))
      return { socket, port: socket.address().port }
    }),
    ({ socket }) => Effect.sync(() => socket.close())
  )

describe("a KDC over the machine's own sockets", () => {
  it.live.each(["udp", "tcp"] as const)("%s: a name that doesn't resolve", (protocol) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(nodeSystem.ask({ host: "dc1.invalid", port: 88 }, protocol, Buffer.from("x")))
      assert.strictEqual(error.kind, "kdcUnreachable")
      assert.match(error.detail, new RegExp(`^${protocol} dc1\\.invalid:88: `))
    }))

  it.live.each(["udp", "tcp"] as const)("%s: a port that can't be", (protocol) =>
    Effect.gen(function*() {
      for (const port of [0, 65_536]) {
        const error = yield* Effect.flip(nodeSystem.ask({ host: "127.0.0.1", port }, protocol, Buffer.from("x")))
        assert.deepStrictEqual([error.kind, error.detail.includes("an invalid port number")], ["kdcUnreachable", true])
      }
    }))

  it.live("udp: a port on which nothing listens", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(nodeSystem.ask({ host: "127.0.0.1", port: 1 }, "udp", Buffer.from("x")))
      assert.strictEqual(error.kind, "kdcUnreachable")
    }))

  it.live("udp: a name that has an address of IPv6 alone", () =>
    Effect.gen(function*() {
      const { port } = yield* answering("::1", ["\x7eyes"])
      const answer = yield* nodeSystem.ask({ host: "six.example", port }, "udp", Buffer.from("x"))
      assert.strictEqual(Buffer.from(answer).toString(), "\x7eyes")
    }))

  it.live.each(["\x6b", "\x6d", "\x7e"])(
    "udp: what is no answer of a KDC is passed over (%j)",
    (kind) =>
      Effect.gen(function*() {
        const { port } = yield* answering("127.0.0.1", ["", "nonsense", "\x6a", `${kind}yes`])
        const answer = yield* nodeSystem.ask({ host: "localhost", port }, "udp", Buffer.from("x"))
        assert.strictEqual(Buffer.from(answer).toString(), `${kind}yes`)
      })
  )

  it("records of DNS: none for a service that isn't there, nor with the port 0", () => {
    const record = (name: string, priority: number, weight = 0, port = 88) => ({ name, port, priority, weight })
    assert.deepStrictEqual(
      addressesOf([
        record("c", 2),
        record("", 0),
        record(".", 0),
        record("zero", 0, 0, 0),
        record("b", 1, 1),
        record("a", 1, 9)
      ]),
      ["a", "b", "c"].map((host) => ({ host, port: 88 }))
    )
  })
})
