/** Security descriptors at random, from a seed. */
import { type AceType, aceTypes, isObjectType } from "../../src/activedirectory/security/securityModel.ts"
import type {
  AccessControlEntry,
  AccessControlList,
  Entry,
  SecurityDescriptor
} from "../../src/activedirectory/SecurityDescriptor.ts"
import { below, pick, type Random } from "../fuzz/mutate.ts"

/** Limits the descriptors to those that the other side can distinguish. */
export interface Extent {
  /** The kinds of entries. */
  readonly types: ReadonlyArray<AceType>
  /** Bytes after the SID. */
  readonly data: boolean
  /** Entries of kinds that have no name. */
  readonly unknown: boolean
}

export const everything: Extent = {
  // The keys of the table are kinds.
  types: Object.keys(aceTypes) as Array<AceType>,
  data: true,
  unknown: true
}

const uint32 = (random: Random): number => pick(random, [0, 1, 0xffffffff, random(), below(random, 1000)])

export const randomSid = (random: Random): string => {
  const known = ["S-1-1-0", "S-1-5-11", "S-1-5-18", "S-1-5-32-544", "S-1-5-21-1-2-3-512", "S-1-5-10"]
  if (below(random, 2) === 0) return pick(random, known)
  const count = 1 + below(random, 15)
  const authority = pick(random, [0, 1, 5, 16])
  return ["S-1", authority, ...Array.from({ length: count }, () => uint32(random))].join("-")
}

export const randomGuid = (random: Random): string => {
  const hex = Array.from({ length: 4 }, () => random().toString(16).padStart(8, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

const bytes = (random: Random, length: number): Uint8Array => Uint8Array.from({ length }, () => below(random, 256))

const entry = (random: Random, extent: Extent): Entry => {
  const flags = below(random, 256)
  if (extent.unknown && below(random, 8) === 0) {
    return {
      type: "unknown",
      number: pick(random, [4, 0x14, 0x15, 200]),
      flags,
      body: bytes(random, 4 * (1 + below(random, 9)))
    }
  }
  const type = pick(random, extent.types)
  const base: AccessControlEntry = { type, flags, mask: uint32(random), sid: randomSid(random) }
  return {
    ...base,
    ...(isObjectType(type) && below(random, 2) === 0 ? { objectType: randomGuid(random) } : {}),
    ...(isObjectType(type) && below(random, 2) === 0 ? { inheritedObjectType: randomGuid(random) } : {}),
    ...(extent.data && below(random, 3) === 0 ? { applicationData: bytes(random, 4 * (1 + below(random, 8))) } : {})
  }
}

const list = (random: Random, extent: Extent): AccessControlList => {
  const entries = Array.from({ length: below(random, 12) }, () => entry(random, extent))
  const needsObjects = entries.some(({ type }) => type !== "unknown" && isObjectType(type))
  return { revision: needsObjects ? 4 : pick(random, [2, 4]), entries }
}

/** The bits that are not computed from the descriptor. */
const controlBits = [0x1, 0x2, 0x8, 0x20, 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000]

export const randomDescriptor = (random: Random, extent: Extent): SecurityDescriptor => ({
  owner: below(random, 4) === 0 ? undefined : randomSid(random),
  group: below(random, 4) === 0 ? undefined : randomSid(random),
  control: controlBits.reduce((bits, bit) => (below(random, 3) === 0 ? bits | bit : bits), 0),
  resourceManagerControl: 0,
  dacl: below(random, 5) === 0 ? undefined : below(random, 8) === 0 ? null : list(random, extent),
  sacl: below(random, 2) === 0 ? undefined : list(random, extent)
})
