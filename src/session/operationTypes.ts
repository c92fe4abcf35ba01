/**
 * What operations are given and what they give: options, messages and results.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type { LdapControl } from "../model/control/LdapControl.ts"
import type { Rdn } from "../model/dn/LdapDn.ts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import type * as LdapFilter from "../model/filter/LdapFilter.ts"
import type { LdapError, LdapResult } from "../model/LdapError.ts"
import type { ControlInput, DnInput } from "../model/ldapts.ts"
import type { DerefAliases, Scope } from "../protocol/LdapMessage.ts"

/**
 * The messages that answer a search: an `entry` or the `urls` of a reference, each with the `controls` of its message, intermediate
 * messages, and the result. Any URL of a reference leads to the part of the answer that is on another server.
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
  /** The object identifier of the message; `undefined` if the server sent none. */
  readonly oid: string | undefined
  /** The value of the message, as bytes; `undefined` if the server sent none. */
  readonly value: Uint8Array | undefined
  /** The controls of the message. */
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
  /** The result with which the operation ended. */
  readonly result: Result
}

/**
 * The answer to an extended operation of `LdapExtended`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedAnswer<out Response> extends LdapResult {
  /** The decoded value of the response. */
  readonly answer: Response
}

/**
 * The answer to an extended operation by OID.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedResult extends LdapResult {
  /** The object identifier of the response; `undefined` if the server sent none. */
  readonly oid: string | undefined
  /** The value of the response, as bytes; `undefined` if the server sent none. */
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
  /** The value of the request, as bytes. Default: none. */
  readonly value?: Uint8Array | undefined
}

/**
 * The options of every operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface OperationOptions {
  /** Controls for the request, of this library or of ldapts. Default: none. */
  readonly controls?: ReadonlyArray<ControlInput> | undefined
  /**
   * How long to wait for the server, instead of the session's `requestTimeout`; `"Infinity"` for no limit. After it the operation is
   * abandoned.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Whether interruption cancels the operation (RFC 3909) instead of abandoning it. A Cancel has a response, and the interruption waits
   * for it, at most for the time limit. Servers that don't support Cancel finish the operation. A function is called with the
   * response; the interruption waits for it for as long again, at most 30 seconds, and then interrupts it. Default false.
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
  /** The name of the entry at which the search starts. The empty name is the root DSE. */
  readonly base: DnInput
  /** Default `subtree`. */
  readonly scope?: Scope | undefined
  /**
   * Entries for each page (RFC 2696). The next page is requested when the stream needs it. Default: no pages. Servers limit how many
   * entries one answer may have. Active Directory and 389 Directory Server apply the limit to each page, so a search in pages gets all
   * entries; OpenLDAP applies it to all pages together, unless its setting `limits` has another `size.prtotal`.
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
  /** The entries, in the server's order. */
  readonly entries: ReadonlyArray<LdapEntry>
  /** Search continuation references: each a list of URLs, any of which leads to a part of the answer. They are not followed. */
  readonly references: ReadonlyArray<ReadonlyArray<string>>
  /** The result with which the search ended, with its controls. */
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
      /** The name of the new parent. */
      readonly newSuperior: DnInput
    }
  )
