/** Logins over a client that follows referrals: another server's answer has no effect unless the program trusts that server. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import * as LdapReferrals from "../../../src/client/referrals/LdapReferrals.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const account = (cn: string, uid: string) => ({
  dn: `cn=${cn},o=x`,
  attributes: { objectClass: ["extensibleObject", "device"], cn, uid, userPassword: `${cn}'s` }
})

/** This server knows Mallory and refers to another server for a part of the tree. The other server says that Bob is Mallory. */
const world = Effect.gen(function*() {
  const root = { dn: "o=x", attributes: { objectClass: "organization", o: "x" } }
  const ours = yield* InMemoryDirectory.make({
    entries: [
      root,
      account("mallory", "mallory"),
      {
        dn: "ou=far,o=x",
        attributes: { objectClass: ["referral", "extensibleObject"], ref: ["ldap://other.example/o=x"] }
      }
    ]
  })
  const other = yield* InMemoryDirectory.make({ entries: [root, account("mallory", "bob")] })
  const referrals = LdapReferrals.follow({ transport: () => Effect.succeed(other.transport) })
  const client = yield* LdapClient.fromTransport(ours.transport, { referrals })
  const options = { client, base: "o=x", filter: (login: string) => LdapFilter.equals("uid", login) }
  const asked = () => other.log.pdus().length
  return { asked, options, other }
})

describe("a login over a client that follows", () => {
  it.effect("doesn't follow the referral, and finds no user of the other server", () =>
    Effect.gen(function*() {
      const { asked, options } = yield* world
      for (const login of [LdapLogin.authenticate(options), yield* LdapLogin.make(options)]) {
        const { reason } = yield* Effect.flip(login("bob", Redacted.make("mallory's")))
        assert.deepInclude(reason, { _tag: "WrongCredentials", what: "login" })
        assert.strictEqual((yield* login("mallory", Redacted.make("mallory's"))).entry.dn, "cn=mallory,o=x")
      }
      assert.strictEqual(asked(), 0)
    }))

  it.effect("follows referrals to trusted servers only", () =>
    Effect.gen(function*() {
      const { asked, options, other } = yield* world
      const followReferrals = (trusted: string) => ({
        transport: () => Effect.succeed(other.transport),
        allow: ({ host }: { readonly host: string | undefined }) => host === trusted
      })
      const wary = LdapLogin.authenticate({ ...options, followReferrals: followReferrals("another.example") })
      assert.strictEqual((yield* Effect.flip(wary("bob", Redacted.make("mallory's")))).reason._tag, "DirectoryFailed")
      assert.strictEqual(asked(), 0)
      const trusting = LdapLogin.authenticate({ ...options, followReferrals: followReferrals("other.example") })
      assert.strictEqual((yield* trusting("bob", Redacted.make("mallory's"))).entry.dn, "cn=mallory,o=x")
      assert.isAbove(asked(), 0)
    }))
})
