/**
 * Deletes an entry with everything below it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/controls.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { nameProblem } from "../../model/input/attributes.ts"
import { InvalidRequest, LdapError, ProtocolViolation } from "../../model/LdapError.ts"
import * as LdapRootDse from "../../model/LdapRootDse.ts"
import { dnFrom } from "../../model/ldapts.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { checkedStream, countProblem, jobOptionsProblem, oneOf } from "./jobInput.ts"
import { notFollowed, streamOnOneServer } from "./ownServer.ts"

/**
 * An entry that was deleted.
 *
 * @category models
 * @since 0.1.0
 */
export interface TreeDeletion {
  /** The name of the entry that was deleted. */
  readonly dn: string
  /** Whether the server has deleted the whole subtree with the entry, without naming its entries. */
  readonly withSubtree: boolean
  /** How many entries have been deleted so far; a subtree counts as one. */
  readonly deleted: number
  /** How many entries are known so far, the deleted ones included. */
  readonly known: number
}

/**
 * Options of {@link deleteTree}.
 *
 * @category models
 * @since 0.1.0
 */
export interface DeleteTreeOptions extends Pick<OperationOptions, "timeout"> {
  /** How many deletions may be in flight. Default 8. */
  readonly concurrency?: number | undefined
  /** Page size of the search for the entries to delete; `false` for a server without paged results. Default 500. */
  readonly pageSize?: number | false | undefined
  /**
   * Whether to use the tree delete control (MS-ADTS 3.1.1.3.4.1.15), by which the server deletes the tree in one step. Default
   * `auto`: if the root DSE lists it. With `never`, the stream has each entry.
   */
  readonly treeDelete?: "auto" | "never" | undefined
}

/**
 * Deletes an entry and everything below it, as a stream of the deleted entries.
 *
 * **Details**
 *
 * Nothing is sent without a consumer; `Stream.runDrain` deletes everything. If the server supports the tree delete control, one request
 * deletes the tree. Otherwise a search finds the names of the tree, and the deepest entries are deleted first: all entries of one depth,
 * `concurrency` at a time, then the depth above. An entry that another client has deleted meanwhile is no error, and is not in the stream.
 * If another client has added an entry meanwhile, or a size limit cut the first search short, the parent can't be deleted yet. The tree is
 * then searched again, as long as each search leads to at least one deletion. The names of one search are kept in memory.
 *
 * Fails with `NoSuchObject` if there is no such entry, and with the server's reason for the first deletion that it
 * refuses; earlier deletions stay. When the stream is ended early or interrupted, requests in flight are abandoned; they may have
 * been carried out.
 *
 * The names come from the servers for writes, even if the client has other servers for reads, and referrals are never followed. If there
 * are several servers for writes, all requests go to one of them. If that server is lost after its first answer, the stream fails with
 * `SessionClosed` or `ConnectionLost`, and nothing is sent to another server. If a search returns a name outside the tree, the stream fails
 * with `ProtocolViolation`, and no entry of this search is deleted.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { Effect, Stream } from "effect"
 *
 * const remove = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.deleteTree(ldap, "ou=old,dc=example,dc=org").pipe(
 *     Stream.runForEach(({ deleted, known }) => Effect.log(`${deleted} of ${known}`))
 *   )
 * ```
 *
 * @category writing
 * @since 0.1.0
 */
export const deleteTree = (
  client: Pick<LdapOperations, "delete" | "search" | "rootDse">,
  dn: DnInput,
  options: DeleteTreeOptions = {}
): Stream.Stream<TreeDeletion, LdapError> =>
  checkedStream(
    "deleteTree",
    () =>
      nameProblem("dn", dn) ?? jobOptionsProblem(options, {
        concurrency: countProblem,
        pageSize: (field, u) => u === false ? undefined : pageSizeProblem(field, u),
        treeDelete: oneOf("auto", "never")
      }),
    () => deletion(client, dn, options)
  )

/** The request checks the upper limit, which is that of LDAP's integers. With pages of zero entries the search would never end. */
const pageSizeProblem = (field: string, u: unknown): InvalidRequest | undefined =>
  u === Infinity
    ? new InvalidRequest({ field, detail: "give false for a search without pages" })
    : countProblem(field, u)

const deletion = (
  client: Pick<LdapOperations, "delete" | "search" | "rootDse">,
  dn: DnInput,
  options: DeleteTreeOptions
): Stream.Stream<TreeDeletion, LdapError> =>
  streamOnOneServer(
    Stream.unwrap(Effect.gen(function*() {
      const rootDse = options.treeDelete === "never" ? undefined : yield* client.rootDse
      if (rootDse === undefined || !LdapRootDse.supportsControl(rootDse, LdapControl.treeDelete))
        return walk(client, dn, options)
      const controls = [LdapControl.treeDelete.make(undefined, { critical: true })]
      return yield* client.delete(dn, { ...notFollowed, controls, timeout: options.timeout }).pipe(
        Effect.as(Stream.succeed({ dn: dnFrom(dn), withSubtree: true, deleted: 1, known: 1 })),
        // Active Directory stops a tree delete after about ten thousand entries; the entries up to that point are deleted.
        Effect.catch((error) =>
          error.reason._tag === "AdminLimitExceeded" ? Effect.succeed(walk(client, dn, options)) : Effect.fail(error)
        )
      )
    })),
    { isPaged: options.pageSize !== false }
  )

