/**
 * Decides which session of a pool an operation gets, which operations wait, and how many more sessions are wanted. This is pure
 * bookkeeping: it doesn't open, close, check or wait for anything. Every change is one synchronous step, so no other fiber can act between
 * the choice of a session and its lease.
 *
 * The rules:
 *
 * - An operation with one answer gets the session with the fewest operations among those without streams. Of equal sessions it gets the one
 *   that was used last, so that idle sessions stay idle and can be closed.
 * - A stream gets a session without other operations while `max` allows. If `max` is 2 or more, one session is kept free of streams, so
 *   that lookups don't wait behind an export; further streams share sessions with other streams.
 * - A paged search (also a sorted search or a virtual list view) never shares a session with another one of these, because servers keep its
 *   state for each connection: slapd keeps one, Active Directory ten.
 * - Operations of one kind wait in the order in which they came.
 * - A search within a stream (in the fiber that consumes the stream) is served before other waiting operations. If all streams wait for
 *   their consumers, a consumer may be waiting for this search, so it is served beyond the limits: a paged search by a session beyond
 *   `max`, another one by a place beyond `concurrency`. The pool can't recognise a consumer that searches in other fibers. If such a
 *   standstill lasts, the latest search is treated as one within a stream, up to twice the limits.
 */

/** What an operation needs of its session. */
export interface Demand {
  /** Whether it is a stream, which holds its session until it ends. */
  readonly isStream: boolean
  /** Whether the server keeps state for it on the connection: pages, a sorted search, a virtual list view. */
  readonly isPaged: boolean
}

/** How a session is occupied. */
export class Occupancy {
  /** All operations that have the session. */
  leases = 0
  /** The operations among them that are streams. */
  streams = 0
  /** Streams whose consumers wait for the server. */
  pulled = 0
  paged: Lease<unknown> | undefined = undefined
  /** Whether any operation has ever had the session. */
  wasUsed = false
  /** Whether the session is withdrawn: no operation gets it any more. */
  isRetired = false
  /** A number that grows with each lease: the session with the greatest number was lent last. */
  turn = 0
}

/** The lease of a session by an operation. */
export interface Lease<out M> {
  readonly member: M
  readonly demand: Demand
  /** Whether the stream is waiting for the server, and not for its consumer. Always true for an operation that is no stream. */
  isPulled: boolean
  /** The fiber that consumes the stream, set while it doesn't wait for the server. */
  consumer: object | undefined
}

export interface Waiter<in M> {
  readonly demand: Demand
  /** Whether it is a search within a stream, for which the stream waits. */
  readonly isNested: boolean
  /** Called once, in the step in which a session is granted. */
  readonly grant: (lease: Lease<M>) => void
}

export interface Limits {
  readonly max: number
  readonly concurrency: number
}

export class Allocation<M extends { readonly occupancy: Occupancy }> {
  readonly #limits: Limits
  /** Whether another session can be opened, or is being opened. */
  readonly #canOpen: () => boolean
  readonly #members = new Set<M>()
  /** One queue for each kind, see {@link kindOf}; and one for searches within streams. */
  readonly #queues: ReadonlyArray<Set<Waiter<M>>> = [new Set(), new Set(), new Set(), new Set()]
  readonly #nested: ReadonlyArray<Set<Waiter<M>>> = [new Set(), new Set(), new Set(), new Set()]
  /** The waiting operations of all kinds, in the order in which they came. */
  readonly #sequence = new WeakMap<Waiter<M>, number>()
  /** Fibers that consume streams and don't wait for the server, with the number of their streams. */
  readonly #consumers = new Map<object, number>()
  #arrivals = 0
  #waiting = 0
  #turns = 0
  #pulls = 0
  #isServing = false
  #isToServeAgain = false

  constructor(limits: Limits, canOpen: () => boolean) {
    this.#limits = limits
    this.#canOpen = canOpen
  }

  /** The sessions that operations may get. */
  get members(): ReadonlySet<M> {
    return this.#members
  }

