/**
 * Active Directory's values and jobs: `node examples/active-directory.ts`.
 *
 * Identities, times, flags, rights and lists of rights need no server. Who belongs to which group is asked of a directory in memory that holds a
 * small domain; give AD_URL, AD_BIND_NAME, AD_PASSWORD and AD_BASE (and AD_CA, a file) to ask a domain controller of yours, which is only read.
 *
 * In a program of your own the imports are `from "effect-ldap"`. active-directory.md has the jobs that write.
 */
import { Console, DateTime, Effect, Option, Redacted, Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import {
  ActiveDirectory,
  ActiveDirectoryGuid,
  ActiveDirectorySid,
  ActiveDirectoryTime,
  LdapAuth,
  type LdapClient,
  LdapSchema,
  LdapSession,
  SecurityDescriptor
} from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const domainSid = "S-1-5-21-1004336348-1177238915-682003330"
const domain = "DC=ad,DC=example,DC=org"

// ---------------------------------------------------------------------------------------------------------------------
// Without a server
// ---------------------------------------------------------------------------------------------------------------------

const values = Effect.gen(function*() {
  const guid = "b1db3cca-76a5-4b1f-9b3a-3d2e61a2c8f0"
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
  yield* Console.log(`GUID ${guid}`)
  yield* Console.log(`  in objectGUID    ${hex(yield* Effect.fromResult(ActiveDirectoryGuid.toBytes(guid)))}`)
  yield* Console.log(`  as in RFC 9562   ${hex(yield* Effect.fromResult(ActiveDirectoryGuid.toBytes(guid, "rfc")))}`)
  yield* Console.log(`  as a name        ${yield* Effect.fromResult(ActiveDirectoryGuid.dn(guid))}`)

  const admins = yield* Effect.fromResult(ActiveDirectorySid.ofDomain(domainSid, "domainAdmins"))
  yield* Console.log(`SID ${admins} is ${ActiveDirectorySid.nameOf(admins)}`)

  const changed = yield* Effect.fromResult(ActiveDirectoryTime.toDateTime(134_168_400_000_000_000n))
  yield* Console.log(`pwdLastSet 134168400000000000 is ${DateTime.formatIso(changed)}, and 0 is "must change"`)

  const account = Schema.decodeSync(LdapSchema.UserAccountControl)(Buffer.from("66050"))
  yield* Console.log(`userAccountControl 66050 is ${account.flags.join(", ")}`)
})

const rights = Effect.gen(function*() {
  const helpdesk = `${domainSid}-1104`
  const before = yield* Effect.fromResult(
    SecurityDescriptor.fromSddl("O:DAG:DAD:AI(A;;RPLCLORC;;;AU)(A;;GA;;;DA)", { domain: domainSid })
  )
  const after = SecurityDescriptor.withDeletionDenied(
    SecurityDescriptor.withEntries(
      before,
      SecurityDescriptor.allow(helpdesk, SecurityDescriptor.AccessRight.controlAccess, {
        objectType: SecurityDescriptor.RightGuid.resetPassword
      })
    )
  )
  const may = (descriptor: SecurityDescriptor.SecurityDescriptor) =>
    SecurityDescriptor.mayResetPassword(descriptor, [helpdesk]) ? "may" : "may not"
  yield* Console.log(`The help desk ${may(before)} reset the password; with one more entry it ${may(after)}:`)
  yield* Console.log(`  ${yield* Effect.fromResult(SecurityDescriptor.toSddl(after, { domain: domainSid }))}`)
})

// ---------------------------------------------------------------------------------------------------------------------
// With a server
// ---------------------------------------------------------------------------------------------------------------------

const lookups = (client: Pick<LdapClient.LdapOperations, "lookup" | "searchResult">, base: string) =>
  Effect.gen(function*() {
    const found = yield* client.searchResult({
      base,
      filter: "(&(objectClass=user)(primaryGroupID=513))",
      attributes: ["cn", "objectSid", "primaryGroupID"],
      pageSize: 100
    })
    for (const entry of found.entries.slice(0, 3)) {
      const sid = ActiveDirectory.primaryGroupSid(entry)
      if (Option.isNone(sid)) continue
      const groups = yield* ActiveDirectory.resolveSids(client, base, [sid.value])
      yield* Console.log(`${entry.get("cn")} is in ${groups.get(sid.value)?.name ?? sid.value}, by its primary group`)
    }
  })

const sidBytes = (rid: number) =>
  Buffer.from(Result.getOrThrow(ActiveDirectorySid.toBytes(`${domainSid}-${rid}`))).toString("base64")

const ldif = `dn: ${domain}
objectClass: domain
dc: ad

dn: CN=Ada Lovelace,${domain}
objectClass: user
cn: Ada Lovelace
objectSid:: ${sidBytes(1105)}
primaryGroupID: 513

dn: CN=Domain Users,${domain}
objectClass: group
cn: Domain Users
sAMAccountName: Domain Users
objectSid:: ${sidBytes(513)}
`

const { AD_BASE, AD_BIND_NAME = "", AD_CA, AD_PASSWORD = "", AD_URL } = process.env

const withServer = AD_URL === undefined || AD_BASE === undefined
  ? Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.make({ ldif })
    yield* lookups(yield* LdapSession.fromTransport(directory.transport), domain)
  })
  : Effect.gen(function*() {
    const session = yield* LdapSession.make({
      url: AD_URL,
      tls: AD_CA === undefined ? {} : { ca: readFileSync(AD_CA, "utf8") },
      auth: LdapAuth.simple(AD_BIND_NAME, Redacted.make(AD_PASSWORD))
    })
    yield* lookups(session, AD_BASE)
  })

await Effect.runPromise(Effect.scoped(Effect.andThen(values, Effect.andThen(rights, withServer))))
