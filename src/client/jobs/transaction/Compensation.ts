/**
 * Writes that can be taken back: each is carried out at once and leaves its inverse, for servers without transactions. LdapTransaction.ts
 * decides when they are taken back.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as LdapControl from "../../../model/control/LdapControl.ts"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError, type LdapResult } from "../../../model/LdapError.ts"
import type * as LdapModification from "../../../model/LdapModification.ts"
import { dnFrom, modificationFrom, type ModificationInput } from "../../../model/ldapts.ts"
import type { DnInput, LdapOperations, OperationOptions, RenameOptions } from "../../../session/LdapSession.ts"

import { wholeEntry } from "../../../session/valueRanges.ts"
import { notFollowed, readsWhereItWrites } from "../ownServer.ts"
import { inverseOf } from "./inverse.ts"

/**
 * A write that could not be taken back.
 *
 * @category models
 * @since 0.2.0
 */
export interface NotUndone {
  readonly operation: "add" | "modify" | "delete" | "rename"
  /** The entry, under the name that the write gave it. */
  readonly dn: string
  /** Why; `undefined` if the time was over before it could be tried or answered. */
  readonly error: LdapError | undefined
}

/**
 * A program failed or was interrupted in the middle, and not all of its writes could be taken back: the directory is between the two
 * states. The writes are listed, the latest first. The error is logged too, since an interrupted program has no result.
 *
 * @category errors
 * @since 0.2.0
 */
export class CompensationFailed extends Data.TaggedError("CompensationFailed")<{
  /** Why the writes had to be taken back. */
  readonly cause: Cause.Cause<unknown>
  /** How many writes were taken back. */
  readonly undone: number
  readonly remaining: ReadonlyArray<NotUndone>
}> {
  override get message(): string {
    const list = this.remaining.map(({ dn, error, operation }) =>
      `${operation} of "${dn}" (${error === undefined ? "there was no time left" : error.reason.message})`
    )
    return `${this.remaining.length} writes of a transaction could not be taken back: ${list.join("; ")}`
  }
}

interface Step {
  readonly operation: NotUndone["operation"]
  readonly dn: string
  readonly undo: Effect.Effect<void, LdapError>
  error: LdapError | undefined
  isUndone: boolean
}

/** What the writes need to know of the server. */
export interface CompensationOptions {
  readonly hasPreRead: boolean
  /** Whether deleted entries can be added again: in Active Directory they would be other accounts, without a password. */
  readonly canAddAgain: boolean
}

export class Compensation {
  readonly #client: LdapOperations
  readonly #options: CompensationOptions
  readonly #steps: Array<Step> = []

  constructor(client: LdapOperations, options: CompensationOptions) {
    this.#client = client
    this.#options = options
  }

  readonly add: LdapOperations["add"] = (dn, attributes, options) =>
    this.#write("add", dnFrom(dn), this.#client.add(dn, attributes, own(options)), {
      undo: () => Effect.asVoid(ignoring(this.#client.delete(dn, notFollowed), "NoSuchObject")),
      // It can't be told whether this request has added the entry or another client has, so it isn't deleted.
      inDoubt: (error) =>
        Effect.flatMap(
          this.#client.lookup(dn, { ...notFollowed, attributes: ["1.1"] }),
          (found) => Option.isNone(found) ? Effect.void : Effect.fail(error)
        )
    })

  readonly delete: LdapOperations["delete"] = (dn, options) =>
    this.#options.canAddAgain
      ? Effect.flatMap(this.#read(dn, ["*"], options), (before) =>
        this.#write("delete", dnFrom(dn), this.#client.delete(dn, own(options)), {
          undo: () =>
            Effect.asVoid(ignoring(this.#client.add(dn, before.attributes, notFollowed), "EntryAlreadyExists"))
        }))
      : refused(
        "delete",
        dn,
        "a deleted entry of Active Directory can't be added again as it was (its SID, its password): " +
          "delete it after the transaction"
      )

