/** A server that sends the messages of the test and records the requests. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type BindAnswer, converse, type SaslContext, type SaslMechanism } from "../../src/auth/SaslMechanism.ts"

/** A result code and its data. Text stands for its UTF-8. */
export type Line = readonly [code: number, credentials?: string | Uint8Array | undefined, diagnosticMessage?: string]

export const context: SaslContext = { protection: "local", host: "ldap.example.com" }

export const octetsOf = (text: string | Uint8Array): Uint8Array => Buffer.from(text)

export const converseWith = (mechanism: SaslMechanism, lines: ReadonlyArray<Line>, where: SaslContext = context) => {
  const sent: Array<string | undefined> = []
  const send = (credentials: Redacted.Redacted<Uint8Array> | undefined): Effect.Effect<BindAnswer> =>
    Effect.sync(() => {
      sent.push(credentials === undefined ? undefined : Buffer.from(Redacted.value(credentials)).toString())
      const line = lines[sent.length - 1]
      if (line === undefined) throw new Error(`unexpected request ${sent.at(-1)}`)
      const [code, serverCredentials, diagnosticMessage = ""] = line
      return {
        result: { code, matchedDn: "", diagnosticMessage, referrals: [], controls: [] },
        serverCredentials: serverCredentials === undefined ? undefined : octetsOf(serverCredentials)
      }
    })
  return { sent, outcome: converse(mechanism, where, send) }
}
