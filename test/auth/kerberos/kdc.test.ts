/** The exchanges with KDCs: real ones of MIT, and ones that send wrong replies. */
import { assert, describe, inject, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { kerberosContext } from "../../../src/auth/kerberos/gss/KerberosContext.ts"
import { makeClient } from "../../../src/auth/kerberos/KerberosClient.ts"
import { failed } from "../../../src/auth/kerberos/kerberosFailure.ts"
import type { KerberosOptions } from "../../../src/auth/kerberos/KerberosOptions.ts"
import { decoding } from "../../../src/auth/kerberos/messages/Der.ts"
import { readEncrypted } from "../../../src/auth/kerberos/messages/encrypted.ts"
import { readPreauthentications } from "../../../src/auth/kerberos/messages/kdcReply.ts"
import { NameType } from "../../../src/auth/kerberos/messages/Principal.ts"
import { nodeSystem } from "../../../src/auth/kerberos/system/nodeSystem.ts"
import { passwordOf } from "../../servers/directory.ts"
import { startGss } from "../../servers/kerberos/gss.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { movedBy } from "./clocks.ts"
import { failure, realm, service } from "./failure.ts"
import { fakeKdc } from "./fakeKdc.ts"
import { kdcError, wantsProof } from "./kdcErrors.ts"
import { alone, kindOf, watching } from "./systems.ts"

const kerberos = inject("kerberos")

describe("a KDC that lies", () => {
  it.live.each(
    [
      ["2^31 iterations", "80000000", /2147483648 iterations/],
      ["2^32 iterations, which are written as none", "00000000", /4294967296 iterations/],
      ["more than a second of them", "000f4241", /1000001 iterations/],
      ["one iteration, with which a proof is cheap to guess from", "00000001", /asks for 1 iterations/],
      ["half of a number", "1000", /not a number of iterations/],
      ["a number that is too long", "0000100000", /not a number of iterations/]
    ] as const
  )("asks for %s", ([, parameters, message]) =>
    Effect.gen(function*() {
      let asked = 0
      const error = yield* failure(alone((_, count) => {
        asked = count
        return wantsProof([{ type: 18, salt: "a", parameters }])
      }))
      assert.strictEqual(error.kind, "untrustedReply")
      assert.match(error.detail, message)
      // No proof was made.
      assert.strictEqual(asked, 1)
    }))

  it.live("the bounds can be moved", () =>
    Effect.gen(function*() {
      const kdc = alone((_, count) =>
        count === 1 ? wantsProof([{ type: 17, salt: "a", parameters: "00000001" }]) : kdcError(24)
      )
      assert.strictEqual((yield* failure(kdc, { minIterations: 1 })).kind, "wrongPassword")
    }))

  it.live.each(
    [
      ["rc4-hmac", [{ type: 23 }]],
      ["DES", [{ type: 3 }, { type: 1 }]],
      ["nothing", []]
    ] as const
  )("offers %s: a weaker key than allowed is never used", ([, infos]) =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const error = yield* failure(alone((request) => {
        sent.push(kindOf(request))
        return wantsProof(infos)
      }))
      assert.strictEqual(error.kind, "encryptionType")
      assert.deepStrictEqual(sent, ["AS-REQ"])
    }))

  /** The number of the type of the key with which a request proves the password. */
  const provedBy = (request: Uint8Array): number =>
    Result.getOrThrow(decoding(request, (reader) => {
      const message = reader.enter(0x6a).sequence()
      message.raw()
      message.raw()
      const [proof] = message.required(3, readPreauthentications)
      message.raw()
      return Result.getOrThrow(decoding(proof!.value, readEncrypted)).type
    }))

  it.live("offers several keys, the weakest first: the best is used all the same", () =>
    Effect.gen(function*() {
      const used: Array<number> = []
      const kdc = alone((request, count) => {
        if (count > 1) used.push(provedBy(request))
        return count === 1 ? wantsProof([{ type: 23 }, { type: 17 }, { type: 18 }]) : kdcError(24)
      })
      const encryptionTypes = ["rc4-hmac", "aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha1-96"] as const
      assert.strictEqual((yield* failure(kdc, { encryptionTypes })).kind, "wrongPassword")
      assert.deepStrictEqual(used, [18])
      // If a session key of rc4-hmac were allowed too, the KDC might choose it.
      const { requests, system } = yield* fakeKdc("a secret", {
        instead: ({ encryptionTypes }) => (encryptionTypes.includes(23) ? wantsProof([{ type: 18 }]) : undefined)
      })
      yield* makeClient(
        {
          principal: `alice@${realm}`,
          password: Redacted.make("a secret"),
          krb5Conf: false,
          kdc: "kdc",
          encryptionTypes
        },
        system
      ).ticket(service, undefined)
      assert.deepStrictEqual(requests.map(({ encryptionTypes }) => encryptionTypes), [[18, 17, 23], [18, 17], [18, 17]])
    }))

  it.live("wants a proof that isn't a password's", () =>
    Effect.gen(function*() {
      const error = yield* failure(alone(() => wantsProof([{ type: 18 }], [16])))
      assert.strictEqual(error.kind, "refused")
      assert.include(error.detail, "other than its password")
    }))

  it.live("goes on asking: for a proof, for another time, for another realm", () =>
    Effect.gen(function*() {
      const answers = {
        proof: () => wantsProof([{ type: 17 }]),
        time: (count: number) => kdcError(37, undefined, Date.now() + count * 600_000),
        realm: (count: number) => kdcError(68, undefined, 0, `R${count}`)
      }
      for (const [name, answer] of Object.entries(answers)) {
        let asked = 0
        const options = name === "realm" ? { principal: "a@b", realm, kdcsOf: everyRealm } : {}
        const error = yield* failure(alone((_, count) => answer(asked = count)), options)
        assert.isBelow(asked, 8, `${name}: ${error.detail}`)
      }
    }))

  it.live("says that it is another day: no proof is made for it", () =>
    Effect.gen(function*() {
      for (const days of [-3, 3]) {
        let asked = 0
        const error = yield* failure(alone((_, count) => {
          asked = count
          return kdcError(37, undefined, Date.now() + days * 24 * 3_600_000)
        }))
        assert.deepStrictEqual([error.kind, error.kdcCode, asked], ["clockSkew", 37, 1])
      }
    }))

  it.live("answers with what is no message, is cut, is huge or is nested", () =>
    Effect.gen(function*() {
      const whole = wantsProof([{ type: 18 }])
      const huge = Buffer.concat([Buffer.from("7e84001000003084000ffffa", "hex"), Buffer.alloc(0x0ffffa, 0x30)])
      for (
        const answer of [
          Buffer.alloc(0),
          Buffer.from("7e"),
          Buffer.from("HTTP/1.1 200 OK"),
          whole.subarray(0, whole.length - 1),
          Buffer.concat([whole, Buffer.alloc(1)]),
          huge,
          Buffer.alloc(100_000, 0x6b)
        ]
      ) {
        assert.strictEqual((yield* failure(alone(() => answer))).kind, "untrustedReply", answer.toString("hex", 0, 20))
      }
    }))
})

