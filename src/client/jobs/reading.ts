/**
 * Jobs that read: whether an entry exists, how many match, and an export as text.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import { lookupProblem, searchProblem } from "../../session/input/operationInput.ts"
import type { DnInput, LdapOperations, LookupOptions, SearchOptions } from "../../session/LdapSession.ts"
import { checked, checkedStream } from "./jobInput.ts"

/**
 * Whether an entry with this name exists that the client may read. If `filter` is given, the entry has to match it.
 *
 * Fails with `LdapError`. Interruption abandons the request in flight.
 *
 * @category reading
 * @since 0.1.0
 */
export const exists = (
  client: Pick<LdapOperations, "lookup">,
  dn: DnInput,
  options?: Omit<LookupOptions, "attributes" | "typesOnly">
): Effect.Effect<boolean, LdapError> =>
  checked(
    "exists",
    () => lookupProblem(dn, options),
    () => Effect.map(client.lookup(dn, { ...options, attributes: ["1.1"] }), Option.isSome)
  )

/**
 * Counts the entries that a search finds. LDAP has no operation for that, so the server sends all entries, without attributes, in pages of
 * `pageSize` (default 500).
 *
 * Fails with `LdapError`. Interruption abandons the request in flight.
 *
 * @category reading
 * @since 0.1.0
 */
export const count = (
  client: Pick<LdapOperations, "search">,
  options: Omit<SearchOptions, "attributes" | "typesOnly">
): Effect.Effect<number, LdapError> =>
  checked(
    "count",
    () => searchProblem(options),
    () => Stream.runCount(client.search({ ...options, attributes: ["1.1"], pageSize: options.pageSize ?? 500 }))
  )

/**
 * The entries of a search, as a stream of LDIF text (RFC 2849), one or more entries at a time.
 *
 * **Details**
 *
 * The search uses paged results, of `pageSize` entries (default 500). The next page is requested when the consumer asks for it, so
 * memory use stays flat. Range retrieval reads all values of large attributes (`ranges: "all"`).
 * Lines are folded at `width` bytes, default 76. `Ldif.format` describes what LDIF can't express. An error comes
 * after the text of the entries before it.
 *
 * Interruption, or ending the stream early, abandons the search.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { FileSystem, Effect, Stream } from "effect"
 *
 * const backup = Effect.fn(function*(ldap: LdapClient.LdapClient) {
 *   const fs = yield* FileSystem.FileSystem
 *   yield* LdapJobs.exportLdif(ldap, { base: "dc=example,dc=org" }).pipe(
 *     Stream.encodeText,
 *     Stream.run(fs.sink("backup.ldif"))
 *   )
 * })
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const exportLdif = (
  client: Pick<LdapOperations, "search">,
  options: SearchOptions & { readonly width?: number | undefined }
): Stream.Stream<string, LdapError> =>
  checkedStream(
    "exportLdif",
    () => searchProblem(options) ?? widthProblem(options.width),
    () =>
      client.search({ ranges: "all", ...options, pageSize: options.pageSize ?? 500 }).pipe(
        Stream.mapEffect(checkWhole),
        Ldif.encode({ width: options.width })
      )
  )

const widthProblem = (u: unknown): InvalidRequest | undefined =>
  u === undefined || (typeof u === "number" && !Number.isNaN(u))
    ? undefined
    : new InvalidRequest({ field: "width", detail: `${given(u)} was given where a number of bytes belongs` })

/** An export that lacks values fails, so that it isn't mistaken for a complete backup. */
const checkWhole = (entry: LdapEntry): Effect.Effect<LdapEntry, LdapError> => {
  const partial = entry.descriptions.find((description) => entry.isPartial(description))
  return partial === undefined ? Effect.succeed(entry) : Effect.fail(
    new LdapError({
      reason: new InvalidRequest({
        field: "ranges",
        detail: `the server sent ${partial} only: export with ranges: "all", and don't ask for ranges of attributes`
      }),
      operation: "exportLdif",
      dn: entry.dn
    })
  )
}
