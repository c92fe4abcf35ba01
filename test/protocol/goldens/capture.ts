/**
 * Captures the answers of a real server, for servers.ts in this folder:
 *
 *     node test/protocol/goldens/capture.ts ldap://127.0.0.1:389 dc=example,dc=com "cn=admin,dc=example,dc=com" secret
 *
 * It uses a bare socket: messages are split by their length, not by the parser that the goldens test. Its requests change nothing
 * on the server.
 */
import { createConnection } from "node:net"
import { LdapControl } from "../../../src/model/control/LdapControl.ts"
import * as Control from "../../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { RequestOperation, SearchRequest } from "../../../src/protocol/LdapMessage.ts"

const [url = "ldap://127.0.0.1:389", base = "dc=example,dc=com", user = "", password = ""] = process.argv.slice(2)

const search = (fields: Partial<SearchRequest>): SearchRequest => ({
  _tag: "SearchRequest",
  base,
  scope: "base",
  derefAliases: "never",
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: LdapFilter.present("objectClass"),
  attributes: ["1.1"],
  ...fields
})

const bind = (name: string, text: string): RequestOperation => ({
  _tag: "BindRequest",
  version: 3,
  name,
  authentication: { _tag: "Simple", password: Buffer.from(text) }
})

const sasl = (mechanism: string, credentials?: string): RequestOperation => ({
  _tag: "BindRequest",
  version: 3,
  name: "",
  authentication: {
    _tag: "Sasl",
    mechanism,
    credentials: credentials === undefined ? undefined : Buffer.from(credentials)
  }
})

const compare = (value: string): RequestOperation => ({
  _tag: "CompareRequest",
  dn: base,
  attribute: "dc",
  value: Buffer.from(value)
})

const control = (oid: string, critical: boolean, hex?: string): LdapControl =>
  new LdapControl({ oid, critical, value: hex === undefined ? undefined : Buffer.from(hex, "hex") })

const asked: ReadonlyArray<readonly [string, RequestOperation | string, ReadonlyArray<LdapControl>?]> = [
  ["anonymous bind", bind("", "")],
  ["bind with a wrong password", bind(user, "wrong")],
  ["bind by SCRAM-SHA-1, first step", sasl("SCRAM-SHA-1", "n,,n=alice,r=fyko+d2lbbFgONRv9qkxdawL")],
  ["bind by DIGEST-MD5, first step", sasl("DIGEST-MD5")],
  ["simple bind", bind(user, password)],
  ["root DSE", search({ base: "", attributes: ["namingContexts", "supportedLDAPVersion"] })],
  ["lookup", search({ base: `uid=alice,ou=people,${base}`, attributes: ["cn", "MAIL", "jpegPhoto", "userPassword"] })],
  ["lookup of types", search({ base: `uid=alice,ou=people,${base}`, attributes: ["cn", "mail"], typesOnly: true })],
  ["lookup of nothing", search({ base: `uid=nobody,ou=nowhere,${base}` })],
  [
    "first page",
    search({ scope: "subtree" }),
    [Control.pagedResults({ size: 1, cookie: Buffer.alloc(0) }, { critical: true })]
  ],
  [
    "first page of the configuration",
    search({ base: "cn=config", scope: "one" }),
    [Control.pagedResults({ size: 1, cookie: Buffer.alloc(0) }, { critical: true })]
  ],
  ["sorted", search({}), [control("1.2.840.113556.1.4.473", false, "300d300b04097569644e756d626572")]],
  ["sorted root DSE", search({ base: "" }), [
    control("1.2.840.113556.1.4.473", false, "300d300b04097569644e756d626572")
  ]],
  ["references", search({ base: `ou=referrals,${base}`, scope: "one" })],
  ["referral", search({ base: `cn=elsewhere,ou=referrals,${base}` })],
  ["compare, true", compare("example")],
  ["compare, false", compare("other")],
  ["who am I", { _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" }],
  ["unknown extended operation", { _tag: "ExtendedRequest", oid: "1.2.3.4" }],
  [
    "add without a parent",
    {
      _tag: "AddRequest",
      dn: `ou=a,ou=nowhere,${base}`,
      attributes: [{ description: "ou", values: [Buffer.from("a")] }]
    }
  ],
  ["delete of nothing", { _tag: "DeleteRequest", dn: `ou=nowhere,${base}` }],
  [
    "rename of nothing",
    { _tag: "ModifyDnRequest", dn: `ou=nowhere,${base}`, newRdn: "ou=x", deleteOldRdn: true }
  ],
  [
    "modify of nothing",
    {
      _tag: "ModifyRequest",
      dn: `ou=nowhere,${base}`,
      changes: [{ operation: "replace", attribute: "description", values: [] }]
    }
  ],
  ["search with an unknown critical control", search({}), [control("1.2.3.4", true)]],
  ["content synchronization, refresh and persist", search({}), [
    control("1.3.6.1.4.1.4203.1.9.1.1", true, "30030a0103")
  ]],
  ["unknown operation", "300502017f7e00"]
]

/** The size of the message at the start, or 0 if it isn't complete or its size isn't known yet. */
const sizeOf = (bytes: Buffer): number => {
  if (bytes.length < 2) return 0
  const first = bytes[1]!
  const octets = first > 0x7f ? first - 0x80 : 0
  if (bytes.length < 2 + octets) return 0
  const size = 2 + octets + (octets === 0 ? first : bytes.readUIntBE(2, octets))
  return size > bytes.length ? 0 : size
}

const { hostname, port } = new URL(url)
const socket = createConnection(Number(port || 389), hostname.replace(/^\[|\]$/g, ""))
const messages = (async function*() {
  let buffered = Buffer.alloc(0)
  for await (const chunk of socket) {
    buffered = Buffer.concat([buffered, chunk as Buffer])
    for (let size = sizeOf(buffered); size > 0; size = sizeOf(buffered)) {
      yield buffered.subarray(0, size)
      buffered = buffered.subarray(size)
    }
  }
})()

// One request after another. Messages are read until one that isn't an entry or a reference, or until the server closes the
// connection, which the last request causes.
let messageId = 0
for (const [name, operation, controls = []] of asked) {
  messageId++
  socket.write(
    typeof operation === "string" ? Buffer.from(operation, "hex") : encode({ messageId, operation, controls })
  )
  for (;;) {
    const next = await messages.next()
    if (next.done === true) {
      console.log(`${name}: the server hangs up`)
      process.exit()
    }
    console.log(`${name}: ${next.value.toString("hex")}`)
    // SEQUENCE with its length, INTEGER of one byte: then the operation's tag.
    const first = next.value[1]!
    const tag = next.value[2 + (first > 0x7f ? first - 0x80 : 0) + 3]
    if (tag !== 0x64 && tag !== 0x73) break
  }
}
socket.end()
