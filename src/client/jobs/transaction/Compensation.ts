/**
 * Writes that can be undone: each is carried out at once, and its inverse is kept, for servers without transactions. LdapTransaction.ts
 * decides when writes are undone, and makes all requests go to one server. inverse.ts computes the inverse of each write.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as LdapControl from "../../../model/control/controls.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError, type LdapResult } from "../../../model/LdapError.ts"
import type * as LdapModification from "../../../model/LdapModification.ts"
import { dnFrom, modificationFrom, type ModificationInput } from "../../../model/ldapts.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../../session/LdapSession.ts"
import { wholeEntry } from "../../../session/valueRanges.ts"
import { notFollowed } from "../ownServer.ts"
import { hasIncrement, inverseOf, wasCarriedOut, wayBack } from "./inverse.ts"

/**
 * A write that could not be taken back.
 *
 * @category models
 * @since 0.2.0
 */
export interface NotUndone {
  /** The kind of write. */
  readonly operation: "add" | "modify" | "delete" | "rename"
  /** The entry, under the name that the write gave it. */
  readonly dn: string
  /** The error; `undefined` if the time limit passed before the inverse was sent or answered. */
  readonly error: LdapError | undefined
}

/**
 * A program failed or was interrupted, and not all of its writes could be undone: the directory has some of them and not the others. The
 * writes are listed, the latest first. The error is also logged, since an interrupted program has no result.
 *
 * @category errors
 * @since 0.2.0
 */
export class CompensationFailed extends Data.TaggedError("CompensationFailed")<{
  /** Why the writes had to be taken back. */
  readonly cause: Cause.Cause<unknown>
  /** How many writes were taken back. */
  readonly undone: number
  /** The writes that were not undone, in the order in which undoing them was tried. */
  readonly remaining: ReadonlyArray<NotUndone>
}> {
  override get message(): string {
    const list = this.remaining.map(({ dn, error, operation }) =>
      `${operation} of "${dn}" (${error === undefined ? "there was no time left" : error.reason.message})`
    )
    return `${this.remaining.length} writes of a transaction could not be taken back: ${list.join("; ")}`
  }
}

/** What is known when a write is taken back. */
interface Circumstances {
  /** Whether the write may be undone already, by an attempt that got no answer. */
  readonly mayBeBack: boolean
  /** Whether a later write could not be undone, so that entries may still have the names that it gave them. */
  readonly isIncomplete: boolean
}

type Undo = (circumstances: Circumstances) => Effect.Effect<void, LdapError>

interface Step {
  readonly operation: NotUndone["operation"]
  readonly dn: string
  /** `undefined` while the write is in flight. */
  undo: Undo | undefined
  /** Whether the inverse may be sent again if it isn't known whether the server has carried it out. */
  readonly isRepeatable: boolean
  error: LdapError | undefined
  isUndone: boolean
}

/** A write, after the entry was read. */
interface Prepared {
  readonly dn: string
  readonly write: Effect.Effect<LdapResult, LdapError>
  readonly undo: (result: LdapResult) => Undo
  /** The inverse if it isn't known whether the write was carried out. */
  readonly inDoubt: (error: LdapError) => Undo
  readonly isRepeatable?: boolean
}

/** What the writes need to know of the server. */
export interface CompensationOptions {
  readonly hasPreRead: boolean
  /** Whether deleted entries can be added again. In Active Directory they would be different accounts, without a password. */
  readonly canAddAgain: boolean
}

export class Compensation {
  readonly #client: LdapOperations
  readonly #options: CompensationOptions
  readonly #steps: Array<Step> = []
  /** Writes run one at a time, each with the read before it: the inverses are sent in the reverse order. */
  readonly #oneAtATime = Semaphore.makeUnsafe(1)
  #hasEnded = false

  constructor(client: LdapOperations, options: CompensationOptions) {
    this.#client = client
    this.#options = options
  }

