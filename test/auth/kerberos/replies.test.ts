/** The replies that a KDC may send if it knows the keys, and those that are refused even then. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { aes128Sha1, aes256Sha1 } from "../../../src/auth/kerberos/crypto/aesSha1.ts"
import { randomKey } from "../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { rc4Hmac } from "../../../src/auth/kerberos/crypto/rc4Hmac.ts"
import { makeClient } from "../../../src/auth/kerberos/KerberosClient.ts"
import type { KerberosOptions } from "../../../src/auth/kerberos/KerberosOptions.ts"
import { NameType, ticketGranting } from "../../../src/auth/kerberos/messages/Principal.ts"
import { movedBy } from "./clocks.ts"
import { fakeKdc, type Reply, type Request } from "./fakeKdc.ts"
import { kdcError } from "./kdcErrors.ts"

const service = { type: NameType.serviceHost, components: ["ldap", "dc1.example.com"] }

/** A keytab with one key. */
const keytabOf = (name: string, realm: string, type: number, key: Uint8Array): Buffer => {
  const number = (value: number, bytes = 2) => {
    const octets = Buffer.alloc(bytes)
    octets.writeUIntBE(value, 0, bytes)
    return octets
  }
  const text = (value: string) => Buffer.concat([number(value.length), Buffer.from(value)])
  const entry = Buffer.concat([
    number(1),
    text(realm),
    text(name),
    number(1, 4),
    number(0, 4),
    number(1, 1),
    number(type),
    number(key.length),
    key
  ])
  return Buffer.concat([number(0x0502), number(entry.length, 4), entry])
}

const clientOf = (system: Parameters<typeof makeClient>[1], options: Partial<KerberosOptions> = {}) =>
  makeClient(
    {
      principal: "alice@EXAMPLE.COM",
      password: Redacted.make("secret"),
      krb5Conf: false,
      kdc: "kdc",
      kdcsOf: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`R${i}`, "kdc"])),
      ...options
    } as KerberosOptions,
    system
  )

