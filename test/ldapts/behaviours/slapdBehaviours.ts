/**
 * The behaviours in ldapts' documentation that need features of slapd that Samba doesn't have.
 */
import { assert } from "@effect/vitest"
import * as ldapts from "ldapts"
import { all, type Behaviour, entriesOf, failsWith, failure, is } from "./behaviour.ts"

export const slapdBehaviours: ReadonlyArray<Behaviour> = [
  {
    name: "everything below a name",
    run: (client, { people }) =>
      all(
        ...(["children", "subordinates"] as const).map((scope) => async () =>
          (await client.search(people, { scope, attributes: ["1.1"] })).searchEntries.map(({ dn }) => dn).sort()
        )
      ),
    check: (result) => assert.deepStrictEqual((result as Array<Array<string>>).map(({ length }) => length), [6, 6])
  },
  {
    name: "Who am I?",
    run: (client) => client.exop("1.3.6.1.4.1.4203.1.11.3"),
    check: (result, { base }) => assert.deepStrictEqual(result, { oid: undefined, value: `dn:cn=admin,${base}` })
  },
  {
    name: "a size limit gives what came before it",
    run: (client, { many: [base] }) =>
      all(
        async () => (await client.search(base, { sizeLimit: 3 })).searchEntries.length,
        async () => (await client.search(base, { sizeLimit: 30, paged: { pageSize: 7 } })).searchEntries.length,
        async () => {
          const sizes: Array<number> = []
          const options = { sizeLimit: 10, paged: { pageSize: 7 } }
          for await (const page of client.searchPaginated(base, options)) sizes.push(page.searchEntries.length)
          return sizes
        }
      ),
    check: is([3, 30, [7, 3]])
  },
  {
    name: "search references are a flat list",
    run: (client, { base }) => client.search(`ou=referrals,${base}`, { attributes: ["cn"] }),
    check: (result) => assert.strictEqual((result as ldapts.SearchResult).searchReferences.length, 3)
  },
  {
    name: "a referral is an error",
    run: (client, { base }) => all(() => failure(client.search(`cn=here,ou=referrals,${base}`, { scope: "base" }))),
    check: failsWith([ldapts.UnknownStatusCodeError, 10])
  },
  {
    name: "an attribute with an option, asked for without",
    run: (client, { people }) => client.search(`uid=günther,${people}`, { scope: "base", attributes: ["cn"] }),
    check: (result) => assert.strictEqual(entriesOf(result)[0]!["cn;lang-de"], "Günther der Ältere")
  },
  {
    name: "sorting: the answer is read into the control that was sent",
    run: async (client, { people }) => {
      const control = new ldapts.ServerSideSortingRequestControl({
        value: { attributeType: "uid", orderingRule: "caseIgnoreOrderingMatch", reverseOrder: true }
      })
      const { searchEntries } = await client.search(people, { filter: "(uid=*)", attributes: ["uid"] }, control)
      return [searchEntries.map(({ uid }) => uid), control]
    },
    check: (result) => {
      const [uids, control] = result as [Array<string>, ldapts.ServerSideSortingRequestControl]
      assert.deepStrictEqual(uids, [...uids].sort().reverse())
      assert.strictEqual(control.result?.sortResult, 0)
    }
  },
  {
    name: "compare with an attribute that isn't there",
    run: (client, { alice }) => all(() => failure(client.compare(alice, "title", "x"))),
    check: failsWith([ldapts.NoSuchAttributeError, 16])
  },
  {
    name: "a password policy's answer is read into the control, also with a refusal",
    run: async (client) => {
      const controls = [new ldapts.PasswordPolicyControl(), new ldapts.PasswordPolicyControl()]
      await client.bind("uid=expiring,o=accounts", "expiringpw-1", controls[0])
      const error = await failure(client.bind("uid=locked,o=accounts", "lockedpw-1", controls[1]))
      const [expiring, locked] = controls.map(({ value }) => value)
      // Time passes between the two clients.
      return [typeof expiring?.timeBeforeExpiration, locked, error]
    },
    check: (result) => {
      const [expiring, locked, error] = result as [string, unknown, Array<unknown>]
      assert.strictEqual(expiring, "number")
      assert.deepStrictEqual(locked, { error: ldapts.PasswordPolicyError.AccountLocked })
      assert.strictEqual(error[0], ldapts.InvalidCredentialsError)
    }
  }
]