  get waiting(): number {
    return this.#waiting
  }

  /** A counter of changes, by which a caller sees whether anything has changed. */
  get activity(): number {
    return this.#turns + this.#pulls
  }

  add(member: M): void {
    this.#members.add(member)
    this.serve()
  }

  /** Withdraws a session: no operation gets it any more. */
  retire(member: M): void {
    member.occupancy.isRetired = true
    this.#members.delete(member)
  }

  /** Whether a fiber consumes a stream of this pool, so that the stream waits for the fiber's other operations. */
  isConsumer(fiber: object | undefined): boolean {
    return fiber !== undefined && this.#consumers.has(fiber)
  }

  /** A session at once, or `undefined` if the operation has to wait. */
  take(demand: Demand, isNested: boolean): Lease<M> | undefined {
    if (this.#waiting > 0 && this.#queueOf(demand, isNested).size > 0) return undefined
    const member = this.#choose(demand, isNested)
    return member === undefined ? undefined : this.#lend(member, demand)
  }

  wait(waiter: Waiter<M>): void {
    this.#sequence.set(waiter, this.#arrivals++)
    this.#queueOf(waiter.demand, waiter.isNested).add(waiter)
    this.#waiting++
    this.serve()
  }

  withdraw(waiter: Waiter<M>): void {
    const kind = kindOf(waiter.demand)
    if (this.#queues[kind]!.delete(waiter) || this.#nested[kind]!.delete(waiter)) this.#waiting--
  }

  giveBack(lease: Lease<M>): void {
    const { demand, member: { occupancy } } = lease
    occupancy.leases--
    if (demand.isStream) {
      occupancy.streams--
      if (lease.isPulled) occupancy.pulled--
      this.#releaseConsumer(lease)
    }
    if (occupancy.paged === lease) occupancy.paged = undefined
    this.serve()
  }

  /** Lets other paged searches have the session, while the lease goes on. */
  releasePages(lease: Lease<M>): void {
    const { occupancy } = lease.member
    if (occupancy.paged !== lease) return
    occupancy.paged = undefined
    this.serve()
  }

  /** Called when the consumer of a stream begins or stops waiting for the server. Grants no sessions: that may change in the same step. */
  pulls(lease: Lease<M>, isPulled: boolean, consumer: object | undefined): void {
    if (lease.isPulled === isPulled) return
    this.#pulls++
    lease.isPulled = isPulled
    lease.member.occupancy.pulled += isPulled ? 1 : -1
    if (isPulled) return this.#releaseConsumer(lease)
    if (consumer !== undefined) {
      lease.consumer = consumer
      this.#consumers.set(consumer, (this.#consumers.get(consumer) ?? 0) + 1)
    }
  }

  /** Grants the free sessions to operations that wait. */
  serve(): void {
    if (this.#waiting === 0) return
    // A grant resumes the fiber that waited, which may give back a session or ask for another in the same step.
    if (this.#isServing) {
      this.#isToServeAgain = true
      return
    }
    this.#isServing = true
    do {
      this.#isToServeAgain = false
      while (this.#serveOne()) {
        // Repeats until no kind of operation can be served.
      }
    } while (this.#isToServeAgain)
    this.#isServing = false
  }

  /** How many sessions are needed to serve all waiting operations. */
  get missing(): number {
    if (this.#waiting === 0) return 0
    const ofSingles = this.#queues[kindOf(single)]!.size
    return Math.ceil(ofSingles / this.#limits.concurrency) + this.#waiting - ofSingles
  }

  /**
   * How many connections are allowed, given how many exist and how many of them are being opened. That is more than `max` only if searches
   * wait for each other; the sessions beyond `max` are opened one at a time.
   */
  limit(connections: number, opening: number): number {
    const { max } = this.#limits
    const isNeeded = [pagedSingle, pagedStream].some((demand) =>
      this.#nested[kindOf(demand)]!.size > 0 && this.#isPagedStalled(demand)
    )
    return isNeeded && opening === 0 && connections >= max ? connections + 1 : max
  }

  /** Idle sessions beyond `max` that can be closed, because paged searches no longer fill the pool. */
  get surplus(): ReadonlyArray<M> {
    const { max } = this.#limits
    if (this.#members.size <= max) return none
    const all = [...this.#members]
    const paged = all.filter(({ occupancy }) => occupancy.paged !== undefined).length
    return paged >= max ? [] : all.filter(({ occupancy }) => occupancy.leases === 0).slice(0, all.length - max)
  }

  /** Whether searches wait that only the consumer of a stream can release, by reading on. */
  get isStandstill(): boolean {
    return longWaiting.some((demand) => this.#queues[kindOf(demand)]!.size > 0 && this.#isAtStandstill(demand))
  }

  /** At a standstill the search that came last counts as one within a stream, up to twice the limits. */
  rescue(connections: number): void {
    const { concurrency, max } = this.#limits
    for (const demand of longWaiting) {
      const queue = this.#queues[kindOf(demand)]!
      const last = [...queue].at(-1)
      if (last === undefined || !this.#isAtStandstill(demand)) continue
      const hasRoom = demand.isPaged
        ? connections < 2 * max || [...this.#members].some(({ occupancy }) => occupancy.paged === undefined)
        : [...this.#members].some(({ occupancy }) => occupancy.leases < 2 * concurrency)
      if (!hasRoom) continue
      queue.delete(last)
      this.#nested[kindOf(demand)]!.add(last)
    }
    this.serve()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Which operation is next
  // -------------------------------------------------------------------------------------------------------------------

  #serveOne(): boolean {
    const byArrival = (a: Waiter<M>, b: Waiter<M>): number => this.#sequence.get(a)! - this.#sequence.get(b)!
    const nested = this.#nested.flatMap((queue) => firstOf(queue) ?? []).sort(byArrival)
    const others = this.#queues.flatMap((queue) => firstOf(queue) ?? []).sort(byArrival)
    for (const waiter of [...nested, ...others]) {
      const isNested = this.#nested[kindOf(waiter.demand)]!.has(waiter)
      const member = this.#choose(waiter.demand, isNested) ?? (isNested ? this.#beyond(waiter.demand) : undefined)
      if (member === undefined) continue
      this.withdraw(waiter)
      waiter.grant(this.#lend(member, waiter.demand))
      return true
    }
    return false
  }

  #queueOf(demand: Demand, isNested: boolean): Set<Waiter<M>> {
    return (isNested ? this.#nested : this.#queues)[kindOf(demand)]!
  }

  #lend(member: M, demand: Demand): Lease<M> {
    const { occupancy } = member
    const lease: Lease<M> = { member, demand, isPulled: true, consumer: undefined }
    occupancy.leases++
    occupancy.turn = ++this.#turns
    if (demand.isStream) {
      occupancy.streams++
      occupancy.pulled++
    }
    if (demand.isPaged) occupancy.paged = lease
    return lease
  }

  #releaseConsumer(lease: Lease<M>): void {
    const { consumer } = lease
    if (consumer === undefined) return
    lease.consumer = undefined
    const streams = this.#consumers.get(consumer)! - 1
    if (streams === 0) this.#consumers.delete(consumer)
    else this.#consumers.set(consumer, streams)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Which session
  // -------------------------------------------------------------------------------------------------------------------

  #choose(demand: Demand, isNested: boolean): M | undefined {
    const { concurrency, max } = this.#limits
    /** The best without streams, and the best of those with streams. */
    let quiet: M | undefined
    let busy: M | undefined
    let streaming = 0
    let paged = 0
    for (const member of this.#members) {
      const { occupancy } = member
      if (occupancy.streams > 0) streaming++
      if (occupancy.paged !== undefined) {
        paged++
        if (demand.isPaged) continue
      }
      if (occupancy.streams === 0) {
        if (occupancy.leases < concurrency && isBetter(occupancy, quiet?.occupancy)) quiet = member
      } else if (this.#hasPlaceBesideStreams(occupancy, demand) && isBetter(occupancy, busy?.occupancy)) busy = member
    }
    // Sessions beyond `max` are for searches within streams.
    if (demand.isPaged && !isNested && paged >= max) return undefined
    if (!demand.isStream) return quiet ?? (this.#canOpen() ? undefined : busy)
    if (max === 1 ? streaming === 0 : streaming < max - 1) {
      if (quiet !== undefined && quiet.occupancy.leases === 0) return quiet
      return this.#canOpen() ? undefined : quiet ?? busy
    }
    // A search that can't share with another paged search takes the session that is kept free of streams if there is no other.
    return busy ?? (demand.isPaged ? quiet : undefined)
  }

  #hasPlaceBesideStreams({ leases, streams }: Occupancy, { isStream }: Demand): boolean {
    const { concurrency, max } = this.#limits
    // There is always a place for one lookup beside the streams, however many they are: their consumers may be waiting for it.
    if (!isStream) return leases < Math.max(concurrency, streams + 1)
    return leases < concurrency && (max > 1 || streams < Math.max(1, concurrency - 1))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Streams that wait for their consumers
  // -------------------------------------------------------------------------------------------------------------------

  #isStalled(demand: Demand): boolean {
    return demand.isPaged ? this.#isPagedStalled(demand) : this.#areStreamsStalled()
  }

  /** The same for searches that aren't recognised as within a stream, and get no session beyond `max`. */
  #isAtStandstill(demand: Demand): boolean {
    const paged = [...this.#members].flatMap(({ occupancy }) => occupancy.paged ?? [])
    return demand.isPaged && paged.length >= this.#limits.max
      ? paged.every(({ isPulled }) => !isPulled)
      : this.#isStalled(demand)
  }

  /** Whether no session can serve a paged search until the consumer of a stream reads on. */
  #isPagedStalled(demand: Demand): boolean {
    if (this.#members.size === 0 || this.#canOpen()) return false
    for (const { occupancy } of this.#members) {
      const { leases, paged, pulled, streams } = occupancy
      const isStuck = paged === undefined
        ? streams > 0 && leases === streams && pulled === 0 && !this.#hasPlaceBesideStreams(occupancy, demand)
        : !paged.isPulled
      if (!isStuck) return false
    }
    return true
  }

  #areStreamsStalled(): boolean {
    if (this.#members.size === 0 || this.#canOpen()) return false
    for (const { occupancy } of this.#members) if (occupancy.pulled > 0) return false
    return true
  }

  /** A place beyond `concurrency`, if all streams wait for their consumers. */
  #beyond(demand: Demand): M | undefined {
    if (!this.#isStalled(demand)) return undefined
    let best: M | undefined
    for (const member of this.#members) {
      const { occupancy } = member
      if (occupancy.streams === 0 || (demand.isPaged && occupancy.paged !== undefined)) continue
      if (isBetter(occupancy, best?.occupancy)) best = member
    }
    return best
  }
}

const none: ReadonlyArray<never> = []

const kindOf = ({ isPaged, isStream }: Demand): number => (isStream ? 2 : 0) + (isPaged ? 1 : 0)

/** An operation with one response. */
export const single: Demand = { isStream: false, isPaged: false }
export const pagedSingle: Demand = { isStream: false, isPaged: true }
const stream: Demand = { isStream: true, isPaged: false }
const pagedStream: Demand = { isStream: true, isPaged: true }

/** The kinds of operations that may have to wait for the end of a stream. */
const longWaiting: ReadonlyArray<Demand> = [pagedSingle, stream, pagedStream]

const isBetter = (a: Occupancy, b: Occupancy | undefined): boolean =>
  b === undefined || a.streams < b.streams ||
  (a.streams === b.streams && (a.leases < b.leases || (a.leases === b.leases && a.turn > b.turn)))

const firstOf = <A>(all: ReadonlySet<A>): A | undefined => {
  for (const one of all) return one
  return undefined
}
