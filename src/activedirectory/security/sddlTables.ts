/** The letters of SDDL (MS-DTYP section 2.5.1.1). */
import { relativeSids, universalSids } from "../wellKnownSids.ts"
import { type AceType, ControlFlag } from "./securityModel.ts"

/** Kinds of entries. */
export const typeLetters: Readonly<Partial<Record<AceType, string>>> = {
  allow: "A",
  deny: "D",
  audit: "AU",
  alarm: "AL",
  allowObject: "OA",
  denyObject: "OD",
  auditObject: "OU",
  alarmObject: "OL",
  allowCallback: "XA",
  denyCallback: "XD",
  auditCallback: "XU",
  allowCallbackObject: "ZA",
  mandatoryLabel: "ML",
  resourceAttribute: "RA",
  scopedPolicyId: "SP"
}

/** The flags of a list, in the order in which they are written. */
export const listFlags = {
  dacl: [
    ["P", ControlFlag.daclProtected],
    ["AR", ControlFlag.daclAutoInheritRequired],
    ["AI", ControlFlag.daclAutoInherited]
  ],
  sacl: [
    ["P", ControlFlag.saclProtected],
    ["AR", ControlFlag.saclAutoInheritRequired],
    ["AI", ControlFlag.saclAutoInherited]
  ]
} as const

/** The flags of an entry. */
export const flagLetters: ReadonlyArray<readonly [letters: string, bit: number]> = [
  ["OI", 0x01],
  ["CI", 0x02],
  ["NP", 0x04],
  ["IO", 0x08],
  ["ID", 0x10],
  ["CR", 0x20],
  ["SA", 0x40],
  ["FA", 0x80]
]

/** `TP` is another name of the bit of `SA`, in entries of another kind. */
export const flagsByLetters = new Map([...flagLetters, ["TP", 0x40] as const])

/** The rights as they are written. */
export const rightLetters: ReadonlyArray<readonly [letters: string, bits: number]> = [
  ["GA", 0x10000000],
  ["GX", 0x20000000],
  ["GW", 0x40000000],
  ["GR", 0x80000000],
  ["CC", 0x00000001],
  ["DC", 0x00000002],
  ["LC", 0x00000004],
  ["SW", 0x00000008],
  ["RP", 0x00000010],
  ["WP", 0x00000020],
  ["DT", 0x00000040],
  ["LO", 0x00000080],
  ["CR", 0x00000100],
  ["SD", 0x00010000],
  ["RC", 0x00020000],
  ["WD", 0x00040000],
  ["WO", 0x00080000]
]

/** The rights of mandatory labels. */
export const labelLetters: ReadonlyArray<readonly [letters: string, bits: number]> = [
  ["NW", 0x1],
  ["NR", 0x2],
  ["NX", 0x4]
]

/** All rights that are read, with those of files and registry keys, which stand for several bits. */
export const rightsByLetters = new Map<string, number>([
  ...rightLetters,
  ...labelLetters,
  ["FA", 0x001f01ff],
  ["FR", 0x00120089],
  ["FW", 0x00120116],
  ["FX", 0x001200a0],
  ["KA", 0x000f003f],
  ["KR", 0x00020019],
  ["KW", 0x00020006],
  ["KX", 0x00020019]
])

/** Well-known SIDs by their letters. */
export const sidsByLetters = new Map(
  Object.values(universalSids).flatMap(({ alias, sid }) => (alias === undefined ? [] : [[alias, sid] as const]))
)

export const lettersBySid = new Map([...sidsByLetters].map(([alias, sid]) => [sid, alias]))

/** Accounts and groups of a domain by their letters. */
export const relativeByLetters = new Map(
  Object.values(relativeSids).flatMap((relative) =>
    relative.alias === undefined ? [] : [[relative.alias, relative] as const]
  )
)
