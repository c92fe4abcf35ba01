/**
 * Active Directory's controls (MS-ADTS section 3.1.1.3.4.1; Samba has many of them). Tree delete and permissive modify exist on
 * other servers too; they are in LdapControlOperation.ts.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { BerError, Tag } from "../../ber/BerReader.ts"
import * as Ber from "./LdapControlBer.ts"
import { type ControlDefinition, type ControlType, define } from "./LdapControlType.ts"

/** SEQUENCE { Flags INTEGER }. Bits without a name are ignored, as servers must ignore them. */
const defineFlags = <Name extends string>(
  definition: ControlDefinition,
  bits: Readonly<Record<Name, number>>
): ControlType<Ber.Flags<Name>, Partial<Ber.Flags<Name>>> =>
  Ber.defineBer({
    ...definition,
    write: (writer, flags: Partial<Ber.Flags<Name>>) => Ber.writeFlags(writer, Ber.flagsToBits<Name>(bits, flags)),
    read: (reader) => Ber.sequence(reader, (content) => Ber.bitsToFlags(bits, content.integer()))
  })

/** SEQUENCE { OCTET STRING } */
const defineText = (definition: ControlDefinition): ControlType<string> =>
  Ber.defineBer({
    ...definition,
    write: (writer, text: string) => {
      writer.start()
      writer.octets(text)
      writer.end()
    },
    read: (reader) => Ber.sequence(reader, (content) => Ber.text(content))
  })

// ---------------------------------------------------------------------------------------------------------------------
// What a search sees, and how it is written
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Also returns tombstones and deleted entries (MS-ADTS 3.1.1.3.4.1.14).
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const showDeleted: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.417",
  name: "show deleted"
})

/**
 * Also returns tombstones, deleted and recycled entries (MS-ADTS 3.1.1.3.4.1.26).
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const showRecycled: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.2064",
  name: "show recycled"
})

/**
 * Also returns links to and from deleted entries (MS-ADTS 3.1.1.3.4.1.25).
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const showDeactivatedLink: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.2065",
  name: "show deactivated link"
})

/**
 * Which parts of security descriptors are read or written (MS-ADTS 3.1.1.3.4.1.11). An empty list means all four. Few accounts have
 * the right to read `sacl`, so a search for `nTSecurityDescriptor` usually requests the other three.
 *
 * **Details**
 *
 * Critical by default: a server that ignores it would write all parts of a descriptor.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const sdFlags: ControlType<
  Ber.Flags<"owner" | "group" | "dacl" | "sacl">,
  Partial<Ber.Flags<"owner" | "group" | "dacl" | "sacl">>
> = defineFlags(
  { oid: "1.2.840.113556.1.4.801", name: "SD flags", critical: true },
  { owner: 1, group: 2, dacl: 4, sacl: 8 }
)

/**
 * Returns names as `<GUID=…>;<SID=…>;dn` (MS-ADTS 3.1.1.3.4.1.5), with GUID and SID in hexadecimal digits or as text (`S-1-5-…`,
 * with hyphens). A control without a value means hexadecimal digits.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const extendedDn: ControlType<"hexadecimal" | "text"> = define({
  oid: "1.2.840.113556.1.4.529",
  name: "extended DN",
  encode: (form: "hexadecimal" | "text") => Ber.written((writer) => Ber.writeFlags(writer, form === "text" ? 1 : 0)),
  decode: (value): Result.Result<"hexadecimal" | "text"> =>
    Result.succeed(
      value === undefined || value.length === 0
        ? "hexadecimal"
        : Ber.readAll(value, (reader) =>
          Ber.sequence(reader, (content) =>
            Ber.named(content, { hexadecimal: 0, text: 1 }, "flag", Tag.integer)))
    )
})

/**
 * How a search treats other domains (MS-ADTS 3.1.1.3.4.1.12). `domainScope` has the effect of the control {@link domainScope}.
 * `phantomRoot` searches all naming contexts below the base that the server holds.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const searchOptions: ControlType<
  Ber.Flags<"domainScope" | "phantomRoot">,
  Partial<Ber.Flags<"domainScope" | "phantomRoot">>
> = defineFlags({ oid: "1.2.840.113556.1.4.1340", name: "search options" }, { domainScope: 1, phantomRoot: 2 })

/**
 * Sends no search continuation references (MS-ADTS 3.1.1.3.4.1.4).
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const domainScope: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.1339",
  name: "domain scope"
})

/**
 * Servers list it if they support range retrieval (`member;range=0-1499`). It is not a control that a client could send (MS-ADTS
 * 3.1.1.3.4.1.10).
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const rangeOptionOid = "1.2.840.113556.1.4.802"

/**
 * Makes a range that starts after the last value empty, instead of an error (MS-ADTS 3.1.1.3.4.1.22).
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const rangeRetrievalNoError: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.1948",
  name: "range retrieval no error"
})

/**
 * Searches the entries that the values of this attribute of the base name, instead of the base itself (MS-ADTS 3.1.1.3.4.1.18):
 * attribute scoped query, ASQ. The scope must be `base`. Critical by default: a server that ignores it would return the base.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const attributeScopedQueryRequest: ControlType<string> = defineText({
  oid: "1.2.840.113556.1.4.1504",
  name: "attribute scoped query request",
  critical: true
})

/**
 * The result of an attribute scoped query, in the controls of the search's result (MS-ADTS 3.1.1.3.4.1.18). A result code: 0 for
 * success, 21 if the values of the attribute aren't names, 53 if the server searched nothing, 71 if some entries are on other
 * servers.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const attributeScopedQueryResponse: ControlType<number> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.1504",
  name: "attribute scoped query response",
  write: (writer, code: number) => {
    writer.start()
    Ber.writeWhole(writer, code, "result code", 0, Tag.enumerated)
    writer.end()
  },
  read: (reader) => Ber.sequence(reader, (content) => Ber.whole(content, "result code", 0, Tag.enumerated))
})

/**
 * The expected number of entries, as a range.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export interface ExpectedEntryCount {
  /** The minimum number of entries. */
  readonly least: number
  /** The maximum number of entries. */
  readonly most: number
}

