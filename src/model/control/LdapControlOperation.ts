/**
 * Controls of RFCs that change an operation, its authorization identity, or its condition, and controls that add information to its
 * response.
 *
 * A control is critical by default if its specification requires it, or if a server that ignores it would carry out a different
 * operation from the requested one.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { BerError, Tag } from "../../ber/BerReader.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import * as LdapEntry from "../entry/LdapEntry.ts"
import * as LdapFilter from "../filter/LdapFilter.ts"
import * as Ber from "./LdapControlBer.ts"
import { type ControlType, define } from "./LdapControlType.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Authorization identity
// ---------------------------------------------------------------------------------------------------------------------

/**
 * An authorization identity (RFC 4513 section 5.2.1.8): `dn:` and a distinguished name, `u:` and a user id, or the empty string for
 * anonymous.
 *
 * @category identities
 * @since 0.1.0
 */
export type AuthzId = "" | `dn:${string}` | `u:${string}`

/**
 * Carries out the operation with another authorization identity (proxied authorization, RFC 4370 section 3): version 2 of the control.
 *
 * **Details**
 *
 * Critical, as the RFC requires. The identity must have one of these forms. The name after `dn:` is checked only when a control is
 * decoded, since servers accept other forms too (Active Directory's `<GUID=…>`).
 *
 * @category identities
 * @since 0.1.0
 */
export const proxiedAuthorization: ControlType<AuthzId> = define({
  oid: "2.16.840.1.113730.3.4.18",
  name: "proxied authorization",
  critical: true,
  encode: (authzId: AuthzId) => {
    if (!isAuthzId(authzId)) throw new RangeError(notAuthzId)
    return Buffer.from(authzId)
  },
  decode: (value): Result.Result<AuthzId, string> => {
    if (value === undefined) return Result.fail("has no value")
    const authzId = Ber.utf8(value)
    if (!isAuthzId(authzId)) return Result.fail(notAuthzId)
    return authzId.startsWith("dn:") && Result.isFailure(LdapDn.parse(authzId.slice(3), { lenient: true }))
      ? Result.fail("the text after dn: is not a distinguished name")
      : Result.succeed(authzId)
  }
})

const notAuthzId = "an authorization identity must be dn: with a name, u: with a user id, or empty"

const isAuthzId = (text: string): text is AuthzId => text === "" || text.startsWith("dn:") || text.startsWith("u:")

/**
 * Requests the authorization identity in the response to a bind (RFC 3829 section 3).
 *
 * @category identities
 * @since 0.1.0
 */
export const authorizationIdentityRequest: ControlType<void> = Ber.defineMarker({
  oid: "2.16.840.1.113730.3.4.16",
  name: "authorization identity request"
})

/**
 * The authorization identity after a bind (RFC 3829 section 4): an {@link AuthzId} as the server writes it, empty for anonymous.
 *
 * @category identities
 * @since 0.1.0
 */
export const authorizationIdentityResponse: ControlType<string> = define({
  oid: "2.16.840.1.113730.3.4.15",
  name: "authorization identity response",
  encode: (authzId: string) => Buffer.from(authzId),
  decode: (value) => Result.succeed(value === undefined ? "" : Ber.utf8(value))
})

/**
 * Identifies the source of a request, for the server's log.
 *
 * @category identities
 * @since 0.1.0
 */
export interface SessionTracking {
  /** The address of the machine that made the identifier, at most 128 characters. Empty if it is unknown. */
  readonly sourceIp: string
  /** The name of that machine. Empty if it has none. */
  readonly sourceName: string
  /** The kind of identifier, as an object identifier. */
  readonly formatOid: string
  /** The identifier itself, in the format that `format` names. */
  readonly identifier: string
}

/**
 * Tells the server which user or client a request is made for; the server writes it to its log (draft-wahl-ldap-session-03 section
 * 2.1). A request may have several.
 *
 * @category identities
 * @since 0.1.0
 */
