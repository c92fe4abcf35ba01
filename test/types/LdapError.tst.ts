import * as Effect from "effect/Effect"
import { describe, expect, test } from "tstyche"
import type * as LdapError from "../../src/model/LdapError.ts"

declare const program: Effect.Effect<number, LdapError.LdapError>

describe("Effect.catchReason", () => {
  test("gives the handler the class of the reason", () => {
    program.pipe(
      Effect.catchReason("LdapError", "InvalidCredentials", (reason) => {
        expect(reason).type.toBe<LdapError.InvalidCredentials>()
        return Effect.succeed(0)
      })
    )
  })

  test("doesn't know a reason that doesn't exist", () => {
    // @ts-expect-error Argument of type '"InvalidCredential"' is not assignable
    Effect.catchReason(program, "LdapError", "InvalidCredential", () => Effect.void)
  })
})
