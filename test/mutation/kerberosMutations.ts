/** Deliberate breaks of Kerberos, SPNEGO and NTLM: what keeps S9 (servers are verified) and S11 (nothing is believed) there. */
import type { Mutation } from "./Mutation.ts"

type Break = Omit<Mutation, "promise" | "tests"> & { readonly test: string }

const of = (promise: Mutation["promise"], ...breaks: ReadonlyArray<Break>): ReadonlyArray<Mutation> =>
  breaks.map(({ test, ...rest }) => ({ ...rest, promise, tests: [`test/auth/${test}.test.ts`] }))

const room = "src/auth/kerberos"
const protection = `${room}/gss/MessageProtection.ts`
const context = `${room}/gss/KerberosContext.ts`
const spnego = `${room}/gss/SpnegoContext.ts`
const as = `${room}/kdc/asExchange.ts`
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
        `if (!context.isComplete()) return yield* fail("the server said success before it had proved its identity")`,
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
      file: as,
      find: "if (part.success.nonce !== nonce)",
      replace: "if (part.success.nonce < 0)",
      test: "kerberos/replies",
      name: "another nonce",
      why: "a reply can be an old one"
    },
    {
      file: as,
      find: "if (!encryptionTypes.includes(part.success.key.type.id)) {",
      replace: "if (encryptionTypes.length === 0) {",
      test: "kerberos/replies",
      name: "weaker than allowed",
      why: "a KDC gives a session key of a type that was not asked for"
    },
    {
      file: as,
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
      file: tgs,
      find: "if (!sameName(ticket.service, part.service) || ticket.realm !== part.serviceRealm) {",
      replace: "if (ticket.realm === \"\") {",
      test: "kerberos/replies",
      name: "than what is encrypted",
      why: "the plain part of a ticket is believed"
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