const walk = (
  client: Pick<LdapOperations, "delete" | "search">,
  dn: DnInput,
  options: DeleteTreeOptions
): Stream.Stream<TreeDeletion, LdapError> => {
  const { concurrency = 8, pageSize = 500, timeout } = options
  let deleted = 0
  let known = 0

  /** The names of the tree, as far as the server returns them. */
  const list = Effect.gen(function*() {
    const names: Array<string> = []
    const paged = pageSize === false ? {} : { pageSize }
    const isInTree = yield* treeOf(client, dn, timeout)
    yield* client.search({ ...notFollowed, base: dn, attributes: ["1.1"], timeout, ...paged }).pipe(
      Stream.runForEachArray((entries) =>
        Effect.suspend(() => {
          for (const { dn } of entries) {
            if (!isInTree(dn)) return Effect.fail(outside(dn))
            names.push(dn)
          }
          return Effect.void
        })
      ),
      Effect.catch((error) =>
        error.reason._tag === "SizeLimitExceeded" && names.length > 0 ? Effect.void : Effect.fail(error)
      )
    )
    known = deleted + names.length
    return levelsOf(names)
  })

  /** If a search returns a name outside the tree, its other names aren't trusted either, and none of them is deleted. */
  const outside = (name: string): LdapError => {
    const detail = `the search below "${dnFrom(dn)}" returned "${name}", which is not below it`
    return new LdapError({ reason: new ProtocolViolation({ detail }), operation: "deleteTree", dn: dnFrom(dn) })
  }

  /** `None` if the entry still has children, or was deleted already. */
  const deleteOne = (dn: string) =>
    client.delete(dn, { ...notFollowed, timeout }).pipe(
      Effect.map(() => {
        deleted++
        return Option.some({ dn, withSubtree: false, deleted, known })
      }),
      Effect.catch((error) =>
        error.reason._tag === "NotAllowedOnNonLeaf" || isGone(error) ? Effect.succeedNone : Effect.fail(error)
      )
    )

  const round = (isFirst: boolean): Stream.Stream<TreeDeletion, LdapError> =>
    Stream.unwrap(
      list.pipe(
        Effect.map((levels) => {
          const before = deleted
          return Stream.fromIterable(levels).pipe(
            Stream.flatMap((names) =>
              Stream.fromIterable(names).pipe(
                Stream.mapEffect(deleteOne, { concurrency, unordered: true }),
                Stream.filterMap(Result.fromOption(() => undefined))
              )
            ),
            Stream.concat(
              Stream.suspend(() =>
                deleted === known
                  ? Stream.empty
                  : deleted > before
                  ? round(false)
                  // The remaining entries have children that this client can't see. The server's own error says that best.
                  : Stream.fromEffect(client.delete(dn, { ...notFollowed, timeout })).pipe(
                    Stream.drain,
                    Stream.catch((error) => isGone(error) ? Stream.empty : Stream.fail(error))
                  )
              )
            )
          )
        }),
        Effect.catch((error) => !isFirst && isGone(error) ? Effect.succeed(Stream.empty) : Effect.fail(error))
      )
    )
  return round(true)
}

/**
 * Tells names inside the tree from others. If the base is not a DN, such as Active Directory's `<GUID=…>`, the server is asked for the
 * entry's DN.
 */
const treeOf = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "search">,
  base: DnInput,
  timeout: DeleteTreeOptions["timeout"]
): Effect.fn.Return<(name: string) => boolean, LdapError> {
  let root = LdapDn.parse(dnFrom(base), { lenient: true })
  if (Result.isFailure(root)) {
    const found = yield* Stream.runHead(
      client.search({ ...notFollowed, base, scope: "base", attributes: ["1.1"], timeout })
    )
    root = LdapDn.parse(Option.match(found, { onNone: () => dnFrom(base), onSome: ({ dn }) => dn }), { lenient: true })
  }
  if (Result.isFailure(root)) return () => false
  const top = root.success
  return (name) => {
    const parsed = LdapDn.parse(name, { lenient: true })
    return Result.isSuccess(parsed) &&
      (LdapDn.isEqual(parsed.success, top) || LdapDn.isDescendantOf(parsed.success, top))
  }
})

const isGone = ({ reason }: LdapError): boolean => reason._tag === "NoSuchObject"

/** Sorts the deepest first. */
const levelsOf = (names: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const levels = new Map<number, Array<string>>()
  for (const name of names) {
    const parsed = LdapDn.parse(name, { lenient: true })
    const depth = Result.isSuccess(parsed) ? parsed.success.rdns.length : Infinity
    const level = levels.get(depth)
    if (level === undefined) levels.set(depth, [name])
    else level.push(name)
  }
  return [...levels].sort(([a], [b]) => b - a).map(([, names]) => names)
}
