/** Binary values of the drop-in: small ones are copies, so that they keep no received buffer in memory; a large one isn't copied. */
import { assert, it } from "@effect/vitest"
import { entryReader } from "../../src/ldapts/entries.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import { encode } from "../../src/protocol/encode.ts"
import { LdapParser } from "../../src/protocol/LdapParser.ts"

const noise = (length: number, first: number) => Buffer.alloc(length, 0xff).fill(first, 0, 1)

it("a large value is a view of what was received; small ones beside it are copies", () => {
  const sent = LdapEntry.make("cn=a", { small: noise(100, 1), large: noise(1_000_000, 2), other: noise(100_000, 3) })
  const message = encode({ messageId: 1, operation: { _tag: "SearchResultEntry", entry: sent }, controls: [] })
  let entry = sent
  new LdapParser().push(Uint8Array.from(message), ({ operation }) => {
    if (operation._tag === "SearchResultEntry") entry = operation.entry
  })
  const { large, other, small } = entryReader()(entry) as unknown as Record<string, Buffer>
  assert.deepStrictEqual([small, large, other], [noise(100, 1), noise(1_000_000, 2), noise(100_000, 3)])
  assert.isBelow(large!.buffer.byteLength, 1_200_000)
  assert.isAtLeast(large!.buffer.byteLength, 1_100_000)
  for (const copy of [small!, other!]) assert.notStrictEqual(copy.buffer, large!.buffer)
})
