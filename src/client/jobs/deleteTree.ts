/**
 * An entry deleted with everything below it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/LdapControl.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapError, ProtocolViolation } from "../../model/LdapError.ts"
import * as LdapRootDse from "../../model/LdapRootDse.ts"
import { dnFrom } from "../../model/ldapts.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { notFollowed, streamsWhereItWrites } from "./ownServer.ts"

/**
 * An entry that is gone.
 *
 * @category models
 * @since 0.1.0
 */
export interface TreeDeletion {
  readonly dn: string
  /** Whether the server has deleted what was below the entry with it, without saying what that was. */
  readonly withSubtree: boolean
  /** How many entries have been deleted by now; a subtree counts as one. */
  readonly deleted: number
  /** How many are known of by now, the deleted ones included. */
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
  /** Entries a page of the search for what has to be deleted; `false` for a server without pages. Default 500. */
  readonly pageSize?: number | false | undefined
  /**
   * Whether the server may do it in one step where it can (the tree delete control, MS-ADTS 3.1.1.3.4.1.15). Default `auto`:
   * where the root DSE lists it. With `never`, the stream has each entry.
   */
  readonly treeDelete?: "auto" | "never" | undefined
}

/**
 * Deletes an entry and everything below it, as a stream of what is gone.
 *
 * **Details**
 *
 * Without a consumer nothing happens; `Stream.runDrain` deletes everything. Where the server has the tree delete control it
 * is one request. Otherwise the tree is searched for its names, and they are deleted from the bottom up: everything of one
 * depth, `concurrency` at a time, before what is above it. An entry that another client has deleted meanwhile is no error
 * and not in the stream. One that another client has added meanwhile, or that a size limit kept from the first search, makes
 * its parent stay; then the tree is searched again, for as long as a search leads to a deletion. The names of one search
 * are in memory.
 *
 * Fails with `NoSuchObject` where there is no such entry, and with the server's reason for the first deletion that it
 * refuses: what was deleted before stays deleted. Nothing that is being deleted is waited for when the stream is ended or
 * interrupted: requests in flight are abandoned, and may have been carried out.
 *
 * The names come from the servers that take changes, also where a client has others for reading, and referrals are never followed. If
 * a search brings a name that is not in the tree, it fails with `ProtocolViolation`, and nothing that this search brought is deleted.
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
  streamsWhereItWrites(Stream.unwrap(Effect.gen(function*() {
    const rootDse = options.treeDelete === "never" ? undefined : yield* client.rootDse
    if (rootDse === undefined || !LdapRootDse.supportsControl(rootDse, LdapControl.treeDelete))
      return walk(client, dn, options)
    const controls = [LdapControl.treeDelete.make(undefined, { critical: true })]
    return yield* client.delete(dn, { ...notFollowed, controls, timeout: options.timeout }).pipe(
      Effect.as(Stream.succeed({ dn: dnFrom(dn), withSubtree: true, deleted: 1, known: 1 })),
      // Active Directory stops after some ten thousand entries, which are gone then.
      Effect.catch((error) =>
        error.reason._tag === "AdminLimitExceeded" ? Effect.succeed(walk(client, dn, options)) : Effect.fail(error)
      )
    )
  })))

const walk = (
  client: Pick<LdapOperations, "delete" | "search">,
  dn: DnInput,
  options: DeleteTreeOptions
): Stream.Stream<TreeDeletion, LdapError> => {
  const { concurrency = 8, pageSize = 500, timeout } = options
  let deleted = 0
  let known = 0

  /** The names of the tree, as many as the server tells. */
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

  /** Nothing of a search is deleted that brings a name from elsewhere: what else it says can't be believed either. */
  const outside = (name: string): LdapError => {
    const detail = `the search below "${dnFrom(dn)}" brought "${name}", which is not below it`
    return new LdapError({ reason: new ProtocolViolation({ detail }), operation: "deleteTree", dn: dnFrom(dn) })
  }

  /** None where the entry has to wait, or is gone already. */
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
                  // What is left has something below it that can't be seen: the server says so best.
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
 * Tells the names of the tree from others. A base that is no DN, `<GUID=…>` for Active Directory say, has the name that the server gives
 * it.
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

/** The deepest first. */
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
