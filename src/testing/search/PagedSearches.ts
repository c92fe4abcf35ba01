/**
 * Paged searches (RFC 2696): the searches of one connection that are between two pages, and their cookies.
 */
import * as LdapControl from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { Limits } from "../directory/ServerLimits.ts"
import { answer } from "../operations/directoryResult.ts"
import type { SearchCursor } from "./search.ts"

/** A search that waits for its client to ask for the next page. */
interface Waiting {
  readonly cursor: SearchCursor
  /** The part of the request that must be the same in the next one. */
  readonly fingerprint: string
}

export type PageRequest =
  | { readonly _tag: "First"; readonly size: number }
  | { readonly _tag: "Next"; readonly size: number; readonly cursor: SearchCursor }
  /** A page size of 0: the client ends the search, or begins one without entries. */
  | { readonly _tag: "Last"; readonly isFirst: boolean }
  | { readonly _tag: "Refused"; readonly result: ResultFields }

const refused = (code: number, diagnosticMessage: string): PageRequest => ({
  _tag: "Refused",
  result: answer(code, diagnosticMessage)
})

const malformed = refused(
  LdapResultCode.protocolError,
  "paged results control value is absent or could not be decoded"
)

const invalidCookie = refused(LdapResultCode.protocolError, "paged results cookie is invalid")

/** The searches of one connection that are between two pages. */
export class PagedSearches {
  readonly #connection: number
  readonly #limits: Limits
  readonly #waiting = new Map<string, Waiting>()
  #issued = 0

  constructor(connection: number, limits: Limits) {
    this.#connection = connection
    this.#limits = limits
  }

  /** Reads a paged results control. A cookie is valid once, on its connection and for its search. */
  take(control: LdapControl.LdapControl, fingerprint: string): PageRequest {
    const paged = LdapControl.decodePagedResults(control)
    if (paged === undefined || paged.size < 0) return malformed
    if (paged.cookie.length === 0)
      return paged.size === 0
        ? { _tag: "Last", isFirst: true }
        : { _tag: "First", size: this.#sizeOf(paged.size) }
    const cookie = Buffer.from(paged.cookie)
    const key = cookie.toString("latin1")
    const waiting = this.#waiting.get(key)
    if (waiting?.fingerprint !== fingerprint) {
      return this.#isOld(cookie) ? { _tag: "Refused", result: this.#limits.forgotten } : invalidCookie
    }
    this.#waiting.delete(key)
    return paged.size === 0
      ? { _tag: "Last", isFirst: false }
      : { _tag: "Next", size: this.#sizeOf(paged.size), cursor: waiting.cursor }
  }

  /** The size of a page, which the directory may limit. */
  #sizeOf(asked: number): number {
    return this.#limits.pageSize === 0 ? asked : Math.min(asked, this.#limits.pageSize)
  }

  /** Keeps a search for its next page, and returns the cookie. */
  keep(cursor: SearchCursor, fingerprint: string): Uint8Array {
    const cookie = Buffer.alloc(8)
    cookie.writeUInt32BE(this.#connection)
    cookie.writeUInt32BE(++this.#issued, 4)
    this.#waiting.set(cookie.toString("latin1"), { cursor, fingerprint })
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > this.#limits.pagedSearches && oldest !== undefined) this.#waiting.delete(oldest)
    return cookie
  }

  /** slapd recognizes old cookies only while a search waits for its next page. */
  #isOld(cookie: Buffer): boolean {
    return this.#waiting.size > 0 && cookie.length === 8 &&
      cookie.readUInt32BE() === this.#connection && cookie.readUInt32BE(4) <= this.#issued
  }
}
