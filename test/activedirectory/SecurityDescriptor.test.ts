/**
 * Security descriptors: bytes and SDDL against Samba's own readers and writers, both ways; damage; the order of entries; who may do what.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { aceTypes } from "../../src/activedirectory/security/securityModel.ts"
import * as SecurityDescriptor from "../../src/activedirectory/SecurityDescriptor.ts"
import { below, mutate, random } from "../fuzz/mutate.ts"
import { everything, type Extent, randomDescriptor } from "./randomDescriptor.ts"
import { askSamba, hasSambaNdr } from "./sambaNdr.ts"

const { fromBytes, fromSddl, toBytes, toSddl } = SecurityDescriptor

const domain = "S-1-5-21-1-2-3"
const bytesOf = (descriptor: SecurityDescriptor.SecurityDescriptor) => Result.getOrThrow(toBytes(descriptor))
const hexOf = (descriptor: SecurityDescriptor.SecurityDescriptor) => Buffer.from(bytesOf(descriptor)).toString("hex")
const fromHex = (hex: unknown) => Result.getOrThrow(fromBytes(Buffer.from(String(hex), "hex")))
const parsed = (text: string) => Result.getOrThrow(fromSddl(text, { domain }))

/** The kinds of entries whose form Samba 4.17 knows; it has no data after the SID. */
const ofSamba: Extent = {
  types: ["allow", "deny", "audit", "alarm", "allowObject", "denyObject", "auditObject", "alarmObject"],
  data: false,
  unknown: false
}

/** A descriptor in the form that sambaNdr.py prints. */
const shown = ({ control, dacl, group, owner, sacl }: SecurityDescriptor.SecurityDescriptor) => {
  const list = (list: SecurityDescriptor.AccessControlList | null | undefined) =>
    !list ? null : {
      revision: list.revision,
      entries: list.entries.map((entry) =>
        entry.type === "unknown" ? entry : {
          number: aceTypes[entry.type],
          flags: entry.flags,
          mask: entry.mask,
          sid: entry.sid,
          ...(entry.objectType === undefined ? {} : { objectType: entry.objectType }),
          ...(entry.inheritedObjectType === undefined ? {} : { inheritedObjectType: entry.inheritedObjectType })
        }
      )
    }
  return {
    owner: owner ?? null,
    group: group ?? null,
    control: control | 0x8000 | (dacl === undefined ? 0 : 4) | (sacl === undefined ? 0 : 0x10),
    dacl: list(dacl),
    sacl: list(sacl)
  }
}

