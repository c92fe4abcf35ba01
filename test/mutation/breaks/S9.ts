/** S9: passwords are protected and servers verified. */
import { breaksOf } from "../Mutation.ts"
import { bind, handshake, node, pending, saslBind, settings, sockets, writer } from "../sources.ts"

export const s9 = breaksOf(
  "S9",
  {
    file: bind,
    find: "return insecure === undefined\n",
    replace: "return insecure !== null\n",
    test: "session/security",
    name: "nor is that of the configuration: the session is not opened",
    hangs: true,
    why: "the password of the configuration is sent in clear text"
  },
  {
    file: bind,
    find: "if (sendsSecret && insecure !== undefined)",
    replace: "if (sendsSecret && insecure !== undefined && options.controls.length > 99)",
    test: "session/security",
    name: "a password effect is not run if the password could not be sent",
    why: "passwords go over the network in clear text"
  },
  {
    file: bind,
    find: ` || (auth._tag === "Sasl" && auth.mechanism.sendsSecret)`,
    replace: "",
    test: "session/operations/sasl",
    name: "S9: a mechanism that sends its secret in clear text needs a protected connection",
    hangs: true,
    why: "PLAIN goes over the network in clear text"
  },
  {
    file: "src/auth/mechanisms/PlainMechanism.ts",
    find: "sendsSecret: true",
    replace: "sendsSecret: false",
    test: "auth/mechanisms/mechanisms",
    name: "which mechanisms need a protected connection",
    why: "PLAIN says that it keeps its secret"
  },
  {
    file: settings,
    find: "allowInsecureAuth: options.allowInsecureAuth ?? false",
    replace: "allowInsecureAuth: options.allowInsecureAuth ?? true",
    test: "session/security",
    name: "a password effect is not run if the password could not be sent",
    why: "clear text is allowed by default"
  },
  {
    file: "src/connection/LdapTransport.ts",
    find: `protection: options?.protection ?? "none"`,
    replace: `protection: options?.protection ?? "local"`,
    test: "session/defaults",
    name: "no password is sent over a socket without known protection",
    why: "a socket of which nothing is known counts as protected"
  },
  {
    file: sockets,
    find: "/^(::ffff:)?127\\.\\d+\\.\\d+\\.\\d+$/.test(address)",
    replace: "address.length > 0",
    test: "session/defaults",
    name: "an address that isn't loopback is not local",
    why: "every address counts as this machine's"
  },
  {
    file: bind,
    find: `if (dn === "" || Redacted.value(password).length > 0) return undefined`,
    replace: `if (dn !== "" || Redacted.value(password).length > 0) return undefined`,
    test: "session/security",
    name: "an empty password is refused before it is sent",
    hangs: true,
    why: "a name with an empty password is sent, which servers treat as anonymous"
  },
  {
    file: "src/auth/Password.ts",
    find: `if (value.length === 0) return yield* new InvalidRequest({ field, detail: "it is empty" })`,
    replace: "",
    test: "auth/mechanisms/mechanisms",
    name: "nothing is sent that would read as something else",
    why: "mechanisms of SASL send an empty password"
  },
  {
    file: bind,
    find: `dn: auth._tag === "Simple" ? auth.dn : ""`,
    replace: `dn: auth._tag === "Simple" ? auth.dn + Redacted.value(auth.password as never) : ""`,
    test: "session/security",
    name: "it appears in no error, no log and no inspected value",
    why: "an error names the password"
  },
  {
    file: handshake,
    find: "      servername: Net.isIP(name) === 0 ? name : \"\",\n      rejectUnauthorized\n",
    replace:
      "      servername: Net.isIP(name) === 0 ? name : \"\",\n      ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized })\n",
    test: "connection/connect",
    name: "the environment can't turn the verification off",
    why: "a variable of the environment turns verification off"
  },
  {
    file: handshake,
    find: "      host: name,\n",
    replace: "",
    test: "session/defaults",
    name: "an address is checked against the certificate's addresses, not against its names",
    why: "the certificate's addresses aren't looked at"
  },
  {
    file: handshake,
    find: "return checkServerIdentity(hostname, peer)",
    replace: "return undefined",
    test: "connection/connect",
    name: "TLS",
    why: "a certificate for another host is taken"
  },
  {
    file: handshake,
    find: `minVersion: options.minVersion ?? "TLSv1.2"`,
    replace: "minVersion: options.minVersion",
    test: "connection/tls",
    name: "nor if a flag or the environment allows Node to use it",
    why: "a flag brings TLS 1.0 back"
  },
  {
    file: handshake,
    find: "return shown.some((fingerprint) =>",
    replace: "return pins.length === 0 || shown.some((fingerprint) =>",
    test: "connection/tls",
    name: "another server is refused although its certificate is good",
    why: "no pinned fingerprint is as good as any"
  },
  {
    file: node,
    find: `Effect.mapError(judged, (refusal) => fail({ kind: "tls", ...refusal }))`,
    replace: "Effect.ignore(judged)",
    test: "connection/tls",
    name: "sees the result of the handshake, and may refuse with a reason",
    why: "a server that the program refuses is used all the same"
  },
  {
    file: "src/connection/SocketConnection.ts",
    find: "rejectUnauthorized: tls.rejectUnauthorized ?? true",
    replace: "rejectUnauthorized: tls.rejectUnauthorized ?? false",
    test: "session/defaults",
    name: "the upgrade of a socket of Effect verifies, unless it is told not to",
    why: "StartTLS on a socket of Effect takes any certificate"
  },
  {
    file: saslBind,
    find: `reason._tag !== "AuthRejected" && reason._tag !== "InvalidRequest"`,
    replace: `reason._tag !== "InvalidRequest"`,
    test: "session/operations/sasl",
    name:
      "with a server that can't prove its identity ends the session, since the server takes the connection for bound",
    hangs: true,
    why: "a session goes on with a server that did not prove its identity"
  },
  {
    file: "src/auth/mechanisms/ScramMechanism.ts",
    find: "if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {",
    replace: "if (signature.length !== expected.length) {",
    test: "auth/mechanisms/ScramMechanism",
    name: "SCRAM, servers that can't prove their identity",
    why: "any signature of the server's is believed"
  },
  {
    file: writer,
    find: "this.#maySendPasswords || !carriesPassword(request, controls) ? undefined : this.insecure",
    replace: "this.#maySendPasswords || !carriesPassword(request, controls) ? undefined : undefined",
    test: "session/security",
    name: "S9",
    hangs: true,
    why: "requests that carry a password go over the network in clear text"
  },
  {
    file: pending,
    find: "    const reason = check(request, controls)\n",
    replace: "    const reason = check(request, [])\n",
    test: "session/security",
    name: "a filter in a control",
    hangs: true,
    why: "a password in a control goes over the network in clear text"
  }
)
