/**
 * Which session of a pool an operation gets, which operations wait, and how many more sessions are wanted. Pure bookkeeping: nothing here
 * opens, closes, checks or waits, and every change is one synchronous step, so that no fiber can come between a look and a lease.
 *
 * The rules:
 *
 * - An operation with one answer goes to the session with the fewest operations that has no stream, of equals to the one that was used last,
 *   so that idle sessions stay idle and can be closed.
 * - A stream has a session without other operations while `max` allows. One session is kept free of streams where `max` is 2 or more, so
 *   that lookups don't wait behind an export; further streams share sessions with streams.
 * - A paged search (also a sorted one, and a virtual list view) has its session without other paged searches, because servers keep their
 *   state for each connection: slapd keeps one, Active Directory ten.
 * - Operations of one kind wait in the order in which they came.
 * - Streams that fill the pool and wait for their consumers may be waiting for a search that waits for them. In that case, and no
 *   other, the newest waiting search is served beyond the limits: a paged one by a session beyond `max`, another one by a place beyond
 *   `concurrency`. Twice the limit is the end of it.
 */

/** What an operation needs of its session. */
export interface Demand {
  /** It keeps its session for as long as its consumer takes. */
  readonly isStream: boolean
  /** The server keeps state for it on the connection: pages, a sorted search, a virtual list view. */
  readonly isPaged: boolean
}

/** How a session is occupied. */
export class Occupancy {
  /** All operations that have the session. */
  leases = 0
  /** Those of them that are streams. */
  streams = 0
  /** Streams whose consumers wait for the server. */
  pulled = 0
  paged: Lease<unknown> | undefined = undefined
  /** Whether an operation has ever had the session. */
  wasUsed = false
  /** No operation gets the session any more. */
  isRetired = false
  /** Greater for a session that was lent later. */
  turn = 0
}

/** That an operation has a session. */
export interface Lease<out M> {
  readonly member: M
  readonly demand: Demand
  /** Whether the consumer of the stream waits for the server, and not the other way round. Always true where it is no stream. */
  isPulled: boolean
}

export interface Waiter<in M> {
  readonly demand: Demand
  /** Called once, in the step in which there is a session. */
  readonly grant: (lease: Lease<M>) => void
}

export interface Limits {
  readonly max: number
  readonly concurrency: number
}

export class Allocation<M extends { readonly occupancy: Occupancy }> {
  readonly #limits: Limits
  /** Whether another session can be had. */
  readonly #canOpen: () => boolean
  readonly #members = new Set<M>()
  /** One for each kind, see {@link kindOf}. */
  readonly #queues: ReadonlyArray<Set<Waiter<M>>> = [new Set(), new Set(), new Set(), new Set()]
  /** In the order in which they came, over all kinds. */
  readonly #sequence = new WeakMap<Waiter<M>, number>()
  #arrivals = 0
  #waiting = 0
  #turns = 0
  #isServing = false
  #isToServeAgain = false

  constructor(limits: Limits, canOpen: () => boolean) {
    this.#limits = limits
    this.#canOpen = canOpen
  }

  /** Those that operations may get. */
  get members(): ReadonlySet<M> {
    return this.#members
  }

  get waiting(): number {
    return this.#waiting
  }