describe("the bytes of a descriptor", () => {
  it("read back as what was written, for descriptors of every kind", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const descriptor = randomDescriptor(random(seed), everything)
      assert.deepStrictEqual(Result.getOrThrow(fromBytes(bytesOf(descriptor))), descriptor, `seed ${seed}`)
    }
  })

  it.skipIf(!hasSambaNdr)("have the same meaning for Samba, and Samba's bytes have the same meaning here", () => {
    const descriptors = Array.from({ length: 400 }, (_, seed) => randomDescriptor(random(seed), ofSamba))
    const read = askSamba(descriptors.map((descriptor) => ["unpack", hexOf(descriptor)] as const))
    const made = askSamba(descriptors.map((descriptor) => ["make", shown(descriptor)] as const))
    descriptors.forEach((descriptor, i) => {
      assert.isUndefined(read[i]!.error)
      const { bytes, value } = read[i]!.value as { readonly bytes: string; readonly value: unknown }
      assert.deepStrictEqual(value, shown(descriptor), `seed ${i}`)
      assert.deepStrictEqual(fromHex(bytes), descriptor, `seed ${i}, written by Samba again`)
      assert.deepStrictEqual(fromHex(made[i]!.value), descriptor, `seed ${i}, made by Samba`)
    })
  })

  it("with any damage are refused, or read in bounded time and written again", () => {
    let readable = 0
    for (let seed = 1; seed <= 2500; seed++) {
      const next = random(seed)
      const damaged = mutate(next, Buffer.from(bytesOf(randomDescriptor(next, everything))))
      const result = fromBytes(damaged)
      if (Result.isFailure(result)) {
        assert.strictEqual(result.failure._tag, "WindowsValueError")
        continue
      }
      readable++
      const again = toBytes(result.success)
      // A descriptor that was read from overlapping parts may be longer than a list can be; every other one has bytes.
      if (Result.isSuccess(again))
        assert.deepStrictEqual(Result.getOrThrow(fromBytes(again.success)), rewritten(result.success))
    }
    assert.isAbove(readable, 50)
  })

  it("with sizes, offsets or counts beyond the input are refused", () => {
    const good = Buffer.from(bytesOf(parsed("O:BAG:BAD:(A;;RP;;;AU)(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;PS)")))
    for (let length = 0; length < good.length; length++) {
      assert.isTrue(Result.isFailure(fromBytes(good.subarray(0, length))), `the first ${length} bytes`)
    }
    for (const [at, value] of [[0, 2], [2, 0], [4, 0xffff], [8, 0xfffe], [16, 0xffff], [22, 1], [24, 0xff], [30, 3]]) {
      const bad = Buffer.from(good)
      bad.writeUInt16LE(value!, at)
      assert.isTrue(Result.isFailure(fromBytes(bad)), `${value} at ${at}`)
    }
    assert.isTrue(Result.isFailure(fromBytes(Buffer.alloc(300_000, 1))))
    // An entry that extends beyond the list, and one whose length is not a multiple of four.
    const single = Buffer.from(bytesOf(parsed("O:BAG:BAD:(A;;RP;;;AU)")))
    for (const size of [19, 21, 22, 24]) {
      const bad = Buffer.from(single)
      bad.writeUInt16LE(size, 30)
      assert.isTrue(Result.isFailure(fromBytes(bad)), `an entry of ${size} bytes`)
    }
    // Also where the list has room for it.
    const entry = parsed("D:(A;;RP;;;AU)").dacl!.entries[0]!
    const withData = { ...entry, type: "allowCallback", applicationData: new Uint8Array(4) } as const
    const roomy = Buffer.from(
      bytesOf({ ...parsed("O:BAG:BA"), dacl: { revision: 2, entries: [withData as SecurityDescriptor.Entry] } })
    )
    assert.strictEqual(roomy.readUInt16LE(30), 24)
    for (const size of [21, 22, 23]) {
      const bad = Buffer.from(roomy)
      bad.writeUInt16LE(size, 30)
      assert.isTrue(Result.isFailure(fromBytes(bad)), `an entry of ${size} bytes in a list of more`)
    }
    // The same list twice, which overlaps with the header.
    const overlapping = Buffer.from(good)
    overlapping.writeUInt32LE(4, 16)
    assert.isTrue(Result.isFailure(fromBytes(overlapping)))
  })

  it("can't be made of invalid descriptors, and the error says what is wrong", () => {
    const base = parsed("O:BAG:BAD:(A;;RP;;;AU)")
    const entry = base.dacl!.entries[0] as SecurityDescriptor.AccessControlEntry
    const withEntry = (changes: object) => ({ ...base, dacl: { revision: 2, entries: [{ ...entry, ...changes }] } })
    for (
      const [wrong, detail] of [
        [{ ...base, owner: "BUILTIN" }, /SID/],
        [{ ...base, control: -1 }, /control/],
        [withEntry({ sid: "S-1" }), /SID/],
        [withEntry({ mask: 2 ** 32 }), /rights/],
        [withEntry({ type: "permit" }), /no such kind/],
        [withEntry({ objectType: "00299570-246d-11d0-a768-00aa006e0529" }), /GUID/],
        [withEntry({ type: "allowObject", objectType: "x" }), /GUID/],
        [withEntry({ applicationData: new Uint8Array(3) }), /multiple of four/],
        [{ ...base, dacl: { revision: 2, entries: Array.from({ length: 4000 }, () => entry) } }, /65535 bytes/]
      ] as ReadonlyArray<readonly [SecurityDescriptor.SecurityDescriptor, RegExp]>
    ) {
      const result = toBytes(wrong)
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) assert.match(result.failure.message, detail)
    }
  })
})

/** The expected difference after writing: a list with object entries has revision 4. */
const rewritten = (descriptor: SecurityDescriptor.SecurityDescriptor): SecurityDescriptor.SecurityDescriptor => {
  const list = (list: SecurityDescriptor.AccessControlList | null | undefined) =>
    list && list.entries.some(({ type }) => type.endsWith("Object")) ? { ...list, revision: 4 } : list
  return { ...descriptor, dacl: list(descriptor.dacl), sacl: list(descriptor.sacl) }
}

