/**
 * The least that reads the LDIF of text.ts as a stream does: lines, folding, base64, and records with bytes as values. ASCII only, without
 * checks, comments, line numbers, limits, changes and lines that are in two pieces of the text.
 */

interface Attribute {
  readonly description: string
  readonly values: Array<Uint8Array>
}

let block = Buffer.allocUnsafeSlow(8192)
let used = 0

const bytesOf = (text: string, start: number, end: number): Uint8Array => {
  if (used + end - start > block.length) {
    block = Buffer.allocUnsafeSlow(8192)
    used = 0
  }
  const target = block
  const from = used
  for (let i = start; i < end; i++) target[from + i - start] = text.charCodeAt(i)
  used += end - start
  return target.subarray(from, used)
}

const valueOf = (text: string, colon: number, end: number): Uint8Array => {
  if (text.charCodeAt(colon + 1) === 0x3a) return Buffer.from(text.slice(colon + 3, end), "base64")
  if (text.charCodeAt(end + 1) !== 0x20) return bytesOf(text, colon + 2, end)
  const next = text.indexOf("\n", end + 1)
  return Buffer.from(text.slice(colon + 2, end) + text.slice(end + 2, next), "latin1")
}

/** The number of records in pieces of text, each of which is whole lines. */
export const count = (pieces: ReadonlyArray<string>): number => {
  let records = 0
  let attributes: Array<Attribute> = []
  let last: Attribute | undefined
  let dn = ""
  for (const text of pieces) {
    for (let at = 0; at < text.length;) {
      const end = text.indexOf("\n", at)
      const first = text.charCodeAt(at)
      if (end === at) {
        const record = { _tag: "Entry", dn, attributes }
        if (record.attributes.length > 0) records++
        attributes = []
        last = undefined
      } else if (first !== 0x20) {
        const colon = text.indexOf(":", at)
        if (last !== undefined && colon - at === last.description.length && text.startsWith(last.description, at)) {
          last.values.push(valueOf(text, colon, end))
        } else if (last === undefined && dn !== "" && text.startsWith("dn:", at)) {
          dn = text.slice(colon + 2, end)
        } else {
          dn = dn === "" ? text.slice(colon + 2, end) : dn
          last = { description: text.slice(at, colon), values: [valueOf(text, colon, end)] }
          attributes.push(last)
        }
      }
      at = end + 1
    }
  }
  return records
}
