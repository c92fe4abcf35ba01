/**
 * The promises for arbitrary bytes: of the parser alone, and of a session whose peer sends them.
 *
 * The parser never throws. However the bytes are split, it finds the same messages and the same violation. Each message that it
 * finds can be read completely, and encoded and parsed again. The session settles every operation with a value or a typed error in
 * bounded time. It ends with at most one unbind and sends nothing after it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import { LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import { LdapError } from "../../src/model/LdapError.ts"
import { decode, encode, LdapParser } from "../../src/protocol/LdapCodec.ts"
import type { LdapMessage, ProtocolOperation } from "../../src/protocol/LdapMessage.ts"
import type { LdapSession } from "../../src/session/LdapSession.ts"
import { connect, done, entry, octets, ok, type Request } from "../session/recording/RecordingPeer.ts"
import { below, chunks, mutate, pick, type Random, random } from "./mutate.ts"

/** A broken promise. The message describes it. */
class Broken extends Error {}

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Broken(what)
}

// ---------------------------------------------------------------------------------------------------------------------
// The parser
// ---------------------------------------------------------------------------------------------------------------------

const parse = (pieces: ReadonlyArray<Buffer>) => {
  const parser = new LdapParser({ maxMessageSize: 1024 * 1024 })
  const messages: Array<LdapMessage> = []
  let failure
  for (const piece of pieces) failure = parser.push(Buffer.from(piece), (message) => messages.push(message)) ?? failure
  return { messages, failure: failure?.detail }
}

/** Reads all parts of a message that a program could read. */
const read = (message: LdapMessage): string => {
  const { operation } = message
  if (operation._tag === "SearchResultEntry") {
    const { entry } = operation
    for (const name of entry.descriptions) {
      entry.getAll(name)
      entry.getAllBytes(name)
    }
  }
  for (const control of message.controls) LdapControl.decodePagedResults(control)
  return JSON.stringify(
    message,
    (_, value: unknown) => value instanceof LdapEntry ? { dn: value.dn, attributes: value.attributes } : value
  )
}

/** Checks the promises of the parser for these bytes. */
export const tryParser = (sent: Buffer, random: Random): void => {
  const whole = parse([sent])
  const texts = whole.messages.map(read)
  for (let i = 0; i < 2; i++) {
    const pieces = parse(chunks(random, sent))
    must(
      pieces.failure === whole.failure,
      `in chunks the fault is ${pieces.failure}, as a whole it is ${whole.failure}`
    )
    must(pieces.messages.map(read).join() === texts.join(), "in chunks there are other messages than in the whole")
  }
  for (const [i, message] of whole.messages.entries()) {
    const encoded = encode(message)
    // An accepted message may have no encoding, for instance because of an unknown number.
    if (Result.isFailure(encoded)) continue
    const again = Result.getOrThrow(decode(encoded.success))
    must(read(again) === texts[i], `read again, ${texts[i]} is ${read(again)}`)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// A session
// ---------------------------------------------------------------------------------------------------------------------

/** A correct answer to a request. */
const answer = ({ messageId, operation }: Request, random: Random): Buffer => {
  const text = pick(random, ["", "cn=a,dc=example,dc=org", "é".repeat(100)])
  const result = {
    ...ok,
    code: pick(random, [0, 0, 10, 32]),
    matchedDn: text,
    referrals: text === "" ? [] : ["ldap://a"]
  }
  const controls = pick(random, [[], [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(text) })]])
  const as = (operation: ProtocolOperation) => Buffer.from(octets(messageId, operation, controls))
  switch (operation._tag) {
    case "SearchRequest":
      return Buffer.concat([
        ...Array.from(
          { length: below(random, 4) },
          (_, i) => octets(messageId, entry(`cn=${i}`, { cn: [text, "b"], jpegPhoto: Buffer.from([0xff, 0xd8]) }))
        ),
        octets(messageId, { _tag: "SearchResultReference", uris: ["ldap://a", "ldap://b"] }),
        as(done)
      ])
    case "BindRequest":
      return as({ _tag: "BindResponse", result, serverCredentials: Buffer.from(text) })
    case "DeleteRequest":
      return as({ _tag: "DeleteResponse", result })
    case "CompareRequest":
      return as({ _tag: "CompareResponse", result: { ...result, code: 6 } })
    case "ExtendedRequest":
      return as({ _tag: "ExtendedResponse", result, oid: "1.2.3", value: Buffer.from(text) })
    default:
      return Buffer.alloc(0)
  }
}

