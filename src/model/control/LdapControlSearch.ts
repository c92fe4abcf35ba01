/**
 * Controls that shape the response to a search: paged results, server-side sorting, virtual list views, matched values. The session
 * requests further pages.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { BerError, Tag } from "../../ber/BerReader.ts"
import type { BerReader } from "../../ber/BerReader.ts"
import type { BerWriter } from "../../ber/BerWriter.ts"
import * as LdapFilter from "../filter/LdapFilter.ts"
import * as Ber from "./LdapControlBer.ts"
import type { ControlOptions, ControlType, LdapControl } from "./LdapControlType.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Paged results
// ---------------------------------------------------------------------------------------------------------------------

/**
 * OID of the simple paged results control (RFC 2696).
 *
 * @category paged results
 * @since 0.1.0
 */
export const pagedResultsOid = "1.2.840.113556.1.4.319"

/**
 * The value of a paged results control. In a request, `size` is the maximum number of entries in the page; 0 releases the server's
 * cursor. In a response, it is the server's estimate of the total, or 0 if it has none. An empty cookie in a request asks for the
 * first page; in a response it means that this was the last one.
 *
 * @category paged results
 * @since 0.1.0
 */
export interface PagedResults {
  readonly size: number
  /** The server's cursor; empty for the first page and after the last one. */
  readonly cookie: Uint8Array
}

/**
 * Paged results: the request and its response (RFC 2696 section 2).
 *
 * **Details**
 *
 * A negative size is accepted, although the RFC doesn't allow it. The size is only an estimate, and an error here would end the
 * search before its last entry.
 *
 * @category paged results
 * @since 0.1.0
 */
export const paging: ControlType<PagedResults> = Ber.defineBer({
  oid: pagedResultsOid,
  name: "paged results",
  write: (writer, { cookie, size }: PagedResults) => {
    writer.start()
    Ber.writeWhole(writer, size, "page size")
    writer.octets(cookie)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const size = content.integer()
      return { size, cookie: Ber.bytes(content) }
    })
})

/**
 * Makes a paged results control; short for `paging.make`.
 *
 * @category paged results
 * @since 0.1.0
 */
export const pagedResults = (paged: PagedResults, options?: ControlOptions): LdapControl => paging.make(paged, options)

/**
 * Decodes a paged results control. `undefined` if it is another control or malformed; `paging.decode` gives the reason.
 *
 * @category paged results
 * @since 0.1.0
 */
export const decodePagedResults = (control: LdapControl): PagedResults | undefined =>
  Result.getOrUndefined(paging.decode(control))

// ---------------------------------------------------------------------------------------------------------------------
// Server-side sort
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The sort keys, the most significant first.
 *
 * @category sorting
 * @since 0.1.0
 */
export interface SortKey {
  /** The attribute to sort by. */
  readonly attribute: string
  /** The ordering rule, by name or OID. Default: the attribute's own ordering rule in the schema. In slapd `cn` has none. */
  readonly matchingRule?: string | undefined
  /** Whether the order is descending. Default false. */
  readonly reverse?: boolean | undefined
}

/**
 * Requests sorted results (RFC 2891 section 1.1).
 *
 * @category sorting
 * @since 0.1.0
 */
export const sortRequest: ControlType<ReadonlyArray<SortKey>> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.473",
  name: "server-side sort request",
  write: (writer, keys: ReadonlyArray<SortKey>) => {
    if (keys.length === 0) throw new RangeError("at least one sort key is needed")
    writer.start()
    for (const { attribute, matchingRule, reverse = false } of keys) {
      writer.start()
      writer.octets(attribute)
      if (matchingRule !== undefined) writer.octets(matchingRule, 0x80)
      Ber.writeFlag(writer, reverse, false, 0x81)
      writer.end()
    }
    writer.end()
  },
  read: (reader) =>
    Ber.list(reader, (keys) =>
      Ber.sequence(keys, (key) => {
        const attribute = Ber.text(key)
        const matchingRule = key.peek() === 0x80 ? Ber.text(key, 0x80) : undefined
        const reverse = Ber.flag(key, false, 0x81)
        return { attribute, ...(matchingRule === undefined ? undefined : { matchingRule }), reverse }
      }))
})

