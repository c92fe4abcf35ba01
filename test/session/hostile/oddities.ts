/** Peers that send odd, late, huge or superfluous messages that are no reason to end a session. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { done, entry, octets, ok } from "../recording/RecordingPeer.ts"
import { deep } from "./messages.ts"
import {
  answerBoth,
  type Behaviour,
  deleteResponse,
  element,
  inFlight,
  message,
  reasonOf,
  result,
  stillWorks
} from "./world.ts"

/** Messages that a peer sends while a delete (message id 1) and a search (2) wait, before it answers both. */
const harmless = (...sent: ReadonlyArray<Uint8Array>): Behaviour => ({
  promise: "it is ignored, and the session goes on",
  run: Effect.fnUntraced(function*(world) {
    const both = yield* inFlight(world)
    for (const octets of sent) yield* world.peer.sendOctets(octets)
    assert.isEmpty(yield* answerBoth(world, both))
    yield* stillWorks(world)
  })
})

/** A peer's answer to a delete, and the caller's result. */
const answer = (
  promise: string,
  sent: Uint8Array,
  check: (told: { readonly code: number; readonly [field: string]: unknown }) => void
): Behaviour => ({
  promise,
  run: Effect.fnUntraced(function*(world) {
    const pending = yield* Effect.forkScoped(world.session.delete("cn=a"), { startImmediately: true })
    yield* world.peer.expect("DeleteRequest")
    yield* world.peer.sendOctets(sent)
    const told = yield* Effect.catch(Fiber.join(pending), ({ reason }) => Effect.succeed(reason))
    check(told as never)
    yield* stillWorks(world)
  })
})

/** Entries that a peer sends, and the values that the caller reads. */
const found = (
  promise: string,
  sent: Uint8Array,
  check: (entries: Effect.Success<ReturnType<typeof answerBoth>>) => void
): Behaviour => ({
  promise,
  run: Effect.fnUntraced(function*(world) {
    const both = yield* inFlight(world)
    yield* world.peer.sendOctets(sent)
    check(yield* answerBoth(world, both))
    yield* stillWorks(world)
  })
})

const controls = (...list: ReadonlyArray<LdapControl.LdapControl>) =>
  octets(1, { _tag: "DeleteResponse", result: ok }, list)

const bytes = (...values: ReadonlyArray<number>) => Buffer.from(values)

