/** The account of an NTLM bind. */
import type { Password } from "../Password.ts"

/**
 * Options of `ntlmProvider`: the account.
 *
 * @category models
 * @since 0.2.0
 */
export interface NtlmOptions {
  /** As in `ada`, `EXAMPLE\ada` or `ada@example.com`. */
  readonly username: string
  /** Bytes are used unchanged; they must be UTF-16, little-endian. */
  readonly password: Password
  /** The domain's short name, if it is not part of `username`. Default: the server's own. */
  readonly domain?: string | undefined
}