/**
 * The outcome of a server-side sort.
 *
 * @category sorting
 * @since 0.1.0
 */
export interface SortResponse {
  /** A result code; 0 if the entries are sorted. `LdapResultCode.format` gives its name. */
  readonly code: number
  /** The attribute that the server couldn't sort by, if the server names one. */
  readonly attribute?: string | undefined
}

/**
 * Whether the results were sorted (RFC 2891 section 1.2), in the controls of the search's result.
 *
 * **Details**
 *
 * Codes that the RFC doesn't list are accepted, since RFC 4511 section 4 leaves enumerations open for additions.
 *
 * @category sorting
 * @since 0.1.0
 */
export const sortResponse: ControlType<SortResponse> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.474",
  name: "server-side sort response",
  write: (writer, { attribute, code }: SortResponse) => {
    writer.start()
    Ber.writeWhole(writer, code, "result code", 0, Tag.enumerated)
    if (attribute !== undefined) writer.octets(attribute, 0x80)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const code = Ber.whole(content, "result code", 0, Tag.enumerated)
      // 389 Directory Server omits the context tag.
      const tag = content.peek() === Tag.octetString ? Tag.octetString : 0x80
      return content.peek() === tag ? { code, attribute: Ber.text(content, tag) } : { code }
    })
})

// ---------------------------------------------------------------------------------------------------------------------
// Virtual list view
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The entry at which the window is placed. Either its position in the list (`offset`, from 1), with `contentCount`: the length of
 * the list as the client knows it, or 0 if it doesn't. Or the first entry whose sort value is greater than or equal to `value`.
 *
 * @category virtual list view
 * @since 0.1.0
 */
export type VirtualListViewTarget =
  | { readonly _tag: "ByOffset"; readonly offset: number; readonly contentCount: number }
  | { readonly _tag: "ByValue"; readonly value: Uint8Array }

/**
 * The requested window of a sorted list.
 *
 * @category virtual list view
 * @since 0.1.0
 */
export interface VirtualListViewRequest {
  /** Entries before the target. */
  readonly beforeCount: number
  /** Entries after the target. */
  readonly afterCount: number
  /** The entry at which the window is placed. */
  readonly target: VirtualListViewTarget
  /** The context of the last response, unchanged. */
  readonly contextId?: Uint8Array | undefined
}

/**
 * Requests a window of a sorted list (draft-ietf-ldapext-ldapv3-vlv-09 section 6.1). The request needs a {@link sortRequest} too.
 *
 * **Details**
 *
 * Critical by default, since a server that ignores it would return the whole list.
 *
 * @category virtual list view
 * @since 0.1.0
 */
export const virtualListViewRequest: ControlType<VirtualListViewRequest> = Ber.defineBer({
  oid: "2.16.840.1.113730.3.4.9",
  name: "virtual list view request",
  critical: true,
  write: (writer, { afterCount, beforeCount, contextId, target }: VirtualListViewRequest) => {
    writer.start()
    Ber.writeWhole(writer, beforeCount, "count before")
    Ber.writeWhole(writer, afterCount, "count after")
    if (target._tag === "ByOffset") {
      writer.start(0xa0)
      Ber.writeWhole(writer, target.offset, "offset", 1)
      Ber.writeWhole(writer, target.contentCount, "content count")
      writer.end()
    } else {
      writer.octets(target.value, 0x81)
    }
    if (contextId !== undefined) writer.octets(contextId)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const beforeCount = Ber.whole(content, "count before")
      const afterCount = Ber.whole(content, "count after")
      const target = readTarget(content)
      const contextId = Ber.optionalBytes(content)
      return { beforeCount, afterCount, target, ...(contextId === undefined ? undefined : { contextId }) }
    })
})

