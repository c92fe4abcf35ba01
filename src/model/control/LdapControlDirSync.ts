/**
 * The two ways of Active Directory to follow changes: DirSync, which is polled with a cookie, and notification, a search that
 * doesn't end. The caller applies the changes to its copy.
 *
 * @since 0.1.0
 */
import * as Ber from "./LdapControlBer.ts"
import type { ControlType } from "./LdapControlType.ts"

const dirSyncFlags = {
  objectSecurity: 0x1,
  ancestorsFirstOrder: 0x800,
  publicDataOnly: 0x2000,
  incrementalValues: 0x80000000
} as const

/**
 * The input of a DirSync request.
 *
 * @category following changes
 * @since 0.1.0
 */
export interface DirSyncRequest {
  /** Returns only what the bound user may read. Without it, the user needs the right to replicate. */
  readonly objectSecurity: boolean
  /** Sends parents before their children. */
  readonly ancestorsFirstOrder: boolean
  /** Has no effect. */
  readonly publicDataOnly: boolean
  /** Sends only the changed values of a multi-valued attribute, instead of all of them. */
  readonly incrementalValues: boolean
  /** The maximum number of bytes in one response, as a hint. 0 lets the server choose. */
  readonly maxBytes: number
  /** The cookie of the previous response. Empty to request everything. */
  readonly cookie: Uint8Array
}

const noOctets = new Uint8Array(0)

/**
 * Requests the changes in a naming context since the cookie (MS-ADTS 3.1.1.3.4.1.3). Omitted fields are false, 0 or empty. Critical
 * by default: a server that ignores it would return all entries, and no cookie.
 *
 * @category following changes
 * @since 0.1.0
 */
export const dirSyncRequest: ControlType<DirSyncRequest, Partial<DirSyncRequest>> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.841",
  name: "DirSync request",
  critical: true,
  write: (writer, request: Partial<DirSyncRequest>) => {
    writer.start()
    writer.integer(Ber.flagsToBits<keyof typeof dirSyncFlags>(dirSyncFlags, request))
    Ber.writeWhole(writer, request.maxBytes ?? 0, "number of bytes")
    writer.octets(request.cookie ?? noOctets)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const flags = Ber.bitsToFlags<keyof typeof dirSyncFlags>(dirSyncFlags, content.integer())
      const maxBytes = Ber.whole(content, "number of bytes")
      return { ...flags, maxBytes, cookie: Ber.bytes(content) }
    })
})

/**
 * The value of a DirSync response.
 *
 * @category following changes
 * @since 0.1.0
 */
export interface DirSyncResponse {
  /** Whether more changes are waiting: request them at once, with the cookie. */
  readonly moreResults: boolean
  /** The cookie for the next request. */
  readonly cookie: Uint8Array
}

/**
 * The cookie to continue with (MS-ADTS 3.1.1.3.4.1.3), in the controls of the search's result.
 *
 * @category following changes
 * @since 0.1.0
 */
export const dirSyncResponse: ControlType<DirSyncResponse> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.841",
  name: "DirSync response",
  write: (writer, { cookie, moreResults }: DirSyncResponse) => {
    writer.start()
    writer.integer(moreResults ? 1 : 0)
    writer.integer(0)
    writer.octets(cookie)
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const moreResults = content.integer() !== 0
      content.integer()
      return { moreResults, cookie: Ber.bytes(content) }
    })
})

/**
 * Keeps a search open and sends every change until the search is abandoned (MS-ADTS 3.1.1.3.4.1.9). The filter must be
 * `(objectClass=*)`. Critical by default: a server that ignores it would end the search.
 *
 * @category following changes
 * @since 0.1.0
 */
export const notification: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.528",
  name: "notification",
  critical: true
})
