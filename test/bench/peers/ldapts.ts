/** ldapts, through its client. It has no streams and can't stop a search, so these methods are missing. */
import { Attribute, Change, Client as LdaptsClient, type ClientOptions } from "ldapts"
import { type Client, eachAtOnce, type Peer, type Target } from "./Peer.ts"

/** ldapts' client, or another with its methods. */
type Make = (options: ClientOptions) => Pick<LdaptsClient, keyof LdaptsClient>

const connect = (make: Make) => async ({ bindDn, ca, password, url }: Target): Promise<Client> => {
  const client = make({ url, ...(ca === undefined ? {} : { tlsOptions: { ca } }) })
  await client.bind(bindDn, password)
  const collect = async (base: string): Promise<number> =>
    (await client.search(base, { scope: "sub", timeLimit: 0 })).searchEntries.length
  return {
    stream: collect,
    streamRead: collect,
    streamText: collect,
    collect,
    pages: async (base, pageSize) => {
      let count = 0
      for await (const page of client.searchPaginated(base, { scope: "sub", timeLimit: 0, paged: { pageSize } })) {
        count += page.searchEntries.length
      }
      return count
    },
    values: async (base, attribute, as) => {
      const { searchEntries } = await client.search(base, {
        scope: "sub",
        timeLimit: 0,
        ...(as === "octets" ? { explicitBufferAttributes: [attribute] } : {})
      })
      return searchEntries.reduce((count, entry) => count + [entry[attribute] ?? []].flat().length, 0)
    },
    lookups: (dns, inFlight) => eachAtOnce(dns, inFlight, (dn) => client.search(dn, { scope: "base" })),
    writes: (dns, inFlight) =>
      eachAtOnce(dns, inFlight, async (dn) => {
        await client.add(dn, { objectClass: "device", cn: dn.slice(3, dn.indexOf(",")) })
        const modification = new Attribute({ type: "description", values: ["changed"] })
        await client.modify(dn, new Change({ operation: "replace", modification }))
        await client.del(dn)
      }),
    close: () => client.unbind()
  }
}

export const peerOf = (make: Make): Peer => ({ connect: connect(make) })

export const peer: Peer = peerOf((options) => new LdaptsClient(options))