const readTarget = (content: BerReader): VirtualListViewTarget =>
  content.peek() === 0x81
    ? { _tag: "ByValue", value: Ber.bytes(content, 0x81) }
    : Ber.sequence(content, (target) => {
      const offset = Ber.whole(target, "offset", 1)
      return { _tag: "ByOffset", offset, contentCount: Ber.whole(target, "content count") }
    }, 0xa0)

/**
 * The position of the window that the server returned.
 *
 * @category virtual list view
 * @since 0.1.0
 */
export interface VirtualListViewResponse {
  /** The position of the target in the list, from 1; 0 if there is no target. */
  readonly targetPosition: number
  /** The server's estimate of the length of the list. */
  readonly contentCount: number
  /**
   * A result code: 0 if the window is the requested one, 60 (slapd: 76) without a sort control, 61 if the offset is invalid.
   */
  readonly code: number
  /** The context for the next request of the same list. */
  readonly contextId?: Uint8Array | undefined
}

/**
 * The position of the window (draft-ietf-ldapext-ldapv3-vlv-09 section 6.2), in the controls of the search's result. The draft
 * leaves the codes open, so all codes are accepted.
 *
 * @category virtual list view
 * @since 0.1.0
 */
export const virtualListViewResponse: ControlType<VirtualListViewResponse> = Ber.defineBer({
  oid: "2.16.840.1.113730.3.4.10",
  name: "virtual list view response",
  write: (writer, { code, contentCount, contextId, targetPosition }: VirtualListViewResponse) => {
    writer.start()
    Ber.writeWhole(writer, targetPosition, "target position")
    Ber.writeWhole(writer, contentCount, "content count")
    Ber.writeWhole(writer, code, "result code", 0, Tag.enumerated)
    if (contextId !== undefined) writer.octets(contextId)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const targetPosition = Ber.whole(content, "target position")
      const contentCount = Ber.whole(content, "content count")
      const code = Ber.whole(content, "result code", 0, Tag.enumerated)
      const contextId = Ber.optionalBytes(content)
      return { targetPosition, contentCount, code, ...(contextId === undefined ? undefined : { contextId }) }
    })
})

// ---------------------------------------------------------------------------------------------------------------------
// Matched values
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A filter for values: one comparison, without `and`, `or`, `not`, and without `dnAttributes`.
 *
 * @category matched values
 * @since 0.1.0
 */
export type ValueFilter = Exclude<LdapFilter.LdapFilter, { readonly _tag: "And" | "Or" | "Not" }>

/**
 * Requests only the values that match one of the filters. Attributes that no filter names are returned without values (RFC 3876
 * section 2).
 *
 * @category matched values
 * @since 0.1.0
 */
export const matchedValues: ControlType<ReadonlyArray<ValueFilter>> = Ber.defineBer({
  oid: "1.2.826.0.1.3344810.2.3",
  name: "matched values",
  write: (writer, filters: ReadonlyArray<ValueFilter>) => {
    if (filters.length === 0) throw new RangeError("at least one filter is needed")
    writer.start()
    for (const filter of filters) writeValueFilter(writer, filter)
    writer.end()
  },
  read: (reader) => Ber.list(reader, readValueFilter)
})

const writeValueFilter = (writer: BerWriter, filter: ValueFilter): void => {
  if (!isValueFilter(filter)) throw new RangeError("a filter for values must be one comparison without dnAttributes")
  LdapFilter.encode(Result.getOrThrow(LdapFilter.validate(filter)), writer)
}

const readValueFilter = (reader: BerReader): ValueFilter => {
  const at = reader.position
  const filter = LdapFilter.decode(reader, 1)
  if (!isValueFilter(filter)) throw new BerError("a filter for values must be one comparison without dnAttributes", at)
  return filter
}

const isValueFilter = (filter: LdapFilter.LdapFilter): filter is ValueFilter =>
  filter._tag !== "And" && filter._tag !== "Or" && filter._tag !== "Not" &&
  !(filter._tag === "Extensible" && filter.dnAttributes)
