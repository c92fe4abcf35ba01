/**
 * The client as a service: what a program asks of a directory, without a word about connections.
 *
 * Unlike a session it has no `bind` and no `startTls`: many fibers share it, and rebinding one would change who the others
 * are. For now a client is one session; a program that must be someone else opens a session of its own.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../model/LdapEntry.ts"
import { InvalidRequest, LdapError } from "../model/LdapError.ts"
import * as LdapUrl from "../model/LdapUrl.ts"
import * as LdapSession from "../session/LdapSession.ts"

/**
 * The operations, and the server they go to.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapClient extends LdapSession.LdapOperations {
  readonly server: string
}

/**
 * The service tag.
 *
 * @category tags
 * @since 0.1.0
 */
export const LdapClient: Context.Service<LdapClient, LdapClient> = Context.Service<LdapClient>("effect-ldap/LdapClient")

/**
 * A client over a session that is open already, whose scope stays its owner's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSession = (
  { bind: _, closed: _1, protection: _2, startTls: _3, ...operations }: LdapSession.LdapSession
) => LdapClient.of(operations)

/**
 * Opens a client: connects, secures and binds as configured, or fails. Closing the scope unbinds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (config: LdapSession.SessionConfig): Effect.Effect<LdapClient, LdapError, Scope.Scope> =>
  Effect.map(LdapSession.make(config), fromSession)

/**
 * A client for as long as the layer lives.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapClient } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * const Ldap = LdapClient.layer({
 *   url: "ldaps://ldap.example.org",
 *   auth: LdapAuth.simple("cn=reader,dc=example,dc=org", Redacted.make("secret"))
 * })
 *
 * const program = Effect.gen(function*() {
 *   const ldap = yield* LdapClient.LdapClient
 *   return yield* ldap.lookup("uid=ada,ou=people,dc=example,dc=org")
 * }).pipe(Effect.provide(Ldap))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (config: LdapSession.SessionConfig): Layer.Layer<LdapClient, LdapError> =>
  Layer.effect(LdapClient, make(config))

/**
 * Like {@link layer}, with settings that come from the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<LdapSession.SessionConfig>
): Layer.Layer<LdapClient, LdapError | Config.ConfigError> =>
  Layer.effect(LdapClient, Effect.flatMap(Config.unwrap(config), make))

/**
 * The search that a URL describes (RFC 4516), by the client of the context.
 *
 * **Details**
 *
 * The URL says what to search for: base, scope, filter and attributes. Which server answers is the client's business, so a host
 * in the URL is not looked at. Fails with `InvalidRequest` for text that is no LDAP URL, and for a URL with a critical
 * extension, since none is supported. `options` may add pages, limits and controls.
 *
 * @category searching
 * @since 0.1.0
 */
export const searchUrl = (
  url: string | LdapUrl.LdapUrl,
  options?: Omit<LdapSession.SearchOptions, "base" | "scope" | "filter" | "attributes">
): Stream.Stream<LdapEntry, LdapError, LdapClient> =>
  Stream.unwrap(
    Effect.map(LdapClient, (client) => {
      const search = Result.flatMap(typeof url === "string" ? LdapUrl.parse(url) : Result.succeed(url), LdapUrl.search)
      if (Result.isSuccess(search)) return client.search({ ...options, ...search.success })
      const reason = new InvalidRequest({ field: "url", detail: search.failure.message })
      return Stream.fail(new LdapError({ reason, operation: "search", server: client.server }))
    })
  )
