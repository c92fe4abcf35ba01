/**
 * Searches (RFC 4511 section 4.5): which entries are found, how much of each is returned, and pages of them (RFC 2696).
 *
 * A search is a cursor over the entries of its scope. Each is looked at when its turn comes, so an entry that is
 * changed while the search goes on is returned as it is then, once, and a deleted one isn't. Pure and synchronous:
 * sending, waiting and stopping is up to DirectoryServer.ts.
 */
import { BerWriter } from "../ber/BerWriter.ts"
import * as LdapControl from "../model/LdapControl.ts"
import * as LdapEntry from "../model/LdapEntry.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { OperationTag, type ResultFields, type SearchRequest } from "../protocol/LdapMessage.ts"
import { type AttributeType, type Description, isSubtypeOf } from "./AttributeTypes.ts"
import { answer, invalidDn, success } from "./directoryResult.ts"
import { type DirectoryState, parseDn, type Requester } from "./DirectoryState.ts"
import type { DirectoryEntry, StoredAttribute } from "./DirectoryTree.ts"
import { compile, type EntryMatcher } from "./filterMatching.ts"
import { operationalAttributes } from "./operationalAttributes.ts"
import { rootDse } from "./rootDse.ts"

/** An entry as it is returned. */
export interface FoundEntry {
  readonly dn: string
  readonly attributes: ReadonlyArray<LdapEntry.LdapAttribute>
}

/** What a step over the entries came to: one to return, none this time, or the end. */
export type Step =
  | { readonly _tag: "Found"; readonly entry: FoundEntry }
  | { readonly _tag: "Passed" }
  | { readonly _tag: "Done"; readonly result: ResultFields }

const passed: Step = { _tag: "Passed" }

const done = (result: ResultFields): Step => ({ _tag: "Done", result })

/** A search in progress. */
export class SearchCursor {
  readonly #candidates: ReadonlyArray<DirectoryEntry>
  readonly #matches: EntryMatcher
  readonly #select: (entry: DirectoryEntry) => FoundEntry
  readonly #sizeLimit: number
  #next = 0
  #found = 0

  constructor(
    candidates: ReadonlyArray<DirectoryEntry>,
    matches: EntryMatcher,
    select: (entry: DirectoryEntry) => FoundEntry,
    sizeLimit: number
  ) {
    this.#candidates = candidates
    this.#matches = matches
    this.#select = select
    this.#sizeLimit = sizeLimit
  }