const everyRealm = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`R${i}`, "kdc"]))

describe.skipIf(kerberos === undefined)("a KDC of MIT's", () => {
  if (kerberos === undefined) return
  waitFor(kerberos)
  const options: KerberosOptions = {
    principal: `alice@${kerberos.realm}`,
    password: Redacted.make(passwordOf("alice")),
    krb5Conf: false,
    kdc: kerberos.kdc
  }
  const kdc = (text = kerberos.kdc) => {
    const [host, port] = text.split(":")
    return { host: host!, port: Number(port) }
  }

  it.live("many that want a ticket at the same time share one exchange, and later ones the ticket", () =>
    Effect.gen(function*() {
      const { count, system } = watching()
      const client = makeClient(options, system)
      const tickets = yield* Effect.all(
        Array.from({ length: 50 }, () => client.ticket(service, undefined)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(tickets.map(({ credential }) => credential)).size, 1)
      yield* client.ticket(service, undefined)
      // The proof takes two requests.
      assert.deepStrictEqual([count("AS-REQ"), count("TGS-REQ")], [2, 1])
    }))

  it.live("one that is interrupted while it waits takes nothing from the others", () =>
    Effect.gen(function*() {
      const { count, system } = watching()
      const client = makeClient(options, system)
      const first = yield* Effect.forkChild(client.ticket(service, undefined), { startImmediately: true })
      const second = yield* Effect.forkChild(client.ticket(service, undefined), { startImmediately: true })
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      assert.isDefined((yield* Fiber.join(second)).credential)
      assert.strictEqual(count("TGS-REQ"), 1)
    }))

  it.live("a failure is not kept", () =>
    Effect.gen(function*() {
      const { system } = watching((
        _,
        real,
        count
      ) => (count === 1 ? Effect.fail(failed("kdcUnreachable", "gone")) : real))
      const client = makeClient({ ...options, kdc: `tcp/${kerberos.kdc}` }, system)
      assert.strictEqual((yield* Effect.flip(client.ticket(service, undefined)))._tag, "KerberosFailed")
      assert.isDefined((yield* client.ticket(service, undefined)).credential)
    }))

  it.live("over UDP alone, and from TCP to UDP where nothing listens", () =>
    Effect.gen(function*() {
      const { asked, system } = watching()
      yield* makeClient({ ...options, kdc: `udp/${kerberos.kdc}` }, system).ticket(service, undefined)
      assert.deepStrictEqual(new Set(asked.map(({ protocol }) => protocol)), new Set(["udp"]))
      // A KDC that can only be reached by datagrams.
      const port = yield* udpOnly(kdc())
      const other = watching()
      yield* makeClient({ ...options, kdc: `127.0.0.1:${port}` }, other.system).ticket(service, undefined)
      assert.deepStrictEqual(other.asked.slice(0, 2).map(({ protocol }) => protocol), ["tcp", "udp"])
    }))

  it.live("the next KDC is asked where one refuses the connection or sends nonsense for a length", () =>
    Effect.gen(function*() {
      const port = yield* answering(Buffer.from("ffffffff00", "hex"))
      const cut = yield* answering(Buffer.from("0000000900", "hex"))
      const long = yield* answering(Buffer.from("000000010000", "hex"))
      const list = ["127.0.0.1:1", `127.0.0.1:${port}`, `127.0.0.1:${cut}`, `127.0.0.1:${long}`].map((kdc) =>
        `tcp/${kdc}`
      )
      yield* makeClient({ ...options, kdc: [...list, kerberos.kdc] }, nodeSystem).ticket(service, undefined)
      const error = yield* Effect.flip(makeClient({ ...options, kdc: list }, nodeSystem).ticket(service, undefined))
      assert(error._tag === "KerberosFailed")
      assert.match(error.detail, /4294967299 bytes, which is more than/)
      assert.match(error.detail, /closed the connection without an answer/)
      assert.match(error.detail, /more bytes than the answer's length says/)
    }))

  it.live.each(["AS-REP", "TGS-REP"])(
    "S11: %s that was changed, replayed or cut is never believed",
    (kind) =>
      Effect.gen(function*() {
        // An answer to another request, in the same form.
        let old: Uint8Array | undefined
        const recorder = watching((_, real) =>
          Effect.tap(real, (answer) => {
            if (kindOf(answer) === kind) old = answer
            return Effect.void
          })
        )
        yield* makeClient(options, recorder.system).ticket(service, undefined)
        const instead = (change: (answer: Uint8Array) => Uint8Array) => {
          const { system } = watching((_, real) =>
            Effect.map(real, (answer) => (kindOf(answer) === kind ? change(answer) : answer))
          )
          return Effect.flip(makeClient(options, system).ticket(service, undefined))
        }
        const replayed = yield* instead(() => old!)
        assert.deepInclude(replayed, { _tag: "KerberosFailed", kind: "untrustedReply" })
        const { length } = old!
        for (let at = 0; at < length; at += 37) {
          let changed = Buffer.alloc(0)
          const { system } = watching((_, real) =>
            Effect.map(real, (answer) => {
              if (kindOf(answer) !== kind) return answer
              changed = Buffer.from(answer)
              changed[at % changed.length]! ^= 0x10
              return changed
            })
          )
          const outcome = yield* Effect.result(makeClient(options, system).ticket(service, undefined))
          if (outcome._tag === "Failure") continue
          // A change within the ticket isn't noticed here. Only the service can decrypt it, and refuses it.
          const { encoded } = outcome.success.credential.ticket
          const start = changed.indexOf(encoded)
          assert.isTrue(kind === "TGS-REP" && at >= start && at < start + encoded.length, `byte ${at} of ${kind}`)
        }
        const cut = yield* instead((answer) => answer.subarray(0, answer.length - 5))
        assert.deepInclude(cut, { kind: "untrustedReply" })
      })
  )

  it.live("a service of another realm: the KDC refers there, or krb5.conf says so, and MIT's library takes the ticket", () =>
    Effect.gen(function*() {
      const { other } = kerberos
      const elsewhere = { type: NameType.serviceHost, components: ["ldap", "elsewhere.other.example"] }
      const gss = yield* Effect.acquireRelease(
        Effect.sync(() => startGss({ KRB5_CONFIG: kerberos.configFile, KRB5RCACHENAME: "none:" })),
        (gss) => Effect.sync(() => gss.stop())
      )
      for (
        const [more, named] of [
          [{ kdcsOf: { [other.realm]: other.kdc } }, undefined],
          [{ kdcsOf: { [other.realm]: other.kdc } }, other.realm],
          [{ kdcsOf: { [other.realm]: other.kdc }, krb5Conf: kerberos.configFile }, undefined]
        ] as const
      ) {
        const client = makeClient({ ...options, ...more }, nodeSystem)
        const { credential } = yield* client.ticket(elsewhere, named)
        assert.strictEqual(credential.serviceRealm, other.realm)
        const context = kerberosContext({
          credential,
          protection: "none",
          channelBindings: undefined,
          types: client.types,
          onProved: () => {}
        })
        const acceptor = yield* gss.accept(other.serviceKeytab)
        const answer = yield* acceptor.step((yield* context.step(undefined))!)
        yield* context.step(answer.token)
        assert.deepStrictEqual([context.isComplete(), answer.client], [true, `alice@${kerberos.realm}`])
      }
    }))

  it.live("a ticket that no server has proved within five seconds is asked for again, and one that was is kept", () =>
    Effect.gen(function*() {
      const { count, system } = watching()
      const client = makeClient(options, system)
      // The machine's clock, moved by the test.
      let ahead = 0
      const get = Effect.suspend(() => movedBy(ahead)(client.ticket(service, undefined)))
      const first = yield* get
      first.proved()
      ahead = 60_000
      const second = yield* get
      assert.strictEqual(second.credential, first.credential)
      ahead += 4000
      assert.strictEqual((yield* get).credential, first.credential)
      ahead += 2000
      assert.notStrictEqual((yield* get).credential, first.credential)
      assert.strictEqual(count("TGS-REQ"), 2)
      assert.strictEqual(count("AS-REQ"), 2)
    }))

  it.live("a ticket is asked for again before it ends, and the old one serves while no KDC answers", () =>
    Effect.gen(function*() {
      let isDown = false
      const { count, system } = watching((_, real) => (isDown ? Effect.fail(failed("kdcUnreachable", "down")) : real))
      const client = makeClient(options, system)
      const get = (ahead: number) =>
        Effect.map(movedBy(ahead)(client.ticket(service, undefined)), ({ credential, proved }) => {
          proved()
          return credential
        })
      const first = yield* get(0)
      const left = first.endTime - Date.now()
      assert.isAbove(left, 3_600_000)
      assert.strictEqual(yield* get(left - 400_000), first)
      isDown = true
      assert.strictEqual(yield* get(left - 200_000), first)
      const error = yield* Effect.flip(get(left + 1000))
      assert.strictEqual(error._tag, "KerberosFailed")
      isDown = false
      assert.notStrictEqual(yield* get(0), first)
      assert.strictEqual(count("AS-REQ") > 2, true)
    }))
})

/** Forwards datagrams to a KDC and back, on a port that accepts no connections. */
const udpOnly = (kdc: { readonly host: string; readonly port: number }) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const socket = createSocket("udp4")
        let client: { readonly address: string; readonly port: number } | undefined
        socket.on("message", (message, from) => {
          if (from.port === kdc.port) {
            if (client !== undefined) socket.send(message, client.port, client.address)
          } else {
            client = from
            socket.send(message, kdc.port, kdc.host)
          }
        })
        await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
        return socket
      }),
      (socket) => Effect.sync(() => socket.close())
    ),
    (socket) => socket.address().port
  )

/** A server that sends this on each connection and ends it. */
const answering = (octets: Buffer) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((socket) => {
          socket.on("error", () => {}).end(octets)
        })
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return server
      }),
      (server) => Effect.sync(() => server.close())
    ),
    (server) => {
      const address = server.address()
      return address !== null && typeof address === "object" ? address.port : 0
    }
  )
