/**
 * What Kerberos needs of the machine: files, names, and a way to KDCs. The rest of the folder above is pure; what stands beside this
 * file is the part that opens files and sockets.
 */
import type * as Effect from "effect/Effect"
import type { KerberosFailed } from "../../../model/LdapError.ts"

/** One address of a KDC. */
export interface KdcAddress {
  readonly host: string
  readonly port: number
  /** Over which protocol alone, if one was named. */
  readonly protocol?: "tcp" | "udp" | undefined
}

export interface KerberosSystem {
  /** `undefined` for a file that is not there. Fails with `noCredentials` for one that can't be read. */
  readonly readFile: (path: string) => Effect.Effect<Uint8Array | undefined, KerberosFailed>
  /** Names in a folder, sorted; none where it can't be read. */
  readonly listDirectory: (path: string) => Effect.Effect<ReadonlyArray<string>>
  readonly environment: (name: string) => string | undefined
  /** SRV records of a name as addresses, in the order in which they are to be tried; none where DNS has none. */
  readonly lookupService: (name: string) => Effect.Effect<ReadonlyArray<KdcAddress>>
  /** Sends one message to one KDC over one protocol and waits for its answer, without a time limit. Fails with `kdcUnreachable`. */
  readonly ask: (
    address: KdcAddress,
    protocol: "tcp" | "udp",
    message: Uint8Array
  ) => Effect.Effect<Uint8Array, KerberosFailed>
}