  /** Looks at the next entry. */
  step(): Step {
    const entry = this.#candidates[this.#next]
    if (entry === undefined) return done(success)
    this.#next++
    if (!entry.present || this.#matches(entry) !== true) return passed
    if (this.#sizeLimit > 0 && this.#found === this.#sizeLimit) return done(answer(LdapResultCode.sizeLimitExceeded))
    this.#found++
    return { _tag: "Found", entry: this.#select(entry) }
  }

  /** Whether nothing more will be found; moves on to what will be. */
  finished(): boolean {
    for (;; this.#next++) {
      const entry = this.#candidates[this.#next]
      if (entry === undefined) return true
      if (entry.present && this.#matches(entry) === true) return false
    }
  }
}

/** Starts a search: a cursor, or the refusal. */
export const start = (
  state: DirectoryState,
  request: SearchRequest,
  requester: Requester
): SearchCursor | ResultFields => {
  const dn = parseDn(request.base)
  if (dn === undefined) return invalidDn
  if (requester.dn === undefined && !state.allowAnonymous) {
    return answer(LdapResultCode.strongerAuthRequired, "authentication required")
  }
  const matches = compile(request.filter, state.types, (entry, type) => state.maySee(requester, entry, type))
  const select = selection(state, request, requester)
  if (dn.rdns.length === 0 && request.scope === "base") return new SearchCursor([rootDse(state)], matches, select, 0)
  const base = state.tree.find(dn)
  if (base === undefined) {
    return answer(LdapResultCode.noSuchObject, "", state.holds(dn) ? state.tree.matchedDn(dn) : "")
  }
  if (!state.mayDo(requester, request)) return answer(LdapResultCode.insufficientAccessRights)
  const own = state.isAdministrator(requester) ? 0 : state.sizeLimit
  const limits = [request.sizeLimit, own].filter((limit) => limit > 0)
  const sizeLimit = limits.length === 0 ? 0 : Math.min(...limits)
  return new SearchCursor(state.tree.below(base, request.scope), matches, select, sizeLimit)
}

// ---------------------------------------------------------------------------------------------------------------------
// What is returned of an entry
// ---------------------------------------------------------------------------------------------------------------------

const noValues: ReadonlyArray<Uint8Array> = []

const selection = (
  state: DirectoryState,
  { attributes: wanted, typesOnly }: SearchRequest,
  requester: Requester
): (entry: DirectoryEntry) => FoundEntry => {
  const allUser = wanted.length === 0 || wanted.includes("*")
  const allOperational = wanted.includes("+")
  // "1.1" is no attribute, so it asks for none; so does a name that nobody knows.
  const asked: ReadonlyArray<Description> = wanted.flatMap((name) => state.types.find(name) ?? [])
  const askedFor = ({ parsed }: StoredAttribute): boolean =>
    (parsed.type.operational ? allOperational : allUser) ||
    asked.some((description) => isSubtypeOf(parsed, description))
  const needsOperational = allOperational || asked.some(({ type }) => type.operational)
  const shown = ({ description, values }: StoredAttribute): LdapEntry.LdapAttribute => ({
    description,
    values: typesOnly ? noValues : values
  })
  return (entry) => {
    const maySee = (type: AttributeType): boolean => state.maySee(requester, entry, type)
    const attributes: Array<LdapEntry.LdapAttribute> = []
    for (const stored of entry.attributes.values()) {
      if (askedFor(stored) && maySee(stored.parsed.type)) attributes.push(shown(stored))
    }
    // The root DSE has no history, and says of itself what there is to say.
    if (needsOperational && entry.dn.rdns.length > 0) {
      for (const stored of operationalAttributes(entry)) if (askedFor(stored)) attributes.push(shown(stored))
    }
    return { dn: entry.dn.toString(), attributes }
  }
}

/**
 * The message that returns an entry, written without a detour over `LdapEntry`: most of what a server sends is these.
 */
export const encodeFound = (messageId: number, { attributes, dn }: FoundEntry): Buffer => {
  const writer = new BerWriter(512)
  writer.start()
  writer.integer(messageId)
  writer.start(OperationTag.SearchResultEntry)
  LdapEntry.write(writer, dn, attributes)
  writer.end()
  writer.end()
  return writer.finish()
}

// ---------------------------------------------------------------------------------------------------------------------
// Pages
// ---------------------------------------------------------------------------------------------------------------------

/** A search that waits for its client to ask for the next page. */
interface Waiting {
  readonly cursor: SearchCursor
  /** What must be the same in the next request. */
  readonly fingerprint: string
}

export type PageRequest =
  | { readonly _tag: "First"; readonly size: number }
  | { readonly _tag: "Next"; readonly size: number; readonly cursor: SearchCursor }
  /** The client wants nothing more: it gives the rest of the search back. */
  | { readonly _tag: "Last" }
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

const oldCookie = refused(LdapResultCode.unwillingToPerform, "paged results cookie is invalid or old")

/** The searches of one connection that are between two pages. */
export class PagedSearches {
  readonly #connection: number
  readonly #waiting = new Map<string, Waiting>()
  #issued = 0

  constructor(connection: number) {
    this.#connection = connection
  }

  /** What a paged results control asks for. A cookie serves once, on its connection and for its search. */
  take(control: LdapControl.LdapControl, fingerprint: string): PageRequest {
    const paged = LdapControl.decodePagedResults(control)
    if (paged === undefined || paged.size < 0) return malformed
    if (paged.cookie.length === 0) return paged.size === 0 ? { _tag: "Last" } : { _tag: "First", size: paged.size }
    const cookie = Buffer.from(paged.cookie)
    const key = cookie.toString("latin1")
    const waiting = this.#waiting.get(key)
    if (waiting?.fingerprint !== fingerprint) return this.#isOld(cookie) ? oldCookie : invalidCookie
    this.#waiting.delete(key)
    return paged.size === 0 ? { _tag: "Last" } : { _tag: "Next", size: paged.size, cursor: waiting.cursor }
  }

  /** Keeps a search for later, and returns the cookie for it. */
  keep(cursor: SearchCursor, fingerprint: string): Uint8Array {
    const cookie = Buffer.alloc(8)
    cookie.writeUInt32BE(this.#connection)
    cookie.writeUInt32BE(++this.#issued, 4)
    this.#waiting.set(cookie.toString("latin1"), { cursor, fingerprint })
    return cookie
  }

  /** slapd knows its old cookies only while a search is waiting. */
  #isOld(cookie: Buffer): boolean {
    return this.#waiting.size > 0 && cookie.length === 8 &&
      cookie.readUInt32BE() === this.#connection && cookie.readUInt32BE(4) <= this.#issued
  }
}
