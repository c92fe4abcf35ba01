/**
 * Records conversations with a server as lines of text, and replays them over a transport. With a recording a fault at another site
 * can be examined without its server, and a test gets responses of a server that isn't available to it.
 *
 * A recording contains the events of a tap (tap.ts), so it contains no passwords.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { ConnectFailed, LdapError, SessionEnd } from "../../model/LdapError.ts"
import { encode } from "../../protocol/encode.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import { withoutSecrets } from "../../protocol/withoutSecrets.ts"
import type { LdapConnection, Protection, Receiver } from "../LdapConnection.ts"
import type { LdapTransport } from "../Transport.ts"
import { tap, type TapEvent } from "./tap.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Recording
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A transport that records the messages of its connections. Each event is a line of JSON, without the line end.
 *
 * **Details**
 *
 * Each line has the number of the connection and the time in milliseconds. Messages are in BER (base64), with the name of their
 * operation. Passwords are removed, as described at {@link tap}. Names and values of people are kept, so a recording is as
 * confidential as the directory. `LdifTransform.anonymize` can't process it. The sink is called under the same rules as the
 * function of a tap.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapTransport } from "effect-ldap"
 * import { Effect } from "effect"
 * import { createWriteStream } from "node:fs"
 *
 * const recorded = Effect.gen(function*() {
 *   const file = createWriteStream("conversation.jsonl")
 *   const transport = yield* Effect.fromResult(LdapTransport.fromUrl("ldaps://ldap.example.org"))
 *   return yield* LdapClient.fromTransport(LdapTransport.record(transport, (line) => file.write(`${line}\n`)))
 * })
 * ```
 *
 * @category observing
 * @since 0.2.0
 */
export const record = (transport: LdapTransport, sink: (line: string) => void): LdapTransport =>
  tap(transport, (event) => sink(JSON.stringify(lineOf(event))))

const lineOf = (event: TapEvent): Line => {
  const { at, connection } = event
  switch (event._tag) {
    case "Opened":
      return { connection, at, opened: { server: event.server, protection: event.protection } }
    case "Sent":
      return { connection, at, operation: event.message.operation._tag, sent: base64(event.message) }
    case "Received":
      return { connection, at, operation: event.message.operation._tag, received: base64(event.message) }
    case "Unreadable":
      return { connection, at, unreadable: event.direction }
    case "Ended":
      return { connection, at, ended: event.detail }
  }
}

interface Line {
  readonly connection: number
  readonly at: number
  readonly operation?: string
  readonly opened?: { readonly server: string; readonly protection: Protection }
  readonly sent?: string
  readonly received?: string
  readonly unreadable?: "sent" | "received"
  readonly ended?: string
}

const base64 = (message: LdapMessage): string => encode(message).toString("base64")

// ---------------------------------------------------------------------------------------------------------------------
// Replaying
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The text is not a recording.
 *
 * @category errors
 * @since 0.2.0
 */
export class RecordingError extends Data.TaggedError("RecordingError")<{
  /** The line of the text, from 1; 0 if the problem isn't in one line. */
  readonly line: number
  /** What is wrong there. */
  readonly detail: string
}> {
  override get message(): string {
    const where = this.line === 0 ? "" : ` in line ${this.line}`
    return `not a recording${where}: ${this.detail}`
  }
}

/**
 * A transport that replays a recording, given as the text of {@link record}.
 *
 * **Details**
 *
 * A request gets the recorded responses to the same request: to the first such request in the recording, on any connection, that
 * this transport hasn't used yet. Message ids and times are ignored. Passwords are ignored too, since the recording doesn't contain
 * them: every password gets the response to the recorded one. If a request isn't recorded, or occurs more often than in the
 * recording, the connection ends, and the error names the request. A request without a recorded response gets none. StartTLS
 * succeeds without TLS. SASL mechanisms by which the server proves its identity fail, since the recording doesn't contain the
 * proof.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSession, LdapTransport } from "effect-ldap"
 * import { Effect } from "effect"
 * import { readFileSync } from "node:fs"
 *
 * const session = Effect.flatMap(
 *   Effect.fromResult(LdapTransport.replay(readFileSync("conversation.jsonl", "utf8"))),
 *   LdapSession.fromTransport
 * )
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const replay = (recording: string): Result.Result<LdapTransport, RecordingError> =>
  Result.map(readRecording(recording), ({ exchanges, opened }) => {
    const server = opened[0]?.server ?? "ldap://recording"
    let connections = 0
    return {
      server,
      connect: Effect.suspend((): Effect.Effect<LdapConnection, LdapError, Scope.Scope> => {
        const protection = opened[Math.min(connections++, opened.length - 1)]?.protection
        if (protection !== undefined) return Effect.succeed(new ReplayedConnection(server, protection, exchanges))
        const detail = "the text contains no recorded events"
        return Effect.fail(
          new LdapError({ reason: new ConnectFailed({ kind: "other", detail }), operation: "connect", server })
        )
      })
    }
  })

/** A request, and its responses. */
interface Recorded {
  readonly key: string
  readonly answers: Array<LdapMessage>
  isTaken: boolean
}

/** The key of a request: everything except the message id. */
const keyOf = (message: LdapMessage): string => base64({ ...withoutSecrets(message), messageId: 0 })