  readonly add: LdapOperations["add"] = (dn, attributes, options) =>
    this.#write(
      "add",
      Effect.succeed({
        dn: dnFrom(dn),
        write: this.#client.add(dn, attributes, own(options)),
        // A missing entry was deleted already, or has kept another name because a later rename could not be undone.
        undo: () => ({ isIncomplete }) => {
          const deleted = Effect.asVoid(this.#client.delete(dn, notFollowed))
          return isIncomplete ? deleted : ignoring(deleted, "NoSuchObject")
        },
        // It isn't known whether this request or another client has added the entry, so it isn't deleted.
        inDoubt: (error) => () =>
          Effect.flatMap(this.#exists(dn), (exists) => exists ? Effect.fail(error) : Effect.void)
      })
    )

  readonly delete: LdapOperations["delete"] = (dn, options) => {
    if (!this.#options.canAddAgain) {
      const detail = "a deleted entry of Active Directory can't be added again as it was (its SID, its password): " +
        "delete it after the transaction"
      return refused("delete", dn, detail)
    }
    return this.#write(
      "delete",
      Effect.map(this.#read(dn, ["*"], options), (before) => {
        const undo = (mayBeThere: boolean): Undo => ({ mayBeBack }) => {
          const added = Effect.asVoid(this.#client.add(dn, before.attributes, notFollowed))
          // Otherwise another client has added the entry that is there.
          return mayBeThere || mayBeBack ? ignoring(added, "EntryAlreadyExists") : added
        }
        const write = this.#client.delete(dn, own(options))
        return { dn: dnFrom(dn), write, undo: () => undo(false), inDoubt: () => undo(true) }
      })
    )
  }

