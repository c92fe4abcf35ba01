/** Ways to bind, as `--auth` names them. */
export const authMethods = [
  "simple",
  "anonymous",
  "external",
  "kerberos",
  "ntlm",
  "plain",
  "scram-sha-256",
  "scram-sha-512",
  "digest-md5"
] as const

export type AuthMethod = typeof authMethods[number]
