/** The options of Kerberos: the principal, its credentials, and the KDCs. */
import * as Duration from "effect/Duration"
import type { Password } from "../Password.ts"
import type { EncryptionTypeName } from "./crypto/EncryptionType.ts"

/**
 * The credentials: the account's password, a keytab file, or a credential cache file that another program maintains.
 *
 * **Details**
 *
 * Files are given by path, with or without `FILE:` before it. They are read each time a ticket is needed, so changes take effect.
 * Without `principal`, the first principal of the keytab or the default principal of the cache is used.
 *
 * @category models
 * @since 0.2.0
 */
export type KerberosCredentials =
  | {
    /** As in `ada@EXAMPLE.COM`; without a realm, `realm` or the default realm of krb5.conf is used. */
    readonly principal: string
    /** The password of the account. */
    readonly password: Password
    readonly keytab?: undefined
    readonly ccache?: undefined
  }
  | {
    readonly principal?: string | undefined
    /** The path of a keytab file. */
    readonly keytab: string
    readonly password?: undefined
    readonly ccache?: undefined
  }
  | {
    readonly principal?: string | undefined
    /** The path of a credential cache file. */
    readonly ccache: string
    readonly password?: undefined
    readonly keytab?: undefined
  }

/**
 * Settings of Kerberos that don't depend on the kind of credentials: the realm, the KDCs and the limits.
 *
 * @category models
 * @since 0.2.0
 */
export interface KerberosSettings {
  /**
   * The realm of the principal, usually in capitals. If the principal has another realm after its at sign, the whole principal is
   * treated as a user principal name of Active Directory, which the KDC of this realm resolves (RFC 6806).
   */
  readonly realm?: string | undefined
  /**
   * The KDCs of that realm: `kdc.example.com`, `kdc.example.com:88`, `[::1]:88`, with `tcp/` or `udp/` before it to use only that
   * protocol. Default: those in krb5.conf, or else those in DNS (`_kerberos._tcp.EXAMPLE.COM`).
   */
  readonly kdc?: string | ReadonlyArray<string> | undefined
  /** The KDCs of other realms, for services in them. Default: as for `kdc`. */
  readonly kdcsOf?: Readonly<Record<string, string | ReadonlyArray<string>>> | undefined
  /** Path of a krb5.conf; `false` for none. Default: the value of `KRB5_CONFIG`, or `/etc/krb5.conf` if it exists. */
  readonly krb5Conf?: string | false | undefined
  /**
   * Allowed encryption types, in any order. Default: the four AES types. `rc4-hmac` can only be used together with an AES type: it
   * is used for the account's own key, never for a session.
   */
  readonly encryptionTypes?: ReadonlyArray<EncryptionTypeName> | undefined
  /** Time limit for one KDC over one protocol. Default 3 seconds. */
  readonly kdcAttemptTimeout?: Duration.Input | undefined
  /** Time limit for one exchange with the KDCs of a realm. Default 15 seconds. */
  readonly kdcTimeout?: Duration.Input | undefined
  /**
   * The minimum number of iterations that the KDC may require for deriving a key from a password. With fewer iterations it would be
   * cheap to guess the password from a recorded proof. Default 4096, which Active Directory uses.
   */
  readonly minIterations?: number | undefined
  /** The maximum number, since a hostile KDC could keep the machine busy. Default 1,000,000, which takes about a second. */
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

/** The path in the name of a file, with or without `FILE:`. `undefined` for another kind of store. */
export const filePath = (name: string): string | undefined => {
  const parts = /^([A-Za-z]{2,}):(.*)$/.exec(name)
  if (parts === null) return name
  return parts[1] === "FILE" || parts[1] === "WRFILE" ? parts[2] : undefined
}
