/**
 * Follows a directory: one stream of changes, from a checkpoint on, with any kind of server. It continues after lost sessions and failover.
 *
 * The values of the stream and the contract for their consumer are in LdapChange.ts, the options in ChangesOptions.ts.
 * src/changes/README.md says what each source needs, what it can lose, and what it costs. `sources/` sends the requests to a server;
 * `following.ts` runs a source again and again.
 *
 * @since 0.2.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { LdapError } from "../model/LdapError.ts"
import type { Entries, FieldsInput } from "../schema/LdapSchema.ts"
import { EntryUndecodable, LdapChangesError, type LdapChangesErrorReason } from "./ChangesError.ts"
import { type FollowOptions, type Known, type KnownEntries, settingsFrom } from "./ChangesOptions.ts"
import { choose as chooseSource } from "./choosing.ts"
import { type Followed, following } from "./following.ts"
import { type ChosenSource, deleted, isUpsert, type LdapChange } from "./LdapChange.ts"
import { serverKindOf } from "./sources/ServerKind.ts"
import { KnownFailed } from "./sources/Source.ts"

export * from "./ChangesError.ts"
export type { FollowOptions, Known, KnownEntries } from "./ChangesOptions.ts"
export type { DnInput, FilterInput } from "../session/LdapSession.ts"
export type { Entries, FieldsInput, LdapDecodeError } from "../schema/LdapSchema.ts"
export type { Followed } from "./following.ts"
export * from "./LdapChange.ts"
export * from "./MemoryCopy.ts"

/**
 * The options of {@link follow} for entries as a class of `LdapSchema`.
 *
 * @category models
 * @since 0.2.0
 */
export interface FollowClassOptions<Self, Fields extends FieldsInput, E = never, R = never>
  extends Omit<FollowOptions<E, R>, "attributes">
{
  /** The class. Only entries of its object classes are in the view. */
  readonly schema: Entries<Self, Fields>
}

/**
 * Follows the entries of a view: first all entries that exist, and then every change, without end.
 *
 * **When to use**
 *
 * To keep a copy, a cache or the accounts of another system up to date with a directory. {@link poll} does the same once, for a job that
 * runs from time to time. `LdapReplica` is a consumer that keeps a copy in a database.
 *
 * **Details**
 *
 * A consumer that follows the contract at the top of `LdapChange.ts` loses no change, and a repeated change has no effect. `since` is the
 * cookie of the last checkpoint that the consumer has stored together with the effects of the changes.
 *
 * The stream opens its own session, outside the client's pool. If the session is lost, another one replaces it, as `schedule` says; it may
 * be with another server of the client. The stream continues from the last checkpoint. If a server refuses that checkpoint, the view is
 * read again, and entries that don't come again are gone (`Refreshed` with `deletes: "absent"`). If an `LdapSession` is given, there is no
 * other session, and the stream fails when it ends.
 *
 * Backpressure: while the consumer is busy, nothing more is read from the server, and the server waits. If the server stops waiting, it
 * ends the session, and another session replaces it. Ending the stream, or interrupting its fiber, unbinds the session, which ends the
 * server's search. Over an `LdapSession`, which stays open, the search is abandoned.
 *
 * Fails with `LdapError` if another attempt would fail in the same way (a refused bind, a base that doesn't exist). Fails with
 * `LdapChangesError` if the cookie belongs to another request, or the requested source can't be used. Each run of the stream starts with
 * `since`.
 *
 * **Example**
 *
 * ```ts
 * import { LdapChanges, type LdapClient } from "effect-ldap"
 * import { Effect, Stream } from "effect"
 *
 * const watch = (ldap: LdapClient.LdapClient, since: LdapChanges.ChangesCookie | undefined) =>
 *   LdapChanges.follow(ldap, {
 *     base: "ou=people,dc=example,dc=org",
 *     filter: "(objectClass=person)",
 *     attributes: ["cn", "mail"],
 *     since
 *   }).pipe(Stream.runForEach((change) => Effect.log(change._tag)))
 * ```
 *
 * @category following
 * @since 0.2.0
 */
export const follow: {
  <Self, Fields extends FieldsInput, E = never, R = never>(
    client: Followed,
    options: FollowClassOptions<Self, Fields, E, R>
  ): Stream.Stream<LdapChange<Self>, LdapError | LdapChangesError | E, R>
  <E = never, R = never>(
    client: Followed,
    options: FollowOptions<E, R>
  ): Stream.Stream<LdapChange, LdapError | LdapChangesError | E, R>
} = (client: Followed, options: AnyOptions) => streamOf(client, options, false) as never

/**
 * Like {@link follow}, once: emits the changes since the cookie, or all entries if there is none. The stream ends after a checkpoint.
 *
 * **Details**
 *
 * If a session is lost, the stream continues with another one, as `schedule` says.
 *
 * Fails as `follow` does. Interruption, or ending the stream early, has the same effect as for `follow`.
 *
 * @category following
 * @since 0.2.0
 */
export const poll: {
  <Self, Fields extends FieldsInput, E = never, R = never>(
    client: Followed,
    options: FollowClassOptions<Self, Fields, E, R>
  ): Stream.Stream<LdapChange<Self>, LdapError | LdapChangesError | E, R>
  <E = never, R = never>(
    client: Followed,
    options: FollowOptions<E, R>
  ): Stream.Stream<LdapChange, LdapError | LdapChangesError | E, R>
} = (client: Followed, options: AnyOptions) => streamOf(client, options, true) as never

