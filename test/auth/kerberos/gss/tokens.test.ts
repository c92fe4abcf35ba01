/** Tokens exchanged with MIT's library, which is the acceptor: contexts, wrapped messages and signatures in both directions. */
import { afterAll, assert, beforeAll, describe, inject, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { EncryptionTypeName } from "../../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { applicationData } from "../../../../src/auth/kerberos/gss/channelBindings.ts"
import { kerberosContext } from "../../../../src/auth/kerberos/gss/KerberosContext.ts"
import { spnegoContext } from "../../../../src/auth/kerberos/gss/SpnegoContext.ts"
import type { GssProtection } from "../../../../src/auth/kerberos/GssContext.ts"
import { type KerberosClient, makeClient } from "../../../../src/auth/kerberos/KerberosClient.ts"
import { NameType } from "../../../../src/auth/kerberos/messages/Principal.ts"
import { nodeSystem } from "../../../../src/auth/kerberos/system/nodeSystem.ts"
import { below, random } from "../../../fuzz/mutate.ts"
import { passwordOf } from "../../../servers/directory.ts"
import { type Acceptor, type Gss, startGss } from "../../../servers/kerberos/gss.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"

const kerberos = inject("kerberos")

const service = { type: NameType.serviceHost, components: ["ldap", "localhost"] }

const protections: ReadonlyArray<GssProtection> = ["none", "integrity", "confidentiality"]

describe.skipIf(kerberos === undefined)("with MIT's library as the acceptor", () => {
  if (kerberos === undefined) return
  waitFor(kerberos)
  let gss: Gss
  beforeAll(() => {
    gss = startGss({ KRB5_CONFIG: kerberos.configFile, KRB5RCACHENAME: "none:" })
  })
  afterAll(() => gss.stop())

  const clients = new Map<string, KerberosClient>()
  /** One for each type, so that each ticket is requested once. */
  const clientOf = (type?: EncryptionTypeName): KerberosClient => {
    const known = clients.get(type ?? "")
    if (known !== undefined) return known
    const client = makeClient({
      principal: `alice@${kerberos.realm}`,
      password: Redacted.make(passwordOf("alice")),
      krb5Conf: false,
      kdc: kerberos.kdc,
      encryptionTypes: type === undefined ? undefined : [type]
    }, nodeSystem)
    clients.set(type ?? "", client)
    return client
  }

  const newContext = Effect.fnUntraced(function*(
    options: {
      readonly type?: EncryptionTypeName
      readonly protection?: GssProtection
      readonly bindings?: Uint8Array
    } = {}
  ) {
    const client = clientOf(options.type)
    const { credential, proved } = yield* client.ticket(service, undefined)
    return kerberosContext({
      credential,
      protection: options.protection ?? "confidentiality",
      channelBindings: options.bindings,
      types: client.types,
      onProved: proved
    })
  })

  /** Both ends, complete. */
  const established = Effect.fnUntraced(function*(options: Parameters<typeof newContext>[0] = {}) {
    const context = yield* newContext(options)
    const acceptor = yield* gss.accept(kerberos.serviceKeytab, options.bindings)
    const first = yield* context.step(undefined)
    const answer = yield* acceptor.step(first!)
    assert.isFalse(context.isComplete())
    assert.isUndefined(yield* context.step(answer.token))
    assert.isTrue(context.isComplete() && answer.isComplete)
    assert.strictEqual(answer.client, `alice@${kerberos.realm}`)
    assert.strictEqual(answer.protection, options.protection ?? "confidentiality")
    return { context, acceptor }
  })

  const types: ReadonlyArray<EncryptionTypeName> = [
    "aes256-cts-hmac-sha384-192",
    "aes128-cts-hmac-sha256-128",
    "aes256-cts-hmac-sha1-96",
    "aes128-cts-hmac-sha1-96"
  ]
  const combinations = types.flatMap((type, i) =>
    protections.map((protection, j) => [type, protection, i * 3 + j] as const)
  )

  it.live.each(combinations)(
    "%s, %s: messages of random lengths and protections, and signatures, both ways",
    ([type, protection, seed]) =>
      Effect.gen(function*() {
        const { acceptor, context } = yield* established({ type, protection })
        const numbers = random(seed)
        for (let i = 0; i < 60; i++) {
          const length = i < 20 ? i : below(numbers, i % 10 === 0 ? 60_000 : 500)
          const octets = Buffer.from(Array.from({ length }, () => below(numbers, 256)))
          const confidential = below(numbers, 2) === 0
          switch (below(numbers, 4)) {
            case 0: {
              const received = yield* acceptor.unwrap(yield* context.wrap(octets, confidential))
              assert.deepStrictEqual(Buffer.from(received.octets), octets)
              assert.strictEqual(received.confidential, confidential)
              break
            }
            case 1: {
              const received = yield* context.unwrap(yield* acceptor.wrap(octets, confidential))
              assert.deepStrictEqual(Buffer.from(received.octets), octets)
              assert.strictEqual(received.confidential, confidential)
              break
            }
            case 2:
              yield* acceptor.verify(octets, yield* context.mic(octets))
              break
            default:
              yield* context.verifyMic(octets, yield* acceptor.mic(octets))
          }
        }
      })
  )

  it.live.each(protections)("SPNEGO over it, with %s", (protection) =>
    Effect.gen(function*() {
      const context = spnegoContext(yield* newContext({ protection }))
      const acceptor = yield* gss.accept(kerberos.serviceKeytab)
      const answer = yield* acceptor.step((yield* context.step(undefined))!)
      assert.isUndefined(yield* context.step(answer.token))
      assert.isTrue(context.isComplete() && answer.isComplete)
      assert.strictEqual(answer.protection, protection)
      const octets = Buffer.from("sent both ways")
      assert.deepStrictEqual(Buffer.from((yield* acceptor.unwrap(yield* context.wrap(octets, true))).octets), octets)
      assert.deepStrictEqual(Buffer.from((yield* context.unwrap(yield* acceptor.wrap(octets, true))).octets), octets)
    }))

  const certificate = applicationData(Buffer.alloc(32, 7))

  it.live("channel bindings that are the same are accepted, others are not", () =>
    Effect.gen(function*() {
      yield* established({ bindings: certificate })
      for (const bindings of [applicationData(Buffer.alloc(32, 8)), Buffer.alloc(32, 7), certificate.subarray(1)]) {
        const acceptor = yield* gss.accept(kerberos.serviceKeytab, certificate)
        const context = yield* newContext({ bindings })
        const error = yield* Effect.flip(acceptor.step((yield* context.step(undefined))!))
        assert.match(error.detail, /channel bindings/i)
      }
    }))

  /** Pairs of the acceptor's message and its result on this side. */
  const failing = Effect.fnUntraced(function*(
    make: (acceptor: Acceptor) => Effect.Effect<ReadonlyArray<Uint8Array>, unknown>
  ) {
    const { acceptor, context } = yield* established()
    const messages = yield* make(acceptor)
    let detail = ""
    for (const message of messages) {
      const outcome = yield* Effect.result(context.unwrap(message))
      if (outcome._tag === "Failure") {
        detail = outcome.failure.detail
        break
      }
    }
    // After a wrong message the context can't be used any more.
    assert.match(
      (yield* Effect.flip(context.unwrap(yield* acceptor.wrap(Buffer.from("x"), true)))).detail,
      /not complete/
    )
    assert.match((yield* Effect.flip(context.wrap(Buffer.from("x"), true))).detail, /not complete/)
    return detail
  })

  const three = Effect.fnUntraced(function*(acceptor: Acceptor) {
    const messages: Array<Uint8Array> = []
    for (const text of ["one", "two", "three"]) messages.push(yield* acceptor.wrap(Buffer.from(text), true))
    return messages as unknown as readonly [Uint8Array, Uint8Array, Uint8Array]
  })

  it.live("a message that is repeated, left out or overtaken ends the context", () =>
    Effect.gen(function*() {
      const repeated = yield* failing((acceptor) => Effect.map(three(acceptor), ([one]) => [one, one]))
      assert.strictEqual(repeated, "a message was received twice")
      const leftOut = yield* failing((acceptor) => Effect.map(three(acceptor), ([one, , last]) => [one, last]))
      assert.strictEqual(leftOut, "a message is missing")
      const overtaken = yield* failing((acceptor) => Effect.map(three(acceptor), ([one, two]) => [two, one]))
      assert.strictEqual(overtaken, "a message is missing")
    }))

  it.live("one's own message, sent back, is refused", () =>
    Effect.gen(function*() {
      for (const confidential of [true, false]) {
        const { context } = yield* established()
        const own = yield* context.wrap(Buffer.from("mine"), confidential)
        assert.match((yield* Effect.flip(context.unwrap(own))).detail, /was sent by this side/)
      }
    }))

  it.live("every bit of a message counts, in the header and after it", () =>
    Effect.gen(function*() {
      for (const confidential of [true, false]) {
        const { acceptor } = yield* established()
        const { length } = yield* acceptor.wrap(Buffer.from("counted"), confidential)
        for (let at = 0; at < length; at += 3) {
          const { acceptor, context } = yield* established()
          const message = Buffer.from(yield* acceptor.wrap(Buffer.from("counted"), confidential))
          message[at]! ^= 1 << (at % 8)
          const outcome = yield* Effect.result(context.unwrap(message))
          // A rotation by the whole length changes nothing, and is the only part that isn't protected.
          assert.strictEqual(outcome._tag, "Failure", `byte ${at} of ${length}, ${confidential ? "sealed" : "signed"}`)
        }
      }
    }), 60_000)

  it.live("a message that was cut anywhere is refused without a defect", () =>
    Effect.gen(function*() {
      const { acceptor } = yield* established()
      const message = yield* acceptor.wrap(Buffer.from("cut"), true)
      for (let length = 0; length < message.length; length += 7) {
        const { acceptor, context } = yield* established()
        const cut = (yield* acceptor.wrap(Buffer.from("cut"), true)).subarray(0, length)
        assert.strictEqual((yield* Effect.flip(context.unwrap(cut)))._tag, "GssFailure")
      }
    }), 60_000)

  it.live("a rotated message is read: Microsoft's servers rotate", () =>
    Effect.gen(function*() {
      const { acceptor, context } = yield* established()
      for (const [rotation, confidential] of [[28, true], [12, false], [1, true], [65_535, false]] as const) {
        const message = Buffer.from(yield* acceptor.wrap(Buffer.from("rotated"), confidential))
        const content = message.subarray(16)
        const by = rotation % content.length
        const rotated = Buffer.concat([content.subarray(content.length - by), content.subarray(0, content.length - by)])
        message.writeUInt16BE(rotation, 6)
        rotated.copy(message, 16)
        assert.strictEqual(Buffer.from((yield* context.unwrap(message)).octets).toString(), "rotated")
      }
    }))

  it.live("a proof that is another request's, or another server's, is refused", () =>
    Effect.gen(function*() {
      const [one, two] = [
        yield* newContext({ type: "aes256-cts-hmac-sha1-96" }),
        yield* newContext({ type: "aes128-cts-hmac-sha1-96" })
      ]
      const acceptor = yield* gss.accept(kerberos.serviceKeytab)
      yield* one.step(undefined)
      const answer = yield* acceptor.step((yield* two.step(undefined))!)
      assert.match((yield* Effect.flip(one.step(answer.token))).detail, /could not prove that the ticket was for it/)
      assert.isFalse(one.isComplete())
      // The same ticket, so only the request differs.
      const client = clientOf()
      const { credential } = yield* client.ticket(service, undefined)
      const same = {
        credential,
        protection: "none",
        channelBindings: undefined,
        types: client.types,
        onProved: () => {}
      } as const
      const [first, second] = [kerberosContext(same), kerberosContext(same)]
      yield* first.step(undefined)
      const other = yield* (yield* gss.accept(kerberos.serviceKeytab)).step((yield* second.step(undefined))!)
      assert.match((yield* Effect.flip(first.step(other.token))).detail, /belongs to another request/)
    }))
})
