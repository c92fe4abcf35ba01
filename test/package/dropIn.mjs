/** A program of ldapts with the drop-in, beside the version of ldapts that `LDAPTS` names. Prints only what is wrong. */
import assert from "node:assert/strict"
import { registerHooks } from "node:module"

registerHooks({
  resolve: (specifier, context, next) => next(specifier === "ldapts" ? process.env.LDAPTS : specifier, context)
})
const ldapts = await import("ldapts")
const dropIn = await import("effect-ldap/ldapts")
const { admin, base, urls } = JSON.parse(process.env.SMOKE_FACTS)

assert.notEqual(dropIn.Client, ldapts.Client)
const missing = Object.keys(ldapts).filter((name) => name !== "Client" && dropIn[name] !== ldapts[name])
assert.deepEqual(missing, [], "the drop-in exports everything that ldapts exports")

await using client = new dropIn.Client({ url: urls.ldap })
await assert.rejects(client.bind(admin.dn, "wrong"), (error) => {
  assert(error instanceof ldapts.InvalidCredentialsError)
  assert.equal(error.code, 49)
  return true
})
await client.bind(admin.dn, admin.password)

const dn = `cn=of ${process.env.LDAPTS},${base}`
const theirs = new ldapts.Attribute({ type: "objectClass", values: ["device"] })
await client.add(dn, [theirs, new ldapts.Attribute({ type: "cn", values: [`of ${process.env.LDAPTS}`] })])
const modification = new ldapts.Attribute({ type: "description", values: ["one", "two"] })
await client.modify(dn, new ldapts.Change({ operation: "add", modification }))
const filter = new ldapts.AndFilter({
  filters: [
    new ldapts.EqualityFilter({ attribute: "objectClass", value: "device" }),
    new ldapts.PresenceFilter({ attribute: "description" })
  ]
})
const { searchEntries } = await client.search(dn, { scope: "base", filter, attributes: ["description"] })
assert.deepEqual(searchEntries, [{ dn, description: ["one", "two"] }])
await client.del(dn)
await assert.rejects(client.search(dn), ldapts.NoSuchObjectError)
