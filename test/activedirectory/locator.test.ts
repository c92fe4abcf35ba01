/** The locator in virtual time, over datagrams in memory: slow and dead controllers, rest, age, broken answers, many candidates. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import * as TestClock from "effect/testing/TestClock"
import * as Cldap from "../../src/activedirectory/Cldap.ts"
import * as DomainControllers from "../../src/activedirectory/DomainControllers.ts"
import * as LdapServers from "../../src/client/servers/LdapServers.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import { decode, encode } from "../../src/protocol/LdapCodec.ts"
import { quiet } from "../client/servers/LdapServersWorld.ts"
import { below, mutate, random } from "../fuzz/mutate.ts"
import { netlogonBytes, type NetlogonParts } from "./netlogonBytes.ts"

const domain = "example.test"

const partsOf = (number: number, changes: Partial<NetlogonParts> = {}): NetlogonParts => ({
  bits: 0x3fd,
  domain,
  host: `dc${number}.${domain}`,
  site: "Berlin",
  clientSite: "Berlin",
  ...changes
})

const answer = (id: number, netlogon: Uint8Array): Buffer =>
  Buffer.concat([
    Result.getOrThrow(encode({
      messageId: id,
      operation: { _tag: "SearchResultEntry", entry: LdapEntry.make("", { Netlogon: netlogon }) },
      controls: []
    })),
    Result.getOrThrow(encode({
      messageId: id,
      operation: {
        _tag: "SearchResultDone",
        result: { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }
      },
      controls: []
    }))
  ])

interface Question {
  readonly id: number
  /** The domain that the ping names. */
  readonly domain: string | undefined
}

interface Controller {
  /** The datagrams with which it answers, and their delays; none if it is dead. */
  reply: (question: Question) => ReadonlyArray<Uint8Array>
  delay: Duration.Input
  /** How many datagrams have arrived. */
  asked: number
}

/** Controllers 1, 2, …, in the order in which DNS announces them. */
const worldOf = (count: number) => {
  const controllers = Array.from({ length: count }, (_, i): Controller => ({
    reply: ({ id }) => [answer(id, netlogonBytes(partsOf(i + 1)))],
    delay: 0,
    asked: 0
  }))
  const addressOf = (number: number) => `127.1.${number >> 8}.${number & 255}`
  const datagrams = (address: string, port: number): Effect.Effect<DatagramSocket.DatagramSocket> =>
    Effect.gen(function*() {
      const [high, low] = address.split(".").slice(2).map(Number)
      const controller = controllers[(high! << 8) + low! - 1]!
      const services = yield* Effect.context<never>()
      return yield* DatagramSocket.makeFromBackingSocket((events) =>
        Effect.succeed<DatagramSocket.BackingSocket>({
          address: { host: "127.0.0.1", port: 40_000 },
          connected: true,
          send: (payload, _, done) => {
            done()
            controller.asked++
            const message = Result.getOrThrow(decode(payload))
            const filter = message.operation._tag === "SearchRequest" ? LdapFilter.format(message.operation.filter) : ""
            const question = { id: message.messageId, domain: /\(DnsDomain=([^)]*)\)/.exec(filter)?.[1] }
            Effect.runForkWith(services)(Effect.andThen(
              Effect.sleep(controller.delay),
              Effect.sync(() => controller.reply(question).forEach((bytes) => events.onPacket(bytes, address, port)))
            ))
          },
          sendMany: (_, __, done) => done(),
          joinMulticast: () => Effect.die("not used"),
          close: () => {}
        })
      )
    })
  const names: Array<string> = []
  const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provideService(Cldap.Datagrams, datagrams),
      Effect.provideService(LdapServers.SrvLookup, (name) =>
        Effect.sync(() => {
          names.push(name)
          return controllers.map((_, i) => ({ target: `dc${i + 1}.${domain}`, port: 389, priority: i, weight: 0 }))
        })),
      Effect.provideService(
        Dns.Dns,
        Dns.make({
          lookup: (host) =>
            Effect.sync(() => {
              const number = /^dc([0-9]+)\./.exec(host)?.[1]
              return number === undefined ? [] : [NetAddress.ipFromStringUnsafe(addressOf(Number(number)))]
            })
        })
      )
    )
  const find = Effect.fnUntraced(function*(
    locator: DomainControllers.DomainControllers,
    requirements?: DomainControllers.Requirements
  ) {
    const fiber = yield* Effect.forkChild(provide(Effect.result(locator.find(requirements))))
    for (let i = 0; i < 400 && fiber.pollUnsafe() === undefined; i++) {
      yield* quiet
      if (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("50 millis")
    }
    return yield* Fiber.join(fiber)
  })
  const dead = (...numbers: ReadonlyArray<number>) => {
    for (const number of numbers) controllers[number - 1]!.reply = () => []
  }
  return { controllers, dead, find, names, provide }
}

const udp = { transport: "udp" } as const
const targetOf = (result: Result.Result<DomainControllers.DomainController, unknown>) =>
  Result.isSuccess(result) ? result.success.target : undefined

