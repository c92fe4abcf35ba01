/**
 * Several writes as one: all of them are carried out, or none. Servers with transactions (RFC 5805) do that themselves. On other servers
 * the writes of a program that fails are undone (Compensation.ts).
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../../model/control/controls.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { given } from "../../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../../model/LdapError.ts"
import * as LdapRootDse from "../../../model/LdapRootDse.ts"
import * as LdapExtended from "../../../protocol/LdapExtended.ts"
import { operationsBy } from "../../../session/calls/operationsBy.ts"
import { durationProblem } from "../../../session/input/operationInput.ts"
import type { LdapOperations, OperationOptions } from "../../../session/LdapSession.ts"
import { LdapClient } from "../../LdapClientService.ts"
import { checked, jobOptionsProblem, oneOf } from "../jobInput.ts"
import { operationsOf, withJob } from "../ownServer.ts"
import { serverKindOf } from "../serverKind.ts"
import { Compensation, CompensationFailed, type NotUndone } from "./Compensation.ts"

export type { LdapOperations } from "../../../session/LdapSession.ts"
export { CompensationFailed, type NotUndone }

/**
 * Options of {@link run}.
 *
 * @category models
 * @since 0.2.0
 */
export interface TransactionOptions {
  /**
   * Default `auto`: a transaction of the server if its root DSE lists them and it isn't OpenLDAP, which may crash (see {@link run});
   * otherwise compensation. `transaction` fails on a server without transactions.
   */
  readonly mode?: "auto" | "transaction" | "compensation" | undefined
  /** How long the end may take: the commit or abort of a transaction, or all inverse writes together. Default 30 seconds. */
  readonly endTimeout?: Duration.Input | undefined
}

/**
 * Runs an effect whose writes with `LdapClient` are carried out together or not at all.
 *
 * **Details**
 *
 * Inside the effect, `LdapClient` is the same client, but its writes (add, modify, delete, rename) belong to the transaction. If the effect
 * succeeds, they stay. If it fails, dies or is interrupted, none of them stays, and the failure of the effect is passed on.
 *
 * - **With RFC 5805** (the directory in memory; OpenLDAP with `mode: "transaction"`) the writes are sent over a separate session, and the
 *   server keeps them until the end. So the answer to a write only says that the server has accepted it, and reads inside the effect don't
 *   see the writes. A write that can't be carried out fails the commit, with the server's reason. Other clients see all writes at once.
 * - **By compensation** (389 Directory Server, Active Directory, Samba, OpenLDAP) each write is carried out at once, after its entry was
 *   read, and other clients see it. If the effect doesn't succeed, the inverse writes are sent, the latest first and value by value, so
 *   that values that other clients have written meanwhile stay. The inverse writes are sent even if the fiber was interrupted, take at most
 *   `endTimeout`, and are sent again if an answer is lost. If some can't be carried out, the error is {@link CompensationFailed}, which
 *   lists them; it is logged as well. A write isn't interrupted while it is in flight. If the process dies before the end, nothing is
 *   undone. If the client has several servers, all requests go to the server that answered first; if that server is lost, the writes can't
 *   be undone. All requests share one connection, so a paged search waits for the end of another one.
 *
 * OpenLDAP supports transactions, but they can crash slapd 2.5.13: if the end of a transaction arrives just after its last write was
 * answered (in measurements after 9 to 190 transactions), and if a transaction moves an entry. With `mode: "transaction"` the client waits
 * 50 milliseconds before the end, which makes the first case rare but can't exclude it; a `newSuperior` is refused.
 *
 * Writes that can't be undone are refused with `InvalidRequest` before they are sent: extended operations that write, changes of
 * `unicodePwd`, and deletions in Active Directory, where a deleted entry would come back without its SID and password. On other servers a
 * deleted entry comes back with the attributes that this client may read, and with another entryUUID. Changes that the server has made by
 * itself, for example in the groups of a deleted entry, are not undone. Referrals are not followed. `withSession` is not available inside
 * the effect.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapModification, LdapTransaction } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const move = LdapTransaction.run(Effect.gen(function*() {
 *   const ldap = yield* LdapClient.LdapClient
 *   const ada = "uid=ada,ou=people,dc=example,dc=org"
 *   yield* ldap.modify("cn=old,ou=groups,dc=example,dc=org", LdapModification.delete("member", ada))
 *   yield* ldap.modify("cn=new,ou=groups,dc=example,dc=org", LdapModification.add("member", ada))
 * }))
 * ```
 *
 * @category transactions
 * @since 0.2.0
 */
