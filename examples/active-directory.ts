/**
 * Active Directory's values and jobs: `node examples/active-directory.ts`.
 *
 * Identities, times, flags, rights and lists of rights need no server. Group memberships are read from a directory in memory that holds a
 * small domain. With AD_URL, AD_BIND_NAME, AD_PASSWORD and AD_BASE (and AD_CA, a file) they are read from your own domain controller,
 * without any change.
 *
 * With AD_OU, an organizational unit, the jobs that write run too: an account is created, logs in, changes its password, joins groups, is
 * locked out, deleted and restored. All of this happens below that unit, and everything is deleted in the end.
 *
 * In a program of your own the imports are `from "effect-ldap"`. active-directory.md has these jobs one by one.
 */
import { Console, DateTime, Effect, Option, Redacted, Result, Schema, type Scope, Stream } from "effect"
import { readFileSync } from "node:fs"
import {
  ActiveDirectory,
  ActiveDirectoryGuid,
  ActiveDirectorySid,
  ActiveDirectoryTime,
  Cldap,
  LdapAuth,
  type LdapClient,
  LdapFilter,
  LdapJobs,
  LdapLogin,
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

const { AD_BASE, AD_BIND_NAME = "", AD_CA, AD_OU, AD_PASSWORD = "", AD_URL } = process.env
const tls = AD_CA === undefined ? {} : { ca: readFileSync(AD_CA, "utf8") }

// ---------------------------------------------------------------------------------------------------------------------
// Jobs that write
// ---------------------------------------------------------------------------------------------------------------------

/** An entry that is deleted in the end, in every case. */
const temporary = <A, E, R>(client: LdapClient.LdapOperations, dn: string, make: Effect.Effect<A, E, R>) =>
  Effect.acquireRelease(make, () => Effect.ignore(client.delete(dn)))

const accounts = Effect.fnUntraced(function*(client: LdapClient.LdapOperations, url: string, base: string, ou: string) {
  const name = `ex${process.pid}`
  const dn = `CN=${name},${ou}`
  const upnSuffix = Option.getOrThrow(ActiveDirectory.domainOfName(base))
  const [first, second, third] = ["First.Passw0rd", "Second.Passw0rd", "Third.Passw0rd"].map((text) =>
    Redacted.make(text)
  )

  // Creates an account by one add.
  yield* temporary(
    client,
    dn,
    LdapJobs.createUserInActiveDirectory(client, dn, {
      sAMAccountName: name,
      password: first!,
      mustChangePassword: true,
      attributes: { userPrincipalName: `${name}@${upnSuffix}`, givenName: "Ada", sn: "Lovelace" }
    })
  )
  yield* Console.log("created an account that can log in, by one add")

  // A login by UPN without a service account, and one that changes the password during the login.
  const open = { url, tls }
  const upn = LdapLogin.authenticate({ open, bindAs: { upn: upnSuffix }, base })
  const told = (login: LdapLogin.Authenticator, password: Redacted.Redacted) =>
    Effect.map(
      Effect.result(login(name, password)),
      (result) => Result.isSuccess(result) ? "ok" : result.failure.reason._tag
    )
  yield* Console.log(`login by UPN, password to be changed: ${yield* told(upn, first!)}`)
  const searching = LdapLogin.authenticate({
    client,
    open,
    base,
    filter: (login) => LdapFilter.equals("sAMAccountName", login)
  })
  const { passwordChanged } = yield* searching(name, first!, { newPassword: second })
  yield* Console.log(`login with a new password: changed ${passwordChanged}; by UPN: ${yield* told(upn, second!)}`)

  // The user changes the password, and an account with the right to do so resets it.
  const user = yield* LdapSession.make({ ...open, auth: LdapAuth.simple(`${name}@${upnSuffix}`, second!) })
  const change = { oldPassword: second, newPassword: third! }
  yield* LdapJobs.changePasswordInActiveDirectory(user, dn, change).pipe(
    Effect.catchReason(
      "LdapError",
      "ConstraintViolation",
      () => Console.log("the policy allows no second change today")
    )
  )
  yield* LdapJobs.changePasswordInActiveDirectory(client, dn, { newPassword: third! })
  yield* Console.log(`after a reset: ${yield* told(upn, third!)}`)

  // Disables and expires the account, and reverses both.
  yield* LdapJobs.disable(client, dn)
  const disabled = yield* told(upn, third!)
  yield* LdapJobs.enable(client, dn)
  yield* LdapJobs.expire(client, dn, new Date(Date.now() - 60_000))
  const expired = yield* told(upn, third!)
  yield* LdapJobs.expire(client, dn, "never")
  yield* LdapJobs.unlock(client, dn)
  yield* Console.log(`disabled: ${disabled}; expired: ${expired}; taken back: ${yield* told(upn, third!)}`)

  // Nested groups, and the entry by its GUID.
  const [team, staff] = [`CN=${name}-team,${ou}`, `CN=${name}-staff,${ou}`]
  for (const group of [team, staff]) yield* temporary(client, group, client.add(group, { objectClass: "group" }))
  yield* LdapJobs.addMembers(client, team, [dn])
  yield* LdapJobs.syncMembers(client, staff, [team])
  const { groups } = yield* LdapJobs.groupsOf(client, dn, { nested: true })
  const names = groups.map(({ depth, entry }) => `${String(entry.get("cn")).replace(name, "")} (${depth})`).sort()
  yield* Console.log(`groups: ${names.join(", ")}`)
  yield* Console.log(`in staff, nested: ${yield* LdapJobs.isMemberOf(client, dn, staff, { nested: true })}`)
  const found = Option.getOrThrow(yield* client.lookup(dn, { attributes: ["objectGUID"] }))
  const guid = yield* Effect.fromResult(ActiveDirectoryGuid.fromBytes(found.getBytes("objectGUID")!))
  const byGuid = yield* client.lookup(yield* Effect.fromResult(ActiveDirectoryGuid.dn(guid)))
  yield* Console.log(`by its GUID: ${Option.getOrThrow(byGuid).get("givenName")}`)

  // Protects an entry from deletion (except by accounts that may delete children of the parent), deletes it, and restores it.
  yield* SecurityDescriptor.update(client, dn, SecurityDescriptor.withDeletionDenied)
  const descriptor = Option.getOrThrow(yield* SecurityDescriptor.read(client, dn))
  yield* Console.log(`protected from deletion: ${SecurityDescriptor.isDeletionDenied(descriptor)}`)
  yield* SecurityDescriptor.update(client, dn, SecurityDescriptor.withDeletionAllowed)
  yield* client.delete(dn)
  const [object] = yield* Stream.runCollect(
    ActiveDirectory.deletedObjects(client, base, { filter: LdapFilter.equals("sAMAccountName", name) })
  )
  const restored = yield* ActiveDirectory.restore(client, object!.guid)
  yield* Console.log(`restored as it was named: ${restored.toLowerCase() === dn.toLowerCase()}`)
})

const domainFacts = Effect.fnUntraced(function*(client: LdapClient.LdapOperations, url: string, base: string) {
  // Finds the site, by a ping over UDP.
  const { clientSite, site } = yield* Cldap.ping(new URL(url.replace(/^ldaps?:/, "http:")).hostname)
  yield* Console.log(`the controller's site is ${site}, this machine's ${clientSite ?? "unknown"}`)

  // A search from the root of a domain ends with references to other parts of the forest.
  const references = yield* client.searchMessages({ base, filter: "(objectClass=domain)", attributes: ["1.1"] }).pipe(
    Stream.filter(({ _tag }) => _tag === "Reference"),
    Stream.runCount
  )
  yield* Console.log(`${references} references, not followed`)

  // The largest group; its members are read by range retrieval if the server sends ranges.
  const { entries } = yield* client.searchResult({
    base,
    filter: LdapFilter.and(LdapFilter.equals("objectClass", "group"), LdapFilter.present("member")),
    attributes: ["cn"],
    pageSize: 500
  })
  const sizes = yield* Effect.forEach(
    entries,
    ({ dn }) => Effect.map(LdapJobs.memberNames(client, dn), (all) => all.length)
  )
  yield* Console.log(`${entries.length} groups with members, the largest with ${Math.max(...sizes)}`)
})

const withServer: Effect.Effect<void, unknown, Scope.Scope> = AD_URL === undefined || AD_BASE === undefined
  ? Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.make({ ldif })
    yield* lookups(yield* LdapSession.fromTransport(directory.transport), domain)
  })
  : Effect.gen(function*() {
    const auth = LdapAuth.simple(AD_BIND_NAME, Redacted.make(AD_PASSWORD))
    const session = yield* LdapSession.make({ url: AD_URL, tls, auth })
    yield* lookups(session, AD_BASE)
    yield* domainFacts(session, AD_URL, AD_BASE)
    if (AD_OU !== undefined) yield* accounts(session, AD_URL, AD_BASE, AD_OU)
  })

await Effect.runPromise(Effect.scoped(Effect.andThen(values, Effect.andThen(rights, withServer))))
