/**
 * Contexts of the `kerberos` package. It is an optional peer, so it is loaded at the first bind that needs it, and this module
 * doesn't use its types.
 *
 * Its limits were measured with version 7.0.0 (later sources have the same). Outside of Windows, its `wrap` works for only one
 * message, by which a client declines a security layer, since its C function overwrites the start of any message. MIT's library
 * offers confidentiality for every context unless an option is set that the package doesn't expose. With GSSAPI the layer is
 * negotiated after the context, so the client can decline it. With GSS-SPNEGO the server uses the flags of the context and expects
 * wrapped messages from then on.
 */
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { InvalidRequest } from "../../model/LdapError.ts"
import { messageOf } from "../../model/messageOf.ts"
import { type GssContext, GssFailure, type GssProvider } from "./GssContext.ts"

/** The functions of the package that are used here. */
interface KerberosPackage {
  readonly GSS_C_MUTUAL_FLAG: number
  readonly GSS_C_SEQUENCE_FLAG: number
  readonly GSS_MECH_OID_KRB5: number
  readonly GSS_MECH_OID_SPNEGO: number
  readonly initializeClient: (
    service: string,
    options: { readonly principal?: string; readonly flags: number; readonly mechOID: number }
  ) => Promise<KerberosClient>
}

/** Tokens and messages are base64. */
interface KerberosClient {
  readonly contextComplete: boolean
  readonly step: (challenge: string) => Promise<string | null>
  readonly wrap: (
    challenge: string,
    options: { readonly user?: string; readonly protect: boolean }
  ) => Promise<string | null>
  readonly unwrap: (challenge: string) => Promise<string | null>
}

/** Contexts of the package, which is loaded by `name`. */
export const kerberosPackage = (name = "kerberos"): GssProvider => ({
  protection: "none",
  make: Effect.fnUntraced(function*({ mechanism, principal, service }) {
    if (mechanism === "spnego" && process.platform !== "win32") {
      return yield* new InvalidRequest({
        field: "mechanism",
        detail: "with GSS-SPNEGO the server would expect wrapped messages, which the kerberos package can't make; " +
          "use LdapSasl.gssapi, which authenticates with the same ticket, or use another provider"
      })
    }
    const kerberos = yield* load(name)
    const client = yield* attempt(() =>
      kerberos.initializeClient(service, {
        ...(principal === undefined ? {} : { principal }),
        flags: kerberos.GSS_C_MUTUAL_FLAG | kerberos.GSS_C_SEQUENCE_FLAG,
        mechOID: mechanism === "spnego" ? kerberos.GSS_MECH_OID_SPNEGO : kerberos.GSS_MECH_OID_KRB5
      })
    )
    return contextOf(client)
  })
})

const contextOf = (client: KerberosClient): GssContext => ({
  // If there is no token, the package needs an empty one.
  step: (token) => Effect.map(attempt(() => client.step(token === undefined ? "" : base64(token))), octetsOf),
  isComplete: () => client.contextComplete,
  protection: () => "none",
  wrap: Effect.fnUntraced(function*(octets) {
    const declined = Buffer.from(octets.subarray(0, declinesLayers.length))
    if (!declined.equals(declinesLayers)) {
      return yield* new GssFailure({
        detail: "the kerberos package can only wrap the message that declines a security layer"
      })
    }
    const user = Buffer.from(octets.subarray(declinesLayers.length)).toString()
    const wrapped = yield* attempt(() => client.wrap(base64(declinesLayers), { user, protect: false }))
    return octetsOf(wrapped) ?? new Uint8Array()
  }),
  unwrap: (octets) =>
    Effect.map(attempt(() => client.unwrap(base64(octets))), (unwrapped) => ({
      octets: octetsOf(unwrapped) ?? new Uint8Array(),
      confidential: false
    }))
})

/** No layer, and therefore no buffer (RFC 4752 section 3.1). The authorization identity follows. */
export const declinesLayers = Buffer.from([1, 0, 0, 0])

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64")

const octetsOf = (text: string | null): Uint8Array | undefined =>
  text === null || text === "" ? undefined : Buffer.from(text, "base64")

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, GssFailure> =>
  Effect.tryPromise({ try: run, catch: (cause) => new GssFailure({ detail: messageOf(cause) }) })

/**
 * Compilers and bundlers don't resolve a call through a function in an object, so programs without Kerberos need neither the
 * package nor its types. For a direct call, and for `import` with a variable, webpack warns that it can't resolve the module.
 */
const node: { require?: (name: string) => unknown } = {}

const load = (name: string): Effect.Effect<KerberosPackage, InvalidRequest> =>
  Effect.try({
    // By its documentation it is a CommonJS module with the functions above.
    try: () => (node.require ??= createRequire(import.meta.url))(name) as KerberosPackage,
    catch: (cause) => new InvalidRequest({ field: "mechanism", detail: describe(cause, name) })
  })

/** The error for a missing package, or for a missing library that it needs. */
const describe = (cause: unknown, name: string): string => {
  const said = messageOf(cause).split("\n", 1)[0]!
  // The same code is used if a part of the package is missing.
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "MODULE_NOT_FOUND" &&
    said.includes(`'${name}'`)
  return isMissing
    ? `Kerberos needs the package kerberos, which is not installed: npm install kerberos. ${library}`
    : `the package kerberos could not be loaded (${said}); npm must be allowed to run its install script, which fetches or ` +
      `builds its native part. ${library}`
}

const library =
  "It uses the system's Kerberos library: libgssapi-krb5-2 on Debian and Ubuntu, krb5-libs on Fedora and Red Hat"
