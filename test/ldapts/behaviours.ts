/**
 * What ldapts' README and documentation say of its client, each as a program. `check` says what must come of it, so that a test can't
 * pass because both clients fail alike.
 */
import { assert } from "@effect/vitest"
import * as ldapts from "ldapts"
import type { Client } from "./clients.ts"

/** Where things are in the directory. */
export interface Place {
  readonly base: string
  readonly people: string
  readonly scratch: string
  readonly alice: string
  /** Has a photo, which isn't text, and a description of two lines. */
  readonly hanako: string
  /** A class that an entry in `scratch` can have with nothing but a `cn` and a `description`. */
  readonly entryClass: string
  /** More entries than a server gives at once, or nearly: their base, and how many. */
  readonly many: readonly [base: string, count: number]
  readonly password: (name: string) => string
}

export interface Behaviour {
  readonly name: string
  readonly run: (client: Client, at: Place) => Promise<unknown>
  readonly check: (result: unknown, at: Place) => void
}

const is = (expected: unknown) => (result: unknown): void => assert.deepStrictEqual(result, expected)
const all = (...operations: ReadonlyArray<() => Promise<unknown>>): Promise<ReadonlyArray<unknown>> =>
  operations.reduce<Promise<ReadonlyArray<unknown>>>(
    async (done, next) => [...(await done), await next()],
    Promise.resolve([])
  )
/** The class and the code of the error. */
const failure = (operation: Promise<unknown>): Promise<unknown> =>
  operation.then(
    () => "no error",
    (error: unknown) => {
      if (!(error instanceof ldapts.ResultCodeError)) throw error
      return [error.constructor, error.name, error.code, error.message]
    }
  )
const failsWith =
  (...classes: ReadonlyArray<readonly [new(...args: never) => ldapts.ResultCodeError, number]>) =>
  (result: unknown): void =>
    assert.deepStrictEqual(
      (result as ReadonlyArray<ReadonlyArray<unknown>>).map(([constructor, , code]) => [constructor, code]),
      classes.map((each) => [...each])
    )
const change = (operation: "add" | "delete" | "replace", type: string, values: Array<string>): ldapts.Change =>
  new ldapts.Change({ operation, modification: new ldapts.Attribute({ type, values }) })
/** An entry that is gone when the test is over. */
const withEntry = async (
  client: Client,
  { entryClass, scratch }: Place,
  use: (dn: string, cn: string) => Promise<unknown>,
  added: Record<string, Array<string> | string> = {}
): Promise<unknown> => {
  const cn = "dropin"
  const dn = `cn=${cn},${scratch}`
  await client.add(dn, { objectClass: entryClass, cn, ...added })
  try {
    return await use(dn, cn)
  } finally {
    await client.del(dn).catch(() => {})
  }
}
const read = async (client: Client, dn: string, attributes: Array<string>): Promise<unknown> =>
  (await client.search(dn, { scope: "base", attributes })).searchEntries[0]
const entriesOf = (result: unknown): ReadonlyArray<ldapts.Entry> => (result as ldapts.SearchResult).searchEntries

