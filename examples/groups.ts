/**
 * Groups and their members: `node examples/groups.ts`.
 *
 * Runs on a directory in memory, or below LDAP_BASE of a server of yours (LDAP_URL and the other names of .env.example), where it adds an
 * organizational unit and deletes it at the end. In a program of your own the imports are `from "effect-ldap"`.
 */
import { Console, Effect, Stream } from "effect"
import { LdapJobs } from "../src/index.ts"
import { inWorkplace } from "./data/workplace.ts"

const program = inWorkplace(({ base, isActiveDirectory, ldap }) =>
  Effect.gen(function*() {
    const nameOf = (name: string) => `cn=${name},${base}`
    const people = ["ada", "grace", "linus"]
    for (const cn of people) {
      yield* ldap.add(nameOf(cn), { objectClass: isActiveDirectory ? "contact" : "person", cn, sn: cn })
    }
    const objectClass = isActiveDirectory ? "group" : "groupOfNames"
    yield* ldap.add(nameOf("editors"), { objectClass, cn: "editors", member: nameOf("ada") })
    yield* ldap.add(nameOf("staff"), { objectClass, cn: "staff", member: nameOf("editors") })

    yield* LdapJobs.addMembers(ldap, nameOf("editors"), [nameOf("ada"), nameOf("grace")])
    const names = yield* LdapJobs.memberNames(ldap, nameOf("editors"))
    yield* Console.log(`editors after ada, a member already, and grace were added: ${names.length} members`)

    const all = yield* LdapJobs.members(ldap, nameOf("staff"), { nested: true }).pipe(
      Stream.filter(({ isGroup }) => !isGroup),
      Stream.map(({ depth, entry }) => `${entry.get("cn")} (level ${depth})`),
      Stream.runCollect
    )
    yield* Console.log(`people of staff, nested: ${all.toSorted().join(", ")}`)

    const { groups } = yield* LdapJobs.groupsOf(ldap, nameOf("ada"), { nested: true, base })
    yield* Console.log(
      `groups of ada: ${groups.map(({ depth, entry }) => `${entry.get("cn")} (level ${depth})`).join(", ")}`
    )
    const isStaff = yield* LdapJobs.isMemberOf(ldap, nameOf("ada"), nameOf("staff"), { nested: true, base })
    const isDirect = yield* LdapJobs.isMemberOf(ldap, nameOf("ada"), nameOf("staff"), { base })
    yield* Console.log(`is ada in staff? nested: ${isStaff}, directly: ${isDirect}`)

    const synced = yield* LdapJobs.syncMembers(ldap, nameOf("editors"), [nameOf("grace"), nameOf("linus")])
    yield* Console.log(
      `synced: ${synced.added.length} added, ${synced.removed.length} removed, ${synced.unchanged} unchanged`
    )
    // By mistake the list from the other system is empty.
    yield* LdapJobs.syncMembers(ldap, nameOf("editors"), []).pipe(
      Effect.catchTag("TooManyRemovals", (error) =>
        Console.log(
          `stopped: ${error.removals.length} of ${error.members} members would be removed, nothing was written`
        ))
    )
  })
)

await Effect.runPromise(program)
