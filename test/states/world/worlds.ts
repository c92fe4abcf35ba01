/**
 * The worlds that are searched. Each is complete: it contains every possible action of its operations, their callers, the
 * connection and the peer.
 */
import type { OperationSpec } from "../../../src/session/core/Operation.ts"
import { unitBytes } from "./Model.ts"
import type { Caller, World } from "./World.ts"

const timeoutMillis = 1000

const caller = (name: string, spec: Omit<OperationSpec, "timeoutMillis"> & Partial<OperationSpec>): Caller => ({
  name,
  spec: { timeoutMillis, ...spec }
})

const stream = caller("stream", { kind: "stream", expects: "SearchResultDone", maxUnread: 3 * unitBytes })
const collect = caller("collect", { kind: "collect", expects: "SearchResultDone" })
const write = caller("write", { kind: "request", expects: "AddResponse" })
const background = caller("background", { kind: "background", expects: "SearchResultDone" })
const bind = caller("bind", { kind: "bind", expects: "BindResponse" })
const startTls = caller("StartTLS", { kind: "startTls", expects: "ExtendedResponse" })
const reservation = caller("SASL bind", { kind: "reservation", expects: "BindResponse" })
const cancelOf = (target: number): Caller => ({
  ...caller("Cancel", { kind: "cancel", expects: "ExtendedResponse" }),
  target
})
/** The time limit is for the whole. */
const stepOf = (target: number, name: string): Caller => ({
  ...caller(name, { kind: "bindStep", expects: "BindResponse", timeoutMillis: Infinity }),
  target
})

const interruptible = (caller: Caller): Caller => ({ ...caller, leaves: ["Interrupt"] })
const letFinish = (caller: Caller): Caller => ({ ...caller, leaves: ["LetFinish"] })
const unsendable = (caller: Caller): Caller => ({ ...caller, isUnsendable: true })
const named = (name: string, caller: Caller): Caller => ({ ...caller, name })
const endless = (caller: Caller): Caller => ({ ...caller, spec: { ...caller.spec, timeoutMillis: Infinity } })
const within = (entries: number, by: "sizeLimit" | "scope", caller: Caller): Caller => ({
  ...caller,
  spec: { ...caller.spec, entryLimit: { entries, by } }
})

export const worlds: ReadonlyArray<World> = [
  {
    name: "SASL bind of two steps, write",
    why: "a conversation, the decision after it, and what comes meanwhile",
    isSmall: true,
    callers: [
      interruptible(reservation),
      unsendable(stepOf(0, "step one")),
      stepOf(0, "step two"),
      interruptible(write)
    ],
    entryUnits: [1],
    isNarrow: true,
    givesUp: true
  },
  {
    name: "collect, lookup, background",
    why: "entry limits of both kinds, and a request that no caller waits for",
    isSmall: true,
    callers: [
      interruptible(within(2, "sizeLimit", collect)),
      interruptible(named("lookup", within(1, "scope", collect))),
      background
    ],
    entryUnits: [1]
  },
  {
    name: "late events",
    why: "events that waited in the driver's queue while the operation, or the session, ended",
    isSmall: true,
    callers: [
      { ...stream, leaves: ["Interrupt", "LetFinish"] },
      interruptible(cancelOf(0)),
      interruptible(startTls)
    ],
    entryUnits: [2],
    givesUp: true,
    isLate: true
  },
  {
    name: "stream, write, bind",
    why: "ordinary operations and a bind that waits for them, on a connection that may have no room",
    callers: [interruptible(stream), unsendable(interruptible(write)), unsendable(interruptible(bind))],
    entryUnits: [1],
    isNarrow: true
  },
  {
    name: "stream, write, StartTLS",
    why: "the same with StartTLS: agreement, clear text, handshake, and the goodbye in the middle of it",
    callers: [interruptible(stream), interruptible(write), unsendable(interruptible(startTls))],
    entryUnits: [1],
    isNarrow: true
  },
  {
    name: "SASL bind, stream, StartTLS",
    why: "operations that need the connection alone, one behind the other, and a search that holds them up",
    callers: [interruptible(reservation), stepOf(0, "step"), interruptible(stream), interruptible(startTls)],
    entryUnits: [2],
    givesUp: true
  },
  {
    name: "stream with Cancel, write, StartTLS",
    why: "four operations of different kinds on a connection that may have no room",
    callers: [
      interruptible(stream),
      unsendable(interruptible(cancelOf(0))),
      interruptible(write),
      interruptible(startTls)
    ],
    entryUnits: [1],
    isNarrow: true
  },
  {
    name: "stream with Cancel, write, bind",
    why: "a Cancel that is granted, refused, not answered, not sent; and a bind that waits for what is cancelled",
    callers: [interruptible(stream), unsendable(interruptible(cancelOf(0))), interruptible(write), interruptible(bind)],
    entryUnits: [2],
    isNarrow: true
  },
  {
    name: "stream with Cancel, collect, bind, StartTLS",
    why: "five operations at once: two that read, a Cancel, and two that need the connection alone",
    callers: [
      interruptible(stream),
      interruptible(cancelOf(0)),
      interruptible(within(1, "scope", collect)),
      interruptible(bind),
      interruptible(startTls)
    ],
    entryUnits: [2]
  },
  {
    name: "two streams, write, background",
    why: "backpressure: entries of two sizes, references and intermediate responses, and how much may stay unread",
    callers: [
      interruptible(within(3, "sizeLimit", stream)),
      interruptible(named("watch", {
        ...stream,
        spec: { ...stream.spec, expects: "ExtendedResponse", givesAll: true, maxUnread: 4 * unitBytes }
      })),
      interruptible(write),
      background
    ],
    entryUnits: [1, 4]
  },
  {
    name: "stream and write left to finish, two binds",
    why: "what its caller has left keeps a bind waiting no longer than its time limit",
    callers: [letFinish(stream), letFinish(write), bind, interruptible(named("second bind", bind))],
    entryUnits: [2]
  },
  {
    name: "a stream left to finish, beside another",
    why: "a full stream doesn't keep the session from reading to the end of what its caller has left",
    callers: [letFinish(stream), interruptible(named("other stream", stream))],
    entryUnits: [2]
  },
  {
    name: "without time limits",
    why: "operations that may wait for ever; a SASL bind of two steps behind them",
    callers: [
      { ...endless(stream), leaves: ["Interrupt", "LetFinish"] },
      interruptible(endless(cancelOf(0))),
      letFinish(endless(write)),
      interruptible(endless(reservation)),
      stepOf(3, "step one"),
      stepOf(3, "step two")
    ],
    entryUnits: [2],
    isNarrow: true
  },
  {
    name: "ids start again",
    why: "an id that is in flight, or was abandoned, is passed over",
    callers: [interruptible(stream), cancelOf(0), interruptible(write), named("other write", write)],
    entryUnits: [],
    ages: true
  }
]
