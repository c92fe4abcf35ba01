/** The answer of a domain controller to a ping: NETLOGON_SAM_LOGON_RESPONSE_EX (MS-ADTS section 6.3.1.9). */
import type * as Result from "effect/Result"
import type { WindowsValueError } from "../../model/windows/WindowsValueError.ts"
import { readWhole } from "../ByteCursor.ts"
import { readName } from "./dnsNames.ts"

/** Bits of the flags (MS-ADTS section 6.3.1.2). */
const flagBits = {
  primary: 0x1,
  globalCatalog: 0x4,
  ldap: 0x8,
  directoryService: 0x10,
  kdc: 0x20,
  timeServer: 0x40,
  closest: 0x80,
  writable: 0x100,
  reliableTimeServer: 0x200,
  applicationPartition: 0x400,
  readOnly: 0x800,
  fullSecrets: 0x1000,
  webService: 0x2000
} as const

/**
 * The roles and features that a domain controller reports (MS-ADTS section 6.3.1.2).
 *
 * **Details**
 *
 * `primary`: the controller that receives changed passwords first. `closest`: it is in the site of the client, or in the one closest to it.
 * `readOnly`: it stores only some passwords. `fullSecrets`: it stores all passwords.
 *
 * @category models
 * @since 0.2.0
 */
export type DomainControllerFlag = keyof typeof flagBits

/** Whether these are names of flags. A search for a controller with an unknown flag would never succeed. */
export const areFlags = (u: unknown): u is ReadonlyArray<DomainControllerFlag> =>
  Array.isArray(u) && u.every((name) => typeof name === "string" && Object.hasOwn(flagBits, name))

/**
 * The answer of a domain controller to a ping.
 *
 * @category models
 * @since 0.2.0
 */
export interface NetlogonResponse {
  /** The flags of the domain controller. */
  readonly flags: ReadonlySet<DomainControllerFlag>
  /** Whether the account in the ping exists; true for a ping without an account. */
  readonly isUserKnown: boolean
  /** Whether the controller is paused, for example while it starts or replicates: use another one. */
  readonly isPaused: boolean
  /** The GUID of the domain, as text. */
  readonly domainGuid: string
  /** The DNS name of the forest. */
  readonly forest: string
  /** The DNS name of the domain. */
  readonly domain: string
  /** The DNS name of the domain controller. */
  readonly host: string
  /** The short name of the domain. */
  readonly netbiosDomain: string
  /** The short name of the domain controller. */
  readonly netbiosName: string
  /** The name of the account in the ping; empty without one. */
  readonly user: string
  /** The site of the controller. */
  readonly site: string
  /** The site of the client, by its address. `undefined` if no subnet of the forest contains the address. */
  readonly clientSite: string | undefined
  /** The site closest to that of the client; only from a controller of another site. */
  readonly nextClosestSite: string | undefined
}

const withAddress = 0x8
const withClosestSite = 0x10

const opcodes = { known: 23, paused: 24, unknown: 25 }

export const readNetlogonResponse = (bytes: Uint8Array): Result.Result<NetlogonResponse, WindowsValueError> =>
  readWhole(bytes, "NETLOGON_SAM_LOGON_RESPONSE_EX", (cursor) => {
    const opcode = cursor.uint16()
    if (opcode < opcodes.known || opcode > opcodes.unknown) return cursor.fail(`it has the unknown kind ${opcode}`)
    cursor.uint16()
    const bits = cursor.uint32()
    const domainGuid = cursor.guid()
    const name = () => readName(cursor)
    const [forest, domain, host, netbiosDomain, netbiosName, user] = [name(), name(), name(), name(), name(), name()]
    const site = name()
    const clientSite = name()
    // The version is at the end, and decides whether there are more fields before it.
    if (cursor.left < 8) return cursor.fail("it ends too early")
    const version = cursor.bytes.readUInt32LE(cursor.bytes.length - 8)
    if ((version & withAddress) !== 0) cursor.take(cursor.uint8())
    const nextClosestSite = (version & withClosestSite) !== 0 && cursor.left > 8 ? name() : ""
    cursor.take(4)
    // LmNtToken and Lm20Token.
    if (cursor.uint32() !== 0xffff_ffff) return cursor.fail("it doesn't end as every response does")
    return {
      // The keys of the table are these names.
      flags: new Set(
        (Object.keys(flagBits) as Array<DomainControllerFlag>).filter((flag) => (bits & flagBits[flag]) !== 0)
      ),
      isUserKnown: opcode !== opcodes.unknown,
      isPaused: opcode === opcodes.paused,
      domainGuid,
      forest,
      domain,
      host,
      netbiosDomain,
      netbiosName,
      user,
      site,
      clientSite: clientSite === "" ? undefined : clientSite,
      nextClosestSite: nextClosestSite === "" ? undefined : nextClosestSite
    }
  })
