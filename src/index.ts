/**
 * A functional LDAP client for Effect: a session is a scoped resource, and its release is the unbind.
 *
 * This entry has what a program in production needs. What tests need is in `effect-ldap/testing`. README.md has a section "Which one
 * do I use?".
 *
 * @since 0.1.0
 */
import * as ActiveDirectory from "./activedirectory/ActiveDirectory.ts"
import * as ActiveDirectoryGuid from "./activedirectory/ActiveDirectoryGuid.ts"
import * as ActiveDirectorySid from "./activedirectory/ActiveDirectorySid.ts"
import * as ActiveDirectoryTime from "./activedirectory/ActiveDirectoryTime.ts"
import * as Cldap from "./activedirectory/Cldap.ts"
import * as DomainControllers from "./activedirectory/DomainControllers.ts"
import * as SecurityDescriptor from "./activedirectory/SecurityDescriptor.ts"
import * as LdapAuth from "./auth/LdapAuth.ts"
import * as LdapSasl from "./auth/LdapSasl.ts"
import * as Ber from "./ber/Ber.ts"
import * as LdapChanges from "./changes/LdapChanges.ts"
import * as LdapJobs from "./client/jobs/LdapJobs.ts"
import * as LdapResolver from "./client/jobs/LdapResolver.ts"
import * as LdifApply from "./client/jobs/LdifApply.ts"
import * as LdapTransaction from "./client/jobs/transaction/LdapTransaction.ts"
import * as LdapClient from "./client/LdapClient.ts"
import * as LdapConfig from "./client/LdapConfig.ts"
import * as LdapLogin from "./client/login/LdapLogin.ts"
import * as LdapPool from "./client/pool/LdapPool.ts"
import * as LdapReferrals from "./client/referrals/LdapReferrals.ts"
import * as LdapServers from "./client/servers/LdapServers.ts"
import * as LdapTransport from "./connection/LdapTransport.ts"
import * as LdapTls from "./connection/tls/LdapTls.ts"
import * as LdapMatching from "./model/attribute/LdapMatching.ts"
import * as LdapControl from "./model/control/LdapControl.ts"
import * as LdapDn from "./model/dn/LdapDn.ts"
import * as LdapEntry from "./model/entry/LdapEntry.ts"
import * as LdapFilter from "./model/filter/LdapFilter.ts"
import * as LdapError from "./model/LdapError.ts"
import * as LdapModification from "./model/LdapModification.ts"
import * as LdapResultCode from "./model/LdapResultCode.ts"
import * as LdapRootDse from "./model/LdapRootDse.ts"
import * as Ldif from "./model/ldif/Ldif.ts"
import * as LdifTransform from "./model/ldif/LdifTransform.ts"
import * as LdapUrl from "./model/url/LdapUrl.ts"
import * as LdapCodec from "./protocol/LdapCodec.ts"
import * as LdapExtended from "./protocol/LdapExtended.ts"
import * as LdapMessage from "./protocol/LdapMessage.ts"
import * as LdapSchema from "./schema/LdapSchema.ts"
import * as LdapSubschema from "./schema/LdapSubschema.ts"
import * as LdapSession from "./session/LdapSession.ts"
import * as LdapTelemetry from "./telemetry/LdapTelemetry.ts"

