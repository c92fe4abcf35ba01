/**
 * The interface of Kerberos to the machine: files, names, and messages to KDCs. The rest of the parent folder is pure; the files
 * beside this one open files and sockets.
 */
import type * as Effect from "effect/Effect"
import type { KerberosFailed } from "../../../model/LdapError.ts"

/** One address of a KDC. */
export interface KdcAddress {
  readonly host: string
  readonly port: number
  /** The only protocol to use, if one was named. */
  readonly protocol?: "tcp" | "udp" | undefined
}

export interface KerberosSystem {
  /** `undefined` for a file that doesn't exist. Fails with `noCredentials` for one that can't be read. */
  readonly readFile: (path: string) => Effect.Effect<Uint8Array | undefined, KerberosFailed>
  /** The names in a directory, sorted. Empty if it can't be read. */
  readonly listDirectory: (path: string) => Effect.Effect<ReadonlyArray<string>>
  readonly environment: (name: string) => string | undefined
  /** The SRV records of a name as addresses, in the order in which to try them. Empty if DNS has none. */
  readonly lookupService: (name: string) => Effect.Effect<ReadonlyArray<KdcAddress>>
  /** Sends one message to one KDC over one protocol and waits for its answer, without a time limit. Fails with `kdcUnreachable`. */
  readonly ask: (
    address: KdcAddress,
    protocol: "tcp" | "udp",
    message: Uint8Array
  ) => Effect.Effect<Uint8Array, KerberosFailed>
}
