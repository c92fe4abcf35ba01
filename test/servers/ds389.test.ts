/** 389 Directory Server, checked with ldapts: the data that other tests need is present. */
import { Client } from "ldapts"
import { describe, expect, inject, it } from "vitest"
import { manyEntries, passwordOf, photo } from "./directory.ts"
import { waitFor } from "./setup/waitFor.ts"

const ds389 = inject("ds389")

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  const facts = ds389!
  waitFor(ds389)
  const trust = { ca: facts?.certificates.ca.cert, servername: "localhost" }
  const asAdmin = async <A>(url: string, use: (client: Client) => Promise<A>): Promise<A> => {
    const ldap = new Client({ url, tlsOptions: url.startsWith("ldaps") ? trust : {} })
    await ldap.bind(facts.admin.dn, facts.admin.password)
    try {
      return await use(ldap)
    } finally {
      await ldap.unbind()
    }
  }

  it.each(["ldap", "ldaps"] as const)("answers on %s", async (name) => {
    const { searchEntries } = await asAdmin(facts.urls[name], (ldap) => ldap.search(facts.base, { scope: "base" }))
    expect(searchEntries[0]?.dn).toBe(facts.base)
  })

  it("answers with StartTLS", async () => {
    const ldap = new Client({ url: facts.urls.ldap })
    await ldap.startTLS({ ...trust })
    await ldap.bind(`uid=alice,ou=people,${facts.base}`, passwordOf("alice"))
    await ldap.unbind()
  })

  it("holds the directory, and returns at most 500 entries to users other than the administrator", async () => {
    const search = { scope: "one", filter: "(objectClass=device)" } as const
    const all = await asAdmin(facts.urls.ldap, (ldap) => ldap.search(`ou=many,${facts.base}`, search))
    expect(all.searchEntries.length).toBe(manyEntries)
    const anonymous = new Client({ url: facts.urls.ldap })
    await expect(anonymous.search(`ou=many,${facts.base}`, search)).rejects.toThrow(/0x4/)
    await anonymous.unbind()
  })

  it("holds names and values that aren't ASCII", async () => {
    const { searchEntries } = await asAdmin(
      facts.urls.ldap,
      (ldap) => ldap.search(`ou=people,${facts.base}`, { filter: "(sn=山田)", explicitBufferAttributes: ["jpegPhoto"] })
    )
    expect(searchEntries[0]?.["cn"]).toBe("花子 山田")
    expect(searchEntries[0]?.["jpegPhoto"]).toEqual(Buffer.from(photo))
  })
})
