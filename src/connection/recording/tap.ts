/**
 * Reports the messages of a transport's connections, in both directions, for logs and recordings. Passwords are removed.
 */
import * as Clock from "effect/Clock"
import type * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import { answersSecret, withoutSecrets } from "../../protocol/withoutSecrets.ts"
import type { ConnectionEnd, LdapConnection, Protection, Receiver } from "../LdapConnection.ts"
import type { LdapTransport } from "../Transport.ts"

/**
 * An event of a connection; `connection` counts connections from 1, `at` is in milliseconds of the clock.
 *
 * @category models
 * @since 0.2.0
 */
export type TapEvent = Data.TaggedEnum<{
  /** A connection was opened. */
  Opened: { readonly connection: number; readonly at: number; readonly server: string; readonly protection: Protection }
  /** A message that was passed to the connection. */
  Sent: { readonly connection: number; readonly at: number; readonly message: LdapMessage }
  /** A message that was received. */
  Received: { readonly connection: number; readonly at: number; readonly message: LdapMessage }
  /** From now on one direction can't be decoded: a SASL security layer has begun, or the bytes are not LDAP. */
  Unreadable: { readonly connection: number; readonly at: number; readonly direction: "sent" | "received" }
  /** A connection has ended; `detail` says why. */
  Ended: { readonly connection: number; readonly at: number; readonly detail: string }
}>

/**
 * A transport that calls a function for each message of its connections.
 *
 * **Details**
 *
 * Passwords are removed: in binds (also SASL credentials), in attributes that hold passwords (of adds, changes, comparisons,
 * filters and entries), and in password changes. Everything else is kept, above all names and values of people. The values of a
 * program's own controls and extended operations are kept too.
 *
 * The function is called in the step in which bytes are written or arrive. It must be quick, and must not write to the session. If
 * it throws, it isn't called again, and the session is not affected. Messages are decoded a second time for it, so use a tap for
 * debugging, not in normal operation.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapTransport } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const client = Effect.gen(function*() {
 *   const transport = yield* Effect.fromResult(LdapTransport.fromUrl("ldaps://ldap.example.org"))
 *   return yield* LdapClient.fromTransport(
 *     LdapTransport.tap(transport, (event) => {
 *       if (event._tag === "Sent") console.log(event.connection, event.message.messageId, event.message.operation._tag)
 *     })
 *   )
 * })
 * ```
 *
 * @category observing
 * @since 0.2.0
 */
export const tap = (transport: LdapTransport, observe: (event: TapEvent) => void): LdapTransport => {
  let connections = 0
  let isBroken = false
  const tell = (event: TapEvent): void => {
    if (isBroken) return
    try {
      observe(event)
    } catch {
      isBroken = true
    }
  }
  return {
    server: transport.server,
    connect: Effect.flatMap(
      transport.connect,
      (connection) =>
        Effect.map(Clock.Clock, (clock) => tapped(connection, transport.server, ++connections, clock, tell))
    )
  }
}

const tapped = (
  connection: LdapConnection,
  server: string,
  number: number,
  clock: Clock.Clock,
  tell: (event: TapEvent) => void
): LdapConnection => {
  const here = () => ({ connection: number, at: clock.currentTimeMillisUnsafe() })
  const secretAnswers = new Set<number>()
  const sent = new Reading((message) => {
    if (answersSecret(message.operation)) secretAnswers.add(message.messageId)
    tell({ _tag: "Sent", ...here(), message: withoutSecrets(message) })
  }, () => tell({ _tag: "Unreadable", ...here(), direction: "sent" }))
  const received = new Reading((message) => {
    const isSecret = message.operation._tag === "ExtendedResponse" && secretAnswers.delete(message.messageId)
    tell({ _tag: "Received", ...here(), message: withoutSecrets(message, isSecret) })
  }, () => tell({ _tag: "Unreadable", ...here(), direction: "received" }))
  tell({ _tag: "Opened", ...here(), server, protection: connection.protection })
  return {
    get protection() {
      return connection.protection
    },
    host: connection.host,
    port: connection.port,
    get tls() {
      return connection.tls
    },
    channelBinding: (type) => connection.channelBinding(type),
    receive: (receiver) =>
      connection.receive(
        watched(receiver, received, (end) => tell({ _tag: "Ended", ...here(), detail: detailOf(end) }))
      ),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    unsent: connection.unsent === undefined ? undefined : () => connection.unsent?.() ?? 0,
    write: (octets) => {
      sent.push(octets)
      return connection.write(octets)
    },
    shutdown: (done) => connection.shutdown(done),
    startTls: (options) => connection.startTls(options)
  }
}

const detailOf = (end: ConnectionEnd): string => end.detail

const watched = (receiver: Receiver, reading: Reading, onEnd: (end: ConnectionEnd) => void): Receiver => ({
  onOctets: (octets) => {
    reading.push(octets)
    receiver.onOctets(octets)
  },
  onEnd: (end) => {
    onEnd(end)
    receiver.onEnd(end)
  },
  onRoom: () => receiver.onRoom()
})

/** Decodes one direction, independently of the session. */
class Reading {
  readonly #parser = new LdapParser()
  readonly #onMessage: (message: LdapMessage) => void
  #onUnreadable: (() => void) | undefined

  constructor(onMessage: (message: LdapMessage) => void, onUnreadable: () => void) {
    this.#onMessage = onMessage
    this.#onUnreadable = onUnreadable
  }

  push(octets: Uint8Array): void {
    const onUnreadable = this.#onUnreadable
    if (onUnreadable === undefined || this.#parser.push(octets, this.#onMessage, true) === undefined) return
    this.#onUnreadable = undefined
    onUnreadable()
  }
}
