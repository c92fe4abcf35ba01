import { expect, it } from "vitest"
import { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import { highWaterMark } from "../../../src/session/core/Backpressure.ts"
import { makeOperation } from "../../../src/session/core/Operation.ts"
import { SessionMachine } from "../../../src/session/core/SessionMachine.ts"

const maxUnread = highWaterMark / 4
const entry = new LdapEntry(Buffer.alloc(highWaterMark / 2), 0, highWaterMark / 2)

/** A stream that isn't read receives two entries, each of them larger than the limit of unread bytes. */
const endsOfUnread = (isOtherWaiting: boolean): ReadonlyArray<string> => {
  const machine = new SessionMachine(1000)
  const search = { kind: "stream", expects: "SearchResultDone", timeoutMillis: 1000, maxUnread } as const
  const stream = makeOperation("stream", search)
  const write = makeOperation("write", { kind: "request", expects: "AddResponse", timeoutMillis: 1000 })
  machine.apply({ _tag: "Start", operation: stream })
  if (isOtherWaiting) machine.apply({ _tag: "Start", operation: write })
  machine.apply({ _tag: "Flush" })
  const message = {
    messageId: stream.messageId,
    operation: { _tag: "SearchResultEntry" as const, entry },
    controls: []
  }
  machine.apply({ _tag: "Message", message })
  machine.apply({ _tag: "Message", message })
  machine.apply({ _tag: "ReadEnd", leftover: 0, malformed: undefined })
  return machine.actions.flatMap((action) => (action._tag === "Settle" ? [action.outcome._tag] : []))
}

it("S12: an unread stream ends when another operation keeps the session reading", () => {
  expect(endsOfUnread(true)).toEqual(["Unread"])
})

it("S10: an unread stream goes on when no other operation keeps the session reading, however large its entries are", () => {
  expect(endsOfUnread(false)).toEqual([])
})
