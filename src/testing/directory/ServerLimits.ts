/**
 * The limits of real servers for one connection. With them, a test shows what a program does when it reaches a limit.
 */
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import { answer } from "../operations/directoryResult.ts"

/**
 * The servers whose default limits a directory can have.
 *
 * **Details**
 *
 * - `slapd` (OpenLDAP 2.5): one paged search for a connection; 100 pending requests of an anonymous connection, 1000 of a bound
 * one.
 * - `samba` (4.17): ten paged searches for a connection.
 * - `activeDirectory`: ten paged searches for a connection (MaxResultSetsPerConn) and 1000 entries in a page (MaxPageSize), as in
 * MS-ADTS section 3.1.1.3.4.6. The next page of a discarded search is refused as Samba refuses it.
 *
 * @category models
 * @since 0.2.0
 */
export type LimitedServer = "slapd" | "samba" | "activeDirectory"

/**
 * Limits of a directory. A limit that is left out isn't enforced, except for the defaults below.
 *
 * @category models
 * @since 0.2.0
 */
export interface ServerLimits {
  /**
   * How many paged searches of one connection are kept between two pages. When one more begins, the oldest is discarded, and the
   * request for its next page is refused with `unwillingToPerform` (53). Default 100.
   */
  readonly pagedSearches?: number | undefined
  /**
   * How many requests of one connection may be pending. One more, and the directory closes the connection without a notice, as
   * slapd does (`conn_max_pending` and `conn_max_pending_auth`). Default 1000 each; `maxPending` of the directory sets both.
   */
  readonly pending?: { readonly anonymous: number; readonly bound: number } | undefined
  /**
   * The maximum number of entries in a page, and in the answer of a search without pages, which then ends with `sizeLimitExceeded`
   * (4). It also applies to the administrator. Default 0: no limit.
   */
  readonly pageSize?: number | undefined
}

/** The limits of a directory, with the answers that it gives when they are reached. */
export interface Limits {
  readonly pagedSearches: number
  readonly pending: { readonly anonymous: number; readonly bound: number }
  readonly pageSize: number
  /** The answer to a request for the next page of a discarded search. */
  readonly forgotten: ResultFields
}

const oldCookie = answer(LdapResultCode.unwillingToPerform, "paged results cookie is invalid or old")

const unwilling = answer(
  LdapResultCode.unwillingToPerform,
  "error in module dsdb_paged_results: Unwilling to perform during LDB_SEARCH (53)"
)

const servers: Readonly<Record<LimitedServer, Partial<Limits>>> = {
  slapd: { pagedSearches: 1, pending: { anonymous: 100, bound: 1000 }, forgotten: oldCookie },
  samba: { pagedSearches: 10, forgotten: unwilling },
  activeDirectory: { pagedSearches: 10, pageSize: 1000, forgotten: unwilling }
}

export const limitsOf = (given: LimitedServer | ServerLimits | undefined, maxPending = 1000): Limits => ({
  pagedSearches: 100,
  pageSize: 0,
  forgotten: oldCookie,
  pending: { anonymous: maxPending, bound: maxPending },
  ...(typeof given === "string" ? servers[given] : given === undefined ? undefined : defined(given))
})

/** Removes fields that are `undefined`. */
const defined = ({ pageSize, pagedSearches, pending }: ServerLimits): Partial<Limits> => ({
  ...(pageSize === undefined ? undefined : { pageSize }),
  ...(pagedSearches === undefined ? undefined : { pagedSearches }),
  ...(pending === undefined ? undefined : { pending })
})
