/**
 * Searches (RFC 4511 section 4.5): their base and scope, the entries that they find, and their controls.
 *
 * A search is a cursor over the entries that may match. Each entry is tested when the cursor reaches it. So an entry that changes
 * during the search is returned once, in its current state, and a deleted entry isn't returned. This file is synchronous:
 * searchServing.ts sends, waits and stops, and PagedSearches.ts keeps cursors between pages.
 */
import type { LdapControl } from "../../model/control/LdapControl.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields, Scope, SearchRequest } from "../../protocol/LdapMessage.ts"
import { noOffers, type Offers } from "../connection/ConnectionOptions.ts"
import type { DirectoryState, Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { answer, invalidDn, success } from "../operations/directoryResult.ts"
import { continuation, mayRefer, referral } from "../operations/referrals.ts"
import { noControls, type RequestControls } from "../operations/requestControls.ts"
import { followBelow, resolveBase } from "./aliases.ts"
import { candidates } from "./candidates.ts"
import { compile, type EntryMatcher, unmetAssertion } from "./entryMatching.ts"
import { type FoundEntry, selection } from "./entrySelection.ts"
import { sorted } from "./sorting.ts"
import { specialEntry } from "./specialEntries.ts"

/** The outcome of one step: an entry to return, a reference, nothing, or the end of the search. */
export type Step =
  | { readonly _tag: "Found"; readonly found: FoundEntry; readonly entry: DirectoryEntry }
  | { readonly _tag: "Reference"; readonly uris: ReadonlyArray<string>; readonly entry: DirectoryEntry }
  | { readonly _tag: "Passed" }
  | { readonly _tag: "Done"; readonly result: ResultFields }

const passed: Step = { _tag: "Passed" }

const done = (result: ResultFields): Step => ({ _tag: "Done", result })

interface Plan {
  readonly candidates: ReadonlyArray<DirectoryEntry>
  readonly matches: EntryMatcher
  readonly select: (entry: DirectoryEntry) => FoundEntry
  readonly sizeLimit: number
  /** The scope in continuation references; `undefined` if referral objects are treated as ordinary entries. */
  readonly referralScope?: Scope | undefined
  /** Whether the requester may receive a reference. */
  readonly mayRefer?: (entry: DirectoryEntry) => boolean
  /** Whether an entry is in the scope of the search. */
  readonly covers?: (entry: DirectoryEntry) => boolean
  /** The result of the search. Default: success. */
  readonly result?: ResultFields
  /** The controls of its result. */
  readonly controls?: ReadonlyArray<LdapControl>
}

/** A search in progress. */
export class SearchCursor {
  readonly #plan: Plan
  #next = 0
  #found = 0

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** How many entries the search tests, which determines its cost. */
  get length(): number {
    return this.#plan.candidates.length
  }

  get controls(): ReadonlyArray<LdapControl> {
    return this.#plan.controls ?? []
  }

  /** Tests the next entry. */
  step(): Step {
    const entry = this.#plan.candidates[this.#next]
    if (entry === undefined) return done(this.#plan.result ?? success)
    this.#next++
    const refers = this.#refers(entry)
    if (!this.#finds(entry)) return passed
    if (this.#plan.sizeLimit > 0 && this.#found === this.#plan.sizeLimit) {
      return done(answer(LdapResultCode.sizeLimitExceeded))
    }
    if (refers) return { _tag: "Reference", uris: continuation(entry, this.#plan.referralScope ?? "base"), entry }
    this.#found++
    return { _tag: "Found", found: this.#plan.select(entry), entry }
  }

  /** Whether no more entries will be found. Moves to the next one that will. */
  finished(): boolean {
    for (;; this.#next++) {
      const entry = this.#plan.candidates[this.#next]
      if (entry === undefined) return true
      if (this.#finds(entry)) return false
    }
  }

  /** Whether an entry exists and matches the filter. */
  matches(entry: DirectoryEntry): boolean {
    return entry.present && this.#plan.matches(entry) === true
  }

  /** Whether an entry is, or was, in the scope of the search and matches its filter. */
  covers(entry: DirectoryEntry): boolean {
    return this.#plan.covers?.(entry) === true && this.#plan.matches(entry) === true
  }

  select(entry: DirectoryEntry): FoundEntry {
    return this.#plan.select(entry)
  }

  #finds(entry: DirectoryEntry): boolean {
    return this.#refers(entry) ? this.#plan.mayRefer?.(entry) === true : this.matches(entry)
  }

  #refers(entry: DirectoryEntry): boolean {
    return this.#plan.referralScope !== undefined && entry.present && entry.isReferral
  }
}

/** Starts a search: a cursor, or the refusal. */
export const start = (
  state: DirectoryState,
  request: SearchRequest,
  requester: Requester,
  controls: RequestControls = noControls,
  offers: Offers = noOffers
): SearchCursor | ResultFields => {
  const named = state.readName(request.base)
  if (named === undefined) return invalidDn
  if (requester.dn === undefined && !state.allowAnonymous) {
    return answer(LdapResultCode.strongerAuthRequired, "authentication required")
  }
  const visible = (entry: DirectoryEntry, type: Parameters<DirectoryState["maySee"]>[2]) =>
    state.maySee(requester, entry, type)
  const matches = compile(request.filter, state.types, visible)
  const { matchedValues } = controls
  const { attributes, derefAliases, scope, typesOnly } = request
  const select = selection(state, { attributes, typesOnly, matchedValues }, requester)
  const special = scope === "base" ? specialEntry(state, named, offers) : undefined
  if (special !== undefined) return new SearchCursor({ candidates: [special], matches, select, sizeLimit: 0 })
  const dn = derefAliases === "finding" || derefAliases === "always" ? resolveBase(state, named) : named
  if ("code" in dn) return dn
  const referred = referral(state, dn, requester, controls, scope)
  if (referred !== undefined) return referred
  // Who may not read deleted objects doesn't find them, with or without the control.
  const deleted = controls.showDeleted === true && state.isAdministrator(requester) ? state.domainController : undefined
  const base = state.findVisible(requester, dn) ?? deleted?.find(dn)
  if (base === undefined) return state.noSuchObject(requester, dn)
  if (!state.mayDo(requester, request)) return answer(LdapResultCode.insufficientAccessRights)
  const unmet = unmetAssertion(state, base, requester, controls)
  if (unmet !== undefined) return unmet
  const own = state.isAdministrator(requester) ? 0 : state.sizeLimit
  const pageSize = controls.paged === undefined ? state.limits.pageSize : 0
  const limits = [request.sizeLimit, own, pageSize].filter((limit) => limit > 0)
  const plan: Plan = {
    candidates: [],
    matches: subentriesOnly(visibleOnly(state, requester, matches), base, request, controls),
    select,
    sizeLimit: limits.length === 0 ? 0 : Math.min(...limits),
    // After a restore, another entry object has the name of the base; a deleted entry is below the one that it had.
    covers: (entry) =>
      entry.present
        ? state.tree.within([entry], base.present ? base : (state.tree.find(base.dn) ?? base), scope).length > 0
        : wasIn(entry, base, scope),
    mayRefer: (entry) => mayRefer(state, requester, entry),
    referralScope: controls.manageDsaIt === true || controls.domainScope === true ? undefined : scope
  }
  const follows = (derefAliases === "searching" || derefAliases === "always") && state.tree.hasAliases
  const found = follows
    ? followBelow(state, state.tree.below(base, scope), base, scope)
    : candidates(state.tree, state.types, request.filter, base, scope, plan.referralScope !== undefined)
  const all = deleted === undefined
    ? found
    : [...found, ...deleted.within(base, scope).filter((one) => one !== found[0])]
  const { expected, sort, window } = controls
  const matching = () => all.filter((entry) => entry.present && plan.matches(entry) === true)
  if (expected !== undefined) {
    const { length } = matching()
    if (length < expected.least || length > expected.most) {
      const text = `${length} entries, where ${expected.least} to ${expected.most} are expected`
      return answer(LdapResultCode.constraintViolation, text)
    }
  }
  if (sort === undefined && window === undefined) return new SearchCursor({ ...plan, candidates: all })
  const inOrder = sorted(state, matching(), controls)
  return new SearchCursor({
    ...plan,
    candidates: inOrder.entries,
    result: inOrder.code === LdapResultCode.success ? success : answer(inOrder.code),
    controls: inOrder.controls
  })
}

/** Whether a deleted entry was in a scope. */
const wasIn = ({ dn }: DirectoryEntry, base: DirectoryEntry, scope: Scope): boolean => {
  const depth = LdapDn.relativeTo(dn, base.dn)?.rdns.length
  return depth !== undefined &&
    (scope === "subtree" || (scope === "base" ? depth === 0 : scope === "one" ? depth === 1 : depth > 0))
}

/** Hidden entries don't match. */
const visibleOnly = (state: DirectoryState, requester: Requester, matches: EntryMatcher): EntryMatcher =>
  state.hidesEntries(requester) ? (entry) => state.maySeeEntry(requester, entry) ? matches(entry) : false : matches

/** Subentries (RFC 3672) match if the control asks for them, or if one is the base of a base search. */
const subentriesOnly = (
  matches: EntryMatcher,
  base: DirectoryEntry,
  { scope }: SearchRequest,
  { subentries }: RequestControls
): EntryMatcher =>
(entry) =>
  entry.hasClass("subentry") === (subentries ?? (scope === "base" && entry === base && entry.hasClass("subentry")))
    ? matches(entry)
    : false