const operations: ReadonlyArray<(session: LdapSession) => Effect.Effect<unknown, LdapError>> = [
  (session) => session.delete("cn=a"),
  (session) => session.compare("cn=a", "cn", "a"),
  (session) => session.extended("1.2.3"),
  (session) => session.lookup("cn=a"),
  (session) => session.bind(LdapAuth.anonymous),
  (session) => Stream.runDrain(session.search({ base: "", pageSize: 2 })),
  (session) => session.searchResult({ base: "" })
]

/** Checks the promises of a session whose peer answers its requests with damaged messages. */
export const trySession = (random: Random): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { client, peer, session: opening } = yield* connect({ closeTimeout: "1 second", maxMessageSize: 1024 * 1024 })
    let answered = 0
    yield* Effect.flatMap(peer.next, (request) => {
      if (request.operation._tag === "UnbindRequest" || answered++ > 200) return Effect.void
      const good = answer(request, random)
      const sent = below(random, 3) === 0 ? good : mutate(random, good)
      return Effect.forEach(chunks(random, sent), peer.sendOctets, { discard: true })
    }).pipe(Effect.forever, Effect.forkScoped)
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(opening, scope)
    const fibers = yield* Effect.forEach(
      Array.from({ length: 1 + below(random, 4) }, () => pick(random, operations)),
      (operation) => Effect.forkChild(operation(session))
    )
    const closes = below(random, 2) === 0
    for (let i = 0; i < (closes ? 20 : 60); i++) yield* Effect.yieldNow
    if (!closes) yield* TestClock.adjust("1 hour")
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* Effect.yieldNow
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(closing)
    for (const fiber of fibers) {
      const exit = fiber.pollUnsafe()
      must(exit !== undefined, "an operation hangs")
      if (exit !== undefined && Exit.isFailure(exit)) {
        for (const reason of exit.cause.reasons) {
          must(
            reason._tag === "Fail" && reason.error instanceof LdapError,
            `an operation fails with ${String(exit.cause)}`
          )
        }
      }
    }
    const end = yield* session.closed
    // If a bind is not answered in time, this side ends the session, and the peer still listens.
    const isUnanswered = end._tag === "ConnectionLost" && end.detail.includes("this side closed")
    const unbinds = end._tag === "Released" || end._tag === "ProtocolViolation" || isUnanswered ? 1 : 0
    must(peer.count("UnbindRequest") === unbinds, `${peer.count("UnbindRequest")} unbinds after ${end._tag}`)
    must(peer.octetsAfterUnbind() === 0, "bytes after the unbind")
    must(!client.isOpen(), "the connection is left")
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()), Effect.orDie)

// ---------------------------------------------------------------------------------------------------------------------
// Rounds
// ---------------------------------------------------------------------------------------------------------------------

const request = (operation: Request["operation"]): Request => ({ messageId: 1, operation, controls: [] })

const requests: ReadonlyArray<Request> = [
  request({ _tag: "DeleteRequest", dn: "" }),
  request({ _tag: "BindRequest", version: 3, name: "", authentication: { _tag: "Simple", password: Buffer.alloc(0) } }),
  request({ _tag: "ExtendedRequest", oid: "1.2.3" }),
  request({
    _tag: "SearchRequest",
    base: "dc=example,dc=org",
    scope: "subtree",
    derefAliases: "never",
    sizeLimit: 0,
    timeLimit: 0,
    typesOnly: false,
    filter: { _tag: "And", filters: [{ _tag: "Present", attribute: "cn" }] },
    attributes: ["cn"]
  })
]

/** The bytes of a round: damaged messages of both directions, or random bytes. */
export const octetsOf = (random: Random): Buffer => {
  if (below(random, 10) === 0) return Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256)))
  const messages = Array.from({ length: 1 + below(random, 3) }, () => {
    const one = pick(random, requests)
    return below(random, 3) === 0 ? Buffer.from(Result.getOrThrow(encode(one))) : answer(one, random)
  })
  return mutate(random, Buffer.concat(messages))
}

/** Runs a round, which its seed determines completely. Fails with the broken promise. */
export const round = (seed: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const numbers = random(seed)
    if (seed % 4 === 0) return trySession(numbers)
    tryParser(octetsOf(numbers), numbers)
    return Effect.void
  })