export const sessionTracking: ControlType<SessionTracking> = Ber.defineBer({
  oid: "1.3.6.1.4.1.21008.108.63.1",
  name: "session tracking",
  write: (writer, { formatOid, identifier, sourceIp, sourceName }: SessionTracking) => {
    const problem = trackingProblem(sourceIp, sourceName, formatOid)
    if (problem !== undefined) throw new RangeError(problem)
    writer.start()
    writer.octets(sourceIp)
    writer.octets(sourceName)
    writer.octets(formatOid)
    writer.octets(identifier)
    writer.end()
  },
  read: (reader) => {
    const at = reader.position
    const tracking = Ber.sequence(reader, (content) => {
      const sourceIp = Ber.text(content)
      const sourceName = Ber.text(content)
      const formatOid = Ber.text(content)
      return { sourceIp, sourceName, formatOid, identifier: Ber.text(content) }
    })
    const problem = trackingProblem(tracking.sourceIp, tracking.sourceName, tracking.formatOid)
    if (problem !== undefined) throw new BerError(problem, at)
    return tracking
  }
})

/** The limits of the draft. */
const trackingProblem = (sourceIp: string, sourceName: string, formatOid: string): string | undefined =>
  sourceIp.length > 128
    ? "the source address is longer than 128 characters"
    : Buffer.byteLength(sourceName) > 65536
    ? "the source name is longer than 65536 bytes"
    : /^[0-9.]+$/.test(formatOid)
    ? undefined
    : "the format is not an object identifier"

// ---------------------------------------------------------------------------------------------------------------------
// Conditions, and what else is asked of an update
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Carries out the operation only if the filter matches the entry. Otherwise it fails with `AssertionFailed` (RFC 4528 section 3).
 * Text is parsed by RFC 4515: don't build it from user input.
 *
 * **Details**
 *
 * Critical by default: a server that ignores it would always carry out the operation.
 *
 * @category conditions
 * @since 0.1.0
 */
export const assertion: ControlType<LdapFilter.LdapFilter, LdapFilter.LdapFilter | string> = Ber.defineBer({
  oid: "1.3.6.1.1.12",
  name: "assertion",
  critical: true,
  write: (writer, filter: LdapFilter.LdapFilter | string) => {
    const parsed = typeof filter === "string" ? Result.getOrThrow(LdapFilter.parse(filter)) : filter
    LdapFilter.encode(Result.getOrThrow(LdapFilter.validate(parsed)), writer)
  },
  read: (reader) => LdapFilter.decode(reader)
})

/**
 * Makes the server treat referral objects as entries (RFC 3296 section 3).
 *
 * **Details**
 *
 * Critical by default: otherwise a client that follows the referral would change the entry that it points to.
 *
 * @category conditions
 * @since 0.1.0
 */
export const manageDsaIt: ControlType<void> = Ber.defineMarker({
  oid: "2.16.840.1.113730.3.4.2",
  name: "ManageDsaIT",
  critical: true
})

/**
 * Requires an answer from the original data, not from a copy (RFC 6171 section 2). Critical, as the RFC requires.
 *
 * @category conditions
 * @since 0.1.0
 */
export const dontUseCopy: ControlType<void> = Ber.defineMarker({
  oid: "1.3.6.1.1.22",
  name: "don't use copy",
  critical: true
})

/**
 * Lets an administrator write values that the rules of the data model forbid (draft-zeilenga-ldap-relax section 2). Critical, as
 * the draft requires. The draft has no object identifier; this one is OpenLDAP's.
 *
 * @category conditions
 * @since 0.1.0
 */
export const relaxRules: ControlType<void> = Ber.defineMarker({
  oid: "1.3.6.1.4.1.4203.666.5.12",
  name: "relax rules",
  critical: true
})

/**
 * Checks an update without carrying it out. If the update would succeed, the result is 16654 (`noOperation`)
 * (draft-zeilenga-ldap-noop section 2). Critical, as the draft requires.
 *
 * **Details**
 *
 * The draft has no object identifier; this is the one that most servers use. For OpenLDAP's see {@link noOpOpenLdap}.
 *
 * @category conditions
 * @since 0.1.0
 */
export const noOp: ControlType<void> = Ber.defineMarker({
  oid: "1.3.6.1.4.1.4203.1.10.2",
  name: "no-op",
  critical: true
})

/**
 * {@link noOp} with OpenLDAP's object identifier.
 *
 * @category conditions
 * @since 0.1.0
 */
export const noOpOpenLdap: ControlType<void> = Ber.defineMarker({
  oid: "1.3.6.1.4.1.4203.666.5.2",
  name: "no-op",
  critical: true
})

