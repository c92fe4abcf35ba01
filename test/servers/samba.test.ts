/** Samba as a domain controller, checked with ldapts: the data that other tests need is present. */
import { Client } from "ldapts"
import { describe, expect, inject, it } from "vitest"
import { bigGroupMembers, sambaPasswordOf } from "./samba.ts"
import { waitFor } from "./setup/waitFor.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  const facts = samba!
  waitFor(samba)
  const trust = { ca: facts?.certificates.ca.cert }
  const as = async <A>(
    name: string,
    password: string,
    url: string,
    use: (client: Client) => Promise<A>
  ): Promise<A> => {
    const ldap = new Client({ url, tlsOptions: url.startsWith("ldaps") ? trust : {} })
    await ldap.bind(name, password)
    try {
      return await use(ldap)
    } finally {
      await ldap.unbind()
    }
  }

  it.each(["ldap", "ldaps", "globalCatalog", "globalCatalogTls"] as const)("answers on %s", async (name) => {
    const { searchEntries } = await as(
      facts.admin.dn,
      facts.admin.password,
      facts.urls[name],
      (ldap) => ldap.search(facts.base, { scope: "base", attributes: ["distinguishedName"] })
    )
    expect(searchEntries[0]?.dn).toBe(facts.base)
  })

  it("answers with StartTLS", async () => {
    const ldap = new Client({ url: facts.urls.ldap })
    await ldap.startTLS({ ...trust })
    await ldap.bind(facts.admin.upn, facts.admin.password)
    await ldap.unbind()
  })

  it("has people with passwords, a big group, and a group in a group", async () => {
    const found = await as(
      `alice@${facts.dnsDomain}`,
      sambaPasswordOf("alice"),
      facts.urls.ldaps,
      (ldap) => ldap.search(`OU=groups,${facts.base}`, { scope: "one", attributes: ["cn", "member"] })
    )
    const members = (cn: string) => found.searchEntries.find((entry) => entry["cn"] === cn)?.["member"]
    expect(members("big")).toHaveLength(bigGroupMembers)
    expect(members("staff")).toBe(`CN=team,OU=groups,${facts.base}`)
  })
})
