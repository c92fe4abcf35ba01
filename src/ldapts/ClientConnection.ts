/**
 * The connection under a drop-in client: one session at a time, opened when an operation needs it and shared by all.
 *
 * ldapts reconnects silently and is then anonymous, in clear text. Here a client that was bound, or protected by StartTLS, never
 * goes on without that: the new connection is bound and protected like the old one, or the operation fails and says what to do.
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

/** What an operation needs of the connection. */
export type Need = "operation" | "bind" | "startTls"

/** A session that is open, unless the client hasn't noticed its end yet. */
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
  /** Set once a bind has succeeded: from then on nothing is done as anonymous. The credentials are there if they may be kept. */
  #identity: { readonly auth: LdapAuth | undefined } | undefined
  /** Set once StartTLS was asked for: from then on nothing is sent in clear text. */
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

  /** A session that is what is needed. Fails with an {@link LdapError}. */
  async acquire(need: Need): Promise<LdapSession.LdapSession> {
    await this.#closing
    for (;;) {
      const open = this.#live?.isOpen === true ? this.#live : undefined
      // If the old state can't be restored, this fails before a connection is made.
      const refusal = this.#refusal(open, need)
      if (refusal !== undefined) throw this.#error(refusal)
      const live = open ?? await this.#open()
      if (this.#missing(live, need) === undefined) return live.session
      if (this.#refusal(live, need) === undefined) await (this.#restoring ??= this.#restore(live, need))
    }
  }

  /**
   * Binds the session. The outcome decides the identity of the client: a bind that fails leaves the connection anonymous (RFC 4513
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
    // Also when it fails: a program that asked for TLS doesn't want to go on without.
    this.#tls = tlsOptionsOf(options)
    await run(session.startTls(this.#tls))
    if (live !== undefined) live.hasTls = true
  }

  /** Ends the connection, which is the unbind; however often it is called, one is sent. Credentials are forgotten. */
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
        // Nothing is left to be sent; what the session holds is given back.
        Effect.runFork(Scope.close(live.scope, Exit.void))
      }
    })
  }

  /** What the earlier connection had (TLS, identity) and this one lacks. */
  #missing(live: Live, need: Need): "tls" | "identity" | undefined {
    if (this.#tls !== undefined && !live.hasTls && need !== "startTls") return "tls"
    return this.#identity !== undefined && !live.isBound && need === "operation" ? "identity" : undefined
  }

  /** Why what is missing can't be restored. */
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

  /** Makes the connection what it was before it was lost. */
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
