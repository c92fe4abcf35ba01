/**
 * The operations on a directory, implemented by sessions, by clients, and by anything else that carries operations out.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import type { LdapControl } from "../model/control/LdapControl.ts"
import type { Rdn } from "../model/dn/LdapDn.ts"
import type { LdapEntry, ValueInput } from "../model/entry/LdapEntry.ts"
import type * as LdapFilter from "../model/filter/LdapFilter.ts"
import type { LdapError, LdapResult } from "../model/LdapError.ts"
import type { ControlInput, DnInput, EntryAttributesInput, ModificationInput } from "../model/ldapts.ts"
import type { ExtendedOperation } from "../protocol/LdapExtendedOperation.ts"
import type { DerefAliases, Scope } from "../protocol/LdapMessage.ts"

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

/**
 * The messages that answer a search. Any URL of a reference leads to the part of the answer that is at another server.
 *
 * @category models
 * @since 0.1.0
 */
export type SearchMessage =
  | { readonly _tag: "Entry"; readonly entry: LdapEntry; readonly controls: ReadonlyArray<LdapControl> }
  | { readonly _tag: "Reference"; readonly urls: ReadonlyArray<string>; readonly controls: ReadonlyArray<LdapControl> }
  | IntermediateMessage
  | DoneMessage<LdapResult>

/**
 * An intermediate response (RFC 4511 section 4.13): the operation or the control that asked for it defines its meaning.
 *
 * @category models
 * @since 0.1.0
 */
export interface IntermediateMessage {
  readonly _tag: "Intermediate"
  readonly oid: string | undefined
  readonly value: Uint8Array | undefined
  readonly controls: ReadonlyArray<LdapControl>
}

/**
 * The successful end of an answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface DoneMessage<out Result> {
  readonly _tag: "Done"
  readonly result: Result
}

/**
 * The answer to an extended operation of `LdapExtended`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedAnswer<out Response> extends LdapResult {
  readonly answer: Response
}

/**
 * The answer to an extended operation by OID.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedResult extends LdapResult {
  readonly oid: string | undefined
  readonly value: Uint8Array | undefined
}

/**
 * What follows the operation in a call of `extended`: the request, unless the operation has none, and options.
 *
 * @category models
 * @since 0.2.0
 */
export type ExtendedArguments<Request> = [Request] extends [void] ? [request?: undefined, options?: OperationOptions]
  : [request: Request, options?: OperationOptions]

/**
 * Options of an extended operation by OID: in addition the encoded value of the request.
 *
 * @category models
 * @since 0.2.0
 */
export interface RawExtendedOptions extends OperationOptions {
  readonly value?: Uint8Array | undefined
}

/**
 * The options of every operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface OperationOptions {
  readonly controls?: ReadonlyArray<ControlInput> | undefined
  /**
   * How long to wait for the server, instead of the session's `requestTimeout`; `"Infinity"` for no limit. After it the operation is
   * abandoned.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Whether interruption cancels the operation (RFC 3909) instead of abandoning it. A Cancel has a response, and the interruption waits
   * for it, at most for the time limit. Servers that don't support Cancel finish the operation. A function is called with the
   * response. Default false.
   */
  readonly cancel?: boolean | ((answer: CancelAnswer) => Effect.Effect<void>) | undefined
  /**
   * How referrals are handled: reported (`ignore`), a failure (`fail`), or followed (`LdapReferrals.follow`), which needs a client; a
   * session alone can't follow them. Default: the setting of the client, or `ignore`.
   */
  readonly referrals?: ReferralPolicy | undefined
}

/**
 * The outcome of a Cancel (RFC 3909): the server's result, which is a success if the operation was cancelled; otherwise the error,
 * usually `TooLate`, `CannotCancel` or `NoSuchOperation`, or the reason why there was no response.
 *
 * @category models
 * @since 0.1.0
 */
export type CancelAnswer = Result.Result<LdapResult, LdapError>

/**
 * How referrals (RFC 4511 section 4.1.10) and search continuation references (section 4.5.3) are handled.
 *
 * **Details**
 *
 * With `ignore` an operation whose entry is at another server fails with `ReferralReceived`, which has the URLs; references of a
 * search are left out of `search`, and are in `searchResult` and `searchMessages`. With `fail` a reference is a `ReferralReceived` too,
 * so that no part of an answer is missing silently. `LdapReferrals.follow` makes a {@link FollowReferrals}; a session, which
 * is one connection to one server, refuses it with `InvalidRequest`.
 *
 * @category models
 * @since 0.1.0
 */