/**
 * Deletes an entry with everything below it (MS-ADTS 3.1.1.3.4.1.15).
 *
 * @category conditions
 * @since 0.1.0
 */
export const treeDelete: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.805",
  name: "tree delete"
})

/**
 * Lets a modification succeed that adds an existing value or deletes a missing one (MS-ADTS 3.1.1.3.4.1.8).
 *
 * @category conditions
 * @since 0.1.0
 */
export const permissiveModify: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.1413",
  name: "permissive modify"
})

/**
 * Makes an update part of the transaction with this identifier (RFC 5805 section 2.2). The identifier may be empty, as slapd's is.
 * Critical, as the RFC requires.
 *
 * @category conditions
 * @since 0.1.0
 */
export const transactionSpecification: ControlType<Uint8Array> = define({
  oid: "1.3.6.1.1.21.2",
  name: "transaction specification",
  critical: true,
  encode: (identifier: Uint8Array) => identifier,
  decode: (value) => value === undefined ? Result.fail("has no value") : Result.succeed(new Uint8Array(value))
})

/**
 * Which entries a search returns: only subentries (`true`) or only other entries (`false`) (RFC 3672 section 3).
 *
 * **Details**
 *
 * Critical by default: a server that ignores it would return the other entries.
 *
 * @category conditions
 * @since 0.1.0
 */
export const subentries: ControlType<boolean> = Ber.defineBer({
  oid: "1.3.6.1.4.1.4203.1.10.1",
  name: "subentries",
  critical: true,
  write: (writer, visible: boolean) => writer.boolean(visible),
  read: (reader) => reader.boolean()
})

// ---------------------------------------------------------------------------------------------------------------------
// The entry before and after
// ---------------------------------------------------------------------------------------------------------------------

/** AttributeSelection (RFC 4511 section 4.5.1.8). An empty list selects all user attributes. */
const readRequest = (oid: string, name: string): ControlType<ReadonlyArray<string>> =>
  Ber.defineBer({
    oid,
    name,
    write: (writer, attributes: ReadonlyArray<string>) => {
      writer.start()
      for (const attribute of attributes) writer.octets(attribute)
      writer.end()
    },
    read: (reader) => Ber.list(reader, Ber.text)
  })

/** [APPLICATION 4] of SearchResultEntry. */
const searchResultEntry = 0x64

/** UnboundID's servers write the entry as a plain SEQUENCE, without the application tag of the RFC's type. */
const readResponse = (oid: string, name: string): ControlType<LdapEntry.LdapEntry> =>
  Ber.defineBer({
    oid,
    name,
    write: (writer, entry: LdapEntry.LdapEntry) => {
      writer.start(searchResultEntry)
      LdapEntry.write(writer, entry.dn, entry.attributes)
      writer.end()
    },
    read: (reader) =>
      LdapEntry.fromBer(reader.sequence(reader.peek() === Tag.sequence ? Tag.sequence : searchResultEntry))
  })

/**
 * Requests these attributes of the entry as they were before the update (RFC 4527 section 3.1). An empty list selects all user
 * attributes; `+`, `*` and `1.1` work as in a search.
 *
 * @category entry before and after
 * @since 0.1.0
 */
export const preReadRequest: ControlType<ReadonlyArray<string>> = readRequest("1.3.6.1.1.13.1", "pre-read request")

/**
 * The entry as it was before the update (RFC 4527 section 3.1).
 *
 * @category entry before and after
 * @since 0.1.0
 */
export const preReadResponse: ControlType<LdapEntry.LdapEntry> = readResponse("1.3.6.1.1.13.1", "pre-read response")

/**
 * Requests these attributes of the entry as they are after the update (RFC 4527 section 3.2). The list works as in {@link
 * preReadRequest}.
 *
 * @category entry before and after
 * @since 0.1.0
 */
export const postReadRequest: ControlType<ReadonlyArray<string>> = readRequest("1.3.6.1.1.13.2", "post-read request")

/**
 * The entry as it is after the update (RFC 4527 section 3.2).
 *
 * @category entry before and after
 * @since 0.1.0
 */
export const postReadResponse: ControlType<LdapEntry.LdapEntry> = readResponse("1.3.6.1.1.13.2", "post-read response")
