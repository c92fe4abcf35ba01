/**
 * Operations by what they do: those that only read go one way, those that may change something another. Where each way leads is
 * not known here.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapOperations } from "../../session/LdapOperations.ts"
import { steadyClock } from "../steadyClock.ts"

/**
 * What a client with servers for reading and others for writing may be told.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadWriteOptions {
  /**
   * For how long after one of its writes (from its start until so long after its end) all reads of this client go to the servers that are
   * written to: as long as replicas are behind. Default: not at all.
   */
  readonly readYourWrites?: Duration.Input | undefined
}

/**
 * Where the reads of an effect go, if the client has servers for reading and others for writing: `write` for those that must see
 * what was written.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const ldap = yield* LdapClient.LdapClient
 *   const dn = "uid=ada,ou=people,dc=example,dc=org"
 *   yield* ldap.delete(dn)
 *   return yield* Effect.provideService(ldap.lookup(dn), LdapClient.ReadFrom, "write")
 * })
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const ReadFrom: Context.Reference<"read" | "write"> = Context.Reference<"read" | "write">(
  "effect-ldap/LdapClient/ReadFrom",
  { defaultValue: () => "read" }
)

export const splitOf = Effect.fnUntraced(function*(
  read: LdapOperations,
  write: LdapOperations,
  options?: ReadWriteOptions
): Effect.fn.Return<LdapOperations> {
  const clock = yield* steadyClock
  const windowMillis = Duration.toMillis(options?.readYourWrites ?? 0)
  let writing = 0
  let writtenAt = -Infinity

  const reader: Effect.Effect<LdapOperations> = Effect.map(
    ReadFrom,
    (from) =>
      from === "write" || (windowMillis > 0 && writing > 0) ||
        clock.currentTimeMillisUnsafe() - writtenAt < windowMillis
        ? write
        : read
  )
  const reads = <A>(f: (operations: LdapOperations) => Effect.Effect<A, LdapError>): Effect.Effect<A, LdapError> =>
    Effect.flatMap(reader, f)
  const begin = Effect.sync(() => void writing++)
  const end = Effect.sync(() => {
    writing--
    // Also where it failed: it may have been carried out.
    writtenAt = clock.currentTimeMillisUnsafe()
  })
  const writes = <A>(effect: Effect.Effect<A, LdapError>): Effect.Effect<A, LdapError> =>
    Effect.acquireUseRelease(begin, () => effect, () => end)

  return {
    search: (options) => Stream.unwrap(Effect.map(reader, ({ search }) => search(options))),
    searchMessages: (options) => Stream.unwrap(Effect.map(reader, ({ searchMessages }) => searchMessages(options))),
    searchResult: (options) => reads(({ searchResult }) => searchResult(options)),
    lookup: (dn, options) => reads(({ lookup }) => lookup(dn, options)),
    compare: (dn, attribute, value, options) => reads(({ compare }) => compare(dn, attribute, value, options)),
    rootDse: reads(({ rootDse }) => rootDse),
    add: (dn, attributes, options) => writes(write.add(dn, attributes, options)),
    modify: (dn, changes, options) => writes(write.modify(dn, changes, options)),
    delete: (dn, options) => writes(write.delete(dn, options)),
    rename: (dn, options) => writes(write.rename(dn, options)),
    // The same two signatures: what was given is passed on as it came.
    extended: ((...args: Parameters<LdapOperations["extended"]>) =>
      writes(write.extended(...args))) as LdapOperations["extended"],
    extendedMessages: ((...args: Parameters<LdapOperations["extendedMessages"]>) =>
      Stream.unwrap(Effect.as(
        Effect.acquireRelease(begin, () =>
          end),
        write.extendedMessages(...args)
      ))) as LdapOperations["extendedMessages"]
  }
})
