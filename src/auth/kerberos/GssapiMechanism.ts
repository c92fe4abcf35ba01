/**
 * GSSAPI (RFC 4752): Kerberos. The client authenticates by a ticket. The server proves that it could decrypt the ticket. Then both
 * negotiate whether and how the messages of the session are wrapped.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { authorizationId } from "../identity.ts"
import {
  noLayer,
  rejected,
  type SaslFailure,
  type SaslMechanism,
  type SaslSecurityLayer,
  type SaslStep
} from "../SaslMechanism.ts"
import type { GssContext, GssProtection } from "./GssContext.ts"
import { ascending, begin, type GssOptions, layerOver, maxWrapped, proved, token } from "./gssSteps.ts"

/**
 * Options of {@link gssapi}.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssapiOptions extends GssOptions {
  /** The authorization identity, if it isn't the user: `dn:` and a DN, or `u:` and a name. */
  readonly authzId?: string | undefined
}

/**
 * Authenticates by a Kerberos ticket.
 *
 * **Details**
 *
 * The contexts come from `provider`. `kerberosProvider` implements Kerberos itself and wraps messages; `LdapAuth.kerberos` is this
 * mechanism with that provider. If the server doesn't prove its identity, the bind fails with `AuthRejected`.
 *
 * The default provider is the package `kerberos` (`npm install kerberos`). It is loaded at the bind and takes its ticket from the
 * credential cache of the process (`kinit`, or a keytab with `KRB5_CLIENT_KTNAME`). Without the package or a ticket, the bind fails
 * with `InvalidRequest`, and nothing is sent. The underlying library resolves names and talks to the KDC on Node's thread pool.
 * Interruption doesn't wait for it, but the thread finishes its work. The package can't wrap the messages of a session (integrity,
 * confidentiality) and doesn't support channel bindings, so use ldaps or StartTLS. If a server requires a layer on a clear-text
 * connection, the bind fails with `AuthRejected`.
 *
 * Kerberos identifies the server by its host name, so the URL must contain the name in the server's keytab, not an address.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl, LdapSession } from "effect-ldap"
 *
 * const session = LdapSession.make({
 *   url: "ldaps://ldap.example.com",
 *   auth: LdapAuth.sasl(LdapSasl.gssapi())
 * })
 * ```
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const gssapi = (options: GssapiOptions = {}): SaslMechanism => ({
  name: "GSSAPI",
  sendsSecret: false,
  start: Effect.fnUntraced(function*(connection) {
    const authzId = yield* authorizationId(options.authzId)
    const { context, first, most } = yield* begin("kerberos", options, connection)
    return negotiating(first, {
      context,
      authzId: Buffer.from(authzId ?? ""),
      choices: options.protection === undefined ? ascending.slice(0, ascending.indexOf(most) + 1).reverse() : [most]
    })
  })
})

interface Conversation {
  readonly context: GssContext
  readonly authzId: Uint8Array
  /** The acceptable protections, in order of preference. */
  readonly choices: ReadonlyArray<GssProtection>
}

// ---------------------------------------------------------------------------------------------------------------------
// The steps (RFC 4752 section 3.1)
// ---------------------------------------------------------------------------------------------------------------------

const tooEarly = () => rejected("the server reported success before it had proved its identity")

/** The exchange of tokens, until the context is complete. */
const negotiating = (response: Uint8Array | undefined, conversation: Conversation): SaslStep => {
  const { context } = conversation
  return {
    response: Redacted.make(response ?? new Uint8Array()),
    challenged: Effect.fnUntraced(function*(challenge) {
      if (context.isComplete()) return yield* chosen(challenge, conversation)
      return negotiating(yield* proved(context.step(yield* token(challenge))), conversation)
    }),
    succeeded: tooEarly
  }
}

/** The bits of the layers in the messages of the negotiation. */
const bits: Readonly<Record<GssProtection, number>> = { none: 1, integrity: 2, confidentiality: 4 }

/** Reads the server's offer and answers it. */
const chosen = Effect.fnUntraced(function*(
  challenge: Uint8Array | undefined,
  { authzId, choices, context }: Conversation
): Effect.fn.Return<SaslStep, SaslFailure> {
  const { octets } = yield* proved(context.unwrap(yield* token(challenge)))
  if (octets.length !== 4)
    return yield* rejected(`the server's offer of layers has ${octets.length} bytes instead of 4`)
  const offer = octets[0]!
  const maxSent = (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!
  if ((offer & (bits.integrity | bits.confidentiality)) === 0 && maxSent !== 0) {
    return yield* rejected(`the server offers no layer, but announces buffers of ${maxSent} bytes for it`)
  }
  const choice = choices.find((protection) => (offer & bits[protection]) !== 0)
  if (choice === undefined) {
    const offered = ascending.filter((protection) => (offer & bits[protection]) !== 0)
    const asked = choices.join(" or ")
    return yield* rejected(
      `the server offers ${
        offered.join(" or ") || "nothing"
      } for the session's messages, and this side asks for ${asked}` +
        (asked === "none" ? "; use ldaps:// or startTls, where no layer is needed" : "")
    )
  }
  const answer = Buffer.concat([Buffer.alloc(4), authzId])
  answer[0] = bits[choice]
  // Without a layer the size of the buffer is 0.
  if (choice !== "none") answer.writeUIntBE(maxWrapped, 1, 3)
  const response = yield* proved(context.wrap(answer, false))
  const layer: Effect.Effect<SaslSecurityLayer | undefined, SaslFailure> = choice === "none"
    ? noLayer
    : layerOver(context, choice, { maxSent, maxReceived: maxWrapped })
  return {
    response: Redacted.make(response),
    challenged: () => rejected("the server sent another challenge after the negotiation of layers"),
    succeeded: () => layer
  }
})
