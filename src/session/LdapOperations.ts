/**
 * The operations on a directory, implemented by sessions, by clients, and by anything else that carries operations out.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { LdapEntry, ValueInput } from "../model/entry/LdapEntry.ts"
import type { LdapError, LdapResult } from "../model/LdapError.ts"
import type { DnInput, EntryAttributesInput, ModificationInput } from "../model/ldapts.ts"
import type { ExtendedOperation } from "../protocol/LdapExtendedOperation.ts"
import type {
  CompareResult,
  DoneMessage,
  ExtendedAnswer,
  ExtendedArguments,
  ExtendedResult,
  IntermediateMessage,
  LookupOptions,
  LookupResult,
  OperationOptions,
  RawExtendedOptions,
  RenameOptions,
  SearchMessage,
  SearchOptions,
  SearchResult
} from "./operationTypes.ts"

export type { Rdn } from "../model/dn/LdapDn.ts"
export type { LdapResult } from "../model/LdapError.ts"
export type { AttributesInput, ValueInput } from "../model/entry/LdapEntry.ts"
export type { ExtendedOperation } from "../protocol/LdapExtendedOperation.ts"

export type { ForeignFilter } from "../model/filter/LdapFilterFrom.ts"
export type { LdaptsWriter } from "../model/LdaptsWriter.ts"
export type {
  ControlInput,
  DnInput,
  EntryAttributesInput,
  LdaptsAttribute,
  LdaptsChange,
  LdaptsControl,
  LdaptsDn,
  ModificationInput
} from "../model/ldapts.ts"
export type { DerefAliases, Scope } from "../protocol/LdapMessage.ts"
export type {
  CancelAnswer,
  CompareResult,
  DoneMessage,
  ExtendedAnswer,
  ExtendedArguments,
  ExtendedResult,
  FilterInput,
  FollowReferrals,
  IntermediateMessage,
  LookupOptions,
  LookupResult,
  OperationOptions,
  RawExtendedOptions,
  ReferralPolicy,
  RenameOptions,
  SearchMessage,
  SearchOptions,
  SearchResult
} from "./operationTypes.ts"

/**
 * The operations that all users of a session may run. Fibers may share them freely: requests are sent at once, and each gets its own
 * response.
 *
 * **Details**
 *
 * All fail with {@link LdapError}. Interrupting an operation, or ending a stream early, sends the server one Abandon for it (RFC 4511
 * section 4.11), or withdraws the request if it wasn't sent yet; the session goes on. A time limit (`timeout`) does the same
 * and fails with `RequestTimeout`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapOperations {
  /**
   * Searches, as a stream of entries in the server's order.
   *
   * **Details**
   *
   * Each run of the stream is a search of its own. Entries are kept while the consumer is busy; beyond 256 KiB the server has
   * to wait, unless another operation on the session needs a response. So a program may look up something on the same session
   * for every entry. After a size or time limit the entries that came are in the stream before the error. Search continuation
   * references are left out; `searchMessages` and `searchResult` have them. `timeout` is the longest wait for an entry, however many pages or other messages come meanwhile.
   */
  readonly search: (options: SearchOptions) => Stream.Stream<LdapEntry, LdapError>

  /**
   * Searches, as a stream of all messages of the server: entries and search continuation references with their controls,
   * intermediate responses (RFC 4511 section 4.13), and the result, which comes last.
   *
   * **Details**
   *
   * Otherwise it is like {@link LdapOperations.search}. If the result is not a success, the stream fails. A paged search has one
   * result, that of the last page.
   *
   * **Example**
   *
   * ```ts
   * import { LdapClient, LdapControl } from "effect-ldap"
   * import { Effect, Stream } from "effect"
   *
   * // Changes below a name as they happen (Persistent Search), each with the kind of change.
   * const changes = Effect.map(LdapClient.LdapClient, (ldap) =>
   *   ldap.searchMessages({
   *     base: "dc=example,dc=org",
   *     controls: [LdapControl.persistentSearch.make({})],
   *     timeout: "Infinity"
   *   }).pipe(
   *     Stream.filter((message) => message._tag === "Entry"),
   *     Stream.map(({ controls, entry }) => [entry.dn, LdapControl.entryChangeNotification.find(controls)])
   *   ))
   * ```
   */
  readonly searchMessages: (options: SearchOptions) => Stream.Stream<SearchMessage, LdapError>

  /**
   * Searches and collects everything: entries, references, and the result with its controls. An error carries the messages received
   * before it in `partial`.
   */
  readonly searchResult: (options: SearchOptions) => Effect.Effect<SearchResult, LdapError>

  /** Reads one entry by its name; none if there is no such entry, or if it doesn't match the filter. */
  readonly lookup: (dn: DnInput, options?: LookupOptions) => Effect.Effect<Option.Option<LdapEntry>, LdapError>

  /** Like {@link LdapOperations.lookup}, with the server's result and its response controls. */
  readonly lookupResult: (dn: DnInput, options?: LookupOptions) => Effect.Effect<LookupResult, LdapError>

  /** Asks the server whether an entry has a value (RFC 4511 section 4.10). */
  readonly compare: (
    dn: DnInput,
    attribute: string,
    value: ValueInput,
    options?: OperationOptions
  ) => Effect.Effect<boolean, LdapError>

  /**
   * Like {@link LdapOperations.compare}, with the server's result and its response controls. Both results, compareTrue and
   * compareFalse, are a success.
   */
  readonly compareResult: (
    dn: DnInput,
    attribute: string,
    value: ValueInput,
    options?: OperationOptions
  ) => Effect.Effect<CompareResult, LdapError>

  /** Adds an entry (RFC 4511 section 4.7). */
  readonly add: (
    dn: DnInput,
    attributes: EntryAttributesInput,
    options?: OperationOptions
  ) => Effect.Effect<LdapResult, LdapError>

  /** Changes an entry: applies all changes in order, or none (RFC 4511 section 4.6). */
  readonly modify: (
    dn: DnInput,
    changes: ModificationInput | ReadonlyArray<ModificationInput>,
    options?: OperationOptions
  ) => Effect.Effect<LdapResult, LdapError>

  /** Deletes an entry that has no children (RFC 4511 section 4.8). */
  readonly delete: (dn: DnInput, options?: OperationOptions) => Effect.Effect<LdapResult, LdapError>

  /** Renames an entry, or moves it with its subtree (RFC 4511 section 4.9). */
  readonly rename: (dn: DnInput, options: RenameOptions) => Effect.Effect<LdapResult, LdapError>

  /**
   * An extended operation (RFC 4511 section 4.12): a value of `LdapExtended`, or any other operation by its OID.
   *
   * **Example**
   *
   * ```ts
   * import { LdapClient, LdapExtended } from "effect-ldap"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function*() {
   *   const ldap = yield* LdapClient.LdapClient
   *   const { answer } = yield* ldap.extended(LdapExtended.whoAmI)
   *   return answer // "dn:cn=reader,dc=example,dc=org"
   * })
   * ```
   */
  readonly extended: {
    <Request, Response>(
      operation: ExtendedOperation<Request, Response>,
      ...rest: ExtendedArguments<Request>
    ): Effect.Effect<ExtendedAnswer<Response>, LdapError>
    (oid: string, options?: RawExtendedOptions): Effect.Effect<ExtendedResult, LdapError>
  }

  /**
   * Like {@link LdapOperations.extended}, as a stream of all messages of the server: intermediate responses as they arrive, and
   * the response, which comes last. `timeout` is the longest wait for the next message.
   */
  readonly extendedMessages: {
    <Request, Response>(
      operation: ExtendedOperation<Request, Response>,
      ...rest: ExtendedArguments<Request>
    ): Stream.Stream<IntermediateMessage | DoneMessage<ExtendedAnswer<Response>>, LdapError>
    (
      oid: string,
      options?: RawExtendedOptions
    ): Stream.Stream<IntermediateMessage | DoneMessage<ExtendedResult>, LdapError>
  }

  /** The root DSE: the server's own entry, with its capabilities (RFC 4512 section 5.1). All attributes, operational ones too. */
  readonly rootDse: Effect.Effect<LdapEntry, LdapError>
}
