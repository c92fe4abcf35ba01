/**
 * The operations of a session over its exchange: each is shaped, sent, and its answer judged.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LdapControl } from "../model/LdapControl.ts"
import { type LdapEntry, valueFrom } from "../model/LdapEntry.ts"
import { fromResult, InvalidRequest, LdapError, type LdapResult, ProtocolViolation } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import {
  controlFrom,
  dnFrom,
  type DnInput,
  entryAttributesFrom,
  modificationFrom,
  type ModificationInput
} from "../model/ldapts.ts"
import type { ExtendedOperation } from "../protocol/LdapExtendedOperation.ts"
import type { RequestOperation } from "../protocol/LdapMessage.ts"
import type { Exchange } from "./Exchange.ts"
import type {
  ExtendedAnswer,
  ExtendedResult,
  LdapOperations,
  LookupOptions,
  OperationOptions,
  SearchOptions,
  SearchResult
} from "./LdapOperations.ts"
import { type GivingUp, request, resultOf, succeedOrFail } from "./request.ts"
import * as Search from "./search.ts"
import { everything, searchRequest } from "./searchRequest.ts"

/** The time limit of an operation in milliseconds: its own, or the session's. */
export const timeoutOf = (requestTimeout: number) => (options: OperationOptions | undefined): number =>
  options?.timeout === undefined ? requestTimeout : Duration.toMillis(options.timeout)

const givingUpOf = (
  options: OperationOptions | undefined
): GivingUp => (options?.cancel === true ? "cancel" : "abandon")

export const controlsOf = (options: OperationOptions | undefined): ReadonlyArray<LdapControl> =>
  options?.controls?.map(controlFrom) ?? []

/** `requestTimeout` in milliseconds is for operations that have no time limit of their own. */
export const operationsOver = (exchange: Exchange, requestTimeout: number): LdapOperations => {
  const timeoutMillis = timeoutOf(requestTimeout)

  /** Operations whose response is a result and nothing else. */
  const update = (
    operation: string,
    request_: RequestOperation & { readonly dn: string },
    expects: "AddResponse" | "ModifyResponse" | "DeleteResponse" | "ModifyDnResponse",
    options: OperationOptions | undefined
  ): Effect.Effect<LdapResult, LdapError> => {
    const context = { operation, dn: request_.dn }
    return Effect.flatMap(
      request(exchange, {
        ...context,
        request: request_,
        controls: controlsOf(options),
        expects,
        timeoutMillis: timeoutMillis(options),
        givingUp: givingUpOf(options)
      }),
      (message) => succeedOrFail(exchange, context, resultOf(message))
    )
  }

  const shape = (options: SearchOptions): Search.Search | LdapError => {
    const shaped = searchRequest(options)
    return Result.isFailure(shaped)
      ? exchange.error({ operation: "search", dn: dnFrom(options.base) }, shaped.failure)
      : {
        request: shaped.success,
        controls: controlsOf(options),
        pageSize: options.pageSize,
        timeoutMillis: timeoutMillis(options),
        givingUp: givingUpOf(options)
      }
  }

  const search = (options: SearchOptions): Stream.Stream<LdapEntry, LdapError> => {
    const shaped = shape(options)
    return shaped instanceof LdapError ? Stream.fail(shaped) : Search.entries(exchange, shaped)
  }

  const searchResult = (options: SearchOptions): Effect.Effect<SearchResult, LdapError> =>
    Effect.suspend(() => {
      const shaped = shape(options)
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Search.Collected = { entries: [], references: [] }
      return Effect.mapBoth(Search.collect(exchange, shaped, found), {
        onFailure: ({ dn, operation, reason, server }) =>
          new LdapError({ reason, operation, server, dn, partial: found }),
        onSuccess: (result) => ({ ...found, result })
      })
    })

  const lookup = (dn: DnInput, options?: LookupOptions): Effect.Effect<Option.Option<LdapEntry>, LdapError> =>
    Effect.suspend(() => {
      const shaped = shape({ ...options, base: dn, scope: "base" })
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Search.Collected = { entries: [], references: [] }
      return Effect.matchEffect(Search.collect(exchange, shaped, found), {
        onFailure: (error) => (error.reason._tag === "NoSuchObject" ? Effect.succeedNone : Effect.fail(error)),
        onSuccess: () => Effect.succeed(Option.fromUndefinedOr(found.entries[0]))
      })
    })

  const extendedByOid = (oid: string, options: RawOptions | undefined): Effect.Effect<ExtendedResult, LdapError> => {
    const context = { operation: "extended" }
    return Effect.flatMap(
      request(exchange, {
        ...context,
        request: { _tag: "ExtendedRequest", oid, value: options?.value },
        controls: controlsOf(options),
        expects: "ExtendedResponse",
        timeoutMillis: timeoutMillis(options),
        givingUp: givingUpOf(options)
      }),
      (message) => {
        const { oid, value } = message.operation
        return Effect.as(succeedOrFail(exchange, context, resultOf(message)), { ...resultOf(message), oid, value })
      }
    )
  }

  const extendedBy = <Request, Response>(
    operation: ExtendedOperation<Request, Response>,
    request_: Request,
    options: OperationOptions | undefined
  ): Effect.Effect<ExtendedAnswer<Response>, LdapError> => {
    const context = { operation: operation.name }
    const encoded = Result.try({
      try: () => operation.encode(request_),
      catch: (cause) =>
        new InvalidRequest({ field: operation.name, detail: cause instanceof Error ? cause.message : String(cause) })
    })
    if (Result.isFailure(encoded)) return Effect.fail(exchange.error(context, encoded.failure))
    return Effect.flatMap(
      extendedByOid(operation.oid, { ...options, value: encoded.success }),
      ({ oid, value, ...result }) => {
        const decoded = operation.decode(value, oid)
        return Result.isSuccess(decoded)
          ? Effect.succeed({ ...result, answer: decoded.success })
          : Effect.fail(exchange.error(context, new ProtocolViolation({ detail: decoded.failure.message })))
      }
    )
  }

  return {
    search,
    searchResult,
    lookup,
    rootDse: Effect.flatMap(
      lookup("", { filter: everything, attributes: ["*", "+"] }),
      Option.match({
        onNone: () =>
          Effect.fail(
            exchange.error(
              { operation: "rootDse" },
              new InvalidRequest({ field: "rootDse", detail: "this server doesn't show its root DSE to this user" })
            )
          ),
        onSome: Effect.succeed
      })
    ),
    compare: (dn, attribute, value, options) => {
      const context = { operation: "compare", dn: dnFrom(dn) }
      return Effect.flatMap(
        request(exchange, {
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
          return Effect.fail(exchange.error(context, fromResult(result)))
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
      ),
    extended: <Request, Response>(
      operation: string | ExtendedOperation<Request, Response>,
      first?: Request | RawOptions,
      second?: OperationOptions
    ) =>
      // The signatures above tell which of the two arguments is what.
      (typeof operation === "string"
        ? extendedByOid(operation, first as RawOptions | undefined)
        : extendedBy(operation, first as Request, second)) as never
  }
}

type RawOptions = OperationOptions & { readonly value?: Uint8Array | undefined }