describe("SDDL", () => {
  /** Descriptors that SDDL can express: lists without a revision of their own, and only the flags of inheritance. */
  const inText = (descriptor: SecurityDescriptor.SecurityDescriptor): SecurityDescriptor.SecurityDescriptor => {
    const list = (list: SecurityDescriptor.AccessControlList | null | undefined) =>
      list && { ...list, revision: list.entries.some(({ type }) => type.endsWith("Object")) ? 4 : 2 }
    const inherited = 0x100 | 0x200 | 0x400 | 0x800 | 0x1000 | 0x2000
    const ofLists = (descriptor.dacl === undefined ? 0 : 0x1500) | (descriptor.sacl === undefined ? 0 : 0x2a00)
    return {
      ...descriptor,
      control: descriptor.control & inherited & ofLists,
      dacl: list(descriptor.dacl),
      sacl: list(descriptor.sacl)
    }
  }

  it("text reads back as what was written, for everything that SDDL can express", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const descriptor = inText(randomDescriptor(random(seed), ofSamba))
      const text = Result.getOrThrow(toSddl(descriptor, { domain }))
      assert.deepStrictEqual(parsed(text), descriptor, `seed ${seed}: ${text}`)
    }
  })

  it.skipIf(!hasSambaNdr)("text has the same meaning for Samba, and Samba's text has the same meaning here", () => {
    const descriptors = Array.from({ length: 300 }, (_, seed) => {
      const descriptor = inText(randomDescriptor(random(seed), ofSamba))
      // Samba's text has no flag CR, no list without access control, and no alarms.
      const plain = (list: SecurityDescriptor.AccessControlList | null | undefined) =>
        list && {
          ...list,
          entries: list.entries
            .filter(({ type }) => !type.startsWith("alarm"))
            .map((entry) => ({ ...entry, flags: entry.flags & ~0x20 }))
        }
      const dacl = plain(descriptor.dacl ?? undefined)
      // Samba takes the S of the next part for a flag of an empty list.
      const sacl = dacl?.entries.length === 0 ? undefined : plain(descriptor.sacl)
      return inText({ ...descriptor, dacl, sacl })
    })
    const texts = descriptors.map((descriptor) => Result.getOrThrow(toSddl(descriptor, { domain })))
    const read = askSamba(texts.map((text) => ["sddl", { text, domain }] as const))
    const written = askSamba(
      descriptors.map((descriptor) => ["as_sddl", { bytes: hexOf(descriptor), domain }] as const)
    )
    descriptors.forEach((descriptor, i) => {
      assert.isUndefined(read[i]!.error, `${texts[i]} ${read[i]!.error}`)
      assert.deepStrictEqual(inText(fromHex(read[i]!.value)), descriptor, texts[i])
      assert.deepStrictEqual(parsed(String(written[i]!.value)), descriptor, String(written[i]!.value))
    })
  })

  it("letters of SIDs stand for those of MS-DTYP, those of a domain only with its SID", () => {
    const text = "O:DAG:DUD:PAI(A;CI;GA;;;EA)(A;;RPLC;;;AU)(D;;0x200;;;WD)S:AR(AU;SAFA;WP;;;S-1-5-7)"
    const descriptor = Result.getOrThrow(fromSddl(text, { domain, forest: "S-1-5-21-9-9-9" }))
    assert.strictEqual(descriptor.owner, "S-1-5-21-1-2-3-512")
    const [first] = descriptor.dacl!.entries
    assert.deepInclude(first, { sid: "S-1-5-21-9-9-9-519", flags: 2, mask: 0x10000000 })
    assert.strictEqual(
      Result.getOrThrow(toSddl(descriptor, { domain, forest: "S-1-5-21-9-9-9" })),
      "O:DAG:DUD:PAI(A;CI;GA;;;EA)(A;;LCRP;;;AU)(D;;0x200;;;WD)S:AR(AU;SAFA;WP;;;AN)"
    )
    assert.match(Result.getOrThrow(toSddl(descriptor)), /^O:S-1-5-21-1-2-3-512G:/)
    const without = fromSddl(text)
    assert.isTrue(Result.isFailure(without) && /option domain/.test(without.failure.message))
  })

  it("rights are numbers too: hexadecimal, decimal, and octal after a zero", () => {
    const maskOf = (rights: string) => {
      const result = fromSddl(`D:(A;;${rights};;;AU)`)
      const [entry] = Result.isSuccess(result) ? result.success.dacl!.entries : []
      return entry?.type === "allow" ? entry.mask : undefined
    }
    assert.deepStrictEqual(["0x1ff", "511", "0777", "0", "0xffffffff"].map(maskOf), [511, 511, 511, 0, 0xffffffff])
    assert.deepStrictEqual(["0x1ffffffff", "4294967296", "089x", "-1", "0x"].map(maskOf), Array(5).fill(undefined))
  })

  it("a NULL list, an empty list and a missing list are different", () => {
    assert.deepStrictEqual(parsed("D:NO_ACCESS_CONTROL").dacl, null)
    assert.deepStrictEqual(parsed("D:P").dacl, { revision: 2, entries: [] })
    assert.deepStrictEqual(parsed("O:BA").dacl, undefined)
    for (const text of ["D:NO_ACCESS_CONTROL", "D:P", "O:BA"]) {
      assert.strictEqual(Result.getOrThrow(toSddl(fromHex(hexOf(parsed(text))))), text)
    }
  })

  it.each([
    "X:BA",
    "O:",
    "O:BAO:BA",
    "O:QQ",
    "D:(A;;RP;;;AU",
    "D:(A;;RP;;AU)",
    "D:(Q;;RP;;;AU)",
    "D:(A;QQ;RP;;;AU)",
    "D:(A;;QQ;;;AU)",
    "D:(A;;R;;;AU)",
    "D:(A;;0x1ffffffff;;;AU)",
    "D:(A;;RP;zzz;;AU)",
    "D:(A;;RP;00299570-246d-11d0-a768-00aa006e0529;;AU)",
    "D:(XA;;FX;;;WD;(@User.a==1))",
    "D:NO_ACCESS_CONTROL(A;;RP;;;AU)"
  ])("%s is refused", (text) => {
    const result = fromSddl(text)
    assert.isTrue(Result.isFailure(result) && result.failure._tag === "WindowsValueError")
  })

  it("any text is read or refused, in time that grows linearly", () => {
    const letters = [
      "O:",
      "G:",
      "D:",
      "S:",
      "(",
      ")",
      ";",
      "A",
      "BA",
      "P",
      "AI",
      "0x",
      "S-1-5-",
      "-1",
      " ",
      "CI",
      "\u0000"
    ]
    for (let seed = 1; seed <= 3000; seed++) {
      const next = random(seed)
      fromSddl(Array.from({ length: below(next, 60) }, () => letters[below(next, letters.length)]).join(""), { domain })
    }
    const begun = performance.now()
    assert.isTrue(Result.isFailure(fromSddl(`D:${"(".repeat(900_000)}`)))
    assert.isTrue(Result.isFailure(fromSddl(`D:(A;${";".repeat(900_000)})`)))
    assert.isTrue(Result.isSuccess(fromSddl(`D:${" ".repeat(900_000)}`)))
    assert.isTrue(Result.isSuccess(fromSddl(`D:${"(A;;RP;;;AU)".repeat(80_000)}`)))
    assert.isBelow(performance.now() - begun, 5000)
  })
})