export {
  /**
   * Jobs that only Active Directory and Samba have: list and restore deleted objects, find whom a SID stands for and the primary group of an
   * account, read replication metadata, find entries anywhere in a forest. Jobs for every server are in `LdapJobs`.
   */
  ActiveDirectory,
  /**
   * GUIDs in both orders of bytes: as text, as bytes, as filters and as names. For a typed field, use `LdapSchema.ObjectGuid`.
   */
  ActiveDirectoryGuid,
  /**
   * Security identifiers: as text, as bytes, as filters and as names, their parts, and the well-known ones. For a typed field, use
   * `LdapSchema.ObjectSid`.
   */
  ActiveDirectorySid,
  /**
   * FILETIME and intervals with their special values, for filters and modifications. For a typed field, use `LdapSchema.FileTime`,
   * `FileTimeValue` and `Interval`.
   */
  ActiveDirectoryTime,
  /**
   * BER, for the values of controls and extended operations of your own (`LdapControl.define`, `LdapExtended.define`). Nothing else needs
   * it.
   */
  Ber,
  /**
   * CLDAP, LDAP over UDP: the root DSE of a domain controller, and the ping that says what it is and which site this machine is in. To find a
   * controller, use `DomainControllers`; for everything else, use a session.
   */
  Cldap,
  /**
   * Finds a domain controller of Active Directory as Windows does, by DNS and pings, the closest first, and gives `LdapClient` its servers.
   * Use `LdapServers.activeDirectory` where the site is known.
   */
  DomainControllers,
  /**
   * Credentials for a bind: simple (a bind DN and a password), anonymous, or SASL. A value for `auth` of a client, a session or
   * `withSession`. The SASL mechanisms themselves are in `LdapSasl`; to check the passwords of users, use `LdapLogin`.
   */
  LdapAuth,
  /**
   * Follows a directory: one stream of changes over all servers (content synchronization, DirSync, uSNChanged, change logs, persistent search,
   * or a scan of any server), from a checkpoint on, through lost sessions and failover.
   */
  LdapChanges,
  /**
   * The client as a service: all operations over a connection pool, with retry, failover and referral chasing. This is what most programs
   * use. Use `LdapSession` instead for a single connection whose bind changes, and `LdapLogin` to check passwords of users.
   */
  LdapClient,
  /**
   * Protocol messages to bytes and back, for programs that speak the protocol themselves: proxies, recorders, tests. Clients do not need
   * it. The messages as data are in `LdapMessage`.
   */
  LdapCodec,
  /**
   * The settings of a client from environment variables with fixed names (`LDAP_URL`, `LDAP_BIND_DN` …), for
   * `LdapClient.layerConfig`. For other names, give `LdapClient.layerConfig` a `Config` of your own.
   */
  LdapConfig,
  /**
   * Controls of requests and responses: sorting, virtual list views, assertions, pre-read and post-read, password policy, content
   * synchronization, those of Active Directory, and kinds of your own. For paged results, use the option `pageSize` of a search instead.
   */
  LdapControl,
  /**
   * Distinguished names as values: parsed, built from parts with the right escapes, compared, and placed in the tree. Operations also take
   * names as text; use this module where a name contains input of a user, or where names are compared.
   */
  LdapDn,
  /**
   * Entries as a server returns them: a name and attributes, as text or as bytes, decoded when they are read. For entries as classes with
   * typed fields, use `LdapSchema`.
   */
  LdapEntry,
  /**
   * The one error of this library. Its `reason` has a class for each result code and for each failure on the side of the client, for
   * `Effect.catchReason("LdapError", …)`. The numbers of result codes are in `LdapResultCode`.
   */
  LdapError,
  /**
   * Extended operations as values, for the method `extended`: Who am I, Password Modify, Cancel, transactions, and operations of your
   * own. To change a password, `LdapJobs.changePassword` is the shorter way.
   */
  LdapExtended,
  /**
   * Search filters: builders, and the tag `ldapFilter`, both of which keep values apart from syntax; a parser and a printer for text (RFC
   * 4515); matching on entries that a program has already. Use it wherever a filter contains input of a user.
   */
  LdapFilter,
  /**
   * Frequent jobs in one call each: upsert an entry, delete a tree, the groups of a user and the members of a group, locked accounts, change a password, count, check existence,
   * export LDIF. They use the operations of a client or a session. For many small lookups at once, use `LdapResolver`; to apply LDIF, use
   * `LdifApply`.
   */
  LdapJobs,
  /**
   * Login of users: finds the user, binds as the user on a session that no other fiber uses, and gives a typed reason for a refusal (wrong
   * password, locked, expired …). Use it instead of a bind of your own: an `LdapClient` has no `bind`.
   */
  LdapLogin,
  /**
   * When two values of an attribute are equal, by its matching rule (RFC 4517): what `LdapJobs.upsert` and `Ldif.diff` compare by. Of
   * distinguished names alone, `LdapDn.isEqual` does the same.
   */
  LdapMatching,
  /**
   * The messages of LDAPv3 as plain data (RFC 4511 section 4), for programs that look at the protocol itself. `LdapCodec` turns them into
   * bytes and back.
   */
  LdapMessage,
  /**
   * Changes of the attributes of an entry, for the method `modify`: add, delete, replace, increment. To make an entry what it should be
   * without listing the changes, use `LdapJobs.upsert`.
   */
  LdapModification,
  /**
   * The connection pool below `LdapClient`: checkout, health checks, ages, statistics. Use it only for sessions that you lend yourself. The
   * option `pool` of `LdapClient` sets the size and the limits of the pool of a client.
   */
  LdapPool,
  /**
   * Referral chasing: `LdapReferrals.follow` is a value for the option `referrals` of a client or of one operation. Without it referrals
   * are not followed.
   */
  LdapReferrals,
  /**
   * Batched lookups: requests that many fibers make at the same moment are answered by few searches, through effect's `RequestResolver`.
   * For one lookup at a time, the method `lookup` of a client is enough.
   */
  LdapResolver,
  /**
   * Result codes by number and by name. Programs that handle errors match on the reasons of `LdapError` instead.
   */
  LdapResultCode,
  /**
   * What a server supports, read from its root DSE: controls, extended operations, features, SASL mechanisms. The method `rootDse` of a
   * client reads the entry; the schema of the server is in `LdapSubschema`.
   */
  LdapRootDse,
  /**
   * SASL mechanisms for `LdapAuth.sasl`: EXTERNAL, PLAIN, SCRAM, GSSAPI, GSS-SPNEGO, OAUTHBEARER and others, and what a mechanism of your
   * own consists of. For a bind DN and a password, `LdapAuth.simple` is enough.
   */
  LdapSasl,
  /**
   * Entries as classes with typed fields, through effect's Schema: decoding, encoding, typed filters, minimal changes, repositories. Use
   * `LdapEntry` for entries whose attributes are known only at run time, and `LdapSubschema` for the schema that a server has.
   */
  LdapSchema,
  /**
   * Several servers with the same directory, by URLs or by DNS, and how one is chosen: a value for the option `servers` of `LdapClient`.
   * For one server, the option `url` is enough; for failover in a fixed order, `urls`.
   */
  LdapServers,
  /**
   * One connection to one server for as long as a scope is open; the end of the scope is the unbind. Use it for scripts, for a bind that
   * changes, or for StartTLS at a moment of your choice. Services use `LdapClient`, which is a pool of sessions.
   */
  LdapSession,
  /**
   * The schema of a server as values (RFC 4512): attribute types, object classes, syntaxes; checks entries against it, and writes classes
   * of `LdapSchema` from it.
   */
  LdapSubschema,
  /**
   * The names of the metrics, and a description of all spans, metrics and logs. Nothing has to be turned on.
   */
  LdapTelemetry,
  /**
   * Options of TLS (certificate authorities, client certificates, pins, versions) for `ldaps://` and StartTLS alike, and what was
   * negotiated. They are values for the option `tls` of a client or a session.
   */
  LdapTls,
  /**
   * Several writes as one: all or none. On servers with transactions (RFC 5805) by these (OpenLDAP on request); on others, the writes of a program that fails are
   * taken back. For several changes of one entry, one `modify` is enough.
   */
  LdapTransaction,
  /**
   * How a connection is made: by URL, or over any Effect `Socket`. Clients and sessions make their transport from `url`; use this module for
   * a connection of another kind, such as a tunnel.
   */
  LdapTransport,
  /**
   * LDAP URLs (RFC 4516) as values, for referrals and for searches that settings describe; `LdapClient.searchUrl` runs one. The URL of a
   * server in a configuration is text and does not need this module.
   */
  LdapUrl,
  /**
   * LDIF (RFC 2849): reads and writes entries and changes, as text, as streams and as files, and compares two texts. `LdifApply` carries
   * changes out; `LdapJobs.exportLdif` exports a directory.
   */
  Ldif,
  /**
   * Applies LDIF to a directory: the records become operations of a client or a session, one after another. `Ldif` reads the records.
   */
  LdifApply,
  /**
   * LDIF made into other LDIF, as streams: attributes renamed, dropped or kept, bases moved, values made anonymous.
   */
  LdifTransform,
  /**
   * Security descriptors (`nTSecurityDescriptor`): as data, bytes and SDDL text; who may do what; and reading and changing those of entries of
   * Active Directory.
   */
  SecurityDescriptor
}
