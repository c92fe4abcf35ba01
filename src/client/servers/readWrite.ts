/**
 * The split of reads and writes: calls that only read go to one performer, calls that may change something to another.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AnyCall } from "../../session/calls/Call.ts"
import type { Performer } from "../../session/calls/Performer.ts"
import { steadyClock } from "../steadyClock.ts"

/**
 * Options of a client with servers for reads and others for writes.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadWriteOptions {
  /**
   * How long after a write all reads of this client go to the servers for writes. They also do so while the write is in flight. Set it to
   * the time by which replicas may be behind. Default: reads always go to the servers for reads.
   */
  readonly readYourWrites?: Duration.Input | undefined
}

/**
 * Where the reads of an effect go, if the client has servers for reads and others for writes: `write` for reads that must see
 * earlier writes.
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

/** Sends calls that only read to one performer, and all others to another. */
export const splitOf = Effect.fnUntraced(function*(
  read: Performer,
  write: Performer,
  options?: ReadWriteOptions
): Effect.fn.Return<Performer> {
  const clock = yield* steadyClock
  const windowMillis = Duration.toMillis(options?.readYourWrites ?? 0)
  let writing = 0
  let writtenAt = -Infinity

  const reader: Effect.Effect<Performer> = Effect.map(
    ReadFrom,
    (from) =>
      from === "write" || (windowMillis > 0 && writing > 0) ||
        clock.currentTimeMillisUnsafe() - writtenAt < windowMillis
        ? write
        : read
  )
  /** Extended operations go to the servers for writes, also those that are safe to repeat, since they concern their session. */
  const isForReplicas = ({ kind, name }: AnyCall): boolean => kind === "read" && name !== "extended"
  const begin = Effect.sync(() => void writing++)
  const end = Effect.sync(() => {
    writing--
    // This happens also after a failure: the write may have been carried out.
    writtenAt = clock.currentTimeMillisUnsafe()
  })

  return {
    one: (call) =>
      isForReplicas(call)
        ? Effect.flatMap(reader, (performer) => performer.one(call))
        : Effect.acquireUseRelease(begin, () => write.one(call), () => end),
    many: (call) =>
      Stream.unwrap(
        isForReplicas(call)
          ? Effect.map(reader, (performer) => performer.many(call))
          : Effect.as(Effect.acquireRelease(begin, () => end), write.many(call))
      )
  }
})