export type ReferralPolicy = "ignore" | "fail" | FollowReferrals

/**
 * Referrals are followed, with the options of `LdapReferrals.follow`.
 *
 * @category models
 * @since 0.1.0
 */
export interface FollowReferrals {
  readonly _tag: "FollowReferrals"
}

/**
 * The options of `lookup`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LookupOptions extends OperationOptions {
  /** Attribute descriptions; default all user attributes. `*` is all user attributes, `+` all operational ones, `1.1` none. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** Returns the entry only if it matches. Default `(objectClass=*)`. */
  readonly filter?: FilterInput | undefined
  /** Attribute descriptions without values. Default false. */
  readonly typesOnly?: boolean | undefined
  /**
   * `all` reads the rest of attributes of which the server sent a range of the values only (`member;range=0-1499`, Active Directory): by
   * further requests for the entry, before it is given. Without it `LdapEntry.isPartial` tells. More than 10,000 ranges of an attribute
   * are a `ProtocolViolation`. If the entry goes away meanwhile, the operation fails with `NoSuchObject`.
   */
  readonly ranges?: "all" | undefined
}

/**
 * A filter: a value, RFC 4515 text, or a filter of ldapts or ldapjs, which is recognised by its shape. Never build the text from user
 * input: `ldapFilter` and the builders of `LdapFilter` keep values apart from syntax.
 *
 * @category models
 * @since 0.1.0
 */
export type FilterInput = string | LdapFilter.LdapFilter | LdapFilter.ForeignFilter

/**
 * A search (RFC 4511 section 4.5.1).
 *
 * @category models
 * @since 0.1.0
 */
export interface SearchOptions extends LookupOptions {
  readonly base: DnInput
  /** Default `subtree`. */
  readonly scope?: Scope | undefined
  /**
   * Entries for each page (RFC 2696). The next page is requested when the stream needs it. Default: no pages. Servers limit how many
   * entries one answer may have; with pages a search gets them all.
   */
  readonly pageSize?: number | undefined
  /** The most entries to return; if there are more, the search fails with `SizeLimitExceeded` after these. Default 0: no limit. */
  readonly sizeLimit?: number | undefined
  /** The longest time that the server may take, in whole seconds; after it `TimeLimitExceeded`. Default 0: no limit. */
  readonly timeLimit?: Duration.Input | undefined
  /** When the server dereferences aliases. Default `never`. */
  readonly derefAliases?: DerefAliases | undefined
}

/**
 * The collected answer to a search.
 *
 * @category models
 * @since 0.1.0
 */
export interface SearchResult {
  readonly entries: ReadonlyArray<LdapEntry>
  /** Search continuation references: each a list of URLs, any of which leads to a part of the answer. They are not followed. */
  readonly references: ReadonlyArray<ReadonlyArray<string>>
  readonly result: LdapResult
}

/**
 * The answer to a lookup, with the server's result.
 *
 * @category models
 * @since 0.2.0
 */
export interface LookupResult {
  /** None if there is no such entry, or it does not match the filter. */
  readonly entry: Option.Option<LdapEntry>
  /** The result of the search, with its response controls. Its code is `noSuchObject` (32) if there is no such entry. */
  readonly result: LdapResult
}

/**
 * The answer to a comparison, with the server's result.
 *
 * @category models
 * @since 0.2.0
 */
export interface CompareResult {
  /** Whether the entry has the value. */
  readonly matched: boolean
  /** The result, with its response controls. Its code is `compareTrue` (6) or `compareFalse` (5). */
  readonly result: LdapResult
}

/**
 * How to rename or move an entry (RFC 4511 section 4.9).
 *
 * @category models
 * @since 0.1.0
 */
export type RenameOptions =
  & OperationOptions
  & {
    /** Whether the values of the old RDN leave the entry. Default true. */
    readonly deleteOldRdn?: boolean | undefined
  }
  & (
    | {
      /** The entry's new RDN: by value (`LdapDn.rdn`), or as text, where special characters are escaped. */
      readonly newRdn: string | Rdn
      /** The entry's new parent, where that changes. */
      readonly newSuperior?: DnInput | undefined
    }
    | {
      /** The entry keeps its RDN. */
      readonly newRdn?: undefined
      readonly newSuperior: DnInput
    }
  )
