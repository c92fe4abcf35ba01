/** A bind that gets no ticket, and the reason. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { makeClient } from "../../../src/auth/kerberos/KerberosClient.ts"
import type { KerberosOptions } from "../../../src/auth/kerberos/KerberosOptions.ts"
import { NameType } from "../../../src/auth/kerberos/messages/Principal.ts"
import type { KerberosSystem } from "../../../src/auth/kerberos/system/KerberosSystem.ts"
import type { KerberosFailed } from "../../../src/model/LdapError.ts"

export const service = { type: NameType.serviceHost, components: ["ldap", "localhost"] }

export const realm = "EXAMPLE.COM"

export const failure = (
  system: KerberosSystem,
  options: Partial<KerberosOptions> = {}
): Effect.Effect<KerberosFailed> =>
  makeClient(
    {
      principal: `alice@${realm}`,
      password: Redacted.make("a secret"),
      krb5Conf: false,
      kdc: "kdc",
      ...options
    } as KerberosOptions,
    system
  )
    .ticket(service, undefined)
    .pipe(
      Effect.flip,
      Effect.map((error) => {
        assert(error._tag === "KerberosFailed")
        assert.notInclude(error.message, "a secret")
        return error
      }),
      Effect.orDie
    )
