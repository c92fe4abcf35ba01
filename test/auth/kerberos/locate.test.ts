/** The KDCs of a realm: how they are found, their order, and the time limits. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { failed } from "../../../src/auth/kerberos/kerberosFailure.ts"
import type { KerberosOptions } from "../../../src/auth/kerberos/KerberosOptions.ts"
import type { KerberosSystem } from "../../../src/auth/kerberos/system/KerberosSystem.ts"
import { failure } from "./failure.ts"
import { kdcError } from "./kdcErrors.ts"
import { alone } from "./systems.ts"

describe("where the KDCs of a realm are", () => {
  const asked = Effect.fnUntraced(function*(options: Partial<KerberosOptions>, conf?: string) {
    const names: Array<string> = []
    const tried: Array<string> = []
    const system: KerberosSystem = {
      ...alone(() => Buffer.alloc(0)),
      readFile: (path) =>
        Effect.succeed(path === "/etc/krb5.conf" && conf !== undefined ? Buffer.from(conf) : undefined),
      lookupService: (name) =>
        Effect.sync(() => {
          names.push(name)
          return name.includes("_tcp")
            ? [{ host: "t1", port: 88 }, { host: "t2", port: 750 }]
            : [{ host: "u", port: 88 }]
        }),
      ask: ({ host, port }, protocol) => {
        tried.push(`${protocol}/${host}:${port}`)
        return Effect.fail(failed("kdcUnreachable", "down"))
      }
    }
    const error = yield* failure(system, { kdc: undefined, krb5Conf: undefined, ...options })
    return { names, tried, error }
  })

  it.live("DNS names them for each protocol, if nothing else does", () =>
    Effect.gen(function*() {
      const { names, tried } = yield* asked({})
      assert.deepStrictEqual(names, ["_kerberos._tcp.EXAMPLE.COM", "_kerberos._udp.EXAMPLE.COM"])
      assert.deepStrictEqual(tried, ["tcp/t1:88", "tcp/t2:750", "udp/u:88"])
    }))

  it.live("krb5.conf comes before DNS, and the option before both", () =>
    Effect.gen(function*() {
      const conf = "[realms]\nEXAMPLE.COM = {\n kdc = c:89\n}\n"
      assert.deepStrictEqual((yield* asked({}, conf)).tried, ["tcp/c:89", "udp/c:89"])
      assert.deepStrictEqual((yield* asked({ kdc: "o" }, conf)).tried, ["tcp/o:88", "udp/o:88"])
      assert.deepStrictEqual((yield* asked({ krb5Conf: false }, conf)).names.length, 2)
    }))

  it.live("DNS is not asked where krb5.conf says so, nor for a realm that is no domain", () =>
    Effect.gen(function*() {
      const off = yield* asked({}, "[libdefaults]\ndns_lookup_kdc = false\n")
      assert.deepStrictEqual(off.names, [])
      assert.match(off.error.detail, /no KDC of the realm EXAMPLE\.COM is known/)
      const odd = yield* asked({ principal: "a@X/Y Z" })
      assert.deepStrictEqual(odd.names, [])
    }))
})

describe("a KDC that can't answer", () => {
  /** The KDCs that were asked, in order, until one answers that it doesn't know the client. */
  const askedOf = Effect.fnUntraced(function*(
    kdc: ReadonlyArray<string>,
    codes: Readonly<Record<string, number | undefined>>
  ) {
    const asked: Array<string> = []
    const system: KerberosSystem = {
      ...alone(() => Buffer.alloc(0)),
      ask: ({ host }, protocol) => {
        const name = `${protocol}/${host}`
        asked.push(name)
        const code = codes[name]
        return code === undefined ? Effect.fail(failed("kdcUnreachable", "down")) : Effect.succeed(kdcError(code))
      }
    }
    return { error: yield* failure(system, { kdc }), asked }
  })

  it.live("is not available: the next one is asked", () =>
    Effect.gen(function*() {
      const { asked, error } = yield* askedOf(["a", "b"], { "tcp/a": 29, "tcp/b": 6 })
      assert.deepStrictEqual([error.kind, asked], ["clientUnknown", ["tcp/a", "tcp/b"]])
      const none = yield* askedOf(["a", "b"], { "tcp/a": 29, "tcp/b": 29, "udp/a": 29, "udp/b": 29 })
      assert.strictEqual(none.error.kind, "kdcUnreachable")
      assert.deepStrictEqual(none.asked, ["tcp/a", "tcp/b", "udp/a", "udp/b"])
    }))

  it.live("has an answer that no datagram holds: TCP was tried before, so the next one is asked", () =>
    Effect.gen(function*() {
      const { asked, error } = yield* askedOf(["a", "b"], { "udp/a": 52, "udp/b": 6 })
      assert.deepStrictEqual([error.kind, asked], ["clientUnknown", ["tcp/a", "tcp/b", "udp/a", "udp/b"]])
      const datagrams = yield* askedOf(["udp/a"], { "udp/a": 52 })
      assert.deepStrictEqual([datagrams.error.kind, datagrams.asked], ["kdcUnreachable", ["udp/a"]])
      assert.match(datagrams.error.detail, /udp a:88: the KDC says to use another KDC, or TCP/)
    }))
})

describe("time limits, on a clock of the test's own", () => {
  it.effect("a KDC that doesn't answer is left for the next, and all of them after kdcTimeout", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const system: KerberosSystem = {
        ...alone(() => Buffer.alloc(0)),
        ask: ({ host }, protocol) => {
          asked.push(`${protocol}/${host}`)
          return Effect.never
        }
      }
      const fiber = yield* Effect.forkChild(failure(system, { kdc: ["a", "udp/b", "c"], kdcTimeout: "10 seconds" }))
      for (let passed = 0; passed < 9; passed += 3) {
        for (let i = 0; i < 20; i++) yield* Effect.yieldNow
        yield* TestClock.adjust("3 seconds")
      }
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      assert.deepStrictEqual(asked, ["tcp/a", "tcp/c", "udp/a", "udp/b"])
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual([error.kind, error.isRetryable], ["kdcUnreachable", true])
    }))
})