export const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  options?: TransactionOptions
): Effect.Effect<A, E | LdapError | CompensationFailed, R | LdapClient> =>
  Effect.flatMap(LdapClient, (client) =>
    runWith(client, (operations) => {
      const reason = new InvalidRequest({ field: "withSession", detail: "a transaction has one session, its own" })
      const withSession: LdapClient["withSession"] = () =>
        Effect.fail(new LdapError({ reason, operation: "withSession" }))
      return Effect.provideService(effect, LdapClient, { ...operations, server: client.server, withSession })
    }, options))

/**
 * Like {@link run}, over a client or a session, and with the operations as an argument.
 *
 * **Details**
 *
 * On a session, the writes of other fibers with the same session are not a part of the transaction. OpenLDAP has one
 * transaction at a time on a connection. The operations fail with `InvalidRequest` after the end.
 *
 * Interruption takes the writes back, as in `run`.
 *
 * @category transactions
 * @since 0.2.0
 */
export const runWith = <A, E, R>(
  client: LdapOperations & Partial<Pick<LdapClient, "withSession">>,
  f: (operations: LdapOperations) => Effect.Effect<A, E, R>,
  options: TransactionOptions = {}
): Effect.Effect<A, E | LdapError | CompensationFailed, R> =>
  checked(
    "transaction",
    () =>
      typeof f === "function"
        ? jobOptionsProblem(options, {
          mode: oneOf("auto", "transaction", "compensation"),
          endTimeout: (field, u) => durationProblem(field, u) ?? endlessProblem(field, u as Duration.Input)
        })
        : new InvalidRequest({ field: "f", detail: `${given(f)} was given where a function belongs` }),
    () => running(client, f, options)
  )

/** The part that can't be interrupted must have a time limit. */
const endlessProblem = (field: string, u: Duration.Input): InvalidRequest | undefined =>
  Duration.isFinite(Duration.fromInputUnsafe(u))
    ? undefined
    : new InvalidRequest({ field, detail: "the end of a transaction can't be interrupted, so it needs a limit" })

const running = <A, E, R>(
  client: LdapOperations & Partial<Pick<LdapClient, "withSession">>,
  f: (operations: LdapOperations) => Effect.Effect<A, E, R>,
  { endTimeout = "30 seconds", mode = "auto" }: TransactionOptions
): Effect.Effect<A, E | LdapError | CompensationFailed, R> =>
  withJob((job) => {
    const onOne = operationsOf(job, client)
    return Effect.flatMap(onOne.rootDse, (rootDse): Effect.Effect<A, E | LdapError | CompensationFailed, R> => {
      const kind = serverKindOf(rootDse)
      const hasTransactions = LdapRootDse.supportsExtended(rootDse, LdapExtended.startTransaction)
      if (mode === "transaction" && !hasTransactions) {
        const detail = "the server has no transactions (RFC 5805); mode \"auto\" takes writes back instead"
        return Effect.fail(
          new LdapError({ reason: new InvalidRequest({ field: "mode", detail }), operation: "transaction" })
        )
      }
      if (mode === "compensation" || !hasTransactions || (mode === "auto" && kind === "OpenLDAP"))
        return compensated(onOne, rootDse, f, endTimeout)
      const ending = { timeout: endTimeout, isOpenLdap: kind === "OpenLDAP" }
      return client.withSession === undefined
        ? inTransaction(client, f, ending)
        : client.withSession({}, (session) => inTransaction(session, f, ending))
    })
  })

/** With writes that are carried out at once, and undone after a failure. */
const compensated = <A, E, R>(
  client: LdapOperations,
  rootDse: LdapEntry,
  f: (operations: LdapOperations) => Effect.Effect<A, E, R>,
  endTimeout: Duration.Input
): Effect.Effect<A, E | LdapError | CompensationFailed, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const compensation = new Compensation(client, {
        hasPreRead: LdapRootDse.supportsControl(rootDse, LdapControl.preReadRequest),
        canAddAgain: serverKindOf(rootDse) !== "activeDirectory"
      })
      const bounded = boundedBy(client, compensation)
      const exit = yield* Effect.exit(restore(begin(f, bounded.operations)))
      bounded.end()
      compensation.end()
      if (Exit.isFailure(exit)) yield* compensation.undo(exit.cause, endTimeout)
      return yield* exit
    })
  )

