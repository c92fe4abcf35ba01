/**
 * From ldapjs: `node examples/from-ldapjs.ts` (with `npm install ldapjs`).
 *
 * Runs the same search with both libraries, and passes values of ldapjs to this library: a filter, a change. The directory is in memory, on
 * a port. In a program of your own the imports are `from "effect-ldap"`. from-ldapjs.md has the table.
 */
import { Console, Effect, Redacted, Result } from "effect"
import { createRequire } from "node:module"
import { LdapAuth, LdapFilter, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

/** ldapjs has no types; these are the parts that the example uses. */
interface Ldapjs {
  readonly createClient: (options: object) => {
    bind(dn: string, password: string, done: (error: Error | null) => void): void
    search(base: string, options: object, found: (error: Error | null, events: Events) => void): void
    unbind(done: () => void): void
  }
  readonly AndFilter: new(options: object) => LdapFilter.ForeignFilter
  readonly EqualityFilter: new(options: object) => LdapFilter.ForeignFilter
  readonly SubstringFilter: new(options: object) => LdapFilter.ForeignFilter
  readonly Attribute: new(options: object) => object
  readonly Change: new(options: object) => LdapSession.LdaptsChange
}
interface Events {
  on(event: "searchEntry", listener: (entry: { readonly pojo: { readonly objectName: string } }) => void): Events
  on(event: "error" | "end", listener: (value: unknown) => void): Events
}
const ldapjs = createRequire(import.meta.url)("ldapjs") as Ldapjs

const base = "dc=example,dc=org"
const admin = `cn=admin,${base}`

const filter = new ldapjs.AndFilter({
  filters: [
    new ldapjs.EqualityFilter({ attribute: "objectClass", value: "person" }),
    new ldapjs.SubstringFilter({ attribute: "cn", initial: "Ada" })
  ]
})

const byLdapjs = (url: string): Promise<ReadonlyArray<string>> =>
  new Promise((resolve, reject) => {
    const client = ldapjs.createClient({ url })
    client.bind(admin, "secret", (error) => {
      if (error !== null) return reject(error)
      client.search(base, { scope: "sub", filter, attributes: ["cn"] }, (error, events) => {
        if (error !== null) return reject(error)
        const names: Array<string> = []
        events.on("searchEntry", ({ pojo }) => names.push(pojo.objectName)).on("error", reject)
          .on("end", () => client.unbind(() => resolve(names)))
      })
    })
  })

const program = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "example" } },
      { dn: `cn=Ada Lovelace,${base}`, attributes: { objectClass: "person", cn: "Ada Lovelace", sn: "Lovelace" } }
    ],
    admin: { password: "secret" }
  })
  const { url } = yield* InMemoryDirectory.listen(directory)

  yield* Console.log(`ldapjs       ${(yield* Effect.promise(() => byLdapjs(url))).join(", ")}`)

  const session = yield* LdapSession.make({ url, auth: LdapAuth.simple(admin, Redacted.make("secret")) })
  const { entries } = yield* session.searchResult({ base, filter, attributes: ["cn"] })
  yield* Console.log(`effect-ldap  ${entries.map(({ dn }) => dn).join(", ")}`)
  yield* Console.log(`the filter   ${LdapFilter.format(Result.getOrThrow(LdapFilter.from(filter)))}`)

  const change = new ldapjs.Change({
    operation: "add",
    modification: new ldapjs.Attribute({ type: "description", values: ["of ldapjs"] })
  })
  yield* session.modify(`cn=Ada Lovelace,${base}`, change)
  yield* Console.log(`the change   ${directory.lookup(`cn=Ada Lovelace,${base}`)?.get("description")}`)
})

await Effect.runPromise(Effect.scoped(program))
