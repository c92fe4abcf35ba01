import * as Redacted from "effect/Redacted"

/**
 * The value of `unicodePwd` for a password: in quotation marks and UTF-16 (MS-ADTS section 3.1.1.3.1.5).
 *
 * **When to use**
 *
 * Use it in an `add` that creates an account with its password. To change a password, use
 * `LdapJobs.changePasswordInActiveDirectory`.
 *
 * **Details**
 *
 * The bytes contain the password: keep them out of logs. The server accepts them only over TLS or an encrypted connection.
 *
 * @category passwords
 * @since 0.2.0
 */
export const unicodePassword = (password: Redacted.Redacted<string>): Uint8Array =>
  Buffer.from(`"${Redacted.value(password)}"`, "utf16le")