describe("the order of entries", () => {
  it("is deny before allow, explicit before inherited, and inherited ones keep their places", () => {
    const mixed = parsed(
      "D:(A;ID;RP;;;AU)(D;ID;WP;;;AU)(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;PS)(A;;RP;;;BA)(D;;SD;;;WD)"
    )
    assert.isFalse(SecurityDescriptor.isCanonical(mixed))
    const sorted = SecurityDescriptor.inCanonicalOrder(mixed)
    assert.isTrue(SecurityDescriptor.isCanonical(sorted))
    assert.strictEqual(
      Result.getOrThrow(toSddl(sorted)),
      "D:(D;;SD;;;WD)(A;;RP;;;BA)(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;PS)(A;ID;RP;;;AU)(D;ID;WP;;;AU)"
    )
  })

  it("entries for the whole object come before those for a GUID, in both kinds", () => {
    const text = "D:(D;;RP;;;AU)(OD;;RP;00299570-246d-11d0-a768-00aa006e0529;;AU)(A;;RP;;;AU)" +
      "(OA;;RP;00299570-246d-11d0-a768-00aa006e0529;;AU)(A;ID;RP;;;AU)(D;ID;RP;;;AU)"
    const [deny, denyObject, allow, allowObject, ...inherited] = parsed(text).dacl!.entries
    const shuffled = [...inherited, allowObject!, denyObject!, allow!, deny!]
    const ordered = SecurityDescriptor.inCanonicalOrder({ ...parsed(text), dacl: { revision: 4, entries: shuffled } })
    assert.strictEqual(Result.getOrThrow(toSddl(ordered)), Result.getOrThrow(toSddl(parsed(text))))
    assert.isTrue(SecurityDescriptor.isCanonical(ordered))
  })

  it("an existing entry is not added again", () => {
    const before = parsed("D:(A;;RP;;;BA)")
    const after = SecurityDescriptor.withEntries(before, SecurityDescriptor.allow("S-1-5-32-544", 0x10))
    assert.deepStrictEqual(after, before)
    const more = SecurityDescriptor.withEntries(before, SecurityDescriptor.deny("S-1-1-0", 0x10))
    assert.strictEqual(Result.getOrThrow(toSddl(more)), "D:(D;;RP;;;WD)(A;;RP;;;BA)")
  })
})

