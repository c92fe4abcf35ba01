/** Deliberate breaks of Kerberos, SPNEGO and NTLM: lines that keep S9 (servers are verified) and S11 (no peer is trusted). */
import type { Mutation } from "./Mutation.ts"

type Break = Omit<Mutation, "promise" | "tests"> & { readonly test: string }

const of = (promise: Mutation["promise"], ...breaks: ReadonlyArray<Break>): ReadonlyArray<Mutation> =>
  breaks.map(({ test, ...rest }) => ({ ...rest, promise, tests: [`test/auth/${test}.test.ts`] }))

const room = "src/auth/kerberos"
const protection = `${room}/gss/MessageProtection.ts`
const context = `${room}/gss/KerberosContext.ts`
const spnego = `${room}/gss/SpnegoContext.ts`
const as = `${room}/kdc/asExchange.ts`
const exchange = `${room}/kdc/exchange.ts`
const tgs = `${room}/kdc/tgsExchange.ts`
const cache = `${room}/credentials/TicketCache.ts`
const ntlm = "src/auth/ntlm/NtlmContext.ts"

export const kerberosMutations: ReadonlyArray<Mutation> = [
  ...of(
    "S9",
    {
      file: context,
      find: "if (time.millis !== asked.millis || time.microseconds !== asked.microseconds) {",
      replace: "if (time.millis < 0) {",
      test: "kerberos/gss/context",
      name: "an answer with another",
      why: "a server's proof may be an old one"
    },
    {
      file: context,
      find: "bindingsHash(bindings).copy(bytes, 4)",
      replace: "",
      test: "kerberos/gss/context",
      name: "channel bindings",
      why: "a bind can be relayed over another TLS connection"
    },
    {
      file: context,
      find: "if (theirKey !== undefined && !types.includes(theirKey.type)) {",
      replace: "if (theirKey !== undefined && types.length === 0) {",
      test: "kerberos/gss/context",
      name: "a subkey",
      why: "a server chooses a weaker key than the program allows"
    },
    {
      file: spnego,
      find: "if (mechanism !== undefined && ![oid, ...aliases].some((known) => known.equals(mechanism))) {",
      replace: "if (mechanism !== undefined && mechanism.length === 0) {",
      test: "kerberos/gss/spnego",
      name: "is refused",
      why: "a server chooses a mechanism that was not offered"
    },
    {
      file: spnego,
      find:
        `if (!context.isComplete()) return yield* fail("the server reported success before it had proved its identity")`,
      replace: "",
      test: "kerberos/gss/spnego",
      name: "is refused",
      why: "success is believed without a proof"
    },
    {
      file: spnego,
      find: "yield* context.verifyMic(mechanisms, response.mic)",
      replace: "",
      test: "kerberos/gss/spnego",
      name: "is refused",
      why: "a signature of the negotiation is not looked at"
    },
    {
      file: spnego,
      find: "if (mic.isRequired && response.mic === undefined)",
      replace: "if (mic.isRequired && response.mic?.length === 0)",
      test: "ntlm/context",
      name: "success without the server's signature",
      why: "NTLM takes a server that proved nothing"
    },
    {
      file: ntlm,
      find: "if (isWeak) {",
      replace: "if (isWeak && token.length === 0) {",
      test: "ntlm/context",
      name: "a downgrade is refused",
      why: "a server talks NTLM down to what can be broken"
    },
    {
      file: ntlm,
      find: "hmac(\"md5\", sessionKey, negotiate, token, message).copy(message, micOffset)",
      replace: "",
      test: "ntlm/context",
      name: "a server that knows the password",
      why: "the messages of NTLM can be changed on their way"
    },
    {
      file: `${room}/crypto/encryptionTypes.ts`,
      find: "  .filter((type) => type !== rc4Hmac)",
      replace: "",
      test: "kerberos/crypto/encryptionTypes",
      name: "leaves out rc4-hmac",
      why: "rc4-hmac is used without being asked for"
    },
    {
      file: as,
      find: "source.types.find(({ id }) => infos.success.some(({ type }) => type === id))",
      replace: "source.types.find(({ id }) => infos.success[0]?.type === id)",
      test: "kerberos/kdc",
      name: "the weakest first",
      why: "an attacker chooses by which of its keys a client proves its password"
    },
    {
      file: `${room}/gssSteps.ts`,
      find: `if (channelBinding === true && connection.protection === "tls" && certificate === undefined) {`,
      replace: `if (channelBinding === true && connection.protection === "none") {`,
      test: "kerberos/GssapiMechanism",
      name: "a certificate without a hash",
      why: "a bind that had to be bound to its connection is not"
    },
    {
      file: `${room}/GssapiMechanism.ts`,
      find: "(bits.integrity | bits.confidentiality)) === 0 && maxSent !== 0) {",
      replace: "(bits.integrity | bits.confidentiality)) === 0 && maxSent < 0) {",
      test: "kerberos/GssapiMechanism",
      name: "a buffer for no layer",
      why: "an offer of layers that contradicts itself is taken"
    },
    {
      file: `${room}/credentials/KeySource.ts`,
      find: "iterations < limits.min || ",
      replace: "",
      test: "kerberos/kdc",
      name: "one iteration",
      why: "a proof is made from which the password is cheap to guess"
    }
  ),
  ...of(
    "S11",
    {
      file: protection,
      find: "if (found === expected) {",
      replace: "if (found >= expected) {",
      test: "kerberos/gss/messageProtection",
      name: "repeated, left out or overtaken",
      why: "messages can be left out"
    },
    {
      file: protection,
      find: "return sameBytes(plaintext.subarray(end), header) ?",
      replace: "return header.length > 0 ?",
      test: "kerberos/gss/messageProtection",
      name: "every bit of a message counts",
      why: "the number of a sealed message can be changed"
    },
    {
      file: protection,
      find: "if ((flags & byAcceptorSubkey) !== this.#subkeyFlag)",
      replace: "if (flags > 255)",
      test: "kerberos/gss/messageProtection",
      name: "one's own message",
      why: "the flag of the key is not looked at"
    },
    {
      file: "src/auth/ntlm/NtlmMessageProtection.ts",
      find: "return sameBytes(this.#received.sign(octets), message.subarray(0, signatureBytes))",
      replace: "return this.#received.sign(octets).length > 0",
      test: "ntlm/context",
      name: "a server that knows the password",
      why: "messages of NTLM can be changed and repeated"
    },
    {
      file: exchange,
      find: "if (part.nonce !== body.nonce)",
      replace: "if (part.nonce < 0)",
      test: "kerberos/replies",
      name: "another nonce",
      why: "a reply can be an old one"
    },
    {
      file: exchange,
      find: "if (!types.includes(part.key.type)) {",
      replace: "if (types.length === 0) {",
      test: "kerberos/replies",
      name: "weaker than allowed",
      why: "a KDC gives a session key of a type that was not asked for"
    },
    {
      file: exchange,
      find: "Math.abs(serverTime - now) <= mostSkew",
      replace: "serverTime > 0",
      test: "kerberos/kdc",
      name: "another day",
      why: "a proof can be had for any time"
    },
    {
      file: tgs,
      find: "if (visited.has(next))",
      replace: "if (visited.size === 0)",
      test: "kerberos/replies",
      name: "refer in a circle",
      why: "realms send a client in a circle"
    },
    {
      file: exchange,
      find: "if (!sameName(ticket.service, part.service) || ticket.realm !== part.serviceRealm) {",
      replace: "if (ticket.realm === \"\") {",
      test: "kerberos/replies",
      name: "than what is encrypted",
      why: "the plain part of a ticket is believed"
    },
    {
      file: exchange,
      find: "return part.endTime > now + offset",
      replace: "return part.endTime > 0",
      test: "kerberos/replies",
      name: "a ticket that has ended",
      why: "a ticket is kept that no server takes"
    },
    {
      file: tgs,
      find: " && isFollowed(serverTime, now)",
      replace: "",
      test: "kerberos/replies",
      name: "one of another day is not",
      why: "a proof for a service can be had for any time"
    },
    {
      file: as,
      find: "own.every((type) => type === rc4Hmac) ? [...types, ...own] : own",
      replace: "own",
      test: "kerberos/replies",
      name: "a keytab with a key of rc4-hmac alone",
      why: "the ticket-granting ticket of an old keytab has a session key of rc4-hmac"
    },
    {
      file: `${room}/system/nodeSystem.ts`,
      find: "(answers.has(payload[0]) ? payload : undefined)",
      replace: "payload",
      test: "kerberos/nodeSystem",
      name: "what is no answer of a KDC",
      why: "one forged datagram ends the wait for the KDC"
    },
    {
      file: `${room}/system/nodeSystem.ts`,
      find: "address.port < 1 || address.port > 65_535",
      replace: "address.port < 0",
      test: "kerberos/nodeSystem",
      name: "a port that can't be",
      why: "a record of DNS ends the process"
    },
    {
      file: `${room}/gss/signingContext.ts`,
      find: `    if (before._tag !== "Asked" || token === undefined) return fail("the server sent an unexpected token")
    state = { _tag: "Failed" }`,
      replace:
        `    if (before._tag !== "Asked" || token === undefined) return fail("the server sent an unexpected token")`,
      test: "kerberos/gss/context",
      name: "is refused",
      why: "a server may guess until one answer is believed"
    },
    {
      file: "src/auth/ntlm/ntlmMessages.ts",
      find: "if (info.length > mostInfoBytes) {",
      replace: "if (info.length < 0) {",
      test: "ntlm/context",
      name: "more about the server than any has to say",
      why: "a challenge ends the program"
    },
    {
      file: "src/auth/ntlm/ntlmMessages.ts",
      find: "if (pairs.length === mostPairs)",
      replace: "if (pairs.length < 0)",
      test: "ntlm/context",
      name: "more pairs than there are kinds",
      why: "a challenge keeps the machine busy"
    },
    {
      file: `${room}/messages/Der.ts`,
      find: `if (second === 0 || (first === 0x81 && second !== undefined && second < 0x80)) {`,
      replace: "if (second === -1) {",
      test: "kerberos/messages/messages",
      name: "what DER doesn't allow",
      why: "a length may be written in several ways"
    },
    {
      file: cache,
      find: "const isNew = entry?.exchange === undefined",
      replace: "const isNew = true",
      test: "kerberos/replies",
      name: "share one exchange",
      why: "each session asks the KDC by itself"
    },
    {
      file: cache,
      find: "now - since > provedWithin",
      replace: "now - since > Infinity",
      test: "kerberos/replies",
      name: "a ticket that no server proved",
      why: "after a change of the server's key no bind succeeds for hours"
    }
  )
]
