/** The suite on the directory in memory. */
import * as Effect from "effect/Effect"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, directory } from "../../servers/directory.ts"
import { suite } from "./suite.ts"

const ldif = directory("ldap://memory")

suite({
  name: "in memory",
  quirks: { rdnRemoval: "NamingViolation" },
  session: Effect.fnUntraced(function*(options) {
    const served = yield* InMemoryDirectory.make({ ldif, admin, sizeLimit: 500 })
    return yield* LdapSession.fromSocket(yield* served.connect, { protection: "local", ...options })
  })
})
