/** The server that `check` examines, and how to reach it. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TlsOptions } from "../../connection/tls/LdapTls.ts"
import type { LdapError } from "../../model/LdapError.ts"
import * as LdapSession from "../../session/LdapSession.ts"

export interface Patient {
  readonly url: string
  /** `undefined` for a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | undefined
  readonly isLdaps: boolean
  readonly startTls: boolean
  readonly tls: TlsOptions
  readonly settings: LdapSession.SessionOptions
  readonly base: string | undefined
  /** How long one step may take, in milliseconds. */
  readonly timeout: number
}

/** Whether the connection will be under TLS. */
export const isSecured = ({ isLdaps, startTls }: Patient): boolean => isLdaps || startTls

/** Opens a session with the settings; those that are given replace them. */
export const openSession = (
  { settings, tls, url }: Patient,
  different: LdapSession.SessionOptions = {}
): Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope> =>
  LdapSession.make({ ...settings, tls, ...different, url })