  readonly modify: LdapOperations["modify"] = (dn, input, options) => {
    const changes = listOf(input).map(modificationFrom)
    if (changes.some(({ attribute }) => attribute.toLowerCase() === "unicodepwd"))
      return refused("modify", dn, "the old password can't be read, so this change can't be taken back")
    const attributes = Array.from(new Set(changes.map(({ attribute }) => attribute)))
    return Effect.flatMap(this.#read(dn, attributes.length === 0 ? ["1.1"] : attributes, options), (before) => {
      const controls = this.#options.hasPreRead
        ? [...(options?.controls ?? []), LdapControl.preReadRequest.make(attributes)]
        : options?.controls
      return this.#write("modify", dnFrom(dn), this.#client.modify(dn, changes, { ...own(options), controls }), {
        // What the server read with the write is newer than what was read before it.
        undo: (result) => {
          const read = result === undefined ? Option.none() : LdapControl.preReadResponse.find(result.controls)
          return this.#takeBack(dn, inverseOf(Option.getOrElse(read, () => before), changes))
        }
      })
    })
  }

  readonly rename: LdapOperations["rename"] = (dn, options) =>
    Effect.flatMap(this.#read(dn, ["*"], options), (before) => {
      const back = wayBack(before, options)
      return back === undefined
        ? refused("rename", dn, "the name can't be read, so this change can't be taken back")
        : this.#write("rename", back.dn, this.#client.rename(dn, { ...options, ...notFollowed }), {
          undo: () => Effect.asVoid(this.#client.rename(back.dn, { ...back.options, ...notFollowed })),
          inDoubt: () =>
            Effect.flatMap(
              this.#client.lookup(back.dn, { ...notFollowed, attributes: ["1.1"] }),
              (found) =>
                Option.isNone(found)
                  ? Effect.void
                  : Effect.asVoid(this.#client.rename(back.dn, { ...back.options, ...notFollowed }))
            )
        })
    })

  /** Takes all writes back, the latest first, within the time. */
  undo(cause: Cause.Cause<unknown>, limit: Duration.Input): Effect.Effect<void, CompensationFailed> {
    const steps = this.#steps
    const one = (step: Step) =>
      step.undo.pipe(
        Effect.retry({
          schedule: Schedule.exponential("100 millis"),
          times: 4,
          while: (error) => error.isRetryable
        }),
        Effect.match({
          onSuccess: () => {
            step.isUndone = true
          },
          onFailure: (error) => {
            step.error = error
          }
        })
      )
    return Effect.gen(function*() {
      if (steps.length === 0) return
      // The fiber may be interrupted already, so others do the work; this one waits for them whatever happens.
      const over = yield* Deferred.make<void>()
      const finish = Deferred.succeed(over, undefined)
      const latestFirst = [...steps].reverse()
      const work = yield* Effect.forkDetach(
        Effect.ensuring(readsWhereItWrites(Effect.forEach(latestFirst, one, { discard: true })), finish)
      )
      const watch = yield* Effect.forkDetach(Effect.andThen(Effect.sleep(limit), finish))
      yield* Deferred.await(over)
      yield* Effect.forkDetach(Effect.andThen(Fiber.interrupt(watch), Fiber.interrupt(work)))
      const remaining = latestFirst.filter(({ isUndone }) => !isUndone)
        .map(({ dn, error, operation }) => ({ operation, dn, error }))
      if (remaining.length === 0) return
      const failure = new CompensationFailed({ cause, undone: steps.length - remaining.length, remaining })
      yield* Effect.logError(failure.message)
      return yield* failure
    }).pipe(Effect.uninterruptible)
  }

  /** A write is not interrupted, so that it is known whether it was carried out; its time limit still holds. */
  #write(
    operation: Step["operation"],
    dn: string,
    write: Effect.Effect<LdapResult, LdapError>,
    ways: {
      readonly undo: (result: LdapResult | undefined) => Effect.Effect<void, LdapError>
      readonly inDoubt?: ((error: LdapError) => Effect.Effect<void, LdapError>) | undefined
    }
  ): Effect.Effect<LdapResult, LdapError> {
    return Effect.uninterruptible(
      Effect.onExit(write, (exit) =>
        Effect.sync(() => {
          const put = (undo: Step["undo"]) =>
            this.#steps.push({ operation, dn, undo, error: undefined, isUndone: false })
          if (Exit.isSuccess(exit)) put(ways.undo(exit.value))
          else {
            const error = Option.getOrUndefined(Exit.findErrorOption(exit))
            if (error !== undefined && isInDoubt(error)) put((ways.inDoubt ?? (() => ways.undo(undefined)))(error))
          }
        }))
    )
  }

  /** The entry before a write, with all values. */
  #read(
    dn: DnInput,
    attributes: ReadonlyArray<string>,
    options: OperationOptions | undefined
  ): Effect.Effect<LdapEntry, LdapError> {
    const { timeout } = options ?? {}
    const read = Effect.flatMap(
      this.#client.lookup(dn, { ...notFollowed, attributes, timeout }),
      (found) =>
        Option.isNone(found)
          ? refused("lookup", dn, "the entry can't be read, so what is written to it couldn't be taken back")
          : wholeEntry(this.#client, found.value, { ...notFollowed, timeout })
    )
    return readsWhereItWrites(read)
  }

  /** All at once, or value by value where another client has written some of it meanwhile. */
  #takeBack(dn: DnInput, changes: ReadonlyArray<LdapModification.LdapModification>): Effect.Effect<void, LdapError> {
    if (changes.length === 0) return Effect.void
    const send = (list: ReadonlyArray<LdapModification.LdapModification>) => this.#client.modify(dn, list, notFollowed)
    const each = changes.flatMap((change) =>
      change.operation === "add" || change.operation === "delete"
        ? change.values.map((value) => ({ ...change, values: [value] }))
        : [change]
    )
    return Effect.asVoid(Effect.catch(send(changes), (error) =>
      isRace(error)
        ? Effect.forEach(each, (change) =>
          Effect.catch(send([change]), (error) => isRace(error) ? Effect.void : Effect.fail(error)), { discard: true })
        : Effect.fail(error)))
  }
}

