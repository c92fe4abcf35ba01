/**
 * Questions about entries that need no entries for an answer, and entries as text.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import type { DnInput, LdapOperations, LookupOptions, SearchOptions } from "../../session/LdapSession.ts"

/**
 * Whether there is an entry of that name, one that matches where `filter` is given, and that this user may see.
 *
 * @category reading
 * @since 0.1.0
 */
export const exists = (
  client: Pick<LdapOperations, "lookup">,
  dn: DnInput,
  options?: Omit<LookupOptions, "attributes" | "typesOnly">
): Effect.Effect<boolean, LdapError> =>
  Effect.map(client.lookup(dn, { ...options, attributes: ["1.1"] }), Option.isSome)

/**
 * How many entries a search finds. LDAP can't count: all of them are sent, without attributes, in pages of 500 unless
 * `pageSize` says otherwise.
 *
 * @category reading
 * @since 0.1.0
 */
export const count = (
  client: Pick<LdapOperations, "search">,
  options: Omit<SearchOptions, "attributes" | "typesOnly">
): Effect.Effect<number, LdapError> =>
  Stream.runCount(client.search({ ...options, attributes: ["1.1"], pageSize: options?.pageSize ?? 500 }))

/**
 * What a search finds, as a stream of LDIF text (RFC 2849), an entry or more at a time.
 *
 * **Details**
 *
 * In pages of 500 unless `pageSize` says otherwise: the next one is asked for when the stream wants it, so memory stays flat. Attributes
 * of which the server sends a range of the values are read to their end (`ranges: "all"`).
 * Lines are folded at `width` octets, 76 unless given. What LDIF can't write is described at `Ldif.format`. An error comes
 * after the text of what was found before it.
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
  client.search({ ranges: "all", ...options, pageSize: options?.pageSize ?? 500 }).pipe(
    Stream.mapEffect(checkWhole),
    Ldif.encode({ width: options?.width })
  )

/** A backup that lacks values must not pass for one. */
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