export const behaviours: ReadonlyArray<Behaviour> = [
  {
    name: "the client knows whether it is connected and bound",
    run: async (client) => {
      const before = [client.isConnected, client.isBound]
      await client.unbind()
      return [before, [client.isConnected, client.isBound]]
    },
    check: is([[true, true], [false, false]])
  },
  {
    name: "an entry has single values as they are, several as an array",
    run: (client, { alice }) => client.search(alice, { scope: "base", attributes: ["objectClass", "sn", "mail"] }),
    check: (result) => {
      const [entry] = entriesOf(result)
      assert.strictEqual(entry?.["sn"], "Example")
      assert.isArray(entry?.["objectClass"])
      assert.deepStrictEqual((result as ldapts.SearchResult).searchReferences, [])
    }
  },
  {
    name: "all of an entry",
    run: (client, { hanako }) => client.search(hanako, { scope: "base", attributes: ["*", "+"] }),
    check: (result) => assert.isAbove(Object.keys(entriesOf(result)[0]!).length, 10)
  },
  {
    name: "an attribute that was asked for and isn't there is an empty array",
    run: (client, { alice }) =>
      client.search(alice, { scope: "base", attributes: ["SN", "title", "postalCode;lang-de"] }),
    check: (result, { alice }) =>
      assert.deepStrictEqual<unknown>(entriesOf(result).map((entry) => ({ ...entry, dn: entry.dn.toLowerCase() })), [
        { dn: alice.toLowerCase(), sn: "Example", title: [], "postalCode;lang-de": [] }
      ])
  },
  {
    name: "no attributes, and the types without values",
    run: (client, { alice }) =>
      all(
        () => client.search(alice, { scope: "base", attributes: ["1.1"] }),
        () => client.search(alice, { scope: "base", attributes: ["mail"], returnAttributeValues: false })
      ),
    check: (result) => assert.deepStrictEqual(Object.keys(entriesOf((result as Array<unknown>)[0])[0]!), ["dn", "1.1"])
  },
  {
    name: "values that aren't text are Buffers, and those that the caller wants so",
    run: (client, { hanako }) =>
      all(
        () => client.search(hanako, { scope: "base", attributes: ["jpegPhoto", "description"] }),
        () =>
          client.search(hanako, {
            scope: "base",
            attributes: ["objectClass", "sn", "description"],
            explicitBufferAttributes: ["objectClass", "sn"]
          })
      ),
    check: (result) => {
      const [plain, explicit] = (result as Array<unknown>).map((each) => entriesOf(each)[0]!)
      assert.isTrue(Buffer.isBuffer(plain!["jpegPhoto"]))
      assert.strictEqual(plain!["description"], "two\nlines ")
      assert.deepStrictEqual(explicit!["sn"], Buffer.from("山田"))
      assert.isTrue((explicit!["objectClass"] as Array<unknown>).every((value) => Buffer.isBuffer(value)))
    }
  },
  {
    name: "scopes",
    run: (client, { people }) =>
      all(
        ...(["base", "one", "sub"] as const).map((scope) => async () =>
          (await client.search(people, { scope, attributes: ["1.1"] })).searchEntries.map(({ dn }) => dn).sort()
        ),
        async () => (await client.search(people)).searchEntries.map(({ dn }) => dn).sort()
      ),
    check: (result) => {
      const counts = (result as Array<Array<string>>).map(({ length }) => length)
      assert.deepStrictEqual(counts, [1, counts[1]!, counts[1]! + 1, counts[1]! + 1])
      assert.isAbove(counts[1]!, 4)
    }
  },
  {
    name: "filters as text, with and without parentheses, and as objects",
    run: (client, { people }) =>
      all(
        ...[
          "(uid=alice)",
          "uid=alice",
          "(&(uid=*)(!(sn=Example)))",
          "(|(uid=a*e)(uid=*rol)(mail=b*))",
          "(uid=\\61lice)",
          ldapts.escapeFilter`(sn=${"*"})`,
          "(&(uidNumber>=10002)(uidNumber<=10003))",
          "(sn:caseIgnoreMatch:=example)",
          new ldapts.EqualityFilter({ attribute: "uid", value: "bob" }),
          new ldapts.AndFilter({
            filters: [
              new ldapts.PresenceFilter({ attribute: "uid" }),
              new ldapts.NotFilter({ filter: new ldapts.SubstringFilter({ attribute: "uid", initial: "a" }) })
            ]
          })
        ].map((filter) => async () =>
          (await client.search(people, { filter, attributes: ["uid"] })).searchEntries.map(({ uid }) => uid).sort()
        )
      ),
    check: (result) => {
      const found = result as Array<Array<string>>
      assert.deepStrictEqual(found.slice(0, 2), [["alice"], ["alice"]])
      assert.deepStrictEqual(found[5], [])
      assert.deepStrictEqual(found[8], ["bob"])
      assert.notInclude(found[9]!, "alice")
    }
  },
  {
    name: "a name that isn't there, and one that is no name",
    run: (client, { base }) =>
      all(() => failure(client.search(`ou=none,${base}`)), () => failure(client.search("none"))),
    check: failsWith([ldapts.NoSuchObjectError, 32], [ldapts.InvalidDNSyntaxError, 34])
  },
  {
    name: "search collects pages",
    run: (client, { many: [base] }) =>
      all(
        async () =>
          (await client.search(base, { scope: "one", attributes: ["1.1"], paged: { pageSize: 300 } })).searchEntries
            .length,
        async () => (await client.search(base, { scope: "one", attributes: ["1.1"], paged: true })).searchEntries.length
      ),
    check: (result, { many: [, count] }) => assert.deepStrictEqual(result, [count, count])
  },
  {
    name: "searchPaginated gives pages",
    run: async (client, { many: [base] }) => {
      const sizes: Array<number> = []
      const options: ldapts.SearchOptions = { scope: "one", attributes: ["1.1"], paged: { pageSize: 500 } }
      for await (const page of client.searchPaginated(base, options)) sizes.push(page.searchEntries.length)
      return sizes
    },
    check: (result, { many: [, count] }) => {
      const sizes = result as Array<number>
      assert.deepStrictEqual(sizes.slice(0, 2), [500, 500])
      assert.strictEqual(sizes.reduce((sum, size) => sum + size, 0), count)
    }
  },
  {
    name: "searchPaginated: pages of 100 by default, one empty page for nothing, and errors",
    run: async (client, { base, many: [many], people }) => {
      const sizes: Array<number> = []
      for await (const page of client.searchPaginated(many, { scope: "one", attributes: ["1.1"] })) {
        sizes.push(page.searchEntries.length)
        if (sizes.length === 2) break
      }
      const nothing: Array<unknown> = []
      for await (const page of client.searchPaginated(people, { filter: "(uid=nobody)" })) nothing.push(page)
      return [sizes, nothing, await failure(client.searchPaginated(`ou=none,${base}`).next())]
    },
    check: (result) => {
      const [sizes, nothing, error] = result as [Array<number>, Array<unknown>, Array<unknown>]
      assert.deepStrictEqual(sizes, [100, 100])
      assert.deepStrictEqual(nothing, [{ searchEntries: [], searchReferences: [] }])
      assert.strictEqual(error[0], ldapts.NoSuchObjectError)
    }
  },
  {
    name: "a page control of the caller's own is refused",
    run: (client, { people }) =>
      client.search(people, {}, new ldapts.PagedResultsControl({ value: { size: 5 } })).catch((error: Error) =>
        error.message
      ),
    check: is("Should not specify PagedResultsControl")
  },
  {
    name: "controls: one that nobody knows, critical and not",
    run: (client, { alice }) =>
      all(
        () => failure(client.search(alice, { scope: "base" }, new ldapts.Control("1.2.3.4.5", { critical: true }))),
        async () =>
          (await client.search(alice, { scope: "base" }, [new ldapts.Control("1.2.3.4.5")])).searchEntries.length
      ),
    check: (result) => assert.strictEqual((result as Array<unknown>)[1], 1)
  },
  {
    name: "add, modify, compare, modifyDN, del",
    run: (client, at) =>
      withEntry(client, at, async (dn, cn) => {
        await client.modify(dn, change("add", "description", ["one"]))
        const added = await read(client, dn, ["description"])
        await client.modify(dn, [change("replace", "description", ["two"]), change("add", "l", ["Köln"])])
        const replaced = await read(client, dn, ["description", "l"])
        const compared = [await client.compare(dn, "l", "Köln"), await client.compare(dn, "l", "Bonn")]
        await client.modify(dn, change("delete", "l", []))
        const deleted = await read(client, dn, ["l"])
        await client.modifyDN(dn, `cn=${cn}2`)
        await client.modifyDN(`cn=${cn}2,${at.scratch}`, `cn=${cn}3,${at.people}`)
        const moved = await read(client, `cn=${cn}3,${at.people}`, ["cn"])
        await client.modifyDN(`cn=${cn}3,${at.people}`, `cn=${cn},${at.scratch}`)
        return [added, replaced, compared, deleted, moved]
      }),
    check: (result) => {
      const [added, replaced, compared, deleted, moved] = result as [
        ldapts.Entry,
        ldapts.Entry,
        Array<boolean>,
        ldapts.Entry,
        ldapts.Entry
      ]
      assert.strictEqual(added["description"], "one")
      assert.strictEqual(replaced["description"], "two")
      assert.strictEqual(replaced["l"], "Köln")
      assert.deepStrictEqual(compared, [true, false])
      assert.deepStrictEqual(deleted["l"], [])
      assert.strictEqual(moved["cn"], "dropin3")
    }
  },
  {
    name: "an entry of attributes, with octets",
    run: async (client, { entryClass, scratch }) => {
      const dn = `cn=octets,${scratch}`
      const photo = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1])
      await client.add(dn, [
        new ldapts.Attribute({ type: "objectClass", values: [entryClass] }),
        new ldapts.Attribute({ type: "cn", values: ["octets"] }),
        new ldapts.Attribute({ type: "description", values: ["é"] })
      ])
      await client.modify(
        dn,
        new ldapts.Change({
          operation: "replace",
          modification: new ldapts.Attribute({ type: "description", values: [Buffer.from("ü")] })
        })
      )
      const entry = await read(client, dn, ["description"])
      await client.del(dn)
      return [entry, photo]
    },
    check: (result) => assert.strictEqual((result as Array<ldapts.Entry>)[0]!["description"], "ü")
  },
  {
    name: "a name with a comma, as text and as a DN of ldapts",
    run: async (client, { entryClass, scratch }) => {
      const name = new ldapts.DN({ cn: "a, b" })
      const dn = `${name.toString()},${scratch}`
      await client.add(dn, { objectClass: entryClass, cn: "a, b" })
      await client.modifyDN(dn, new ldapts.DN({ cn: "c, d" }))
      const renamed = `cn=c\\, d,${scratch}`
      const entry = await read(client, renamed, ["cn"])
      await client.del(renamed)
      return entry
    },
    check: (result) => assert.strictEqual((result as ldapts.Entry)["cn"], "c, d")
  },
  {
    name: "errors of updates have their classes and codes",
    run: (client, at) =>
      withEntry(client, at, (dn, cn) =>
        all(
          () => failure(client.add(dn, { objectClass: at.entryClass, cn })),
          () => failure(client.add(`cn=x,ou=none,${at.base}`, { objectClass: at.entryClass, cn: "x" })),
          () => failure(client.modify(dn, change("delete", "l", []))),
          () => failure(client.del(`cn=none,${at.scratch}`)),
          () => failure(client.del(at.people)),
          () => failure(client.compare(`cn=none,${at.scratch}`, "cn", "none"))
        )),
    check: failsWith(
      [ldapts.AlreadyExistsError, 68],
      [ldapts.NoSuchObjectError, 32],
      [ldapts.NoSuchAttributeError, 16],
      [ldapts.NoSuchObjectError, 32],
      [ldapts.NotAllowedOnNonLeafError, 66],
      [ldapts.NoSuchObjectError, 32]
    )
  },
  {
    name: "many at once",
    run: (client, { people }) =>
      Promise.all(
        ["alice", "bob", "carol", "alice"].map(async (uid) =>
          (await client.search(people, { filter: `(uid=${uid})`, attributes: ["uid"] })).searchEntries[0]!["uid"]
        )
      ),
    check: is(["alice", "bob", "carol", "alice"])
  },
  {
    name: "binding anew, and with a wrong password",
    run: async (client, { alice, password }) => {
      const wrong = await client.bind(alice, "wrong").catch((
        error: ldapts.ResultCodeError
      ) => [error.constructor, error.code])
      await client.bind(alice, password("alice"))
      return [wrong, client.isBound]
    },
    check: is([[ldapts.InvalidCredentialsError, 49], true])
  },
  {
    name: "extended operations that the server doesn't know",
    run: (client) =>
      all(() => failure(client.exop("1.2.3.4.5")), () => failure(client.exop("1.2.3.4.5", Buffer.of(1)))),
    check: failsWith([ldapts.ProtocolError, 2], [ldapts.ProtocolError, 2])
  },
  {
    name: "unbind more than once",
    run: async (client) => {
      await Promise.all([client.unbind(), client.unbind()])
      await client.unbind()
      return client.isConnected
    },
    check: is(false)
  }
]

/** What slapd has and Samba has not. */
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
      // The time goes on between the two clients.
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