const own = (options: OperationOptions | undefined): OperationOptions => ({ ...options, ...notFollowed })

const isInDoubt = ({ reason }: LdapError): boolean => "inDoubt" in reason && reason.inDoubt === true

const isRace = ({ reason }: LdapError): boolean =>
  reason._tag === "NoSuchAttribute" || reason._tag === "AttributeOrValueExists"

const ignoring = <A>(effect: Effect.Effect<A, LdapError>, tag: LdapError["reason"]["_tag"]) =>
  Effect.catch(effect, (error) => error.reason._tag === tag ? Effect.void : Effect.fail(error))

const refused = (operation: string, dn: DnInput, detail: string): Effect.Effect<never, LdapError> =>
  Effect.fail(
    new LdapError({ reason: new InvalidRequest({ field: "transaction", detail }), operation, dn: dnFrom(dn) })
  )

const listOf = (changes: ModificationInput | ReadonlyArray<ModificationInput>): ReadonlyArray<ModificationInput> =>
  Array.isArray(changes) ? changes as ReadonlyArray<ModificationInput> : [changes as ModificationInput]

/** The name after a rename, and the rename that leads back. */
const wayBack = (before: LdapEntry, { newRdn, newSuperior }: RenameOptions) => {
  const parse = (text: string) => Result.getOrUndefined(LdapDn.parse(text, { lenient: true }))
  const dn = parse(before.dn)
  const rdn = newRdn === undefined ? dn?.rdns[0] : parse(newRdn.toString())?.rdns[0]
  const oldRdn = dn?.rdns[0]
  const superior = newSuperior === undefined ? undefined : parse(dnFrom(newSuperior))
  const above = dn === undefined ? undefined : LdapDn.parent(dn)
  if (dn === undefined || rdn === undefined || oldRdn === undefined || above === undefined) return undefined
  if (newSuperior !== undefined && superior === undefined) return undefined
  // A value that the entry had before stays.
  const hadValue = rdn.attributes.some(({ type, value }) =>
    before.getAllBytes(type).some((one) =>
      new LdapDn.RdnAttribute(type, one).key === new LdapDn.RdnAttribute(type, value).key
    )
  )
  return {
    dn: LdapDn.child(superior ?? above, rdn).toString(),
    options: {
      newRdn: oldRdn,
      deleteOldRdn: !hadValue,
      ...(superior === undefined ? undefined : { newSuperior: above })
    }
  }
}
