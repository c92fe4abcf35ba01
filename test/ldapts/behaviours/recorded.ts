/**
 * Clients with a server that records what they send, and does nothing unless a test tells it to.
 */
import * as Effect from "effect/Effect"
import type { ResultFields } from "../../../src/protocol/LdapMessage.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { done, ok } from "../../session/recording/RecordingPeer.ts"
import { listen, type RecordedConnection, type RecordingServer } from "../../session/recording/RecordingServer.ts"

export const certificates = makeCertificates()
export const ca = certificates.ca.cert

/** A server that records, and both kinds of clients for it. */
export const served = <A>(
  test: (
    server: RecordingServer,
    options: { readonly url: string }
  ) => Effect.Effect<A>
): Effect.Effect<A> =>
  Effect.scoped(
    Effect.flatMap(listen({ certificate: certificates.server }), (server) =>
      test(server, { url: `ldap://127.0.0.1:${server.port}` }))
  )
export const settled = <A>(promise: Promise<A>): Effect.Effect<A | Error> =>
  Effect.promise(() => promise.catch((error: Error) => error))
export const refused: ResultFields = { ...ok, code: 49 }

/** Answers the next bind. */
export const bind = (connection: RecordedConnection, result = ok) =>
  Effect.flatMap(
    connection.expect("BindRequest"),
    ({ messageId }) => connection.send(messageId, { _tag: "BindResponse", result })
  )
export const answerSearch = (connection: RecordedConnection) =>
  Effect.flatMap(connection.expect("SearchRequest"), ({ messageId }) => connection.send(messageId, done))
/** Answers StartTLS and does the handshake. */
export const secure = (connection: RecordedConnection) =>
  Effect.gen(function*() {
    const { messageId } = yield* connection.expect("ExtendedRequest")
    yield* connection.send(messageId, { _tag: "ExtendedResponse", result: ok })
    yield* connection.startTls
  })
