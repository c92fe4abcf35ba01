/**
 * Writes: `node examples/writes.ts`.
 *
 * Runs on a directory in memory, or below LDAP_BASE of a server of yours (LDAP_URL and the other names of .env.example), where it adds an
 * organizational unit and deletes it at the end. In a program of your own the imports are `from "effect-ldap"`.
 */
import { Console, Effect, Option, Stream } from "effect"
import {
  LdapControl,
  LdapFilter,
  LdapJobs,
  LdapModification,
  LdapRootDse,
  LdapTransaction,
  Ldif,
  LdifApply
} from "../src/index.ts"
import { inWorkplace } from "./data/workplace.ts"

const program = inWorkplace(({ base, isActiveDirectory, ldap }) =>
  Effect.gen(function*() {
    const nameOf = (cn: string) => `cn=${cn},${base}`
    const objectClass = isActiveDirectory ? "contact" : "inetOrgPerson"
    const ada = nameOf("ada")
    const rootDse = yield* ldap.rootDse

    yield* ldap.add(ada, { objectClass, cn: "ada", sn: "Lovelace", telephoneNumber: "1" })
    yield* ldap.modify(ada, [
      LdapModification.replace("telephoneNumber", "2"),
      LdapModification.add("mail", "ada@example.org"),
      // Without a value the whole attribute is deleted, if there is one.
      LdapModification.replace("title")
    ])

    // If nothing differs, no modification is sent.
    const wanted = { objectClass, sn: "Lovelace", mail: ["ada@example.org"] }
    const first = yield* LdapJobs.upsert(ldap, ada, wanted)
    const second = yield* LdapJobs.upsert(ldap, ada, { ...wanted, mail: ["countess@example.org"] })
    const third = yield* LdapJobs.upsert(ldap, nameOf("grace"), { objectClass, sn: "Hopper" })
    yield* Console.log(`upsert: ${first._tag}, ${second._tag}, ${third._tag}`)

    // Only if the entry has not changed since it was read.
    if (LdapRootDse.supportsControl(rootDse, LdapControl.assertion)) {
      const unchanged = LdapControl.assertion.make(LdapFilter.equals("telephoneNumber", "1"))
      yield* ldap.modify(ada, LdapModification.replace("telephoneNumber", "3"), { controls: [unchanged] }).pipe(
        Effect.catchReason("LdapError", "AssertionFailed", () => Console.log("if unchanged: another has changed it"))
      )
    } else {
      // Deleting the old value and adding the new one fails if the old value is gone.
      yield* ldap.modify(ada, [
        LdapModification.delete("telephoneNumber", "1"),
        LdapModification.add("telephoneNumber", "3")
      ]).pipe(
        Effect.catchReason("LdapError", "NoSuchAttribute", () => Console.log("if unchanged: another has changed it"))
      )
    }

    // The answer to the change has the entry before the change.
    if (LdapRootDse.supportsControl(rootDse, LdapControl.preReadRequest)) {
      const { controls } = yield* ldap.modify(ada, LdapModification.replace("telephoneNumber", "4"), {
        controls: [LdapControl.preReadRequest.make(["telephoneNumber"])]
      })
      const before = LdapControl.preReadResponse.find(controls)
      yield* Console.log(
        `pre-read: it was ${
          Option.match(before, { onNone: () => "not told", onSome: (e) => e.get("telephoneNumber") })
        }`
      )
    } else yield* Console.log("pre-read: this server has none")

    yield* ldap.rename(nameOf("grace"), { newRdn: "cn=grace hopper" })
    yield* Console.log(`renamed: ${yield* LdapJobs.exists(ldap, nameOf("grace hopper"))}`)

    // Both writes or none.
    const both = LdapTransaction.runWith(ldap, (tx) =>
      Effect.gen(function*() {
        yield* tx.modify(ada, LdapModification.replace("title", "Countess"))
        yield* tx.add(nameOf("ada"), { objectClass, cn: "ada", sn: "again" }) // the name is taken
      }))
    yield* both.pipe(
      Effect.catchReason("LdapError", "EntryAlreadyExists", () =>
        Effect.map(ldap.lookup(ada, { attributes: ["title"], filter: "(title=*)" }), Option.isNone).pipe(
          Effect.flatMap((isUntouched) => Console.log(`transaction: failed, and nothing was changed: ${isUntouched}`))
        ))
    )

    const text = `dn: ${nameOf("linus")}
changetype: add
objectClass: ${objectClass}
cn: linus
sn: Torvalds

dn: ${nameOf("linus")}
changetype: modify
replace: mail
mail: linus@example.org
-
`
    const applied = yield* LdifApply.applyLdif(ldap, Stream.make(text).pipe(Stream.encodeText, Ldif.decode())).pipe(
      Stream.runCount
    )
    yield* Console.log(`LDIF: ${applied} records applied`)

    const deleted = yield* LdapJobs.deleteTree(ldap, nameOf("linus")).pipe(Stream.runCount)
    yield* Console.log(`deleted: ${deleted} step`)
  })
)

await Effect.runPromise(program)
