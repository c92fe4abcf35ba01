/** Answers of domain controllers as bytes, with names compressed as DNS does it, for peers of tests. */
import * as Result from "effect/Result"
import { toBytes } from "../../src/model/windows/Guid.ts"

export interface NetlogonParts {
  readonly opcode?: number
  readonly bits: number
  readonly domain: string
  readonly forest?: string
  readonly host: string
  readonly site?: string
  readonly clientSite?: string
  readonly nextClosestSite?: string
  readonly user?: string
  /** Whether the address of the controller is in it. */
  readonly withAddress?: boolean
}

export const guid = "00299570-246d-11d0-a768-00aa006e0529"

export const netlogonBytes = (parts: NetlogonParts): Buffer => {
  const { bits, clientSite = "", domain, forest = domain, host, nextClosestSite, opcode = 23 } = parts
  const { site = "", user = "", withAddress = false } = parts
  const header = Buffer.alloc(8)
  header.writeUInt16LE(opcode, 0)
  header.writeUInt32LE(bits, 4)
  let bytes = Buffer.concat([header, Result.getOrThrow(toBytes(guid))])
  const known = new Map<string, number>()
  const name = (text: string) => {
    const labels = text === "" ? [] : text.split(".")
    const out: Array<Buffer> = []
    let at = bytes.length
    for (let i = 0; i < labels.length; i++) {
      const rest = labels.slice(i).join(".")
      const pointer = known.get(rest)
      if (pointer !== undefined) {
        bytes = Buffer.concat([bytes, ...out, Buffer.from([0xc0 | (pointer >> 8), pointer & 0xff])])
        return
      }
      known.set(rest, at)
      const label = Buffer.from(labels[i]!)
      out.push(Buffer.from([label.length]), label)
      at += label.length + 1
    }
    bytes = Buffer.concat([bytes, ...out, Buffer.from([0])])
  }
  for (const text of [forest, domain, host, "SAMDOM", "DC1", user, site, clientSite]) name(text)
  if (withAddress) bytes = Buffer.concat([bytes, Buffer.from([16, 2, 0, 0, 0, 127, 0, 0, 1]), Buffer.alloc(8)])
  if (nextClosestSite !== undefined) name(nextClosestSite)
  const trailer = Buffer.from([0x05, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
  trailer[0] = 0x05 | (withAddress ? 0x08 : 0) | (nextClosestSite === undefined ? 0 : 0x10)
  return Buffer.concat([bytes, trailer])
}
