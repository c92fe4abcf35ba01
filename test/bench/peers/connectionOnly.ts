/**
 * What a session needs and no more: a connection of this library in a scope, and its codec. One effect connects and binds, one
 * finalizer unbinds. It has no time limits, no metrics, and no operations.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { LdapConnection } from "../../../src/connection/LdapConnection.ts"
import * as LdapTransport from "../../../src/connection/LdapTransport.ts"
import type { TlsOptions } from "../../../src/connection/tls/LdapTls.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { Client, Peer, Target } from "./Peer.ts"

let tls: TlsOptions | undefined

const connect = async (target: Target): Promise<Client> => {
  const { ca, url } = target
  const options = ca === undefined ? {} : { tls: tls ??= { ca } }
  const { connect } = Result.getOrThrow(LdapTransport.fromUrl(url, options))
  const scope = Scope.makeUnsafe()
  let ended = (): void => {}
  const connection = await Effect.runPromise(
    Scope.provide(
      Effect.flatMap(connect, (connection) => bind(connection, target, () => ended())),
      scope
    )
  )
  const unbind = Effect.callback<void>((resume) => {
    ended = () => resume(Effect.void)
    connection.write(encode({ messageId: 2, operation: { _tag: "UnbindRequest" }, controls: [] }))
    connection.shutdown(() => {})
  })
  return { close: () => Effect.runPromise(Effect.andThen(unbind, Scope.close(scope, Exit.void))) }
}

/** The answer isn't read. */
const bind = (
  connection: LdapConnection,
  { bindDn, password }: Target,
  onEnd: () => void
): Effect.Effect<LdapConnection> =>
  Effect.callback((resume) => {
    connection.receive({ onOctets: () => resume(Effect.succeed(connection)), onEnd, onRoom: () => {} })
    connection.resume()
    const authentication = { _tag: "Simple" as const, password: Buffer.from(password) }
    connection.write(
      encode({
        messageId: 1,
        operation: { _tag: "BindRequest", version: 3, name: bindDn, authentication },
        controls: []
      })
    )
  })

export const peer: Peer = { connect }
