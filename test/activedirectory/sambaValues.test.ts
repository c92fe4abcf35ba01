/** SIDs, GUIDs, times, flags and kinds, compared with Samba's own bindings. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Guid from "../../src/activedirectory/ActiveDirectoryGuid.ts"
import * as Sid from "../../src/activedirectory/ActiveDirectorySid.ts"
import * as Time from "../../src/activedirectory/ActiveDirectoryTime.ts"
import * as LdapSchema from "../../src/schema/LdapSchema.ts"
import { below, random } from "../fuzz/mutate.ts"
import { randomGuid, randomSid } from "./randomDescriptor.ts"
import { askSamba, hasSambaNdr } from "./sambaNdr.ts"

const get = Result.getOrThrow
const seeds = Array.from({ length: 500 }, (_, i) => i + 1)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** The answers of Samba, all in one process. */
const ask = <A>(call: string, values: ReadonlyArray<unknown>): ReadonlyArray<A> =>
  askSamba(values.map((value) => [call, value] as const)).map(({ error, value }) => {
    assert.isUndefined(error)
    return value as A
  })

interface Packed {
  readonly bytes: string
  readonly text: string
}

describe.skipIf(!hasSambaNdr)("Samba's bindings", () => {
  it("have the same bytes and the same text of SIDs and GUIDs", () => {
    const sids = [...seeds.map((seed) => randomSid(random(seed))), "S-1-5", "S-1-0-0", "S-1-5-4294967295"]
    ask<Packed>("sid", sids).forEach(({ bytes, text }, i) => {
      assert.strictEqual(hex(get(Sid.toBytes(sids[i]!))), bytes, sids[i])
      assert.strictEqual(get(Sid.fromBytes(Buffer.from(bytes, "hex"))), text)
    })
    const guids = seeds.map((seed) => randomGuid(random(seed)))
    ask<Packed>("guid", guids).forEach(({ bytes, text }, i) => {
      assert.strictEqual(hex(get(Guid.toBytes(guids[i]!))), bytes, guids[i])
      assert.strictEqual(get(Guid.fromBytes(Buffer.from(bytes, "hex"))), text)
    })
  })

  it("have the same moments", () => {
    // From 1970 to 2038, in whole seconds: Samba has 32 bits.
    const moments = seeds.map((seed) => below(random(seed), 2 ** 31 - 1))
    ask<string>("units", moments).forEach((units, i) => {
      assert.strictEqual(String(get(Time.fromDateTime(DateTime.makeUnsafe(moments[i]! * 1000)))), units)
      assert.strictEqual(DateTime.toEpochMillis(get(Time.toDateTime(BigInt(units)))), moments[i]! * 1000)
    })
    const before = ["1", "10000000", "116444735990000000", "116444736000000000", "116444736010000000"]
    ask<number>("seconds", before).forEach((seconds, i) => {
      const millis = DateTime.toEpochMillis(get(Time.toDateTime(BigInt(before[i]!))))
      assert.strictEqual(Math.floor(millis / 1000), seconds === 0 ? Math.floor(millis / 1000) : seconds, before[i])
    })
  })

  it("have the same flags of accounts, and kinds of groups and accounts", () => {
    const [flags, groups, kinds] = ["UF_", "GTYPE_", "ATYPE_"].map((prefix) =>
      ask<Record<string, number>>("constants", [prefix])[0]!
    ) as [Record<string, number>, Record<string, number>, Record<string, number>]
    const decoded = <S extends LdapSchema.ValueCodec>(codec: S, bits: number): S["Type"] =>
      Schema.decodeSync(codec)(Buffer.from(String(bits | 0)))
    for (const [name, bits] of Object.entries(flags)) {
      const account = decoded(LdapSchema.UserAccountControl, bits)
      // Bits for which Samba has no name either are named by their number, and kept.
      assert.lengthOf(account.flags, name.startsWith("UF_0000") ? 0 : 1, name)
      assert.strictEqual(
        Buffer.from(Schema.encodeSync(LdapSchema.UserAccountControl)(account)).toString(),
        String(bits | 0)
      )
    }
    for (const [name, bits] of Object.entries(groups)) {
      const group = decoded(LdapSchema.GroupType, bits)
      assert.strictEqual(group.isSecurity, name.includes("SECURITY"), name)
      assert.strictEqual(group.isBuiltin, name.includes("BUILTIN"), name)
      const scope = name.includes("GLOBAL") ? "global" : name.includes("UNIVERSAL") ? "universal" : "domainLocal"
      assert.strictEqual(group.scope, scope, name)
    }
    for (const [name, number] of Object.entries(kinds)) {
      const kind = decoded(LdapSchema.AccountType, number)
      assert.strictEqual(LdapSchema.accountTypeNumber(kind), number, name)
    }
    // Every combination of bits survives both conversions.
    for (const seed of seeds) {
      const bits = random(seed)() >>> 0
      assert.strictEqual(decoded(LdapSchema.UserAccountControl, bits).bits, bits)
    }
  })
})
