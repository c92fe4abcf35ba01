/**
 * The behaviours of the client in ldapts' README and documentation.
 */
import { assert } from "@effect/vitest"
import * as ldapts from "ldapts"
import { all, type Behaviour, change, entriesOf, failsWith, failure, is, read, withEntry } from "./behaviour.ts"

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
      for await (const page of client.searchPaginated(people, { filter: "(uid=unlisted)" })) nothing.push(page)
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
    name: "controls that the server does not know, critical and not",
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
        // Not to the people, who are counted by other tests.
        const unit = `ou=${cn},${at.scratch}`
        await client.add(unit, { objectClass: "organizationalUnit", ou: cn })
        await client.modifyDN(`cn=${cn}2,${at.scratch}`, `cn=${cn}3,${unit}`)
        const moved = await read(client, `cn=${cn}3,${unit}`, ["cn"])
        await client.modifyDN(`cn=${cn}3,${unit}`, `cn=${cn},${at.scratch}`)
        await client.del(unit)
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
      const dn = `cn=dropin octets,${scratch}`
      const photo = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1])
      await client.add(dn, [
        new ldapts.Attribute({ type: "objectClass", values: [entryClass] }),
        new ldapts.Attribute({ type: "cn", values: ["dropin octets"] }),
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
