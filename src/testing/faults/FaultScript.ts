/**
 * The faults that are in force, and which of them apply to a request. FaultyConnection.ts carries them out. The only state here
 * is the counting of requests.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { RequestOperation } from "../../protocol/LdapMessage.ts"
import { parseDn } from "../directory/DirectoryState.ts"
import type { DirectoryFault, Occasion, Random, RequestKind, Where } from "../DirectoryFault.ts"

/**
 * A fault that happened.
 *
 * @category models
 * @since 0.1.0
 */
export interface InjectedFault {
  /** The number of the connection, from 1. */
  readonly connection: number
  /** The request, or the opening of the connection. */
  readonly on: Occasion
  /** The message id of the request; `undefined` if the fault applies to the connection. */
  readonly messageId: number | undefined
  /** The fault that happened. */
  readonly fault: Exclude<DirectoryFault, Random>
}

/**
 * The faults of a directory, which can be changed while it runs. Fibers may share it.
 *
 * @category models
 * @since 0.1.0
 */
export interface DirectoryFaults {
  /** The faults in force, as they were given. */
  readonly current: ReadonlyArray<DirectoryFault>
  /**
   * Replaces the faults and restarts the counting. The effects of the old faults on open connections end: stalled connections
   * continue, slow ones get their normal speed. A request that was dropped stays dropped.
   */
  readonly set: (faults: ReadonlyArray<DirectoryFault> | DirectoryFault) => Effect.Effect<void>
  /** Removes all faults, as `set([])` does. */
  readonly clear: Effect.Effect<void>
  /** The faults that have happened since the directory was made, in order. */
  readonly injected: ReadonlyArray<InjectedFault>
  /**
   * Waits until that many faults have happened, and returns the last of them. A test waits for it before it moves the clock.
   * Interruption stops the wait.
   */
  readonly happened: (count?: number) => Effect.Effect<InjectedFault>
}

/** The facts of a connection or a request that faults are matched by. */
export interface FaultEvent {
  readonly on: Occasion
  readonly connection: number
  readonly dn: string | undefined
  readonly oid: string | undefined
}

export type SingleFault = InjectedFault["fault"]

/** The faults between two calls of `set`. */
export class FaultScript {
  readonly faults: ReadonlyArray<DirectoryFault>
  /** Opens when other faults replace these. */
  readonly replaced = Latch.makeUnsafe()
  readonly #matchers: ReadonlyArray<(event: FaultEvent) => SingleFault | undefined>

  constructor(faults: ReadonlyArray<DirectoryFault>) {
    this.faults = faults
    this.#matchers = faults.map(matcher)
  }

  /** Counts an event and returns the faults that apply to it, in the order in which they were given. */
  meet(event: FaultEvent): ReadonlyArray<SingleFault> {
    const met: Array<SingleFault> = []
    for (const match of this.#matchers) {
      const fault = match(event)
      if (fault !== undefined) met.push(fault)
    }
    return met
  }
}

/** The faults of one directory; {@link DirectoryFaults} is its public part. */
export class FaultControl {
  script: FaultScript
  readonly #injected: Array<InjectedFault> = []
  readonly #waiting = new Set<() => void>()
  readonly faults: DirectoryFaults

  constructor(faults: ReadonlyArray<DirectoryFault>) {
    this.script = new FaultScript(faults)
    const set = (faults: ReadonlyArray<DirectoryFault> | DirectoryFault) =>
      Effect.suspend(() => {
        const { replaced } = this.script
        this.script = new FaultScript("_tag" in faults ? [faults] : [...faults])
        return Effect.asVoid(replaced.open)
      })
    const current = () => this.script.faults
    const injected = () => this.#injected.slice()
    this.faults = {
      get current() {
        return current()
      },
      set,
      clear: set([]),
      get injected() {
        return injected()
      },
      happened: (count = 1) => this.#happened(count)
    }
  }

  note(injected: InjectedFault): void {
    this.#injected.push(injected)
    for (const look of [...this.#waiting]) look()
  }

  #happened(count: number): Effect.Effect<InjectedFault> {
    return Effect.callback((resume) => {
      const look = () => {
        const fault = this.#injected[count - 1]
        if (fault === undefined) return
        this.#waiting.delete(look)
        resume(Effect.succeed(fault))
      }
      this.#waiting.add(look)
      look()
      return Effect.sync(() => this.#waiting.delete(look))
    })
  }
}

const matcher = (fault: DirectoryFault): (event: FaultEvent) => SingleFault | undefined => {
  const matches = condition(fault.where)
  if (fault._tag !== "Random") return (event) => (matches(event) && applies(fault, event) ? fault : undefined)
  const next = uniform(fault.seed)
  const choices = fault.faults.map(matcher)
  return (event) => {
    if (choices.length === 0 || !matches(event)) return undefined
    // Both numbers are drawn each time, so that another probability gives the same sequence of kinds.
    const chance = next()
    const choice = choices[Math.floor(next() * choices.length)]
    return chance < fault.probability ? choice?.(event) : undefined
  }
}

/** A result can't replace the opening of a connection. */
const applies = (fault: SingleFault, event: FaultEvent): boolean =>
  event.on !== "connect" || fault._tag !== "WrongResult"

const condition = ({ connection, dn, nth, oid, on }: Where): (event: FaultEvent) => boolean => {
  const kinds = on === undefined ? undefined : new Set(typeof on === "string" ? [on] : on)
  const key = dn === undefined ? undefined : keyOf(dn)
  let seen = 0
  return (event) => {
    const matches = (kinds === undefined ? event.on !== "connect" : kinds.has(event.on)) &&
      (key === undefined || (event.dn !== undefined && keyOf(event.dn) === key)) &&
      (oid === undefined || event.oid === oid) &&
      (connection === undefined || event.connection === connection)
    return matches && (nth === undefined || ++seen === nth)
  }
}

/** Text that isn't a name is compared as it is. */
const keyOf = (dn: string): string => parseDn(dn)?.key ?? dn

const kinds: { readonly [Kind in RequestOperation["_tag"]]: RequestKind | undefined } = {
  BindRequest: "bind",
  UnbindRequest: undefined,
  SearchRequest: "search",
  ModifyRequest: "modify",
  AddRequest: "add",
  DeleteRequest: "delete",
  ModifyDnRequest: "rename",
  CompareRequest: "compare",
  AbandonRequest: undefined,
  ExtendedRequest: "extended"
}

/** The event of a request; `undefined` if no fault applies to such requests. */
export const eventOf = (connection: number, request: RequestOperation): FaultEvent | undefined => {
  const on = kinds[request._tag]
  if (on === undefined) return undefined
  const dn = request._tag === "BindRequest"
    ? request.name
    : request._tag === "SearchRequest"
    ? request.base
    : "dn" in request
    ? request.dn
    : undefined
  return { on, connection, dn, oid: request._tag === "ExtendedRequest" ? request.oid : undefined }
}

/** A generator of numbers from 0 to 1 (mulberry32). The same seed gives the same numbers. */
const uniform = (seed: number | string): () => number => {
  let state = 0x9e3779b9
  for (const character of String(seed)) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x85ebca6b) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
