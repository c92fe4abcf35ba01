/**
 * Operations with somebody who watches: the same ones, each with what a span may know of it.
 */
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import type { Span } from "effect/Tracer"
import * as LdapDn from "../model/dn/LdapDn.ts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import type { LdapError, LdapResult } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { dnFrom, type DnInput } from "../model/ldapts.ts"
import type { ExtendedOperation } from "../protocol/LdapExtendedOperation.ts"
import type { LdapOperations, OperationOptions, SearchMessage, SearchOptions } from "../session/LdapOperations.ts"
import { filterShape } from "../session/searchRequest.ts"
import type { Observer } from "./Observer.ts"

/** The operations as they were before somebody watched, for whoever watches by itself. */
const unobservedKey: unique symbol = Symbol("unobserved")

interface Watched {
  readonly [unobservedKey]?: LdapOperations | undefined
}

/**
 * The same operations without a watcher: an operation must not be counted once by the client, which has all of it, and again by
 * the session that carries it out.
 */
export const unobserved = (operations: LdapOperations & Watched): LdapOperations =>
  operations[unobservedKey] ?? operations

export const observed = (operations: LdapOperations, observer: Observer): LdapOperations & Watched => {
  const update = (operation: string, dn: DnInput, effect: Effect.Effect<LdapResult, LdapError>) =>
    observer.effect(operation, effect, tellName(dn), tellResult)
  return {
    [unobservedKey]: operations,
    search: (options): Stream.Stream<LdapEntry, LdapError> =>
      observer.stream("search", operations.search(options), tellSearch(options)),
    searchMessages: (options): Stream.Stream<SearchMessage, LdapError> =>
      observer.stream(
        "search",
        operations.searchMessages(options),
        tellSearch(options),
        ({ _tag }) => _tag === "Entry"
      ),
    searchResult: (options) =>
      observer.effect("search", operations.searchResult(options), tellSearch(options), (span, { entries, result }) => {
        tellCount(span, entries.length)
        tellResult(span, result)
      }),
    lookup: (dn, options) =>
      observer.effect(
        "search",
        operations.lookup(dn, options),
        (span) => tellSearch({ ...options, base: dn, scope: "base" })(span),
        tellFound
      ),
    rootDse: observer.effect("search", operations.rootDse, tellSearch({ base: "", scope: "base" }), (span) => {
      tellCount(span, 1)
    }),
    compare: (dn, attribute, value, options) =>
      observer.effect("compare", operations.compare(dn, attribute, value, options), (span) => {
        tellName(dn)(span)
        span.attribute("ldap.attribute", attribute)
      }, (span, isEqual) => tellCode(span, isEqual ? LdapResultCode.compareTrue : LdapResultCode.compareFalse)),
    add: (dn, attributes, options) => update("add", dn, operations.add(dn, attributes, options)),
    modify: (dn, changes, options) => update("modify", dn, operations.modify(dn, changes, options)),
    delete: (dn, options) => update("delete", dn, operations.delete(dn, options)),
    rename: (dn, options) => update("rename", dn, operations.rename(dn, options)),
    extended: <Request, Response>(
      operation: string | ExtendedOperation<Request, Response>,
      first?: Request | OperationOptions,
      second?: OperationOptions
    ) =>
      // The operations have the same two signatures: what was given is passed on as it came.
      observer.effect<LdapResult>(
        "extended",
        operations.extended(operation as never, first as never, second),
        tellOid(operation),
        tellResult
      ) as never,
    extendedMessages: <Request, Response>(
      operation: string | ExtendedOperation<Request, Response>,
      first?: Request | OperationOptions,
      second?: OperationOptions
    ) =>
      observer.stream(
        "extended",
        operations.extendedMessages(operation as never, first as never, second),
        tellOid(operation),
        () => false
      ) as never
  }
}

const tellOid = (operation: string | { readonly oid: string }) => (span: Span): void =>
  span.attribute("ldap.extended.oid", typeof operation === "string" ? operation : operation.oid)

const tellSearch = (options: SearchOptions) => (span: Span): void => {
  span.attribute("ldap.base", nameShape(options.base))
  span.attribute("ldap.scope", options.scope ?? "subtree")
  if (options.pageSize !== undefined) span.attribute("ldap.page_size", options.pageSize)
  const filter = filterShape(options.filter)
  if (filter !== undefined) span.attribute("db.query.text", filter)
}

export const tellName = (dn: DnInput) => (span: Span): void => span.attribute("ldap.dn", nameShape(dn))

const tellCount = (span: Span, entries: number): void => span.attribute("db.response.returned_rows", entries)

const tellFound = (span: Span, entry: Option.Option<LdapEntry>): void => tellCount(span, Option.isSome(entry) ? 1 : 0)

const tellCode = (span: Span, code: number): void => span.attribute("db.response.status_code", String(code))

export const tellResult = (span: Span, { code }: LdapResult): void => tellCode(span, code)

/** Attributes whose values name what holds entries: domains, organisations, places. */
const containers = new Set(["dc", "ou", "o", "c", "l", "st"])

/** A name without the parts that may be a person's. */
const nameShape = (dn: DnInput): string =>
  Result.match(LdapDn.parse(dnFrom(dn), { lenient: true }), {
    // Active Directory's `<GUID=…>`, say.
    onFailure: () => "?",
    onSuccess: ({ rdns }) =>
      rdns.map(({ attributes }) =>
        attributes.map((attribute) =>
          containers.has(attribute.type.toLowerCase()) ? attribute.toString() : `${attribute.type}=?`
        ).join("+")
      ).join(",")
  })