export const oddities: Record<string, Behaviour> = {
  "a second answer to the same request": harmless(
    octets(1, { _tag: "DeleteResponse", result: ok }),
    octets(1, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
  ),
  "a third answer of another kind": harmless(
    octets(1, { _tag: "DeleteResponse", result: ok }),
    octets(1, { _tag: "BindResponse", result: ok })
  ),
  "two ends of a search, and entries after them": harmless(
    octets(2, done),
    octets(2, entry("cn=late")),
    octets(2, done),
    octets(2, entry("cn=later"))
  ),
  "an unknown unsolicited notification": harmless(octets(0, { _tag: "ExtendedResponse", oid: "1.2.3", result: ok })),
  "an unsolicited notification without a name": harmless(octets(0, { _tag: "ExtendedResponse", result: ok })),
  "an intermediate response to a delete": harmless(octets(1, { _tag: "IntermediateResponse", oid: "1.2.3" })),
  "the answer to an operation that was abandoned": {
    promise: "it is dropped, and no other operation gets it",
    run: Effect.fnUntraced(function*(world) {
      const fiber = yield* Effect.forkScoped(world.session.delete("cn=a"), { startImmediately: true })
      const { messageId } = yield* world.peer.expect("DeleteRequest")
      yield* Fiber.interrupt(fiber)
      yield* world.peer.expect("AbandonRequest")
      yield* world.peer.send(messageId, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
      yield* stillWorks(world)
      assert.strictEqual(world.peer.count("AbandonRequest"), 1)
    })
  },
  "an answer while nothing is in flight": {
    promise: "it is dropped",
    run: Effect.fnUntraced(function*(world) {
      yield* stillWorks(world)
      yield* world.peer.send(1, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
      yield* stillWorks(world)
    })
  },
  "answers in the other order": {
    promise: "each gets its own",
    run: Effect.fnUntraced(function*(world) {
      const { pending, search } = yield* inFlight(world)
      yield* world.peer.send(2, entry("cn=a"))
      yield* world.peer.send(2, done)
      assert.lengthOf(yield* Fiber.join(search), 1)
      yield* world.peer.send(1, { _tag: "DeleteResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(pending)).code, 0)
    })
  },
  "unexpected credentials in the answer to a simple bind, and that answer again": {
    promise: "the bind counts once",
    run: Effect.fnUntraced(function*(world) {
      const bind = yield* Effect.forkScoped(world.session.bind(LdapAuth.anonymous), { startImmediately: true })
      const { messageId } = yield* world.peer.expect("BindRequest")
      const bound = octets(messageId, { _tag: "BindResponse", result: ok, serverCredentials: Buffer.from("x") })
      yield* world.peer.sendOctets(Buffer.concat([bound, bound]))
      assert.strictEqual((yield* Fiber.join(bind)).code, 0)
      yield* stillWorks(world)
    })
  },
  "saslBindInProgress in answer to a simple bind": {
    promise: "SaslBindInProgress, and the next operation can start",
    run: Effect.fnUntraced(function*(world) {
      const bind = yield* Effect.forkScoped(world.session.bind(LdapAuth.anonymous), { startImmediately: true })
      const { messageId } = yield* world.peer.expect("BindRequest")
      yield* world.peer.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 14 } })
      assert.strictEqual((yield* reasonOf(bind))._tag, "SaslBindInProgress")
      yield* stillWorks(world)
    })
  },
  "unknown controls": answer(
    "they are in the result",
    controls(LdapControl.make("1.2.3.4")),
    (told) => assert.lengthOf(told["controls"] as ReadonlyArray<unknown>, 1)
  ),
  "critical controls": answer(
    "the criticality is ignored (RFC 4511 section 4.1.11)",
    controls(LdapControl.make("1.2.3.4", { critical: true })),
    (told) => assert.strictEqual(told.code, 0)
  ),
  "controls with the same name": answer(
    "all are in the result, in their order",
    controls(...["a", "b", "c"].map((value) => LdapControl.make("1.2.3", { value: Buffer.from(value) }))),
    (told) => {
      const all = told["controls"] as ReadonlyArray<LdapControl.LdapControl>
      assert.deepStrictEqual(all.map(({ value }) => Buffer.from(value!).toString()), ["a", "b", "c"])
    }
  ),
  "controls twice": answer(
    "the last ones count",
    message(
      1,
      result(deleteResponse),
      element(0xa0, element(0x30, element(4, "1.1"))),
      element(0xa0, element(0x30, element(4, "2.2")))
    ),
    (told) => assert.strictEqual((told["controls"] as ReadonlyArray<LdapControl.LdapControl>)[0]!.oid, "2.2")
  ),
  "lengths that are longer than they need be": answer(
    "they are accepted (BER, RFC 4511 section 5.1)",
    bytes(0x30, 0x84, 0, 0, 0, 17, 2, 0x82, 0, 1, 1, 0x6b, 0x81, 9, 10, 0x81, 1, 0, 4, 0x81, 0, 4, 0),
    (told) => assert.strictEqual(told.code, 0)
  ),
  "elements of a later version": answer(
    "they are passed over (RFC 4511 section 4)",
    message(
      1,
      result(deleteResponse, [0], element(0x99, "new"), element(0xbe, element(4, "new"))),
      element(0x8f, "new")
    ),
    (told) => assert.strictEqual(told.code, 0)
  ),
  "an element of a later version that is 100,000 deep": answer(
    "it is skipped, without descending",
    message(1, result(deleteResponse, [0], element(0xbe, deep))),
    (told) => assert.strictEqual(told.code, 0)
  ),
  "an unknown result code": answer(
    "UnknownResultCode with the number",
    message(
      1,
      result(deleteResponse, [
        0x7f,
        0xff,
        0xff,
        0xff
      ])
    ),
    (told) => assert.deepInclude(told, { _tag: "UnknownResultCode", code: 2147483647 })
  ),
  "a negative result code": answer(
    "UnknownResultCode with the number",
    message(1, result(deleteResponse, [0xff])),
    (told) => assert.deepInclude(told, { _tag: "UnknownResultCode", code: -1 })
  ),
  "a matched DN of 10 MB": answer(
    "it is in the error",
    octets(1, { _tag: "DeleteResponse", result: { ...ok, code: 32, matchedDn: "x".repeat(10_000_000) } }),
    (told) => assert.strictEqual((told["matchedDn"] as string).length, 10_000_000)
  ),
  "100,000 referrals": answer(
    "they are in the error, and none is followed",
    octets(1, {
      _tag: "DeleteResponse",
      result: { ...ok, code: 10, referrals: Array.from({ length: 100_000 }, (_, i) => `ldap://host${i}.example`) }
    }),
    (told) => {
      assert.strictEqual(told["_tag"], "ReferralReceived")
      assert.lengthOf(told["referrals"] as ReadonlyArray<string>, 100_000)
    }
  ),
  "a referral to itself": answer(
    "ReferralReceived with the URL: kept, not followed",
    octets(1, { _tag: "DeleteResponse", result: { ...ok, code: 10, referrals: ["ldap://127.0.0.1/cn=a"] } }),
    (told) => assert.deepInclude(told, { _tag: "ReferralReceived", referrals: ["ldap://127.0.0.1/cn=a"] })
  ),
  "a search continuation that leads back to the search": {
    promise: "it is in the result once: kept, not followed",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* Effect.forkScoped(world.session.searchResult({ base: "dc=a" }), { startImmediately: true })
      const { messageId } = yield* world.peer.expect("SearchRequest")
      yield* world.peer.send(messageId, { _tag: "SearchResultReference", uris: ["ldap://127.0.0.1/dc=a??sub"] })
      yield* world.peer.send(messageId, done)
      assert.deepStrictEqual((yield* Fiber.join(search)).references, [["ldap://127.0.0.1/dc=a??sub"]])
      assert.strictEqual(world.peer.count("SearchRequest"), 1)
      yield* stillWorks(world)
    })
  },
  "invalid UTF-8 in a message": answer(
    "U+FFFD in the text",
    message(1, element(deleteResponse, element(10, bytes(53)), element(4), element(4, bytes(0x61, 0xff, 0xc0, 0x80)))),
    (told) => assert.match(told["diagnosticMessage"] as string, /^a\uFFFD+$/)
  ),
  "invalid UTF-8 in an entry": found(
    "a data URL instead of text, and the bytes as they came",
    octets(2, entry("cn=a", [{ description: "cn", values: [bytes(0xff, 0xfe)] }])),
    ([one]) => {
      assert.strictEqual(one!.get("cn"), "data:application/octet-stream;base64,//4=")
      assert.deepStrictEqual(Uint8Array.from(one!.getBytes("cn")!), Uint8Array.of(0xff, 0xfe))
    }
  ),
  "attributes named __proto__ and constructor": found(
    "they are attributes, and change no prototype",
    octets(
      2,
      entry(
        "cn=a",
        ["__proto__", "constructor", "dn"].map((description) => ({ description, values: [Buffer.from("polluted")] }))
      )
    ),
    ([one]) => {
      assert.strictEqual(one!.dn, "cn=a")
      for (const name of ["__proto__", "constructor", "dn"]) assert.strictEqual(one!.get(name), "polluted")
      assert.include(JSON.stringify(one), "polluted")
      assert.isUndefined(({} as { readonly polluted?: unknown }).polluted)
    }
  ),
  "an attribute twice in an entry": found(
    "all its values count",
    octets(
      2,
      entry("cn=a", ["cn", "CN"].map((description) => ({ description, values: [Buffer.from(description)] })))
    ),
    ([one]) => assert.deepStrictEqual(one!.getAll("cn"), ["cn", "CN"])
  ),
  "an entry without a name and without attributes": found(
    "it is an entry",
    octets(2, entry("", [])),
    ([one]) => assert.isEmpty(one!.descriptions)
  ),
  "two entries for the look-up of one": {
    promise: "ProtocolViolation for it; it is abandoned, and the session goes on",
    run: Effect.fnUntraced(function*(world) {
      const fiber = yield* Effect.forkScoped(Effect.flip(world.session.lookup("cn=a")), { startImmediately: true })
      const { messageId } = yield* world.peer.expect("SearchRequest")
      for (const dn of ["cn=a", "cn=b"]) yield* world.peer.send(messageId, entry(dn))
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "ProtocolViolation")
      assert.strictEqual((yield* world.peer.expect("AbandonRequest")).operation.abandoned, messageId)
    })
  },
  "bytes one at a time": {
    promise: "the same as all at once",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* Effect.forkScoped(Stream.runCollect(world.session.search({ base: "" })), {
        startImmediately: true
      })
      const { messageId } = yield* world.peer.expect("SearchRequest")
      for (const octet of Buffer.concat([octets(messageId, entry("cn=a")), octets(messageId, done)])) {
        yield* world.peer.sendOctets(bytes(octet))
      }
      assert.deepStrictEqual((yield* Fiber.join(search)).map(({ dn }) => dn), ["cn=a"])
    })
  }
}