/**
 * How {@link follow} would follow this view, and why. Reads the root DSE, and tests each source that the server offers with a small
 * request.
 *
 * Fails with `LdapChangesError` or `LdapError`. Interruption abandons the request in flight.
 *
 * @category following
 * @since 0.2.0
 */
export const choose = (
  client: Followed,
  options: Pick<FollowOptions, "base" | "scope" | "filter" | "source">
): Effect.Effect<ChosenSource, LdapError | LdapChangesError> =>
  Effect.gen(function*() {
    const settings = settingsFrom(options)
    if (Result.isFailure(settings)) {
      return yield* Effect.fail(new LdapError({ reason: settings.failure, operation: "choose" }))
    }
    const { pageSize, source, view } = settings.success
    const server = serverKindOf(yield* client.rootDse)
    const emit = () => Effect.void
    const run = {
      session: client,
      server,
      view,
      pageSize,
      reason: "initial",
      isLive: false,
      known: undefined,
      memory: new Map<string, unknown>(),
      emit
    } as const
    return yield* Effect.catchTag(
      chooseSource(run, source),
      "SourceUnavailable",
      (reason) => Effect.fail(new LdapChangesError({ reason, server: client.server }))
    )
  })

// ---------------------------------------------------------------------------------------------------------------------
// The stream
// ---------------------------------------------------------------------------------------------------------------------

/** Options with or without a class. Errors and requirements of `known` pass through. */
type AnyOptions = FollowOptions<unknown, unknown> & { readonly schema?: Entries<unknown, FieldsInput> | undefined }

/** How many groups of changes may wait for the consumer. A group is what the server sent at once. */
const waitingGroups = 2

const streamOf = (
  client: Followed,
  { schema, ...given }: AnyOptions,
  isOnce: boolean
): Stream.Stream<LdapChange<unknown>, unknown, unknown> =>
  Stream.suspend(() => {
    const options = schema === undefined ? given : ofClass(given, schema)
    const settings = settingsFrom(options)
    if (Result.isFailure(settings)) {
      return Stream.fail(new LdapError({ reason: settings.failure, operation: isOnce ? "poll" : "follow" }))
    }
    const decode = schema === undefined ? identity : decoder(schema, options.undecodable ?? "fail")
    return Stream.callback<readonly [LdapChange<unknown>, ...Array<LdapChange<unknown>>], unknown, unknown>(
      Effect.fnUntraced(function*(queue) {
        const context = yield* Effect.context<unknown>()
        const run = following({
          client,
          settings: settings.success,
          schedule: options.schedule,
          isOnce,
          known: knownFrom(options.known, context),
          emit: (changes) =>
            Effect.flatMap(decode(changes), (decoded) => {
              const [first, ...rest] = decoded
              return first === undefined ? Effect.void : Effect.asVoid(Queue.offer(queue, [first, ...rest]))
            })
        })
        yield* Effect.mapError(run, (failure) => failure._tag === "KnownFailed" ? failure.error : failure)
        yield* Queue.end(queue)
      }),
      { bufferSize: waitingGroups, strategy: "suspend" }
    ).pipe(Stream.flattenArray)
  })

/** The requirements are those of the stream, whose fiber calls it. */
const knownFrom = (
  known: KnownEntries<unknown, unknown> | undefined,
  context: Context.Context<unknown>
): ((uuids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Known>, KnownFailed>) | undefined =>
  known === undefined
    ? undefined
    : (uuids) => Effect.mapError(Effect.provide(known(uuids), context), (error) => new KnownFailed({ error }))

type Decode = (
  changes: ReadonlyArray<LdapChange>
) => Effect.Effect<ReadonlyArray<LdapChange<unknown>>, LdapChangesErrorReason>

const identity: Decode = Effect.succeed

const ofClass = (
  options: FollowOptions<unknown, unknown>,
  { attributes, objectClassFilter }: Entries<unknown, FieldsInput>
): FollowOptions<unknown, unknown> => {
  const { filter } = options
  const own = filter === undefined ? undefined : LdapFilter.from(filter)
  // A value that isn't a filter is reported by the check of the options.
  if (own !== undefined && Result.isFailure(own)) return { ...options, attributes }
  return {
    ...options,
    attributes,
    filter: own === undefined ? objectClassFilter : LdapFilter.and(objectClassFilter, own.success)
  }
}

const decoder = (schema: Entries<unknown, FieldsInput>, undecodable: "fail" | "leaveOut"): Decode =>
  Effect.fnUntraced(function*(changes) {
    const decoded: Array<LdapChange<unknown>> = []
    for (const change of changes) {
      if (!isUpsert(change)) {
        decoded.push(change)
        continue
      }
      const { dn, uuid } = change
      const entry: Result.Result<unknown, unknown> = schema.decodeEntry(change.entry satisfies LdapEntry)
      if (Result.isSuccess(entry)) {
        decoded.push({ ...change, entry: entry.success })
        continue
      }
      const error = new EntryUndecodable({ uuid, dn, cause: entry.failure as never })
      if (undecodable === "fail") return yield* Effect.fail(error)
      yield* Effect.logWarning(`an entry doesn't fit its class and is left out: ${uuid}`)
      decoded.push(deleted(uuid, dn))
    }
    return decoded
  })
