/**
 * The operations of a session over its driver: each is shaped, sent, and its answer judged.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LdapControl } from "../model/control/LdapControl.ts"
import { type LdapEntry, valueFrom } from "../model/entry/LdapEntry.ts"
import { fromResult, InvalidRequest, LdapError, type LdapResult, ReferralReceived } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { dnFrom, type DnInput, entryAttributesFrom, modificationFrom, type ModificationInput } from "../model/ldapts.ts"
import type { RequestOperation } from "../protocol/LdapMessage.ts"
import { extendedOver } from "./extended.ts"
import type {
  LdapOperations,
  LookupOptions,
  OperationOptions,
  SearchMessage,
  SearchOptions,
  SearchResult
} from "./LdapOperations.ts"
import { cantFollow, controlsOf, givingUpOf, timeoutOf } from "./operationOptions.ts"
import { request, resultOf, succeedOrFail } from "./request.ts"
import * as Search from "./search.ts"
import { everything, searchRequest } from "./searchRequest.ts"
import type { SessionDriver } from "./SessionDriver.ts"

/** `requestTimeout` in milliseconds is for operations that have no time limit of their own. */
export const operationsOver = (driver: SessionDriver, requestTimeout: number): LdapOperations => {
  const timeoutMillis = timeoutOf(requestTimeout)

  /** Operations whose response is a result and nothing else. */
  const update = (
    operation: string,
    request_: RequestOperation & { readonly dn: string },
    expects: "AddResponse" | "ModifyResponse" | "DeleteResponse" | "ModifyDnResponse",
    options: OperationOptions | undefined
  ): Effect.Effect<LdapResult, LdapError> => {
    const context = { operation, dn: request_.dn }
    const wrong = cantFollow(options)
    if (wrong !== undefined) return Effect.fail(driver.error(context, wrong))
    return Effect.flatMap(
      request(driver, {
        ...context,
        request: request_,
        controls: controlsOf(options),
        expects,
        timeoutMillis: timeoutMillis(options),
        givingUp: givingUpOf(options)
      }),
      (message) => succeedOrFail(driver, context, resultOf(message))
    )
  }

  const shape = (options: SearchOptions): Search.Search | LdapError => {
    const shaped = searchRequest(options)
    const wrong = Result.isFailure(shaped) ? shaped.failure : cantFollow(options)
    return Result.isFailure(shaped) || wrong !== undefined
      ? driver.error({ operation: "search", dn: dnFrom(options.base) }, wrong!)
      : {
        request: shaped.success,
        controls: controlsOf(options),
        pageSize: options.pageSize,
        timeoutMillis: timeoutMillis(options),
        givingUp: givingUpOf(options)
      }
  }

  const search = (options: SearchOptions): Stream.Stream<LdapEntry, LdapError> => {
    if (options.referrals === "fail") {
      return Stream.flatMap(
        searchMessages(options),
        (message) => message._tag === "Entry" ? Stream.succeed(message.entry) : Stream.empty
      )
    }
    const shaped = shape(options)
    return shaped instanceof LdapError ? Stream.fail(shaped) : Search.entries(driver, shaped)
  }

  const searchMessages = (options: SearchOptions): Stream.Stream<SearchMessage, LdapError> => {
    const shaped = shape(options)
    if (shaped instanceof LdapError) return Stream.fail(shaped)
    const messages = Search.messages(driver, shaped)
    return options.referrals === "fail"
      ? Stream.mapEffect(messages, (message) =>
        message._tag === "Reference"
          ? Effect.fail(elsewhere(shaped.request.base, message.urls, message.controls))
          : Effect.succeed(message))
      : messages
  }

  /** A part of an answer that is somewhere else, where that is a failure. */
  const elsewhere = (
    dn: string,
    referrals: ReadonlyArray<string>,
    controls: ReadonlyArray<LdapControl>
  ): LdapError =>
    driver.error(
      { operation: "search", dn },
      new ReferralReceived({ matchedDn: "", diagnosticMessage: "", referrals, controls })
    )

  const searchResult = (options: SearchOptions): Effect.Effect<SearchResult, LdapError> =>
    Effect.suspend(() => {
      const shaped = shape(options)
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Search.Collected = { entries: [], references: [] }
      return Search.collect(driver, shaped, found).pipe(
        Effect.filterOrFail(
          () => options.referrals !== "fail" || found.references.length === 0,
          () => elsewhere(shaped.request.base, found.references[0]!, [])
        ),
        Effect.mapBoth({
          onFailure: ({ dn, operation, reason, server }) =>
            new LdapError({ reason, operation, server, dn, partial: found }),
          onSuccess: (result) => ({ ...found, result })
        })
      )
    })

  const lookup = (dn: DnInput, options?: LookupOptions): Effect.Effect<Option.Option<LdapEntry>, LdapError> =>
    Effect.suspend(() => {
      const shaped = shape({ ...options, base: dn, scope: "base" })
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Search.Collected = { entries: [], references: [] }
      return Effect.matchEffect(Search.collect(driver, shaped, found), {
        onFailure: (error) => (error.reason._tag === "NoSuchObject" ? Effect.succeedNone : Effect.fail(error)),
        onSuccess: () => Effect.succeed(Option.fromUndefinedOr(found.entries[0]))
      })
    })

  return {
    ...extendedOver(driver, timeoutMillis),
    search,
    searchMessages,
    searchResult,
    lookup,
    rootDse: Effect.flatMap(
      lookup("", { filter: everything, attributes: ["*", "+"] }),
      Option.match({
        onNone: () =>
          Effect.fail(
            driver.error(
              { operation: "rootDse" },
              new InvalidRequest({ field: "rootDse", detail: "this server doesn't show its root DSE to this user" })
            )
          ),
        onSome: Effect.succeed
      })
    ),
    compare: (dn, attribute, value, options) => {
      const context = { operation: "compare", dn: dnFrom(dn) }
      const wrong = cantFollow(options)
      if (wrong !== undefined) return Effect.fail(driver.error(context, wrong))
      return Effect.flatMap(
        request(driver, {
          ...context,
          request: { _tag: "CompareRequest", dn: context.dn, attribute, value: valueFrom(value) },
          controls: controlsOf(options),
          expects: "CompareResponse",
          timeoutMillis: timeoutMillis(options),
          givingUp: givingUpOf(options)
        }),
        (message) => {
          const result = resultOf(message)
          if (result.code === LdapResultCode.compareTrue) return Effect.succeed(true)
          if (result.code === LdapResultCode.compareFalse) return Effect.succeed(false)
          return Effect.fail(driver.error(context, fromResult(result)))
        }
      )
    },
    add: (dn, attributes, options) =>
      update(
        "add",
        { _tag: "AddRequest", dn: dnFrom(dn), attributes: entryAttributesFrom(attributes) },
        "AddResponse",
        options
      ),
    modify: (dn, changes, options) => {
      const list = Array.isArray(changes)
        ? (changes as ReadonlyArray<ModificationInput>)
        : [changes as ModificationInput]
      return update(
        "modify",
        { _tag: "ModifyRequest", dn: dnFrom(dn), changes: list.map(modificationFrom) },
        "ModifyResponse",
        options
      )
    },
    delete: (dn, options) => update("delete", { _tag: "DeleteRequest", dn: dnFrom(dn) }, "DeleteResponse", options),
    rename: (dn, options) =>
      update(
        "rename",
        {
          _tag: "ModifyDnRequest",
          dn: dnFrom(dn),
          newRdn: options.newRdn,
          deleteOldRdn: options.deleteOldRdn ?? true,
          newSuperior: options.newSuperior === undefined ? undefined : dnFrom(options.newSuperior)
        },
        "ModifyDnResponse",
        options
      )
  }
}
