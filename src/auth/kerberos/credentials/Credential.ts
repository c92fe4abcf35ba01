/** A ticket with its session key, from a KDC or a credential cache. */
import type { KerberosKey } from "../crypto/EncryptionType.ts"
import type { Ticket } from "../messages/encrypted.ts"
import type { Principal, PrincipalName } from "../messages/Principal.ts"

export interface Credential {
  readonly client: Principal
  readonly service: PrincipalName
  /** The realm of the KDC that issued it. */
  readonly serviceRealm: string
  readonly ticket: Ticket
  readonly key: KerberosKey
  /** In milliseconds since 1970, by the KDC's clock. */
  readonly startTime: number
  readonly endTime: number
  /** How far the KDC's clock is ahead of this machine's, in milliseconds. */
  readonly offset: number
}
