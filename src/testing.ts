/**
 * The entry `effect-ldap/testing`: a directory in memory for the tests of programs that use `effect-ldap`. It needs the optional peer
 * dependency `@effect/platform-node`; the main entry does not.
 *
 * @since 0.2.0
 */
import * as MemorySocket from "./connection/MemorySocket.ts"
import * as DirectoryFault from "./testing/DirectoryFault.ts"
import * as InMemoryDirectory from "./testing/InMemoryDirectory.ts"

export {
  /**
   * Faults that a directory in memory injects on purpose: connections that are refused, cut or slow, and answers that are wrong, late or
   * missing, for the requests that a condition selects.
   */
  DirectoryFault,
  /**
   * An LDAP server in memory or on a loopback port, with slapd's result codes, virtual time and a log of all messages. Provide its layer
   * instead of `LdapClient.layer`, and the program under test stays as it is.
   */
  InMemoryDirectory,
  /**
   * Two sockets joined in memory, for a server of your own in a test. For a directory, use `InMemoryDirectory`.
   */
  MemorySocket
}
