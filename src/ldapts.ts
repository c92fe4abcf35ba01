/**
 * For programs that come from ldapts: its `Client` on sessions of this library, and everything else that ldapts exports, so that
 * changing the import is the first step.
 *
 * The package `ldapts` (7 to 9) has to be installed: errors, entries, controls, filters and changes are its own.
 *
 * **Example**
 *
 * ```ts
 * import { Attribute, Change, Client } from "effect-ldap/ldapts" // was: from "ldapts"
 *
 * await using client = new Client({ url: "ldaps://ldap.example.org" })
 * await client.bind("cn=admin,dc=example,dc=org", "secret")
 * await client.modify(
 *   "uid=ada,ou=people,dc=example,dc=org",
 *   new Change({ operation: "replace", modification: new Attribute({ type: "mail", values: ["ada@example.org"] }) })
 * )
 * ```
 *
 * @since 0.2.0
 */
export { Client } from "./ldapts/Client.ts"
export type { ClientOptions } from "./ldapts/ClientOptions.ts"
export { fromLdapError, toLdapError } from "./ldapts/errors.ts"
export * from "ldapts"
