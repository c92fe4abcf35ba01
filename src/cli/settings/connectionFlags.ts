/**
 * The flags with which commands reach a server. No flag takes a password: arguments are visible to every user of the machine, and stay in
 * the shell's history.
 */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { authMethods } from "./authMethods.ts"

/** Makes a flag optional: its value is undefined if it is missing. */
export const optional = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  Flag.map(Flag.optional(flag), Option.getOrUndefined)

/** A switch. */
export const isGiven = (flag: Flag.Flag<boolean>): Flag.Flag<boolean> =>
  Flag.withDefault(Flag.withoutNegation(flag), false)

const text = (name: string, metavar: string, description: string): Flag.Flag<string> =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

/** A flag for a file, whose name shells complete. */
export const fileFlag = (name: string, description: string): Flag.Flag<string> =>
  Flag.Path(name).pipe(Flag.withMetavar("FILE"), Flag.withDescription(description))

export const connectionFlags = {
  url: optional(
    text("url", "URL", "Server, as in ldaps://ldap.example.org; several with commas [LDAP_URL]").pipe(
      Flag.withAlias("H")
    )
  ),
  bindDn: optional(
    text("bind-dn", "DN", "Bind DN, or user@domain for Active Directory [LDAP_BIND_DN]").pipe(Flag.withAlias("D"))
  ),
  passwordFile: optional(
    fileFlag("password-file", "File that holds the password; without it, you are asked [LDAP_PASSWORD_FILE]").pipe(
      Flag.withAlias("y")
    )
  ),
  passwordStdin: isGiven(
    Flag.Boolean("password-stdin").pipe(Flag.withDescription("Read the password from the first line of standard input"))
  ),
  auth: optional(
    Flag.Literals("auth", authMethods).pipe(
      Flag.withDescription("How to bind; simple with a bind DN, otherwise anonymous [LDAP_AUTH]")
    )
  ),
  user: optional(
    text("user", "NAME", "User name or principal for kerberos, ntlm and SASL; DOMAIN\\user for ntlm [LDAP_USER]")
  ),
  keytab: optional(fileFlag("keytab", "For kerberos, instead of a password or kinit's tickets [LDAP_KEYTAB]")),
  kdc: optional(text("kdc", "HOST", "For kerberos; default those of krb5.conf or DNS [LDAP_KDC]")),
  service: optional(
    text("service", "NAME", "For kerberos, as in ldap@dc1.example.com; default by the URL's host [LDAP_SERVICE]")
  ),
  startTls: optional(
    Flag.Boolean("start-tls").pipe(Flag.withAlias("Z"), Flag.withDescription("TLS over ldap:// [LDAP_START_TLS]"))
  ),
  ca: optional(fileFlag("ca", "Authorities (PEM) to trust instead of the system's [LDAP_CA]")),
  cert: optional(fileFlag("cert", "Client certificate (PEM) [LDAP_CERT]")),
  key: optional(fileFlag("key", "Its private key (PEM) [LDAP_KEY]")),
  allowInsecureAuth: optional(
    Flag.Boolean("allow-insecure-auth").pipe(
      Flag.withDescription("Let the password cross the network in clear text [LDAP_ALLOW_INSECURE_AUTH]")
    )
  ),
  connectTimeout: optional(text("connect-timeout", "DURATION", "As in 10s or \"10 seconds\" [LDAP_CONNECT_TIMEOUT]")),
  timeout: optional(text("timeout", "DURATION", "For each request, as in 30s [LDAP_REQUEST_TIMEOUT]")),
  profile: optional(
    text("profile", "NAME", "Settings of the profile file [LDAP_PROFILE]").pipe(Flag.withAlias("P"))
  ),
  config: optional(
    fileFlag("config", "The profile file; default ~/.config/effect-ldap/config.json [EFFECT_LDAP_CONFIG]")
  ),
  trace: isGiven(
    Flag.Boolean("trace").pipe(
      Flag.withDescription("Show all messages on standard error, with passwords cut out")
    )
  )
}

/** The values of the flags. */
export type ConnectionFlags = Command.Command.Config.Infer<typeof connectionFlags>