  /** The first that came of those that wait. */
  get oldest(): Waiter<M> | undefined {
    let oldest: Waiter<M> | undefined
    for (const queue of this.#queues) {
      const first = firstOf(queue)
      if (first !== undefined && (oldest === undefined || this.#cameBefore(first, oldest))) oldest = first
    }
    return oldest
  }

  /** Everything that waits, each kind in its order. */
  get waiters(): ReadonlyArray<Waiter<M>> {
    return this.#queues.flatMap((queue) => [...queue])
  }

  add(member: M): void {
    this.#members.add(member)
    this.serve()
  }

  /** No operation gets this one any more. */
  retire(member: M): void {
    member.occupancy.isRetired = true
    this.#members.delete(member)
  }

  /** A session at once, or `undefined` where the operation has to wait. */
  take(demand: Demand): Lease<M> | undefined {
    if (this.#queues[kindOf(demand)]!.size > 0) return undefined
    const member = this.#choose(demand)
    return member === undefined ? undefined : this.#lend(member, demand)
  }

  wait(waiter: Waiter<M>): void {
    this.#sequence.set(waiter, this.#arrivals++)
    this.#queues[kindOf(waiter.demand)]!.add(waiter)
    this.#waiting++
    this.serve()
  }

  /** Whether it was still waiting. */
  withdraw(waiter: Waiter<M>): boolean {
    const wasWaiting = this.#queues[kindOf(waiter.demand)]!.delete(waiter)
    if (wasWaiting) this.#waiting--
    return wasWaiting
  }

  giveBack({ demand, isPulled, member: { occupancy } }: Lease<M>): void {
    occupancy.leases--
    if (demand.isStream) {
      occupancy.streams--
      if (isPulled) occupancy.pulled--
    }
    if (demand.isPaged) occupancy.paged = undefined
    this.serve()
  }

  /** The consumer of a stream has turned to the server, or from it. */
  pulls(lease: Lease<M>, isPulled: boolean): void {
    if (lease.isPulled === isPulled) return
    lease.isPulled = isPulled
    lease.member.occupancy.pulled += isPulled ? 1 : -1
    if (!isPulled) this.serve()
  }

  /** Gives sessions to those that wait, as far as there are any. */
  serve(): void {
    if (this.#waiting === 0) return
    // A grant runs the fiber that waited, which may give back or ask for more.
    if (this.#isServing) {
      this.#isToServeAgain = true
      return
    }
    this.#isServing = true
    do {
      this.#isToServeAgain = false
      while (this.#serveOne()) {
        // Until no kind can be served.
      }
    } while (this.#isToServeAgain)
    this.#isServing = false
  }

  /** How many sessions it takes to serve everything that waits. */
  get missing(): number {
    if (this.#waiting === 0) return 0
    const [single, paged, streams, pagedStreams] = this.#queues.map(({ size }) => size) as [
      number,
      number,
      number,
      number
    ]
    return Math.ceil(single / this.#limits.concurrency) + paged + streams + pagedStreams
  }

  /** How many connections there may be, given how many there are: more than `max` only where searches wait for each other. */
  limit(connections: number): number {
    const { max } = this.#limits
    const pagedWaiting = this.#queues[kindOf(pagedSingle)]!.size + this.#queues[kindOf(pagedStream)]!.size
    return pagedWaiting > 0 && connections >= max && this.#isPagedStalled() ? Math.min(connections + 1, 2 * max) : max
  }

  /** Whether paged searches fill the pool, so that a session beyond `max` may be needed again. */
  get isFullOfPages(): boolean {
    let paged = 0
    for (const { occupancy } of this.#members) if (occupancy.paged !== undefined) paged++
    return paged >= this.#limits.max
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Whose turn it is
  // -------------------------------------------------------------------------------------------------------------------

  #serveOne(): boolean {
    const firsts: Array<Waiter<M>> = []
    for (const [kind, queue] of this.#queues.entries()) {
      const next = queue.size > 1 && this.#isStalled(kind) ? lastOf(queue) : firstOf(queue)
      if (next !== undefined) firsts.push(next)
    }
    firsts.sort((a, b) => this.#cameBefore(a, b) ? -1 : 1)
    for (const waiter of firsts) {
      const member = this.#choose(waiter.demand) ?? this.#beyond(waiter.demand)
      if (member === undefined) continue
      this.withdraw(waiter)
      waiter.grant(this.#lend(member, waiter.demand))
      return true
    }
    return false
  }

  #cameBefore(a: Waiter<M>, b: Waiter<M>): boolean {
    return this.#sequence.get(a)! < this.#sequence.get(b)!
  }

  #lend(member: M, demand: Demand): Lease<M> {
    const { occupancy } = member
    const lease: Lease<M> = { member, demand, isPulled: true }
    occupancy.leases++
    occupancy.turn = ++this.#turns
    if (demand.isStream) {
      occupancy.streams++
      occupancy.pulled++
    }
    if (demand.isPaged) occupancy.paged = lease
    return lease
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Which session
  // -------------------------------------------------------------------------------------------------------------------

  #choose(demand: Demand): M | undefined {
    const { concurrency, max } = this.#limits
    /** The best without streams, and the best of those with streams. */
    let quiet: M | undefined
    let busy: M | undefined
    let streaming = 0
    for (const member of this.#members) {
      const { occupancy } = member
      if (occupancy.streams > 0) streaming++
      if (demand.isPaged && occupancy.paged !== undefined) continue
      if (occupancy.streams === 0) {
        if (occupancy.leases < concurrency && isBetter(occupancy, quiet?.occupancy)) quiet = member
      } else if (this.#hasPlaceBesideStreams(occupancy, demand) && isBetter(occupancy, busy?.occupancy)) busy = member
    }
    if (!demand.isStream) return quiet ?? (this.#canOpen() ? undefined : busy)
    if (max === 1 ? streaming === 0 : streaming < max - 1) {
      if (quiet !== undefined && quiet.occupancy.leases === 0) return quiet
      return this.#canOpen() ? undefined : quiet ?? busy
    }
    // The session that is kept free of streams is the last resort of a search that can't share with another paged one.
    return busy ?? (demand.isPaged ? quiet : undefined)
  }

  #hasPlaceBesideStreams({ leases, streams }: Occupancy, { isStream }: Demand): boolean {
    const { concurrency, max } = this.#limits
    // However many streams there are, one lookup beside them goes on: their consumers may be waiting for it.
    if (!isStream) return leases < Math.max(concurrency, streams + 1)
    return leases < concurrency && (max > 1 || streams < Math.max(1, concurrency - 1))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Streams that wait for their consumers
  // -------------------------------------------------------------------------------------------------------------------

  #isStalled(kind: number): boolean {
    return kind === kindOf(single)
      ? false
      : kind === kindOf(stream)
      ? this.#areStreamsStalled()
      : this.#isPagedStalled()
  }

  /** All sessions that the pool may have are taken by paged searches whose consumers are busy. */
  #isPagedStalled(): boolean {
    let paged = 0
    for (const { occupancy } of this.#members) {
      if (occupancy.paged === undefined) continue
      if (occupancy.paged.isPulled) return false
      paged++
    }
    return paged >= this.#limits.max
  }

  #areStreamsStalled(): boolean {
    if (this.#members.size === 0 || this.#canOpen()) return false
    for (const { occupancy } of this.#members) if (occupancy.pulled > 0) return false
    return true
  }

  /** A place beyond `concurrency` for a stream that isn't paged, where all others wait for their consumers. */
  #beyond({ isPaged, isStream }: Demand): M | undefined {
    if (!isStream || isPaged || !this.#areStreamsStalled()) return undefined
    let best: M | undefined
    for (const member of this.#members) {
      const { leases, streams } = member.occupancy
      if (streams === 0 || leases >= 2 * this.#limits.concurrency) continue
      if (isBetter(member.occupancy, best?.occupancy)) best = member
    }
    return best
  }
}

const kindOf = ({ isPaged, isStream }: Demand): number => (isStream ? 2 : 0) + (isPaged ? 1 : 0)

/** An operation that has one answer. */
export const single: Demand = { isStream: false, isPaged: false }
const pagedSingle: Demand = { isStream: false, isPaged: true }
const stream: Demand = { isStream: true, isPaged: false }
const pagedStream: Demand = { isStream: true, isPaged: true }

const isBetter = (a: Occupancy, b: Occupancy | undefined): boolean =>
  b === undefined || a.streams < b.streams ||
  (a.streams === b.streams && (a.leases < b.leases || (a.leases === b.leases && a.turn > b.turn)))

const firstOf = <A>(all: ReadonlySet<A>): A | undefined => {
  for (const one of all) return one
  return undefined
}

const lastOf = <A>(all: ReadonlySet<A>): A | undefined => [...all].at(-1)
