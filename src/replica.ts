/**
 * The entry `effect-ldap/replica`: durable copies of directories in SQL databases. It loads effect/sql, which the main entry does not.
 * Copies shared among many machines are in `effect-ldap/replica/LdapReplicaCluster`, which loads effect/cluster.
 *
 * @since 0.2.0
 */
import * as LdapReplica from "./changes/replica/LdapReplica.ts"
import * as SqliteClient from "./changes/sqlite/SqliteClient.ts"

export {
  /**
   * A durable copy of a subtree in a SQL database, kept up to date by the changes of the directory; entries as JSON, or classes of
   * `LdapSchema` in tables of your own. To react to changes without keeping entries, use `LdapChanges`.
   */
  LdapReplica,
  /**
   * SQLite of Node as a SqlClient of effect/sql: an embedded database for a copy. Programs on several machines use PostgreSQL with
   * `@effect/sql-pg`.
   */
  SqliteClient
}
