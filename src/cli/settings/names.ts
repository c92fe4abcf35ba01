/** The names of settings, without `LDAP_`: as variables of the environment, and in every layer. */

/** A server and a simple bind, all that most runs give. */
export const plainNames: ReadonlyArray<string> = ["URL", "BIND_DN", "PASSWORD"]

/** Limits, which say nothing about a server. */
export const limitNames: ReadonlyArray<string> = [
  "CONNECT_TIMEOUT",
  "REQUEST_TIMEOUT",
  "CLOSE_TIMEOUT",
  "POOL_MIN",
  "POOL_MAX",
  "POOL_CONCURRENCY",
  "POOL_IDLE_TIME",
  "POOL_MAX_AGE",
  "POOL_CHECKOUT_TIMEOUT",
  "POOL_DRAIN_TIMEOUT"
]

/** The other settings of `LdapConfig`, which checks them. */
export const checkedNames: ReadonlyArray<string> = [
  "PASSWORD_FILE",
  "START_TLS",
  "CA",
  "CERT",
  "KEY",
  "KEY_PASSPHRASE",
  "ALLOW_INSECURE_AUTH",
  ...limitNames
]

/** Those that the command line alone has. */
export const ownNames: ReadonlyArray<string> = ["AUTH", "USER", "KEYTAB", "KDC", "SERVICE", "BASE"]
