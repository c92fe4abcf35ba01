import * as Effect from "effect/Effect"
import * as LdapExtended from "../../../protocol/LdapExtended.ts"
import { writeLines } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import type { ConnectionFlags } from "../../settings/connectionFlags.ts"

/** What `whoami` does: prints the authorization identity of the session (RFC 4532). */
export const printIdentity = Effect.fnUntraced(function*(connection: ConnectionFlags) {
  const { client } = yield* connect(connection)
  const { answer } = yield* client.extended(LdapExtended.whoAmI)
  yield* writeLines(answer === "" ? "anonymous" : lineForTerminal(answer))
}, Effect.scoped)