describe("the locator", () => {
  it.effect("doesn't wait for a slow controller, and one that is too slow has failed", () =>
    Effect.gen(function*() {
      const { controllers, find } = worldOf(3)
      controllers[0]!.delay = "5 seconds"
      controllers[1]!.delay = "1 second"
      const locator = yield* DomainControllers.make(domain, udp)
      // The third controller answers at once, but is pinged half a second later than the first.
      assert.strictEqual(targetOf(yield* find(locator)), `dc3.${domain}`)
      for (const controller of controllers) controller.delay = "5 seconds"
      const failed = yield* find(locator, { fresh: true })
      assert.isTrue(Result.isFailure(failed))
      if (Result.isFailure(failed)) assert.strictEqual(failed.failure.reason._tag, "NoServerAvailable")
    }))

  it.effect("dead controllers rest twice as long each time, up to sixteen times, and are then asked again", () =>
    Effect.gen(function*() {
      const { controllers, dead, find } = worldOf(2)
      dead(1)
      const locator = yield* DomainControllers.make(domain, { ...udp, stagger: "10 seconds" })
      for (const seconds of [30, 60, 120, 240, 480, 480]) {
        const before = controllers[0]!.asked
        assert.strictEqual(targetOf(yield* find(locator, { fresh: true })), `dc2.${domain}`)
        const asked = controllers[0]!.asked
        assert.isAbove(asked, before, `${seconds}`)
        // Until the end of its rest it gets no ping.
        yield* TestClock.adjust(Duration.seconds(seconds - 5))
        yield* find(locator, { fresh: true })
        assert.strictEqual(controllers[0]!.asked, asked, `${seconds}`)
        yield* TestClock.adjust("6 seconds")
      }
      // After it has answered, it no longer rests.
      controllers[0]!.reply = ({ id }) => [answer(id, netlogonBytes(partsOf(1)))]
      assert.strictEqual(targetOf(yield* find(locator, { fresh: true })), `dc1.${domain}`)
      dead(1)
      yield* find(locator, { fresh: true })
      yield* TestClock.adjust("31 seconds")
      const before = controllers[0]!.asked
      yield* find(locator, { fresh: true })
      assert.isAbove(controllers[0]!.asked, before)
    }))

  it.effect("all dead: the error has a reason for each, and all are tried again at once", () =>
    Effect.gen(function*() {
      const { controllers, dead, find } = worldOf(3)
      dead(1, 2, 3)
      const locator = yield* DomainControllers.make(domain, udp)
      for (let i = 0; i < 2; i++) {
        const before = controllers.map(({ asked }) => asked)
        const failed = yield* find(locator)
        assert.isTrue(Result.isFailure(failed) && failed.failure.reason._tag === "NoServerAvailable")
        if (Result.isFailure(failed) && failed.failure.reason._tag === "NoServerAvailable") {
          assert.sameMembers(
            failed.failure.reason.failures.map(({ server }) => server),
            [1, 2, 3].map((n) => `dc${n}.${domain}:389`)
          )
          for (const { error } of failed.failure.reason.failures)
            assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
        }
        assert.isTrue(controllers.every(({ asked }, n) => asked > before[n]!))
      }
    }))

  it.effect("a found controller is used for fifteen minutes, even while another search runs", () =>
    Effect.gen(function*() {
      const { controllers, find, provide } = worldOf(1)
      const locator = yield* DomainControllers.make(domain, udp)
      yield* find(locator)
      yield* TestClock.adjust("14 minutes")
      yield* find(locator)
      assert.strictEqual(controllers[0]!.asked, 1)
      // A long search: the controller has stopped answering.
      controllers[0]!.reply = () => []
      const slow = yield* Effect.forkChild(provide(Effect.exit(locator.find({ flags: ["writable"] }))))
      yield* quiet
      assert.strictEqual((yield* provide(locator.find())).target, `dc1.${domain}`)
      assert.isUndefined(slow.pollUnsafe())
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Result.isFailure(yield* find(locator)))
      yield* Fiber.interrupt(slow)
    }))

  it.effect("a hundred fibers share one search", () =>
    Effect.gen(function*() {
      const { controllers, names, provide } = worldOf(1)
      controllers[0]!.delay = "100 millis"
      const locator = yield* DomainControllers.make(domain, udp)
      const all = yield* Effect.forkChild(
        provide(Effect.forEach(Array.from({ length: 100 }), () => locator.find(), { concurrency: "unbounded" }))
      )
      for (let i = 0; i < 10; i++) {
        yield* quiet
        yield* TestClock.adjust("50 millis")
      }
      assert.lengthOf(yield* Fiber.join(all), 100)
      assert.deepStrictEqual([controllers[0]!.asked, names.length], [1, 1])
    }))

  it.effect("ignores garbage, truncated answers and foreign ids", () =>
    Effect.gen(function*() {
      const { controllers, find } = worldOf(6)
      const whole = (id: number) => answer(id, netlogonBytes(partsOf(9)))
      // Cut off by the network, as large datagrams are.
      controllers[0]!.reply = ({ id }) => [whole(id).subarray(0, 100)]
      controllers[1]!.reply = ({ id }) => [whole(id ^ 1)]
      controllers[2]!.reply = ({ id }) => [answer(id, Buffer.from("not a response"))]
      controllers[3]!.reply = ({ id }) => [answer(id, new Uint8Array(0))]
      controllers[4]!.reply = () => [Buffer.alloc(1400, 0xff), new Uint8Array(0)]
      const locator = yield* DomainControllers.make(domain, udp)
      assert.strictEqual(targetOf(yield* find(locator)), `dc6.${domain}`)
      controllers[5]!.reply = () => []
      const failed = yield* find(locator, { fresh: true })
      assert.isTrue(Result.isFailure(failed) && failed.failure.reason._tag === "NoServerAvailable")
      if (Result.isFailure(failed) && failed.failure.reason._tag === "NoServerAvailable") {
        const tags = new Map(failed.failure.reason.failures.map(({ error, server }) => [server, error.reason._tag]))
        assert.deepStrictEqual(
          [1, 2, 3, 4, 5, 6].map((n) => tags.get(`dc${n}.${domain}:389`)),
          ["ConnectFailed", "ConnectFailed", "ProtocolViolation", "ConnectFailed", "ConnectFailed", "ConnectFailed"]
        )
      }
    }))

  it.effect("survives damaged responses", () =>
    Effect.gen(function*() {
      const { controllers, find } = worldOf(1)
      const locator = yield* DomainControllers.make(domain, { ...udp, timeout: "100 millis" })
      for (let seed = 1; seed <= 60; seed++) {
        const next = random(seed)
        controllers[0]!.reply = ({ id }) => {
          const netlogon = netlogonBytes(partsOf(1, { nextClosestSite: "Paris" }))
          return below(next, 2) === 0
            ? [answer(id, mutate(next, netlogon))]
            : [mutate(next, answer(id, netlogon))]
        }
        const found = yield* find(locator, { fresh: true })
        if (Result.isFailure(found)) {
          assert.include(["NoServerAvailable", "ConnectFailed"], found.failure.reason._tag, `${seed}`)
        }
      }
    }))

  it.effect("if the machine's site is unknown, uses any controller and queries no site", () =>
    Effect.gen(function*() {
      const { controllers, find, names, provide } = worldOf(1)
      controllers[0]!.reply = ({ id }) => [answer(id, netlogonBytes(partsOf(1, { bits: 0x37d, clientSite: "" })))]
      const locator = yield* DomainControllers.make(domain, udp)
      assert.strictEqual(targetOf(yield* find(locator)), `dc1.${domain}`)
      assert.isUndefined(yield* provide(locator.site))
      assert.deepStrictEqual(names, [`_ldap._tcp.dc._msdcs.${domain}`])
    }))

  it.effect("a global catalog may be of another domain of the forest, which answers only for its own domain", () =>
    Effect.gen(function*() {
      const { controllers, find } = worldOf(1)
      const child = `child.${domain}`
      const parts = partsOf(1, { domain: child, forest: domain })
      controllers[0]!.reply = (question) =>
        question.domain === undefined || question.domain === child
          ? [answer(question.id, netlogonBytes(parts))]
          : [answer(question.id, new Uint8Array(0))]
      const locator = yield* DomainControllers.make(domain, udp)
      const found = yield* find(locator, { flags: ["globalCatalog"] })
      assert.isTrue(Result.isSuccess(found) && found.success.domain === child)
      assert.isTrue(Result.isFailure(yield* find(locator)))
    }))

  it.effect("pings at most 32 of very many controllers", () =>
    Effect.gen(function*() {
      const { controllers, find } = worldOf(300)
      for (const controller of controllers) controller.reply = () => []
      const locator = yield* DomainControllers.make(domain, { ...udp, timeout: "1 second", stagger: 0 })
      assert.isTrue(Result.isFailure(yield* find(locator)))
      assert.strictEqual(controllers.filter(({ asked }) => asked > 0).length, 32)
    }))

  it.effect("unknown flags and transports are refused before a search", () =>
    Effect.gen(function*() {
      const { controllers, find } = worldOf(1)
      const locator = yield* DomainControllers.make(domain, udp)
      for (const flags of ["writable", ["writeable"], ["toString"], 5, [5]]) {
        const failed = yield* find(locator, { flags: flags as never })
        assert.isTrue(Result.isFailure(failed) && failed.failure.reason._tag === "InvalidRequest")
      }
      assert.strictEqual(controllers[0]!.asked, 0)
      for (const options of [{ transport: "UDP" }, { trustedDomains: "other.test" }, { lifetime: "soon" }]) {
        const error = yield* Effect.flip(DomainControllers.make(domain, options as never))
        assert.strictEqual(error.reason._tag, "InvalidRequest")
      }
    }))
})