interface Recording {
  readonly exchanges: ReadonlyArray<Recorded>
  readonly opened: ReadonlyArray<NonNullable<Line["opened"]>>
}

const readRecording = (text: string): Result.Result<Recording, RecordingError> => {
  if (typeof text !== "string") return Result.fail(new RecordingError({ line: 0, detail: "the recording is not text" }))
  const exchanges: Array<Recorded> = []
  const opened: Array<NonNullable<Line["opened"]>> = []
  /** By connection and message id. */
  const open = new Map<string, Recorded>()
  for (const [index, source] of text.split("\n").entries()) {
    if (source.trim() === "") continue
    const read = Result.flatMap(
      readLine(source),
      (line) => Result.map(messageIn(line.sent ?? line.received), (message) => ({ line, message }))
    )
    if (Result.isFailure(read)) return Result.fail(new RecordingError({ line: index + 1, detail: read.failure }))
    const { line, message } = read.success
    if (line.opened !== undefined) opened.push(line.opened)
    if (message === undefined) continue
    const id = `${line.connection} ${message.messageId}`
    if (line.sent !== undefined) {
      const exchange: Recorded = { key: keyOf(message), answers: [], isTaken: false }
      exchanges.push(exchange)
      open.set(id, exchange)
    } else open.get(id)?.answers.push(message)
  }
  return Result.succeed({ exchanges, opened })
}

const protections: ReadonlySet<unknown> = new Set<Protection>(["tls", "sasl", "local", "none"])

const readLine = (source: string): Result.Result<Line, string> => {
  const parsed = Result.try({ try: (): unknown => JSON.parse(source), catch: () => "no JSON" })
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
  const u = parsed.success
  if (typeof u !== "object" || u === null) return Result.fail("no object")
  const { connection, opened, received, sent } = u as Readonly<Record<string, unknown>>
  const isText = (value: unknown) => value === undefined || typeof value === "string"
  const isOpened = opened === undefined || (typeof opened === "object" && opened !== null && "server" in opened &&
    typeof opened.server === "string" && "protection" in opened && protections.has(opened.protection))
  return typeof connection === "number" && isText(sent) && isText(received) && isOpened
    // Only these fields are used, and all of them were checked.
    ? Result.succeed(u as Line)
    : Result.fail("this is not an event of a recording")
}

const messageIn = (text: string | undefined): Result.Result<LdapMessage | undefined, string> => {
  if (text === undefined) return Result.succeed(undefined)
  const messages: Array<LdapMessage> = []
  const violation = new LdapParser().push(Buffer.from(text, "base64"), (message) => messages.push(message))
  return violation === undefined && messages.length === 1
    ? Result.succeed(messages[0])
    : Result.fail(violation?.detail ?? "it isn't one message")
}

/** Requests of all connections share one recording. */
class ReplayedConnection implements LdapConnection {
  readonly host: string
  readonly port = undefined
  readonly tls = undefined
  #protection: Protection
  readonly #exchanges: ReadonlyArray<Recorded>
  readonly #parser = new LdapParser()
  #receiver: Receiver | undefined
  #isPaused = true
  #isEnded = false
  #pending: Array<Uint8Array> = []
  /** The reason with which the connection ends after everything before it was received. */
  #end: string | undefined

  constructor(server: string, protection: Protection, exchanges: ReadonlyArray<Recorded>) {
    this.host = URL.canParse(server) ? new URL(server).hostname : server
    this.#protection = protection
    this.#exchanges = exchanges
  }

  get protection(): Protection {
    return this.#protection
  }

  channelBinding(): undefined {
    return undefined
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliverSoon()
  }

  write(octets: Uint8Array): boolean {
    if (this.#end === undefined) {
      const violation = this.#parser.push(octets, (message) => this.#answer(message), true)
      if (violation !== undefined) this.#end = `the request can't be read: ${violation.detail}`
    }
    this.#deliverSoon()
    return true
  }

  shutdown(done: () => void): void {
    this.#end ??= "the server closed it"
    done()
    this.#deliverSoon()
  }

  startTls(): Result.Result<Effect.Effect<void>, LdapError> {
    return Result.succeed(Effect.sync(() => {
      this.#protection = "tls"
    }))
  }

  #answer(message: LdapMessage): void {
    const { operation } = message
    if (operation._tag === "UnbindRequest" || operation._tag === "AbandonRequest") return
    const key = keyOf(message)
    const recorded = this.#exchanges.find((exchange) => !exchange.isTaken && exchange.key === key)
    if (recorded === undefined) {
      const about = "dn" in operation ? ` of "${operation.dn}"` : "base" in operation ? ` of "${operation.base}"` : ""
      this.#end ??= `the recording has no further answer to this ${operation._tag}${about}`
      return
    }
    recorded.isTaken = true
    for (const answer of recorded.answers) this.#pending.push(encode({ ...answer, messageId: message.messageId }))
  }

  /** Delivers in a later turn than the write, so that a response never arrives before its request counts as sent. */
  #deliverSoon(): void {
    queueMicrotask(() => {
      while (!this.#isPaused && this.#pending.length > 0) this.#receiver?.onOctets(this.#pending.shift()!)
      if (this.#pending.length > 0 || this.#end === undefined || this.#isEnded) return
      this.#isEnded = true
      this.#receiver?.onEnd(SessionEnd.ConnectionLost({ detail: this.#end, cause: undefined }))
    })
  }
}
