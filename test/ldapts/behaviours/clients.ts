/**
 * ldapts' client and the drop-in, behind the type that both have, with the outcome of an operation in a form for comparison.
 */
import * as ldapts from "ldapts"
import * as net from "node:net"
import * as dropIn from "../../../src/ldapts.ts"
import type { SambaFacts } from "../../servers/samba.ts"
import type { SlapdFacts } from "../../servers/slapd/slapd.ts"

/** The public methods of ldapts' client. The drop-in must have all of them. */
export type Client = Pick<ldapts.Client, keyof ldapts.Client>
export type Make = (options: ldapts.ClientOptions) => Client

export const clients: ReadonlyArray<readonly [string, Make]> = [
  ["ldapts", (options) => new ldapts.Client(options)],
  ["the drop-in", (options) => new dropIn.Client(options)]
]

/** The outcome of an operation: its value, or the parts of the error that both clients have. */
export const outcomeOf = async (operation: () => Promise<unknown>): Promise<unknown> => {
  try {
    return { value: await operation() }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { constructor, message, name } = error
    return { class: constructor, name, message, code: "code" in error ? error.code : undefined }
  }
}

/** A connection for tests: opened, protected and bound. */
export interface Connection {
  readonly name: string
  readonly open: (make: Make) => Promise<Client>
}

export const slapdConnections = (slapd: SlapdFacts): ReadonlyArray<Connection> => {
  const tls = { ca: slapd.certificates.ca.cert }
  const asAdmin = async (client: Client): Promise<Client> => {
    await client.bind(slapd.admin.dn, slapd.admin.password)
    return client
  }
  return [
    { name: "slapd", open: (make) => asAdmin(make({ url: slapd.urls.ldap })) },
    { name: "slapd over ldaps", open: (make) => asAdmin(make({ url: slapd.urls.ldaps, tlsOptions: tls })) },
    {
      name: "slapd with StartTLS",
      open: async (make) => {
        const client = make({ url: slapd.urls.ldap })
        await client.startTLS(tls)
        return asAdmin(client)
      }
    },
    {
      name: "slapd over a unix socket, bound by EXTERNAL",
      open: async (make) => {
        const createConnection = (() => net.connect(slapd.socketPath)) as typeof net.connect
        const client = make({ url: "ldap://unix.invalid", createConnection })
        await client.bind("EXTERNAL")
        return client
      }
    }
  ]
}

export const sambaConnections = (samba: SambaFacts): ReadonlyArray<Connection> => {
  const asAdmin = async (client: Client): Promise<Client> => {
    await client.bind(samba.admin.upn, samba.admin.password)
    return client
  }
  const tls = { ca: samba.certificates.ca.cert }
  return [
    { name: "Samba", open: (make) => asAdmin(make({ url: samba.urls.ldap })) },
    { name: "Samba over ldaps", open: (make) => asAdmin(make({ url: samba.urls.ldaps, tlsOptions: tls })) }
  ]
}