describe("a KDC that knows the keys", () => {
  it.live("gives a ticket, straight or by way of other realms", () =>
    Effect.gen(function*() {
      const straight = yield* fakeKdc("secret")
      const { credential } = yield* clientOf(straight.system).ticket(service, undefined)
      assert.deepStrictEqual(credential.service.components, service.components)
      const referring = yield* fakeKdc("secret", {
        service: ({ kind, realm, service }) =>
          kind === "AS-REQ"
            ? service
            : realm === "EXAMPLE.COM"
            ? ticketGranting("R1")
            : realm === "R1"
            ? ticketGranting("R2")
            : service
      })
      const far = yield* clientOf(referring.system).ticket(service, undefined)
      assert.strictEqual(far.credential.serviceRealm, "R2")
      assert.deepStrictEqual(referring.requests.map(({ realm }) => realm), ["EXAMPLE.COM", "EXAMPLE.COM", "R1", "R2"])
    }))

  const failing = Effect.fnUntraced(
    function*(options: Parameters<typeof fakeKdc>[1], more: Partial<KerberosOptions> = {}) {
      const { requests, system } = yield* fakeKdc("secret", options)
      const error = yield* Effect.flip(clientOf(system, more).ticket(service, undefined))
      assert(error._tag === "KerberosFailed")
      return { error, requests }
    }
  )

  it.live("realms that refer in a circle, or without an end", () =>
    Effect.gen(function*() {
      const circle = yield* failing({
        service: ({ kind, realm, service }) =>
          kind === "AS-REQ" ? service : ticketGranting(realm === "R1" ? "EXAMPLE.COM" : "R1")
      })
      assert.match(circle.error.detail, /form a circle \(EXAMPLE\.COM, R1, EXAMPLE\.COM\)/)
      let i = 0
      const endless = yield* failing({
        service: ({ kind, service }) => (kind === "AS-REQ" ? service : ticketGranting(`R${i++}`))
      })
      assert.match(endless.error.detail, /more than 10 realms/)
      assert.isBelow(endless.requests.length, 14)
    }))

  const other = { type: 1, components: ["mallory"] }
  const lies: ReadonlyArray<
    readonly [string, Reply["kind"], (reply: Reply, request: Request) => Partial<Reply>, RegExp]
  > = [
    ["another nonce", "AS-REP", ({ nonce }) => ({ nonce: nonce + 1 }), /answers another request/],
    ["another nonce", "TGS-REP", ({ nonce }) => ({ nonce: nonce + 1 }), /answers another request/],
    ["another client", "AS-REP", () => ({ client: other }), /for another client/],
    ["another client", "TGS-REP", () => ({ client: other }), /for another client/],
    ["another client's realm", "AS-REP", () => ({ clientRealm: "R1" }), /for another client/],
    ["another client's realm", "TGS-REP", () => ({ clientRealm: "R1" }), /for another client/],
    ["a ticket for another service than the one that gives tickets", "AS-REP", () => ({ service }), /another service/],
    ...(["AS-REP", "TGS-REP"] as const).flatMap((kind): typeof lies => [
      [
        "a ticket that says something else than what is encrypted",
        kind,
        () => ({ ticketService: other }),
        /names another service than the ticket/
      ],
      [
        "a ticket of another realm than what is encrypted",
        kind,
        () => ({ ticketRealm: "R1" }),
        /names another service than the ticket/
      ],
      ["a ticket that has ended", kind, () => ({ endTime: Date.now() - 1000 }), /has already expired/]
    ]),
    [
      "a ticket of another realm than the KDC's",
      "TGS-REP",
      () => ({ ticketRealm: "R1", serviceRealm: "R1" }),
      /not of the KDC's realm/
    ],
    ["another session's key", "TGS-REP", () => ({ by: randomKey(aes256Sha1) }), /doesn't know the session key/],
    ["a key of another type", "TGS-REP", () => ({ by: randomKey(aes128Sha1) }), /not encrypted with the ticket's/],
    ["another purpose", "TGS-REP", () => ({ usage: 9 }), /doesn't know the session key/],
    [
      "a session key that is weaker than allowed",
      "AS-REP",
      () => ({ key: randomKey(rc4Hmac) }),
      /rc4-hmac, is not allowed/
    ],
    [
      "a session key that is weaker than allowed",
      "TGS-REP",
      () => ({ key: randomKey(rc4Hmac) }),
      /rc4-hmac, is not allowed/
    ],
    [
      "a reply that is encrypted by a weaker key",
      "AS-REP",
      () => ({ by: randomKey(rc4Hmac) }),
      /rc4-hmac, is not allowed/
    ]
  ]
  it.live.each(lies)("%s in %s", ([, kind, change, message]) =>
    Effect.gen(function*() {
      const { error } = yield* failing({
        change: (reply, request) => (reply.kind === kind ? change(reply, request) : {})
      })
      assert.match(error.detail, message)
    }))

  it.live("an account whose only key is of rc4-hmac: the session's key is of AES, or refused", () =>
    Effect.gen(function*() {
      const old = yield* rc4Hmac.fromPassword(Buffer.from("secret"), Buffer.alloc(0), 0)
      const encryptionTypes = ["rc4-hmac", "aes256-cts-hmac-sha1-96"] as const
      const byOldKey = (reply: Reply): Partial<Reply> => (reply.kind === "AS-REP" ? { by: old } : {})
      const honest = yield* fakeKdc("secret", { change: byOldKey })
      const { credential } = yield* clientOf(honest.system, { encryptionTypes }).ticket(service, undefined)
      assert.strictEqual(credential.key.type, aes256Sha1)
      assert.deepStrictEqual(honest.requests.map(({ encryptionTypes }) => encryptionTypes), [[18, 23], [18]])
      for (const kind of ["AS-REP", "TGS-REP"]) {
        const { error } = yield* failing(
          { change: (reply) => ({ ...byOldKey(reply), ...(reply.kind === kind ? { key: randomKey(rc4Hmac) } : {}) }) },
          { encryptionTypes }
        )
        assert.match(error.detail, /session key, rc4-hmac, is not allowed/)
      }
    }))

  it.live("a keytab with a key of rc4-hmac alone asks for a session key of AES all the same", () =>
    Effect.gen(function*() {
      const key = yield* rc4Hmac.fromPassword(Buffer.from("secret"), Buffer.alloc(0), 0)
      const { requests, system } = yield* fakeKdc("secret", {
        change: ({ kind }) => (kind === "AS-REP" ? { by: rc4Hmac.key(key.reveal()) } : {})
      })
      const keytab = keytabOf("alice", "EXAMPLE.COM", key.type.id, key.reveal())
      const client = makeClient(
        {
          keytab: "/a.keytab",
          krb5Conf: false,
          kdc: "kdc",
          encryptionTypes: ["rc4-hmac", "aes256-cts-hmac-sha1-96"]
        },
        { ...system, readFile: () => Effect.sync(() => Buffer.from(keytab)) }
      )
      assert.strictEqual((yield* client.ticket(service, undefined)).credential.key.type, aes256Sha1)
      assert.deepStrictEqual(requests[0]?.encryptionTypes, [18, 23])
    }))

  it.live("for a service: a clock that is wrong by hours is corrected, one of another day is not", () =>
    Effect.gen(function*() {
      let told = 0
      const late = (hours: number) =>
        fakeKdc("secret", {
          instead: ({ kind }) =>
            kind === "TGS-REQ" && told++ === 0 ? kdcError(37, undefined, Date.now() + hours * 3_600_000) : undefined,
          change: () => ({ endTime: Date.now() + 40 * 3_600_000 })
        })
      const corrected = yield* clientOf((yield* late(20)).system).ticket(service, undefined)
      assert.closeTo(corrected.credential.offset, 20 * 3_600_000, 5000)
      for (const hours of [-25, 25]) {
        told = 0
        const { requests, system } = yield* late(hours)
        const error = yield* Effect.flip(clientOf(system).ticket(service, undefined))
        assert.deepInclude(error, { _tag: "KerberosFailed", kind: "clockSkew" })
        // It was made without a proof.
        assert.deepStrictEqual(requests.map(({ kind }) => kind), ["AS-REQ", "TGS-REQ"])
      }
    }))

  it.live("another password than the KDC's, without a proof before", () =>
    Effect.gen(function*() {
      const { error } = yield* failing({}, { password: Redacted.make("wrong") })
      assert.strictEqual(error.kind, "wrongPassword")
      assert.notInclude(error.message, "wrong ")
    }))

  it.live("a realm that is asked for by name is gone to, and nothing else is taken for it", () =>
    Effect.gen(function*() {
      const { requests, system } = yield* fakeKdc("secret")
      const { credential } = yield* clientOf(system).ticket(service, "R3")
      assert.strictEqual(credential.serviceRealm, "R3")
      assert.deepStrictEqual(requests.map(({ service }) => service.components), [
        ["krbtgt", "EXAMPLE.COM"],
        ["krbtgt", "R3"],
        service.components
      ])
      const lying = yield* fakeKdc("secret", {
        service: ({ kind, service: asked }) => (kind === "AS-REQ" ? asked : service)
      })
      const error = yield* Effect.flip(clientOf(lying.system).ticket(service, "R3"))
      assert(error._tag === "KerberosFailed")
      assert.match(error.detail, /a service that was not requested/)
    }))
})

describe("the ticket cache", () => {
  it.live("many that want a ticket share one exchange", () =>
    Effect.gen(function*() {
      const { requests, system } = yield* fakeKdc("secret")
      const client = clientOf(system)
      yield* Effect.all(Array.from({ length: 20 }, () => client.ticket(service, undefined)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(requests.map(({ kind }) => kind), ["AS-REQ", "TGS-REQ"])
    }))

  it.live("a ticket that no server proved for five seconds is asked for again", () =>
    Effect.gen(function*() {
      const { requests, system } = yield* fakeKdc("secret")
      const client = clientOf(system)
      const get = (ahead: number) => movedBy(ahead)(client.ticket(service, undefined))
      const first = yield* get(0)
      first.proved()
      const second = yield* get(60_000)
      assert.strictEqual(second.credential, first.credential)
      assert.strictEqual((yield* get(64_000)).credential, first.credential)
      assert.notStrictEqual((yield* get(66_000)).credential, first.credential)
      assert.deepStrictEqual(requests.map(({ kind }) => kind), ["AS-REQ", "TGS-REQ", "TGS-REQ"])
    }))

  it.live("with the last fiber that waits the exchange is interrupted, and the next one begins anew", () =>
    Effect.gen(function*() {
      const { requests, system } = yield* fakeKdc("secret")
      let [begun, ended, isStuck] = [0, 0, true]
      const client = clientOf({
        ...system,
        ask: (...asked) =>
          Effect.suspend(() => {
            begun++
            return isStuck ? Effect.never : system.ask(...asked)
          }).pipe(Effect.onInterrupt(() =>
            Effect.sync(() => {
              ended++
            })
          ))
      })
      const fibers = yield* Effect.replicateEffect(Effect.forkChild(client.ticket(service, undefined)), 3)
      while (begun === 0) yield* Effect.yieldNow
      const [first, second, third] = fibers
      yield* Fiber.interrupt(first!)
      yield* Fiber.interrupt(second!)
      assert.deepStrictEqual([begun, ended], [1, 0])
      yield* Fiber.interrupt(third!)
      // An interruption also ends the wait for the KDC.
      assert.deepStrictEqual([begun, ended], [1, 1])
      isStuck = false
      assert.isDefined((yield* client.ticket(service, undefined)).credential)
      assert.strictEqual(requests.length, 2)
    }))

  it.live("there is an end to how many tickets are kept", () =>
    Effect.gen(function*() {
      const { requests, system } = yield* fakeKdc("secret")
      const client = clientOf(system)
      const get = (i: number) => client.ticket({ type: NameType.serviceHost, components: ["ldap", `h${i}`] }, undefined)
      for (let i = 0; i < 300; i++) yield* get(i)
      const before = requests.length
      yield* get(299)
      assert.strictEqual(requests.length, before)
      yield* get(0)
      assert.isAbove(requests.length, before)
    }))
})
