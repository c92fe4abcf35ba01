/**
 * Where the examples that write do it: in a directory in memory, or, with LDAP_URL and the other names of .env.example, on a server of
 * yours, in a new organizational unit below LDAP_BASE that is deleted at the end.
 */
import { Config, Effect, type Layer, Redacted, Stream } from "effect"
import { LdapAuth, LdapClient, LdapConfig, LdapJobs } from "../../src/index.ts"
import { InMemoryDirectory } from "../../src/testing.ts"

export interface Workplace {
  readonly ldap: LdapClient.LdapClient
  /** The name of an entry that has nothing below it. */
  readonly base: string
  /** Active Directory and Samba have other classes. */
  readonly isActiveDirectory: boolean
}

const unit = "effect-ldap-example"

const inMemory = InMemoryDirectory.layer({
  entries: [{ dn: "dc=example,dc=org", attributes: { objectClass: ["domain"], dc: "example" } }],
  admin: { password: "secret" },
  client: { auth: LdapAuth.simple("cn=admin,dc=example,dc=org", Redacted.make("secret")) }
})

const isOnServer = process.env["LDAP_URL"] !== undefined
const Ldap: Layer.Layer<LdapClient.LdapClient, unknown> = isOnServer
  ? LdapClient.layerConfig(LdapConfig.fromEnvironment())
  : inMemory

/** Runs a program there. */
export const inWorkplace = <A, E>(f: (workplace: Workplace) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    const top = isOnServer ? yield* Config.String("LDAP_BASE") : "dc=example,dc=org"
    const base = `ou=${unit}-${process.pid},${top}`
    const isActiveDirectory = (yield* ldap.rootDse).getAll("supportedCapabilities").includes("1.2.840.113556.1.4.800")
    return yield* Effect.acquireUseRelease(
      ldap.add(base, { objectClass: "organizationalUnit", ou: base.slice(3, base.indexOf(",")) }),
      () => f({ ldap, base, isActiveDirectory }),
      () => Effect.orDie(Stream.runDrain(LdapJobs.deleteTree(ldap, base)))
    )
  }).pipe(Effect.provide(Ldap))
