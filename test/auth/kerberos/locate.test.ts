/** Where the KDCs of a realm are, in which order they are asked, and how long. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { failed } from "../../../src/auth/kerberos/kerberosFailure.ts"
import type { KerberosOptions } from "../../../src/auth/kerberos/KerberosOptions.ts"
import type { KerberosSystem } from "../../../src/auth/kerberos/system/KerberosSystem.ts"
import { failure } from "./failure.ts"
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