/** A function that throws, or returns no effect, must not leave the transaction open. */
const begin = <A, E, R>(
  f: (operations: LdapOperations) => Effect.Effect<A, E, R>,
  operations: LdapOperations
): Effect.Effect<A, E | LdapError, R> =>
  Effect.suspend((): Effect.Effect<A, E | LdapError, R> => {
    const effect: unknown = f(operations)
    if (Effect.isEffect(effect)) return effect as Effect.Effect<A, E, R>
    const detail = `the function of the transaction returned ${given(effect)}; an effect belongs there`
    return Effect.fail(
      new LdapError({ reason: new InvalidRequest({ field: "effect", detail }), operation: "transaction" })
    )
  })

/**
 * slapd answers a write of a transaction before it is done with it. If the end of the transaction arrives at that moment, slapd frees
 * memory that it still uses, and aborts.
 */
const pauseOfOpenLdap: Duration.Input = "50 millis"

/** Runs in a transaction of the server. Start and end are not interrupted, since an open transaction blocks the session. */
const inTransaction = <A, E, R>(
  session: LdapOperations,
  f: (operations: LdapOperations) => Effect.Effect<A, E, R>,
  { isOpenLdap, timeout }: { readonly timeout: Duration.Input; readonly isOpenLdap: boolean }
): Effect.Effect<A, E | LdapError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const { answer: identifier } = yield* session.extended(LdapExtended.startTransaction, undefined, { timeout })
      const end = (commit: boolean) =>
        session.extended(LdapExtended.endTransaction, { identifier, commit }, { timeout })
      const inside = (options: OperationOptions | undefined): OperationOptions => ({
        ...options,
        referrals: "ignore",
        controls: [...(options?.controls ?? []), LdapControl.transactionSpecification.make(identifier)]
      })
      const bounded = boundedBy(session, {
        add: (dn, attributes, options) => session.add(dn, attributes, inside(options)),
        delete: (dn, options) => session.delete(dn, inside(options)),
        modify: (dn, changes, options) => session.modify(dn, changes, inside(options)),
        rename: (dn, options) =>
          isOpenLdap && options.newSuperior !== undefined
            ? Effect.fail(
              refusal("rename", "slapd crashes when a transaction moves an entry: move it before or after it")
            )
            : session.rename(dn, { ...options, ...inside(options) })
      })
      const exit = yield* Effect.exit(restore(begin(f, bounded.operations)))
      bounded.end()
      if (isOpenLdap) yield* Effect.sleep(pauseOfOpenLdap)
      if (Exit.isFailure(exit)) yield* Effect.ignore(end(false))
      else yield* end(true)
      return yield* exit
    })
  )

/** The operations of a transaction, until its end. Reads are unchanged; writes go to `write`. */
const boundedBy = (
  client: LdapOperations,
  writes: Pick<LdapOperations, "add" | "delete" | "modify" | "rename">
): { readonly operations: LdapOperations; readonly end: () => void } => {
  let hasEnded = false
  const problem = (name: string, kind: "read" | "write"): LdapError | undefined =>
    hasEnded
      ? refusal(name, "it has ended, so nothing more can be a part of it")
      : kind === "write" && !Object.hasOwn(isWrite, name)
      ? refusal(name, "this operation can't be a part of a transaction; run it before or after it")
      : undefined
  const inside: LdapOperations = {
    ...client,
    add: (dn, attributes, options) => writes.add(dn, attributes, options),
    delete: (dn, options) => writes.delete(dn, options),
    modify: (dn, changes, options) => writes.modify(dn, changes, options),
    rename: (dn, options) => writes.rename(dn, options)
  }
  const operations = operationsBy({
    one: (call) =>
      Effect.suspend(() => {
        const wrong = problem(call.name, call.kind)
        return wrong === undefined ? call.run(inside) : Effect.fail(wrong)
      }),
    many: (call) =>
      Stream.suspend(() => {
        const wrong = problem(call.name, call.kind)
        return wrong === undefined ? call.run(inside) : Stream.fail(wrong)
      })
  })
  return {
    operations,
    end: () => {
      hasEnded = true
    }
  }
}

const refusal = (operation: string, detail: string): LdapError =>
  new LdapError({ reason: new InvalidRequest({ field: "transaction", detail }), operation })

const isWrite = { add: true, delete: true, modify: true, rename: true }