describe("who may do what", () => {
  const helper = "S-1-5-21-1-2-3-1111"
  const reset = "00299570-246d-11d0-a768-00aa006e0529"
  const may = (text: string, sids = [helper]) => SecurityDescriptor.mayResetPassword(parsed(text), sids)

  it("an account may reset a password with that extended right, with all extended rights, or with full control", () => {
    assert.isTrue(may(`D:(OA;;CR;${reset};;${helper})`))
    assert.isTrue(may(`D:(A;;CR;;;${helper})`))
    assert.isTrue(may(`D:(A;;GA;;;${helper})`))
    assert.isTrue(may(`D:(A;;CR;;;AU)`))
    assert.isTrue(may("D:NO_ACCESS_CONTROL"))
    assert.isFalse(may(`D:(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;${helper})`))
    assert.isFalse(may(`D:(A;;RPWP;;;${helper})`))
    assert.isFalse(may("D:"))
    assert.isFalse(may("O:BA"))
  })

  it("a denial applies if it comes first; inherit-only entries don't apply", () => {
    assert.isFalse(may(`D:(D;;CR;;;WD)(A;;CR;;;${helper})`))
    assert.isFalse(may(`D:(OD;;CR;${reset};;${helper})(A;;GA;;;${helper})`))
    assert.isTrue(may(`D:(A;;CR;;;${helper})(D;;CR;;;WD)`))
    assert.isFalse(may(`D:(A;CIIO;CR;;;${helper})`))
    assert.isTrue(may(`D:(D;CIIO;CR;;;WD)(A;;CR;;;${helper})`))
  })

  it("the owner may read and change the list, unless entries for Owner Rights say otherwise", () => {
    const question = { sids: [helper], mask: SecurityDescriptor.mask("readControl", "writeDacl") }
    assert.isTrue(SecurityDescriptor.grants(parsed(`O:${helper}D:`), question))
    assert.isFalse(SecurityDescriptor.grants(parsed(`O:${helper}D:(A;;RC;;;OW)`), question))
    assert.isFalse(SecurityDescriptor.grants(parsed("O:BAD:"), question))
  })

  it("Principal Self is the entry's own account, and a condition is assumed to hold only in denials", () => {
    const self = { sids: [helper], mask: 0x20, self: helper }
    assert.isTrue(SecurityDescriptor.grants(parsed("D:(A;;WP;;;PS)"), self))
    assert.isFalse(SecurityDescriptor.grants(parsed("D:(A;;WP;;;PS)"), { ...self, self: "S-1-5-21-1-2-3-5" }))
    const conditional = (type: "allowCallback" | "denyCallback") => ({
      ...parsed("D:(A;;WP;;;AU)"),
      dacl: {
        revision: 2,
        entries: [
          { type, flags: 0, mask: 0x20, sid: "S-1-5-11", applicationData: Buffer.from("artx\u0000\u0000\u0000\u0000") },
          ...(type === "denyCallback" ? parsed("D:(A;;WP;;;AU)").dacl!.entries : [])
        ]
      }
    })
    assert.isFalse(SecurityDescriptor.grants(conditional("allowCallback"), self))
    assert.isFalse(SecurityDescriptor.grants(conditional("denyCallback"), self))
  })

  it("deletion can be denied to everyone, and allowed again", () => {
    const before = parsed("D:(A;;GA;;;BA)")
    const denied = SecurityDescriptor.withDeletionDenied(before)
    assert.strictEqual(Result.getOrThrow(toSddl(denied)), "D:(D;;DTSD;;;WD)(A;;GA;;;BA)")
    assert.isTrue(SecurityDescriptor.isDeletionDenied(denied))
    assert.isFalse(SecurityDescriptor.isDeletionDenied(before))
    assert.strictEqual(SecurityDescriptor.withDeletionDenied(denied), denied)
    assert.deepStrictEqual(SecurityDescriptor.withDeletionAllowed(denied), before)
  })
})
