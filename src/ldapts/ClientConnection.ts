/**
 * The connection of a drop-in client: one session at a time, opened when an operation needs it, and shared by all operations.
 *
 * ldapts reconnects silently, and the new connection is anonymous and in clear text. If this client was bound or protected by
 * StartTLS, the new connection is bound and protected in the same way, or the operation fails with an error that says what to do.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as Tls from "node:tls"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { LdapTransport } from "../connection/LdapTransport.ts"
import type { TlsOptions } from "../connection/tls/LdapTls.ts"
import { InvalidRequest, LdapError, type LdapResult } from "../model/LdapError.ts"
import { run } from "../session/calls/promises.ts"
import * as LdapSession from "../session/LdapSession.ts"
import { type ClientOptions, targetOf, tlsOptionsOf } from "./ClientOptions.ts"

/** The requirements of an operation on the connection. */
export type Need = "operation" | "bind" | "startTls"

/** An open session. It may have ended without the client having noticed yet. */
interface Live {
  readonly session: LdapSession.LdapSession
  readonly scope: Scope.Closeable
  isOpen: boolean
  isBound: boolean
  hasTls: boolean
}

export class ClientConnection {
  readonly #transport: LdapTransport
  readonly #options: LdapSession.SessionOptions
  readonly #autoRebind: boolean
  #live: Live | undefined
  #opening: { readonly result: Promise<Live>; readonly fiber: Fiber.Fiber<Live, LdapError> } | undefined
  #restoring: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Set once a bind has succeeded: from then on no operation is anonymous. It has the credentials if they may be kept. */
  #identity: { readonly auth: LdapAuth | undefined } | undefined
  /** Set once StartTLS was requested: from then on nothing is sent in clear text. */
  #tls: TlsOptions | undefined

  constructor(options: ClientOptions) {
    const { session, transport } = targetOf(options)
    this.#transport = transport
    this.#options = session
    this.#autoRebind = options.autoRebind ?? false
  }

  get isConnected(): boolean {
    return this.#live?.isOpen ?? false
  }

  get isBound(): boolean {
    return this.#live?.isOpen === true && this.#live.isBound
  }

  /** The session, if it is open and ready for the operation, so that the caller doesn't have to wait. */
  get ready(): LdapSession.LdapSession | undefined {
    const live = this.#live
    return live?.isOpen === true && this.#missing(live, "operation") === undefined ? live.session : undefined
  }

  /** A session that meets the requirements. Fails with an {@link LdapError}. */
  async acquire(need: Need): Promise<LdapSession.LdapSession> {
    await this.#closing
    for (;;) {
      const open = this.#live?.isOpen === true ? this.#live : undefined
      // Checked before connecting: if the old state can't be restored, this fails.
      const refusal = this.#refusal(open, need)
      if (refusal !== undefined) throw this.#error(refusal)
      const live = open ?? await this.#open()
      if (this.#missing(live, need) === undefined) return live.session
      if (this.#refusal(live, need) === undefined) await (this.#restoring ??= this.#restore(live, need))
    }
  }

  /**
   * Binds the session. The outcome decides the identity of the client: if a bind fails, the connection is anonymous (RFC 4513
   * section 4).
   */
  async bind(
    session: LdapSession.LdapSession,
    auth: LdapAuth,
    controls: LdapSession.OperationOptions["controls"]
  ): Promise<LdapResult> {
    const live = this.#live?.session === session ? this.#live : undefined
    try {
      const result = await run(session.bind(auth, { controls }))
      if (live !== undefined) live.isBound = true
      this.#identity = auth._tag === "Anonymous" ? undefined : { auth: this.#autoRebind ? auth : undefined }
      return result
    } catch (error) {
      if (live !== undefined) live.isBound = false
      throw error
    }
  }

  async startTls(session: LdapSession.LdapSession, options: Tls.ConnectionOptions): Promise<void> {
    const live = this.#live?.session === session ? this.#live : undefined
    // Set even if StartTLS fails: a program that requested TLS doesn't want to continue without it.
    this.#tls = tlsOptionsOf(options)
    await run(session.startTls(this.#tls))
    if (live !== undefined) live.hasTls = true
  }

  /** Ends the connection with an unbind. If it is called several times, one unbind is sent. Credentials are forgotten. */
  close(): Promise<void> {
    if (this.#identity !== undefined) this.#identity = { auth: undefined }
    return (this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined
    }))
  }

  async #close(): Promise<void> {
    const opening = this.#opening
    if (opening !== undefined) {
      await Effect.runPromise(Fiber.interrupt(opening.fiber))
      this.#opening = undefined
    }
    const live = this.#live
    this.#live = undefined
    if (live === undefined) return
    live.isOpen = false
    await Effect.runPromise(Scope.close(live.scope, Exit.void))
  }

  /** Opens one connection at a time, which all waiting operations share. */
  #open(): Promise<Live> {
    if (this.#opening !== undefined) return this.#opening.result
    const scope = Scope.makeUnsafe()
    const opened = Effect.map(
      Scope.provide(LdapSession.fromTransport(this.#transport, this.#options), scope),
      (session): Live => ({ session, scope, isOpen: true, isBound: false, hasTls: false })
    )
    const fiber = Effect.runFork(opened)
    const result = run(Fiber.join(fiber)).then((live) => {
      this.#live = live
      this.#watch(live)
      return live
    }).finally(() => {
      this.#opening = undefined
    })
    this.#opening = { result, fiber }
    return result
  }

  /** Watches for the end of the connection, so that the next operation opens another one. */
  #watch(live: Live): void {
    Effect.runCallback(live.session.closed, {
      onExit: () => {
        live.isOpen = false
        // Nothing is left to be sent; this releases the resources of the session.
        Effect.runFork(Scope.close(live.scope, Exit.void))
      }
    })
  }

  /** The state of the earlier connection (TLS, identity) that this one lacks. */
  #missing(live: Live, need: Need): "tls" | "identity" | undefined {
    if (this.#tls !== undefined && !live.hasTls && need !== "startTls") return "tls"
    return this.#identity !== undefined && !live.isBound && need === "operation" ? "identity" : undefined
  }

  /** Why the missing state can't be restored. */
  #refusal(live: Live | undefined, need: Need): InvalidRequest | undefined {
    const missing = this.#missing(live ?? fresh, need)
    if (missing === "tls" && !this.#autoRebind) {
      const detail =
        "this client used StartTLS, and the connection is in clear text; call startTLS again, or set autoRebind"
      return new InvalidRequest({ field: "connection", detail })
    }
    if (missing !== "identity" && !(missing === "tls" && need === "operation")) return undefined
    if (this.#identity === undefined || this.#identity.auth !== undefined) return undefined
    const detail =
      "the client was bound, and this connection is anonymous; call bind again (bind(\"\", \"\") to be anonymous), " +
      "or set autoRebind"
    return new InvalidRequest({ field: "connection", detail })
  }

  /** Restores the state of the lost connection. */
  async #restore(live: Live, need: Need): Promise<void> {
    try {
      if (this.#missing(live, need) === "tls") {
        await run(live.session.startTls(this.#tls))
        live.hasTls = true
      }
      if (this.#missing(live, need) === "identity") {
        await run(live.session.bind(this.#identity!.auth!))
        live.isBound = true
      }
    } finally {
      this.#restoring = undefined
    }
  }

  #error(reason: InvalidRequest): LdapError {
    return new LdapError({ reason, operation: "connect", server: this.#transport.server })
  }
}

/** The initial state of a connection. */
const fresh = { isOpen: true, isBound: false, hasTls: false } as Live
