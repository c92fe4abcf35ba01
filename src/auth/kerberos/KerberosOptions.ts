/** What a program says about Kerberos: its principal, its credentials, and where the KDCs are. */
import * as Duration from "effect/Duration"
import type { Password } from "../Password.ts"
import type { EncryptionTypeName } from "./crypto/EncryptionType.ts"

/**
 * By what a program proves its identity: the account's password, a keytab file, or a credential cache file that another program keeps.
 *
 * **Details**
 *
 * Files are named by their path, with or without `FILE:` before it. They are read again whenever a ticket is needed, so a keytab or
 * cache that changes is always the current one. Without `principal`, the first principal of the keytab or the default one of the cache
 * is used.
 *
 * @category models
 * @since 0.2.0
 */
export type KerberosCredentials =
  | {
    /** As in `ada@EXAMPLE.COM`; without a realm, `realm` or the default realm of krb5.conf is used. */
    readonly principal: string
    readonly password: Password
    readonly keytab?: undefined
    readonly ccache?: undefined
  }
  | {
    readonly principal?: string | undefined
    readonly keytab: string
    readonly password?: undefined
    readonly ccache?: undefined
  }
  | {
    readonly principal?: string | undefined
    readonly ccache: string
    readonly password?: undefined
    readonly keytab?: undefined
  }

/**
 * @category models
 * @since 0.2.0
 */
export interface KerberosSettings {
  /**
   * The realm of the principal, in capitals as a rule. If the principal names another one after its at sign, the whole principal is
   * taken for a user principal name of Active Directory, which the KDC of this realm resolves (RFC 6806).
   */
  readonly realm?: string | undefined
  /**
   * The KDCs of that realm: `kdc.example.com`, `kdc.example.com:88`, `[::1]:88`, with `tcp/` or `udp/` before it for one protocol
   * alone. Default: those of krb5.conf, or else those that DNS names (`_kerberos._tcp.EXAMPLE.COM`).
   */
  readonly kdc?: string | ReadonlyArray<string> | undefined
  /** The KDCs of other realms, if a service is in one. Default: as for `kdc`. */
  readonly kdcsOf?: Readonly<Record<string, string | ReadonlyArray<string>>> | undefined
  /** Path of a krb5.conf; `false` for none. Default: what `KRB5_CONFIG` names, or `/etc/krb5.conf` if it is there. */
  readonly krb5Conf?: string | false | undefined
  /**
   * Encryption types that may be used, in any order. Default: the four of AES. `rc4-hmac` has to be named beside one of AES: it is
   * used for the account's own key alone, never for a session.
   */
  readonly encryptionTypes?: ReadonlyArray<EncryptionTypeName> | undefined
  /** How long one KDC may take over one protocol. Default 3 seconds. */
  readonly kdcAttemptTimeout?: Duration.Input | undefined
  /** How long one exchange with the KDCs of a realm may take. Default 15 seconds. */
  readonly kdcTimeout?: Duration.Input | undefined
  /**
   * The fewest iterations of the derivation from a password that the KDC may ask for, since a proof made with fewer is cheap to guess
   * from. Default 4096, which Active Directory uses.
   */
  readonly minIterations?: number | undefined
  /** The most, since a hostile KDC could keep the machine busy. Default 1,000,000, which is about a second. */
  readonly maxIterations?: number | undefined
}

/**
 * Options of Kerberos.
 *
 * @category models
 * @since 0.2.0
 */
export type KerberosOptions = KerberosCredentials & KerberosSettings

export const millisOf = (input: Duration.Input | undefined, otherwise: number): number =>
  input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))

export const listOf = (value: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  typeof value === "string" ? [value] : value

/** The path of a file that may be named as the library names it. `undefined` for another kind of store. */
export const filePath = (name: string): string | undefined => {
  const parts = /^([A-Za-z]{2,}):(.*)$/.exec(name)
  if (parts === null) return name
  return parts[1] === "FILE" || parts[1] === "WRFILE" ? parts[2] : undefined
}
