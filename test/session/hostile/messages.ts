/** Peers that send invalid messages: the session ends with an unbind, all operations fail, and no result is trusted. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { SessionOptions } from "../../../src/session/LdapSession.ts"
import { done, entry, octets, ok } from "../recording/RecordingPeer.ts"
import { type Behaviour, deleteResponse, element, inFlight, message, reasonOf, result } from "./world.ts"

/** Bytes that a peer sends while a delete (message id 1) and a search (2) wait. */
const violation = (sent: Uint8Array, options?: SessionOptions): Behaviour => ({
  promise: "ProtocolViolation for all operations in flight, SessionClosed for later ones",
  ...(options === undefined ? {} : { options }),
  run: Effect.fnUntraced(function*(world) {
    const { peer, session } = world
    const { pending, search } = yield* inFlight(world)
    yield* peer.sendOctets(sent)
    const end = yield* session.closed
    assert.strictEqual(end._tag, "ProtocolViolation")
    assert.strictEqual((yield* reasonOf(pending))._tag, "ProtocolViolation")
    assert.strictEqual((yield* reasonOf(search))._tag, "ProtocolViolation")
    assert.deepInclude((yield* Effect.flip(session.delete("cn=b"))).reason, { _tag: "SessionClosed", why: end })
  })
})

/** Sequences within sequences, all of them with correct lengths. */
const nested = (depth: number): Buffer => {
  const headers: Array<Buffer> = []
  let size = 0
  for (let i = 0; i < depth; i++) {
    const header = Buffer.alloc(6)
    header[0] = 0x30
    header[1] = 0x84
    header.writeUInt32BE(size, 2)
    headers.push(header)
    size += 6
  }
  return Buffer.concat(headers.reverse())
}

export const deep = nested(100_000)

const bytes = (...values: ReadonlyArray<number>) => Buffer.from(values)

export const violations: Record<string, Behaviour> = {
  "garbage": violation(Buffer.from("\u0000\u0001garbage")),
  "an HTTP answer": violation(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")),
  "a TLS record where there is none": violation(bytes(0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5)),
  "an indefinite length": violation(bytes(0x30, 0x80, 2, 1, 1)),
  "an indefinite length within a message": violation(
    bytes(0x30, 14, 2, 1, 1, 0x6b, 0x80, 10, 1, 0, 4, 0, 4, 0, 0, 0)
  ),
  "a length of 2 GiB": violation(bytes(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff)),
  "a length of 4 GiB": violation(bytes(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)),
  "a length of nine bytes": violation(bytes(0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1)),
  "a message one byte above maxMessageSize, of which only the header comes": violation(bytes(0x30, 0x82, 0x03, 0xe5), {
    maxMessageSize: 1000
  }),
  "an empty message": violation(bytes(0x30, 0)),
  "a message without an operation": violation(bytes(0x30, 3, 2, 1, 1)),
  "an unknown application tag": violation(message(1, element(0x7e))),
  "a tag of several bytes": violation(message(1, bytes(0x7f, 0x81, 1, 0))),
  "a negative message id": violation(element(0x30, element(2, bytes(0xff)), result(deleteResponse))),
  "a message id of five bytes": violation(element(0x30, element(2, bytes(1, 0, 0, 0, 0)), result(deleteResponse))),
  "an element that passes the end of its message": violation(bytes(0x30, 12, 2, 1, 1, 0x6b, 8, 10, 1, 0, 4, 0, 4, 0)),
  "a result without a code": violation(message(1, element(deleteResponse, element(4), element(4)))),
  "a result code of five bytes": violation(message(1, result(deleteResponse, [1, 0, 0, 0, 0]))),
  "sequences of indefinite length, 100,000 deep": violation(
    Buffer.concat([bytes(0x30, 0x83, 0x03, 0x0d, 0x45, 2, 1, 1), Buffer.alloc(200_002, bytes(0x30, 0x80))])
  ),
  "sequences 100,000 deep where an attribute should be": violation(
    message(2, element(0x64, element(4, "cn=a"), element(0x30, deep)))
  ),
  "controls that are not controls": violation(message(1, result(deleteResponse), element(0xa0, bytes(0xff, 0xff)))),
  "a search reference to nowhere": violation(message(2, element(0x73))),
  "an attribute whose values are not OCTET STRINGs": violation(
    message(
      2,
      element(0x64, element(4, "c="), element(0x30, element(0x30, element(4, "cn"), element(0x31, bytes(2, 1, 5)))))
    )
  ),
  "a response to a message id that was never used": violation(octets(77, { _tag: "DeleteResponse", result: ok })),
  "a response of the wrong kind": violation(octets(1, { _tag: "AddResponse", result: ok })),
  "a BindResponse for a delete": violation(octets(1, { _tag: "BindResponse", result: ok })),
  "a BindResponse without a request": violation(octets(3, { _tag: "BindResponse", result: ok })),
  "an entry for a delete": violation(octets(1, entry("cn=a"))),
  "the result of another operation for a search": violation(octets(2, { _tag: "ModifyResponse", result: ok })),
  "a request": violation(octets(1, { _tag: "DeleteRequest", dn: "cn=a" })),
  "an unbind": violation(octets(0, { _tag: "UnbindRequest" })),
  "an unsolicited notification that is a search result": violation(octets(0, done)),
  "an answer, and garbage in the same packet": {
    promise: "the answer is delivered, the rest is a ProtocolViolation",
    run: Effect.fnUntraced(function*(world) {
      const { pending, search } = yield* inFlight(world)
      const answer = octets(1, { _tag: "DeleteResponse", result: ok })
      yield* world.peer.sendOctets(Buffer.concat([answer, Buffer.from("garbage")]))
      assert.strictEqual((yield* Fiber.join(pending)).code, 0)
      assert.strictEqual((yield* reasonOf(search))._tag, "ProtocolViolation")
    })
  }
}
