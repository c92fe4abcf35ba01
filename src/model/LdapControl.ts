/**
 * Controls: extra information that travels with a request or a response (RFC 4511 section 4.1.11), and their codecs.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { BerReader, Tag } from "../ber/BerReader.ts"
import { BerWriter } from "../ber/BerWriter.ts"

/**
 * A control as it stands on the wire. A server that doesn't know a critical one must refuse the operation with
 * `UnavailableCriticalExtension`; it ignores one that is not critical.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapControl extends Data.Class<{
  /** The object identifier, in dotted form. */
  readonly oid: string
  readonly critical: boolean
  /** The encoded value; most controls hold BER in it. */
  readonly value?: Uint8Array | undefined
}> {}

/**
 * A control of any kind: for those that have no constructor here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  oid: string,
  options?: { readonly critical?: boolean | undefined; readonly value?: Uint8Array | undefined }
): LdapControl =>
  new LdapControl({ oid, critical: options?.critical ?? false, value: options?.value })

/**
 * The first control with that object identifier.
 *
 * @category accessors
 * @since 0.1.0
 */
export const find = (controls: ReadonlyArray<LdapControl>, oid: string): LdapControl | undefined =>
  controls.find((control) => control.oid === oid)

/**
 * OID of the simple paged results control (RFC 2696).
 *
 * @category paged results
 * @since 0.1.0
 */
export const pagedResultsOid = "1.2.840.113556.1.4.319"

/**
 * What a paged results control says. In a request `size` is the number of entries that a page may have (0 gives the
 * cursor back); in a response it is the server's estimate of the total, 0 where it has none. An empty cookie asks for
 * the first page, or says that the last one was delivered.
 *
 * @category paged results
 * @since 0.1.0
 */
export interface PagedResults {
  readonly size: number
  readonly cookie: Uint8Array
}

/**
 * Asks for results in pages, or answers such a request (RFC 2696 section 2).
 *
 * @category paged results
 * @since 0.1.0
 */
export const pagedResults = (paged: PagedResults, options?: { readonly critical?: boolean | undefined }): LdapControl => {
  const writer = new BerWriter(32 + paged.cookie.length)
  writer.start()
  writer.integer(paged.size)
  writer.octets(paged.cookie)
  writer.end()
  return make(pagedResultsOid, { critical: options?.critical ?? false, value: writer.finish() })
}

/**
 * Reads the value of a paged results control; `undefined` where it is not one or cannot be read.
 *
 * @category paged results
 * @since 0.1.0
 */
export const decodePagedResults = (control: LdapControl): PagedResults | undefined => {
  if (control.oid !== pagedResultsOid || control.value === undefined) return undefined
  try {
    const reader = new BerReader(asBuffer(control.value)).sequence(Tag.sequence)
    const size = reader.integer()
    return { size, cookie: reader.octets() }
  } catch {
    return undefined
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
