/**
 * The client of ldapts, on sessions of this library.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as ldapts from "ldapts"
import type * as Tls from "node:tls"
import * as LdapAuth from "../auth/LdapAuth.ts"
import type { LdapControl } from "../model/control/LdapControl.ts"
import * as LdapDn from "../model/dn/LdapDn.ts"
import { InvalidRequest, LdapError } from "../model/LdapError.ts"
import { run, searchPromise } from "../session/calls/promises.ts"
import type * as LdapSession from "../session/LdapSession.ts"
import { ClientConnection, type Need } from "./ClientConnection.ts"
import type { ClientOptions } from "./ClientOptions.ts"
import { type Controls, listOf, readInto } from "./controls.ts"
import { entryReader } from "./entries.ts"
import { fromLdapError } from "./errors.ts"
import { SaslConversation } from "./SaslConversation.ts"
import { searchOf } from "./searchOptions.ts"

/** A response with controls. */
interface Answer {
  readonly controls: ReadonlyArray<LdapControl>
}

type Found = Pick<LdapSession.SearchResult, "entries" | "references">

/**
 * A client with the methods of ldapts' `Client`, their units and defaults, and its results and errors.
 *
 * **When to use**
 *
 * Use it as the first step when moving a program from ldapts: change the import, and nothing else. For new code, and for code that
 * you change anyway, use `LdapSession` and `LdapClient`; {@link Client.effect} gives access to them.
 *
 * **Details**
 *
 * The first operation connects. After `unbind`, or if the connection was lost, the next operation connects again. Operations that
 * run at the same time share the connection. If a client was bound, a new connection is never anonymous; if it used StartTLS, a new
 * connection is never in clear text. Unless `autoRebind` is set, operations then fail until the program has bound again. `timeout`
 * abandons one operation. A bind with a name and without a password is refused. `src/ldapts/README.md` has a table of all
 * differences.
 *
 * Errors are those of ldapts, in its own classes. The `cause` of each is the `LdapError` with more details.
 *
 * **Example**
 *
 * ```ts
 * import { Client, InvalidCredentialsError } from "effect-ldap/ldapts"
 *
 * const client = new Client({ url: "ldaps://ldap.example.org", autoRebind: true })
 * await client.bind("cn=reader,dc=example,dc=org", "secret")
 * const { searchEntries } = await client.search("dc=example,dc=org", { filter: "(mail=ada@example.org)" })
 * await client.unbind()
 * ```
 *
 * @category clients
 * @since 0.2.0
 */
export class Client {
  readonly #connection: ClientConnection
  #conversation: SaslConversation | undefined
  /** The last bind or StartTLS that is still running. Later calls wait for it, even if the program didn't await it. */
  #ordered: Promise<void> | undefined

  /** Throws if the URL isn't an LDAP URL. Doesn't connect yet. */
  constructor(options: ClientOptions) {
    this.#connection = new ClientConnection(options)
  }

  /** Whether there is a connection. Becomes false as soon as the server ends it. */
  get isConnected(): boolean {
    return this.#connection.isConnected
  }

  /** Whether the last bind on this connection succeeded. */
  get isBound(): boolean {
    return this.#connection.isBound
  }

  /**
   * The underlying session, for programs that use both. It is connected, and bound as this client is. Fails if an operation of this
   * client would fail. Interruption leaves the connection to other operations. The session ends with the connection, so read this
   * property again for each use. Never bind the session, since this client wouldn't notice.
   *
   * **Example**
   *
   * ```ts
   * import { Client } from "effect-ldap/ldapts"
   * import { Effect, Stream } from "effect"
   *
   * const client = new Client({ url: "ldaps://ldap.example.org" })
   *
   * const count = client.effect.pipe(
   *   Effect.flatMap((session) => Stream.runCount(session.search({ base: "dc=example,dc=org", pageSize: 500 })))
   * )
   * ```
   */
  get effect(): Effect.Effect<LdapSession.LdapSession, LdapError> {
    return Effect.tryPromise({
      try: () => this.#session("operation"),
      catch: (cause) =>
        cause instanceof LdapError
          ? cause
          : new LdapError({
            reason: new InvalidRequest({ field: "client", detail: String(cause) }),
            operation: "connect"
          })
    })
  }

