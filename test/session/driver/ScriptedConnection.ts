/**
 * A connection that a test controls call by call. It can do everything that `LdapConnection` allows: answer within the call that
 * writes, report room immediately, and reuse the bytes that it delivered. It can also throw, which isn't allowed.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { LdapConnection, Receiver } from "../../../src/connection/LdapConnection.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import { LdapParser } from "../../../src/protocol/LdapCodec.ts"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { octets, type Request } from "../recording/RecordingPeer.ts"

export class ScriptedConnection implements LdapConnection {
  readonly protection = "local"
  readonly host = "peer"
  readonly tls = undefined
  readonly written: Array<Request> = []
  /** The calls that it expects, and those that were made, in order. */
  readonly calls: Array<"pause" | "resume" | "shutdown"> = []
  /** Called for each message within the call that writes it. Returns whether there is room for more. */
  onWrite: (request: Request) => boolean = () => true
  onPause: () => void = () => {}
  onResume: () => void = () => {}
  onShutdown: (done: () => void) => void = (done) => done()
  handshake: Effect.Effect<void, LdapError> = Effect.void
  /** The bytes that wait to be passed on, as `unsent` reports them. */
  waiting = 0
  readonly #parser = new LdapParser()
  #receiver: Receiver | undefined

  channelBinding(): undefined {
    return undefined
  }

  unsent(): number {
    return this.waiting
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver
  }

  get receiver(): Receiver {
    if (this.#receiver === undefined) throw new Error("the session doesn't listen")
    return this.#receiver
  }

  pause(): void {
    this.calls.push("pause")
    this.onPause()
  }

  resume(): void {
    this.calls.push("resume")
    this.onResume()
  }

  write(bytes: Uint8Array): boolean {
    let hasRoom = true
    const failure = this.#parser.push(bytes, (message) => {
      this.written.push(message as Request)
      hasRoom = this.onWrite(message as Request) && hasRoom
    })
    if (failure !== undefined) throw failure
    return hasRoom
  }

  shutdown(done: () => void): void {
    this.calls.push("shutdown")
    this.onShutdown(done)
  }

  startTls(): Result.Result<Effect.Effect<void, LdapError>> {
    return Result.succeed(this.handshake)
  }

  /** Delivers a message. */
  send(messageId: number, operation: ProtocolOperation): void {
    this.receiver.onOctets(octets(messageId, operation))
  }

  /** The peer closes its side. */
  end(): void {
    this.receiver.onEnd({ _tag: "ConnectionLost", detail: "the peer closed it", cause: undefined })
  }

  kinds(): ReadonlyArray<string> {
    return this.written.map(({ operation }) => operation._tag)
  }
}

/** A session over a connection. `closing` is the effect that releases the connection. */
export const open = (
  connection: ScriptedConnection,
  options?: LdapSession.SessionOptions,
  closing: Effect.Effect<void> = Effect.void
) =>
  LdapSession.fromTransport(
    { server: "ldap://peer", connect: Effect.acquireRelease(Effect.succeed(connection), () => closing) },
    options
  )
