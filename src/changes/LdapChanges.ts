/**
 * Follows a directory: one stream of changes over all servers, from a checkpoint on, through lost sessions and failover.
 *
 * The values of the stream and the contract of their consumer are in LdapChange.ts, the options in ChangesOptions.ts, and what each
 * source needs, can lose and costs in src/changes/README.md. `sources/` asks servers; `following.ts` keeps asking.
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
 * Follows the entries of a view: what is there, and then every change, for ever.
 *
 * **When to use**
 *
 * To keep something up to date with a directory: a copy, a cache, accounts in another system. {@link poll} does the same once, for a job
 * that runs from time to time. `LdapReplica` is a consumer that keeps a copy in a database.
 *
 * **Details**
 *
 * The consumer's contract is at the top of `LdapChange.ts`: with it nothing is lost, and what comes twice changes nothing. `since` is the
 * cookie of the last checkpoint that the consumer has stored together with its effects.
 *
 * The stream has a session of its own, outside of the client's pool, and replaces it when it is lost, as `schedule` says; the next session
 * may be with another server of the client. It goes on from the last checkpoint. If a server refuses that, the view is read again, and
 * what is gone from it is found by its absence (`Refreshed` with `deletes: "absent"`). Given an `LdapSession` there is no other session, and the
 * stream fails when it ends.
 *
 * The consumer sets the pace: while it is busy, nothing more is read from the server, and the server waits. A server that doesn't wait for
 * ever ends the session, which is replaced. Ending the stream, or interrupting its fiber, unbinds the
 * session, which ends the server's search; over an `LdapSession` that goes on, the search is abandoned.
 *
 * Fails with `LdapError` for what another attempt wouldn't change (a refused bind, a base that doesn't exist), and with `LdapChangesError`
 * if the cookie is of another request, or the source that was asked for can't be used. Each run of the stream begins with `since`.
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
 * Like {@link follow}, once: what has changed since the cookie, or all that is there. Then the stream ends, after a checkpoint.
 *
 * **Details**
 *
 * If a session is lost, the stream goes on with another one, as `schedule` says.
 *
 * Fails as `follow` does. Interruption, or ending the stream early, works as there.
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
 * How {@link follow} would follow this view, and why: reads the root DSE, and makes a small request for each source that the server offers.
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

/** How many groups of changes wait for the consumer; a group is what came from the server at once. */
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
  // What is no filter is left to the check of the options.
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