/**
 * Makes a search fail with `ConstraintViolation` if it finds fewer or more entries (MS-ADTS 3.1.1.3.4.1.33). Critical by default: a
 * server that ignores it wouldn't check.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const expectedEntryCount: ControlType<ExpectedEntryCount> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.2211",
  name: "expected entry count",
  critical: true,
  write: (writer, { least, most }: ExpectedEntryCount) => {
    writer.start()
    Ber.writeWhole(writer, least, "minimum number of entries")
    Ber.writeWhole(writer, most, "maximum number of entries")
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      const least = Ber.whole(content, "minimum number of entries")
      return { least, most: Ber.whole(content, "maximum number of entries") }
    })
})

/**
 * The user for whom a constructed attribute is computed, as a name or `<SID=…>` (MS-ADTS 3.1.1.3.4.1.24). Used with
 * `msDS-IsUserCachableAtRodc`.
 *
 * @category what a search sees
 * @since 0.1.0
 */
export const inputDn: ControlType<string> = defineText({ oid: "1.2.840.113556.1.4.2026", name: "input DN" })

// ---------------------------------------------------------------------------------------------------------------------
// Updates
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The global catalog server that verifies new values that are names (MS-ADTS 3.1.1.3.4.1.16).
 *
 * @category updates
 * @since 0.1.0
 */
export const verifyName: ControlType<string> = Ber.defineBer({
  oid: "1.2.840.113556.1.4.1338",
  name: "verify name",
  write: (writer, serverName: string) => {
    writer.start()
    // Flags that the server ignores.
    writer.integer(0)
    writer.octets(Buffer.from(serverName, "utf16le"))
    writer.end()
  },
  read: (reader) =>
    Ber.sequence(reader, (content) => {
      content.integer()
      const at = content.position
      const octets = content.octets()
      if (octets.length % 2 !== 0) throw new BerError("text that is not UTF-16", at)
      return octets.toString("utf16le")
    })
})

/**
 * Lets the server answer before it has written the update to disk (MS-ADTS 3.1.1.3.4.1.7).
 *
 * @category updates
 * @since 0.1.0
 */
export const lazyCommit: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.619",
  name: "lazy commit"
})

/**
 * Makes a modification count as a change even if it changes nothing, so that it is replicated (MS-ADTS 3.1.1.3.4.1.21).
 *
 * @category updates
 * @since 0.1.0
 */
export const forceUpdate: ControlType<void> = Ber.defineMarker({
  oid: "1.2.840.113556.1.4.1974",
  name: "force update"
})

const definePolicyHints = (oid: string): ControlType<boolean> =>
  Ber.defineBer({
    oid,
    name: "policy hints",
    critical: true,
    write: (writer, enforceHistory: boolean) => Ber.writeFlags(writer, enforceHistory ? 1 : 0),
    // Any other number means that the history is not enforced.
    read: (reader) => Ber.sequence(reader, (content) => content.integer() === 1)
  })

/**
 * Whether an administrator's reset of a password must respect the password history (MS-ADTS 3.1.1.3.4.1.27). Critical by default: a
 * server that ignores it wouldn't check.
 *
 * @category updates
 * @since 0.1.0
 */
export const policyHints: ControlType<boolean> = definePolicyHints("1.2.840.113556.1.4.2239")

/**
 * {@link policyHints} under its old object identifier (`LDAP_SERVER_POLICY_HINTS_DEPRECATED_OID`).
 *
 * @category updates
 * @since 0.1.0
 */
export const policyHintsDeprecated: ControlType<boolean> = definePolicyHints("1.2.840.113556.1.4.2066")
