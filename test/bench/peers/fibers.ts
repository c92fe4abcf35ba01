/**
 * The floor with fibers: prepared requests and counted answers, as the floor has, in a program of effects. A fiber waits for each answer by
 * one callback. What a client on Effect costs beyond this is its own.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { bindRequest, open, search, type Wire, writesOf } from "./floor.ts"
import type { Client, Peer, Target } from "./Peer.ts"

const entryTag = 0x64

/** A power of two, far more than wait at one time: slapd answers in any order, and a request may wait while many later ones pass. */
const places = 65_536

const later = Promise.resolve()

/** Sends requests; those of one turn leave in one write. */
const sender = (wire: Wire): (template: Buffer) => Effect.Effect<void> => {
  const waiting = new Array<((exit: Exit.Exit<void>) => void) | undefined>(places)
  let batch: Array<Buffer> = []
  void wire.until((id, tag) => {
    if (tag === entryTag) return false
    const resume = waiting[id & (places - 1)]
    waiting[id & (places - 1)] = undefined
    resume?.(Exit.void)
    return false
  })
  const flush = (): void => {
    const full = batch
    batch = []
    wire.send(full.length === 1 ? full[0]! : Buffer.concat(full))
  }
  return (template) =>
    Effect.callback((resume) => {
      if (batch.length === 0) void later.then(flush)
      batch.push(wire.request(template))
      waiting[wire.lastId & (places - 1)] = resume
    })
}

/** An entry as a place in the bytes that came. They are overwritten by the next read. */
class Place {
  readonly bytes: Buffer
  readonly start: number

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes
    this.start = start
  }
}

type Places = Pull.Pull<readonly [Place, ...Array<Place>]>

/** The entries of a search as a stream: those of a chunk together, as a session has them. */
const entriesOf = (wire: Wire, base: string): Stream.Stream<Place> =>
  Stream.fromPull(Effect.sync(() => {
    let places: Array<Place> = []
    let isOver = false
    let resume: ((next: Places) => void) | undefined
    const next = (): Places | undefined => {
      if (places.length === 0) return isOver ? Cause.done() : undefined
      const taken = places as [Place, ...Array<Place>]
      places = []
      return Effect.succeed(taken)
    }
    let isPlanned = false
    const wake = (): void => {
      isPlanned = false
      const found = resume === undefined ? undefined : next()
      if (found === undefined) return
      const resumed = resume
      resume = undefined
      resumed!(found)
    }
    void wire.until((_, tag, chunk, at) => {
      if (tag === entryTag) places.push(new Place(chunk, at))
      else isOver = true
      if (!isPlanned) void later.then(wake)
      isPlanned = true
      return isOver
    })
    wire.send(wire.request(search(base, "subtree")))
    return Effect.suspend(() => next() ?? Effect.callback((resumed) => void (resume = resumed)))
  }))

const connect = async (target: Target): Promise<Client> => {
  const wire = await open(target)
  const send = sender(wire)
  await Effect.runPromise(send(bindRequest(target)))
  return {
    stream: (base) => Effect.runPromise(Stream.runFold(entriesOf(wire, base), () => 0, (count) => count + 1)),
    lookups: (dns, inFlight) => {
      const requests = dns.map((dn) => search(dn, "base"))
      return Effect.runPromise(Effect.forEach(requests, send, { concurrency: inFlight, discard: true }))
    },
    writes: (dns, inFlight) =>
      Effect.runPromise(
        Effect.forEach(dns.map(writesOf), ([add, modify, delete_]) =>
          send(add).pipe(Effect.andThen(send(modify)), Effect.andThen(send(delete_))), {
          concurrency: inFlight,
          discard: true
        })
      ),
    close: () => wire.close()
  }
}

export const peer: Peer = { connect }