  readonly modify: LdapOperations["modify"] = (dn, input, options) => {
    const changes = listOf(input).map(modificationFrom)
    if (changes.some(({ attribute }) => attribute.toLowerCase() === "unicodepwd"))
      return refused("modify", dn, "the old password can't be read, so this change can't be taken back")
    const attributes = Array.from(new Set(changes.map(({ attribute }) => attribute)))
    const asked = attributes.length === 0 ? ["1.1"] : attributes
    const controls = this.#options.hasPreRead
      ? [...(options?.controls ?? []), LdapControl.preReadRequest.make(attributes)]
      : options?.controls
    return this.#write(
      "modify",
      Effect.map(this.#read(dn, asked, options), (before): Prepared => ({
        dn: dnFrom(dn),
        write: this.#client.modify(dn, changes, { ...own(options), controls }),
        // The entry that the server returned with the write is newer than the one that was read before it.
        undo: (result) => () => {
          const read = LdapControl.preReadResponse.find(result.controls)
          return this.#takeBack(dn, inverseOf(Option.getOrElse(read, () => before), changes))
        },
        inDoubt: (error) => () =>
          // Changes of values can be undone in any case, an increment only if it was carried out.
          !hasIncrement(changes)
            ? this.#takeBack(dn, inverseOf(before, changes))
            : Effect.flatMap(this.#read(dn, asked, options), (now) => {
              const isThere = wasCarriedOut(before, now, changes)
              if (isThere === undefined) return Effect.fail(error)
              return isThere ? this.#takeBack(dn, inverseOf(before, changes)) : Effect.void
            }),
        isRepeatable: !hasIncrement(changes)
      }))
    )
  }

  readonly rename: LdapOperations["rename"] = (dn, options) =>
    this.#write(
      "rename",
      Effect.flatMap(this.#read(dn, ["*"], options), (before) => {
        const back = wayBack(before, options)
        if (back === undefined)
          return refused("rename", dn, "the name can't be read, so this change can't be taken back")
        const rename = Effect.asVoid(this.#client.rename(back.dn, { ...back.options, ...notFollowed }))
        const ifThere = Effect.flatMap(this.#exists(back.dn), (exists) => exists ? rename : Effect.void)
        const backBy = (renamed: typeof rename) => Effect.andThen(renamed, this.#takeBack(before.dn, back.changes))
        return Effect.succeed({
          dn: back.dn,
          write: this.#client.rename(dn, { ...options, ...notFollowed }),
          undo: () => ({ mayBeBack }) => backBy(mayBeBack ? ifThere : rename),
          inDoubt: () => () => backBy(ifThere)
        })
      })
    )

  /** Refuses the writes that still wait. */
  end(): void {
    this.#hasEnded = true
  }

  /** Waits for the write in flight, and then undoes all writes, the latest first, within the time limit. */
  undo(cause: Cause.Cause<unknown>, limit: Duration.Input): Effect.Effect<void, CompensationFailed> {
    const steps = this.#steps
    const all = this.#oneAtATime.withPermit(
      Effect.suspend(() => Effect.forEach(latestFirst(steps), (step) => takeBack(step, steps), { discard: true }))
    )
    return Effect.gen(function*() {
      if (steps.length === 0) return
      // This fiber may be interrupted already, so another fiber does the work, and this one waits for it in every case.
      const over = yield* Deferred.make<void>()
      const finish = Deferred.succeed(over, undefined)
      const work = yield* Effect.forkDetach(Effect.ensuring(all, finish))
      const watch = yield* Effect.forkDetach(Effect.andThen(Effect.sleep(limit), finish))
      yield* Deferred.await(over)
      yield* Effect.forkDetach(Effect.andThen(Fiber.interrupt(watch), Fiber.interrupt(work)))
      const remaining = latestFirst(steps).filter(({ isUndone }) => !isUndone)
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
    prepare: Effect.Effect<Prepared, LdapError>
  ): Effect.Effect<LdapResult, LdapError> {
    const refusal = refused(operation, undefined, "it has ended, so nothing more can be a part of it")
    const carryOut = ({ dn, inDoubt, isRepeatable = true, undo, write }: Prepared) =>
      Effect.suspend(() => {
        const step: Step = { operation, dn, undo: undefined, isRepeatable, error: undefined, isUndone: false }
        this.#steps.push(step)
        return Effect.onExit(write, (exit) =>
          Effect.sync(() => {
            const error = Exit.isFailure(exit) ? Option.getOrUndefined(Exit.findErrorOption(exit)) : undefined
            if (Exit.isSuccess(exit)) step.undo = undo(exit.value)
            else if (error !== undefined && isInDoubt(error)) step.undo = inDoubt(error)
            // This write is the latest, since only one runs at a time.
            else this.#steps.pop()
          }))
      }).pipe(Effect.uninterruptible)
    return this.#oneAtATime.withPermit(
      Effect.suspend(() => this.#hasEnded ? refusal : Effect.flatMap(prepare, carryOut))
    )
  }

  #exists(dn: DnInput): Effect.Effect<boolean, LdapError> {
    return Effect.map(this.#client.lookup(dn, { ...notFollowed, attributes: ["1.1"] }), Option.isSome)
  }

  /** The entry before a write, with all values. */
  #read(
    dn: DnInput,
    attributes: ReadonlyArray<string>,
    options: OperationOptions | undefined
  ): Effect.Effect<LdapEntry, LdapError> {
    const { timeout } = options ?? {}
    return Effect.flatMap(
      this.#client.lookup(dn, { ...notFollowed, attributes, timeout }),
      (found) =>
        Option.isNone(found)
          ? refused("lookup", dn, "the entry can't be read, so what is written to it couldn't be taken back")
          : wholeEntry(this.#client, found.value, { ...notFollowed, timeout })
    )
  }

  /** Sends all changes in one request. If another client has changed some values meanwhile, sends them value by value. */
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

const latestFirst = (steps: ReadonlyArray<Step>): ReadonlyArray<Step> => [...steps].reverse()

const takeBack = (step: Step, steps: ReadonlyArray<Step>): Effect.Effect<void> => {
  const { isRepeatable, undo } = step
  if (undo === undefined) return Effect.void
  let mayBeBack = false
  const attempt = Effect.suspend(() =>
    undo({ mayBeBack, isIncomplete: steps.some(({ error, isUndone }) => error !== undefined && !isUndone) })
  )
  return attempt.pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        step.error = error
        mayBeBack ||= isInDoubt(error)
      })
    ),
    Effect.retry({
      schedule: Schedule.exponential("100 millis"),
      times: 4,
      while: (error) => isInDoubt(error) ? isRepeatable : error.isRetryable
    }),
    Effect.match({
      onSuccess: () => {
        step.isUndone = true
      },
      onFailure: () => {}
    })
  )
}

const own = (options: OperationOptions | undefined): OperationOptions => ({ ...options, ...notFollowed })

const isInDoubt = ({ reason }: LdapError): boolean => "inDoubt" in reason && reason.inDoubt === true

const isRace = ({ reason }: LdapError): boolean =>
  reason._tag === "NoSuchAttribute" || reason._tag === "AttributeOrValueExists"

const ignoring = (effect: Effect.Effect<void, LdapError>, tag: LdapError["reason"]["_tag"]) =>
  Effect.catch(effect, (error) => error.reason._tag === tag ? Effect.void : Effect.fail(error))

const refused = (operation: string, dn: DnInput | undefined, detail: string): Effect.Effect<never, LdapError> =>
  Effect.fail(
    new LdapError({
      reason: new InvalidRequest({ field: "transaction", detail }),
      operation,
      ...(dn === undefined ? undefined : { dn: dnFrom(dn) })
    })
  )

const listOf = (changes: ModificationInput | ReadonlyArray<ModificationInput>): ReadonlyArray<ModificationInput> =>
  Array.isArray(changes) ? changes as ReadonlyArray<ModificationInput> : [changes as ModificationInput]
