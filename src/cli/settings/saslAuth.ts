/** The binds that aren't simple. They are loaded only for their methods, since Kerberos is as large as the rest of a session. */
import * as Redacted from "effect/Redacted"
import * as LdapAuth from "../../auth/LdapAuth.ts"
import * as LdapSasl from "../../auth/LdapSasl.ts"
import type { AuthMethod } from "./authMethods.ts"

type Values = ReadonlyMap<string, string>

/** The bind of a method. `ccache` is the ticket cache of the user. */
export const authOf = (
  method: Exclude<AuthMethod, "simple" | "anonymous">,
  values: Values,
  ccache: string
): LdapAuth.LdapAuth => {
  const username = values.get("USER") ?? ""
  const password = passwordOf(values)
  switch (method) {
    case "external":
      return LdapAuth.sasl(LdapSasl.external())
    case "kerberos":
      return LdapAuth.kerberos({ ...ticketsOf(values, password, ccache), ...kerberosNames(values) })
    case "ntlm":
      return LdapAuth.ntlm({ username, password })
    case "plain":
      return LdapAuth.sasl(LdapSasl.plain({ username, password }))
    case "scram-sha-256":
      return LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", { username, password }))
    case "scram-sha-512":
      return LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-512", { username, password }))
    case "digest-md5":
      return LdapAuth.sasl(LdapSasl.digestMd5({ username, password }))
  }
}

/** Where the tickets of a Kerberos bind come from: a keytab, a password, or the tickets of `kinit`. */
const ticketsOf = (values: Values, password: LdapAuth.Password, ccache: string) => {
  const principal = values.get("USER")
  const keytab = values.get("KEYTAB")
  if (keytab !== undefined) return { keytab, principal }
  return principal === undefined ? { ccache } : { principal, password }
}

const kerberosNames = (values: Values) => ({ kdc: values.get("KDC")?.split(","), service: values.get("SERVICE") })

const passwordOf = (values: Values): LdapAuth.Password => {
  // An empty one is refused by the mechanism.
  return Redacted.make(values.get("PASSWORD") ?? "")
}
