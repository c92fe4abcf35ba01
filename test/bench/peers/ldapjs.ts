/**
 * ldapjs. It has no types, so the parts in use are declared here.
 */
import { createRequire } from "node:module"
import { type Client, eachAtOnce, type Peer, type Target } from "./Peer.ts"

type Done = (error: Error | null) => void
interface SearchEvents {
  on(event: "searchEntry", listener: (entry: { readonly pojo: object }) => void): SearchEvents
  on(event: "error" | "end", listener: (value: unknown) => void): SearchEvents
}
interface LdapjsClient {
  on(event: "error", listener: (error: Error) => void): void
  bind(dn: string, password: string, done: Done): void
  search(base: string, options: object, found: (error: Error | null, events: SearchEvents) => void): void
  unbind(done: Done): void
}
interface Ldapjs {
  readonly createClient: (options: object) => LdapjsClient
}

const connect = async ({ bindDn, ca, password, url }: Target): Promise<Client> => {
  // The package exports what its documentation says.
  const { createClient } = createRequire(import.meta.url)("ldapjs") as Ldapjs
  const client = createClient({ url, ...(ca === undefined ? {} : { tlsOptions: { ca } }) })
  client.on("error", () => {})
  const settled = (start: (done: Done) => void): Promise<void> =>
    new Promise((resolve, reject) => start((error) => (error === null ? resolve() : reject(error))))
  const search = (base: string, options: object): Promise<ReadonlyArray<object>> =>
    new Promise((resolve, reject) =>
      client.search(base, { timeLimit: 0, ...options }, (error, events) => {
        if (error !== null) return reject(error)
        const entries: Array<object> = []
        events.on("searchEntry", ({ pojo }) => entries.push(pojo)).on("error", reject).on("end", () => resolve(entries))
      })
    )
  await settled((done) => client.bind(bindDn, password, done))
  const count = async (base: string): Promise<number> => (await search(base, { scope: "sub" })).length
  return {
    stream: count,
    streamRead: count,
    streamText: count,
    collect: count,
    pages: async (base, pageSize) => (await search(base, { scope: "sub", paged: { pageSize } })).length,
    values: count,
    lookups: (dns, inFlight) => eachAtOnce(dns, inFlight, (dn) => search(dn, { scope: "base" })),
    close: () => settled((done) => client.unbind(done))
  }
}

export const peer: Peer = { connect }