  /**
   * Binds with a name and a password, or with a SASL mechanism that ldapts lists; then the credentials are those of {@link
   * bindSASL}. If both are empty, it is an anonymous bind.
   */
  async bind(
    dnOrSaslMechanism: ldapts.DN | string,
    password?: string,
    controls?: Controls
  ): Promise<void> {
    const name = typeof dnOrSaslMechanism === "string" ? dnOrSaslMechanism : dnOrSaslMechanism.toString()
    if ((ldapts.SASL_MECHANISMS as ReadonlyArray<string>).includes(name)) return this.bindSASL(name, password, controls)
    if (name !== "" && (password === undefined || password === "")) {
      // The error of servers that refuse unauthenticated binds (RFC 4513 section 5.1.2).
      throw new ldapts.UnwillingToPerformError(
        "a bind with a name and without a password would be anonymous; use bind(\"\", \"\") for an anonymous bind"
      )
    }
    const auth = name === "" && (password === undefined || password === "")
      ? LdapAuth.anonymous
      : LdapAuth.simple(name, Redacted.make(password ?? ""))
    await this.#answered("bind", controls, async (session, sent) => {
      return this.#connection.bind(session, auth, sent)
    })
  }

  /**
   * Binds with a SASL mechanism that the program implements. If the server sends a challenge, this fails with
   * `SaslBindInProgressError`, with the challenge in `response.data`; call this again with the response. Any other operation ends
   * such a bind, and its connection.
   */
  async bindSASL(mechanism: string, password?: string, controls?: Controls): Promise<void> {
    const credentials = Buffer.from(password ?? "")
    const pending = this.#conversation
    if (pending?.isUnderWay === true && pending.mechanism === mechanism) {
      await this.#settled(listOf(controls), pending.answer(credentials))
      return
    }
    await this.#answered("bind", controls, async (session, sent) => {
      const conversation = new SaslConversation(mechanism, credentials)
      this.#conversation = conversation
      return conversation.begin((auth) => this.#connection.bind(session, auth, sent))
    })
  }

  /**
   * Protects the connection by TLS. The server must prove that it is the host of the URL, unless `rejectUnauthorized` is `false`.
   */
  async startTLS(options: Tls.ConnectionOptions = {}, controls?: Controls): Promise<void> {
    if (listOf(controls).length > 0) throw new Error("StartTLS takes no controls (RFC 4511 section 4.14.1)")
    await this.#answered("startTls", undefined, (session) => this.#connection.startTls(session, options))
  }

  /** Adds an entry: attributes of ldapts, or values by their descriptions. */
  async add(
    dn: ldapts.DN | string,
    attributes: ReadonlyArray<ldapts.Attribute> | Readonly<Record<string, ReadonlyArray<string> | string>>,
    controls?: Controls
  ): Promise<void> {
    await this.#operation(controls, (session, sent) => session.add(dn, attributes, { controls: sent }))
  }

  /** Whether an entry has a value. */
  async compare(dn: ldapts.DN | string, attribute: string, value: string, controls?: Controls): Promise<boolean> {
    const { isTrue } = await this.#operation(
      controls,
      (session, sent) =>
        Effect.map(session.compare(dn, attribute, value, { controls: sent }), (isTrue) => ({ isTrue, controls: [] }))
    )
    return isTrue
  }

  /** Deletes an entry. */
  async del(dn: ldapts.DN | string, controls?: Controls): Promise<void> {
    await this.#operation(controls, (session, sent) => session.delete(dn, { controls: sent }))
  }

  /** Sends an extended operation by its OID. The value of the answer is returned as text. */
  async exop(
    oid: string,
    value?: Buffer | string,
    controls?: Controls
  ): Promise<{ oid?: string; value?: string }> {
    const octets = value === undefined || value.length === 0 ? undefined : Buffer.from(value as string)
    const answer = await this.#operation(
      controls,
      (session, sent) => session.extended(oid, { controls: sent, value: octets })
    )
    const text = answer.value === undefined ? undefined : Buffer.from(answer.value).toString()
    // ldapts' type, and its objects, in which missing values are present as `undefined`.
    return { oid: answer.oid, value: text } as { oid?: string; value?: string }
  }

  /** Changes an entry. */
  async modify(
    dn: ldapts.DN | string,
    changes: ldapts.Change | ReadonlyArray<ldapts.Change>,
    controls?: Controls
  ): Promise<void> {
    await this.#operation(controls, (session, sent) => session.modify(dn, changes, { controls: sent }))
  }

  /** Renames an entry. If `newDN` has more than one part, the entry is moved too. The values of the old RDN are deleted. */
  async modifyDN(dn: ldapts.DN | string, newDN: ldapts.DN | string, controls?: Controls): Promise<void> {
    const name = renameOf(newDN.toString())
    await this.#operation(controls, (session, sent) => session.rename(dn, { ...name, controls: sent }))
  }

  /**
   * Searches, and returns all entries at once. If a size limit of the server ends the search, the entries before it are returned.
   * Requested attributes that an entry doesn't have are empty arrays.
   */
  async search(
    baseDN: ldapts.DN | string,
    options: ldapts.SearchOptions = {},
    controls?: Controls
  ): Promise<ldapts.SearchResult> {
    const sent = listOf(controls)
    const search = searchOf(baseDN, options, sent)
    const read = entryReader(options.attributes, options.explicitBufferAttributes)
    const found = ({ entries, references }: Found): ldapts.SearchResult => ({
      searchEntries: entries.map(read),
      searchReferences: references.flat()
    })
    try {
      const session = this.#ready ?? await this.#session("operation")
      const all = await searchPromise(session, search)
      if (sent.length > 0) readInto(sent, all.result.controls)
      return found(all)
    } catch (error) {
      const theirs = this.#failed(sent, error)
      if (isSizeLimit(error) && error.partial !== undefined) return found(error.partial)
      throw theirs
    }
  }

  /**
   * Searches with paged results (`paged.pageSize`, default 100 entries), and returns one page after the other. The next page is
   * requested when the program asks for it. Leaving the loop releases the server's cursor.
   */
  async *searchPaginated(
    baseDN: ldapts.DN | string,
    options: ldapts.SearchOptions = {},
    controls?: Controls
  ): AsyncGenerator<ldapts.SearchResult> {
    const sent = listOf(controls)
    const search = searchOf(baseDN, { ...options, paged: options.paged || true }, sent)
    const read = entryReader(options.attributes, options.explicitBufferAttributes)
    const { pageSize = 100 } = search
    let page: ldapts.SearchResult = { searchEntries: [], searchReferences: [] }
    let pages = 0
    try {
      const session = await this.#session("operation")
      for await (const messages of Stream.toAsyncIterable(Stream.chunks(session.searchMessages(search)))) {
        for (const message of messages) {
          if (message._tag === "Entry") page.searchEntries.push(read(message.entry))
          else if (message._tag === "Reference") page.searchReferences.push(...message.urls)
          else if (message._tag === "Done") readInto(sent, message.result.controls)
          if (page.searchEntries.length < pageSize) continue
          yield page
          pages++
          page = { searchEntries: [], searchReferences: [] }
        }
      }
    } catch (error) {
      const theirs = this.#failed(sent, error)
      if (!isSizeLimit(error)) throw theirs
    }
    if (pages === 0 || page.searchEntries.length > 0 || page.searchReferences.length > 0) yield page
  }

  /** Ends the connection, if there is one. If it is called several times, one unbind is sent. Operations in flight fail. */
  async unbind(): Promise<void> {
    this.#conversation?.breakOff()
    await this.#connection.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unbind()
  }

  /**
   * The session, if the operation doesn't have to wait for it, which is the usual case. Awaiting a promise costs as much as sending
   * a request.
   */
  get #ready(): LdapSession.LdapSession | undefined {
    return this.#ordered === undefined && this.#conversation === undefined ? this.#connection.ready : undefined
  }

  /** A session that is ready for the operation. Fails with an {@link LdapError}. */
  async #session(need: Need): Promise<LdapSession.LdapSession> {
    if (this.#ordered !== undefined) await this.#ordered
    if (this.#conversation?.isUnderWay === true) this.#conversation.breakOff()
    this.#conversation = undefined
    return this.#connection.acquire(need)
  }

  #operation<A extends Answer>(
    controls: Controls,
    operation: (session: LdapSession.LdapSession, sent: ReadonlyArray<ldapts.Control>) => Effect.Effect<A, LdapError>
  ): Promise<A> {
    return this.#answered("operation", controls, (session, sent) => run(operation(session, sent)))
  }

  #answered<A extends Answer | void>(
    need: Need,
    controls: Controls,
    operation: (session: LdapSession.LdapSession, sent: ReadonlyArray<ldapts.Control>) => Promise<A>
  ): Promise<A> {
    const sent = listOf(controls)
    const ready = need === "operation" ? this.#ready : undefined
    const answer = ready === undefined
      ? this.#session(need).then((session) => operation(session, sent))
      : operation(ready, sent)
    if (need !== "operation") {
      const over = () => {
        if (this.#ordered === ordered) this.#ordered = undefined
      }
      const ordered = answer.then(over, over)
      this.#ordered = ordered
    }
    return this.#settled(sent, answer)
  }

  /** Parses the controls of an answer. An error becomes one of ldapts. */
  async #settled<A extends Answer | void>(sent: ReadonlyArray<ldapts.Control>, answer: Promise<A>): Promise<A> {
    let settled: A
    try {
      settled = await answer
    } catch (error) {
      throw this.#failed(sent, error)
    }
    if (settled !== undefined && sent.length > 0) readInto(sent, settled.controls)
    return settled
  }

  /** The error of ldapts. Controls of a refusal are parsed too, since those of a password policy have the reason. */
  #failed(sent: ReadonlyArray<ldapts.Control>, error: unknown): unknown {
    if (!(error instanceof LdapError)) return error
    if (sent.length > 0 && "controls" in error.reason) readInto(sent, error.reason.controls)
    return fromLdapError(error)
  }
}

const isSizeLimit = (error: unknown): error is LdapError =>
  error instanceof LdapError && error.reason._tag === "SizeLimitExceeded"

/** A name with more than one RDN moves the entry. If the name can't be parsed here, the server checks it. */
const renameOf = (newDn: string): { readonly newRdn: string; readonly newSuperior?: string } => {
  const dn = Result.getOrUndefined(LdapDn.parse(newDn, { lenient: true }))
  if (dn === undefined || dn.rdns.length < 2) return { newRdn: newDn }
  return { newRdn: dn.rdns[0]!.toString(), newSuperior: LdapDn.make(dn.rdns.slice(1)).toString() }
}
