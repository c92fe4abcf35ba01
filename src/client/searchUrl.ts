/**
 * A search described by an LDAP URL.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError } from "../model/LdapError.ts"
import * as LdapUrl from "../model/url/LdapUrl.ts"
import type * as LdapSession from "../session/LdapSession.ts"
import { LdapClient } from "./LdapClientService.ts"

/**
 * The search that a URL describes (RFC 4516), by the client of the context.
 *
 * **Details**
 *
 * The URL gives base, scope, filter and attributes. The client chooses the server, so the host of the URL is ignored. Fails with
 * `InvalidRequest` if the text isn't an LDAP URL, and for a URL with a critical extension, since none is supported. `options` may add
 * pages, limits and controls. Interruption, or ending the stream early, abandons the search.
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
