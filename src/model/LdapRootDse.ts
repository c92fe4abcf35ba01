/**
 * The capabilities that a server announces in its root DSE (RFC 4512 section 5.1), to check before a request that it might refuse.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapControl, LdapRootDse } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const deleteTree = Effect.fn(function*(dn: string) {
 *   const ldap = yield* LdapClient.LdapClient
 *   const rootDse = yield* ldap.rootDse
 *   if (!LdapRootDse.supportsControl(rootDse, LdapControl.treeDelete)) return yield* Effect.fail("one by one, then")
 *   return yield* ldap.delete(dn, { controls: [LdapControl.treeDelete.make(undefined, { critical: true })] })
 * })
 * ```
 *
 * @since 0.1.0
 */
import type { LdapControl } from "./control/LdapControl.ts"
import type { LdapEntry } from "./entry/LdapEntry.ts"

/**
 * The object identifiers of features in `supportedFeatures`.
 *
 * @category models
 * @since 0.1.0
 */
export const LdapFeature = {
  /** `+` for all operational attributes (RFC 3673). */
  allOperationalAttributes: "1.3.6.1.4.1.4203.1.5.1",
  /** `@person` for all attributes of an object class (RFC 4529). */
  objectClassAttributes: "1.3.6.1.4.1.4203.1.5.2",
  /** `(&)`, which is true, and `(|)`, which is false (RFC 4526). */
  absoluteFilters: "1.3.6.1.4.1.4203.1.5.3",
  /** `cn;lang-de` (RFC 3866). */
  languageTags: "1.3.6.1.4.1.4203.1.5.4",
  /** `cn;lang-de-` (RFC 3866). */
  languageRanges: "1.3.6.1.4.1.4203.1.5.5",
  /** Modifications that add to a number (RFC 4525). */
  modifyIncrement: "1.3.6.1.1.14"
} as const

/**
 * A control or an extended operation: its object identifier, or a value that has one as `oid`.
 *
 * @category models
 * @since 0.2.0
 */
export type Named = string | { readonly oid: string }

/**
 * Whether the server lists a control: one by its OID, a control, or a kind of controls.
 *
 * **Details**
 *
 * A server refuses a critical control that it doesn't know with `UnavailableCriticalExtension`, and ignores one that isn't critical
 * (RFC 4511 section 4.1.11). Servers list the controls of requests; some leave out controls that need a special right.
 *
 * @category accessors
 * @since 0.1.0
 */
export const supportsControl = (rootDse: LdapEntry, control: Named): boolean =>
  lists(rootDse, "supportedControl", control)

/**
 * The controls because of which the server would refuse a request: critical ones that it doesn't list.
 *
 * @category accessors
 * @since 0.1.0
 */
export const unsupported = (rootDse: LdapEntry, controls: ReadonlyArray<LdapControl>): ReadonlyArray<LdapControl> =>
  controls.filter((control) => control.critical && !supportsControl(rootDse, control))

/**
 * Whether the server lists an extended operation. Active Directory lists some of its own; Samba has no list at all.
 *
 * @category accessors
 * @since 0.1.0
 */
export const supportsExtended = (rootDse: LdapEntry, operation: Named): boolean =>
  lists(rootDse, "supportedExtension", operation)

/**
 * Whether the server lists a feature: one of {@link LdapFeature}, or another by its OID.
 *
 * @category accessors
 * @since 0.1.0
 */
export const supportsFeature = (rootDse: LdapEntry, feature: string): boolean =>
  lists(rootDse, "supportedFeatures", feature)

/**
 * Whether the server offers a SASL mechanism. The list may depend on the connection: many servers offer more under TLS.
 *
 * @category accessors
 * @since 0.1.0
 */
export const supportsSasl = (rootDse: LdapEntry, mechanism: string | { readonly name: string }): boolean => {
  const name = typeof mechanism === "string" ? mechanism : mechanism.name
  return rootDse.getAll("supportedSASLMechanisms").some((offered) => offered.toUpperCase() === name.toUpperCase())
}

const lists = (rootDse: LdapEntry, attribute: string, named: Named): boolean =>
  rootDse.getAll(attribute).includes(typeof named === "string" ? named : named.oid)
