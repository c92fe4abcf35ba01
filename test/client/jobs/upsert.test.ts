/** How upsert compares values, and what it does if the server can't compare. LdapJobs.test.ts tests its other promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import { InappropriateMatching, LdapError, ProtocolViolation } from "../../../src/model/LdapError.ts"
import type { LdapModification } from "../../../src/model/LdapModification.ts"
import * as LdapSubschema from "../../../src/schema/LdapSubschema.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { allValues, wholeEntry } from "../../../src/session/valueRanges.ts"
import { admin, base } from "../../servers/directory.ts"

/** A directory with one entry, which records the requests. */
const holding = (
  entry: LdapEntry.LdapEntry,
  refuse: (changes: ReadonlyArray<LdapModification>) => boolean = () => false
) => {
  const sent: Array<ReadonlyArray<readonly [string, string, ReadonlyArray<string>]>> = []
  const result = { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] }
  const client: Pick<LdapSession.LdapSession, "lookup" | "add" | "modify"> = {
    lookup: () => Effect.succeedSome(entry),
    add: () => Effect.die("nothing is to be added"),
    modify: (_, changes) => {
      const list = changes as ReadonlyArray<LdapModification>
      sent.push(list.map(({ attribute, operation, values }) => [operation, attribute, values.map(String)]))
      return refuse(list)
        ? Effect.fail(new LdapError({ reason: new InappropriateMatching(result), operation: "modify" }))
        : Effect.succeed(result)
    }
  }
  return { client, sent }
}

describe("upsert compares by matching rules", () => {
  const entry = LdapEntry.make("cn=Bob,dc=b", {
    objectClass: ["top", "inetOrgPerson"],
    cn: "Bob",
    manager: "CN=Alice,DC=b",
    mail: "Bob@Example.org",
    telephoneNumber: "+49 30 1",
    homeDirectory: "/home/Bob",
    "userCertificate;binary": Buffer.from([1])
  })

  it.effect("values that the server treats as equal aren't written", () =>
    Effect.gen(function*() {
      const { client, sent } = holding(entry)
      const done = yield* LdapJobs.upsert(client, entry.dn, {
        objectClass: "INETORGPERSON",
        "2.5.4.3": "bob",
        manager: LdapDn.ldapDn`cn=alice,dc=b`,
        mail: "bob@example.org",
        telephoneNumber: "+49-30-1",
        homeDirectory: "/home/Bob",
        userCertificate: Buffer.from([1])
      })
      assert.strictEqual(done._tag, "Unchanged")
      assert.deepStrictEqual(sent, [])
    }))

  it.effect("values that differ by their rule are written, and with `octets` all that differ in bytes", () =>
    Effect.gen(function*() {
      const { client, sent } = holding(entry)
      yield* LdapJobs.upsert(client, entry.dn, { homeDirectory: "/home/bob", mail: "bob@example.org" })
      yield* LdapJobs.upsert(client, entry.dn, { mail: "bob@example.org" }, { compare: "octets" })
      assert.deepStrictEqual(sent, [
        [["replace", "homeDirectory", ["/home/bob"]]],
        [["replace", "mail", ["bob@example.org"]]]
      ])
    }))

  it.effect("uses the server's schema if it is given", () =>
    Effect.gen(function*() {
      const schema = LdapSubschema.fromEntry(LdapEntry.make("cn=schema", {
        attributeTypes: "( 1.2 NAME 'mail' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
      }))
      const { client, sent } = holding(entry)
      yield* LdapJobs.upsert(client, entry.dn, { mail: "bob@example.org" }, { schema })
      assert.lengthOf(sent, 1)
    }))
})

describe("upsert knows an attribute by any of its names", () => {
  const entry = LdapEntry.make("uid=Ada+2.5.4.3=A,dc=b", {
    objectClass: "inetOrgPerson",
    uid: ["Ada", "x"],
    cn: ["A", "B"],
    sn: "Lovelace",
    "mail;x-a;lang-de": "a@b",
    labeledURI: ["/a", "/A"]
  })

  it.effect("ignored attributes aren't deleted, by whatever name they are given", () =>
    Effect.gen(function*() {
      const { client, sent } = holding(entry)
      yield* LdapJobs.upsert(client, entry.dn, {}, { others: "delete", ignore: ["surname", "rfc822Mailbox"] })
      assert.deepStrictEqual(sent, [[["delete", "uid", ["x"]], ["delete", "cn", ["B"]], ["delete", "labeledURI", []]]])
    }))

  it.effect("the values of the RDN stay, by whatever name the attribute is given", () =>
    Effect.gen(function*() {
      const { client, sent } = holding(entry)
      yield* LdapJobs.upsert(client, entry.dn, { userid: ["ADA", "y"], commonName: ["B", "b", "C"] })
      assert.deepStrictEqual(sent, [[
        ["delete", "userid", ["x"]],
        ["add", "userid", ["y"]],
        ["add", "commonName", ["C"]]
      ]])
    }))

  it.effect("for case-sensitive attributes exactly the value of the RDN stays", () =>
    Effect.gen(function*() {
      const { client, sent } = holding(LdapEntry.make("labeledURI=/A,dc=b", { labeledURI: ["/a", "/A"] }))
      yield* LdapJobs.upsert(client, "labeledURI=/A,dc=b", { labeledURI: [] })
      assert.deepStrictEqual(sent, [[["delete", "labeledURI", ["/a"]]]])
    }))

  it.effect("an entry is added with one attribute of each type, and with each value once", () =>
    Effect.gen(function*() {
      const added: Array<unknown> = []
      const { client } = holding(entry)
      const absent: typeof client = {
        ...client,
        lookup: () => Effect.succeedNone,
        add: (_, attributes) => {
          added.push(attributes)
          return client.modify("", [])
        }
      }
      yield* LdapJobs.upsert(absent, "cn=new", { cn: "new", sn: ["X", "x "] }, {
        whenAdded: { surname: ["x", "Y"], commonName: "NEW" }
      })
      const values = (...texts: ReadonlyArray<string>) => texts.map((text) => Buffer.from(text))
      assert.deepStrictEqual(added, [[
        { description: "cn", values: values("new") },
        { description: "sn", values: values("X", "Y") }
      ]])
    }))
})

describe("upsert, where the server can't compare", () => {
  it.effect("replaces the values of attributes without an equality rule", () =>
    Effect.gen(function*() {
      const entry = LdapEntry.make("cn=a", {
        jpegPhoto: ["1", "2"],
        facsimileTelephoneNumber: ["1", "2"],
        cn: ["a", "b"]
      })
      const { client, sent } = holding(entry)
      yield* LdapJobs.upsert(client, entry.dn, { jpegPhoto: ["1", "3"], FAX: ["1", "3"], cn: ["a", "c"] })
      assert.deepStrictEqual(sent, [[
        ["replace", "jpegPhoto", ["1", "3"]],
        ["replace", "FAX", ["1", "3"]],
        ["delete", "cn", ["b"]],
        ["add", "cn", ["c"]]
      ]])
    }))

  it.effect("replaces all differing attributes after InappropriateMatching", () =>
    Effect.gen(function*() {
      const entry = LdapEntry.make("cn=a", { unheardOf: ["1", "2"], cn: ["a", "b"], sn: "x" })
      const { client, sent } = holding(entry, (changes) => changes.some(({ operation }) => operation === "delete"))
      const done = yield* LdapJobs.upsert(client, entry.dn, { unheardOf: ["1", "3"], cn: ["a", "c"], sn: "x" })
      assert.deepStrictEqual(sent[1], [["replace", "unheardof", ["1", "3"]], ["replace", "cn", ["a", "c"]]])
      assert.strictEqual(done._tag === "Modified" && done.changes.length, 2)
    }))

  it.effect.skipIf(inject("slapd") === undefined)("on slapd", () =>
    Effect.gen(function*() {
      const slapd = inject("slapd")!
      const session = yield* LdapSession.make({
        url: slapd.urls.ldaps,
        tls: { ca: slapd.certificates.ca.cert },
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      const dn = `cn=upsert-${crypto.randomUUID()},ou=scratch,${base}`
      const cn = dn.slice(3, dn.indexOf(","))
      const photo = (fill: number) => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(50, fill)])
      const person = { objectClass: "inetOrgPerson", cn, sn: "a" }
      const wanted = { ...person, jpegPhoto: [photo(1), photo(3)], facsimileTelephoneNumber: ["+1 1", "+1 3"] }
      yield* Effect.acquireRelease(
        session.add(dn, { ...person, jpegPhoto: [photo(1), photo(2)], facsimileTelephoneNumber: ["+1 1", "+1 2"] }),
        () => Effect.orDie(session.delete(dn))
      )
      assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted))._tag, "Modified")
      assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted))._tag, "Unchanged")
      const entry = Option.getOrThrow(yield* session.lookup(dn))
      assert.deepStrictEqual(entry.getAllBytes("jpegPhoto").map((value) => value[2]), [1, 3])
    }).pipe(Effect.scoped))
})

describe("upsert of invalid attributes", () => {
  it.effect.each([
    [{ mail: undefined }, "attributes.mail"],
    [{ mail: null }, "attributes.mail"],
    [{ mail: ["a", undefined] }, "attributes.mail"],
    [{ whenCreated: new Date(0) }, "attributes.whenCreated"],
    [undefined, "attributes"],
    ["text", "attributes"],
    [new Map([["cn", "a"]]), "attributes"]
  ])("%j: InvalidRequest for %s, and nothing is sent", ([attributes, field]) =>
    Effect.gen(function*() {
      const { client, sent } = holding(LdapEntry.make("cn=a", {}))
      const error = yield* Effect.flip(LdapJobs.upsert(client, "cn=a", attributes as never))
      assert.strictEqual(error.reason._tag === "InvalidRequest" ? error.reason.field : "", field as string)
      assert.deepStrictEqual(sent, [])
    }))
})

// ---------------------------------------------------------------------------------------------------------------------

describe("ranges of values", () => {
  const names = (from: number, count: number) => Array.from({ length: count }, (_, i) => `cn=${from + i}`)
  /** An entry whose ranges a function supplies, by their first value. */
  const serving = (answer: (start: number) => Readonly<Record<string, ReadonlyArray<string>>> | undefined) => {
    let requests = 0
    const at = (start: number) => {
      const attributes = answer(start)
      return attributes === undefined ? undefined : LdapEntry.make("cn=g", { cn: "g", member: [], ...attributes })
    }
    const client: Pick<LdapSession.LdapSession, "lookup"> = {
      lookup: (_, options) => {
        requests++
        const start = Number(/^member;range=(\d+)-\*$/.exec(options?.attributes?.[0] ?? "")?.[1])
        return Effect.succeed(Option.fromUndefinedOr(at(start)))
      }
    }
    return { client, first: at(0)!, requests: () => requests }
  }
  const range = (start: number, end: number | "*", values: ReadonlyArray<string>) => ({
    [`member;range=${start}-${end}`]: values
  })

  it.effect("are read to the end, so that the entry is complete", () =>
    Effect.gen(function*() {
      const { client, first } = serving((start) => range(start, start === 4 ? "*" : start + 1, names(start, 2)))
      assert.deepStrictEqual((yield* allValues(client, first, "member")).map(String), names(0, 6))
      const whole = yield* wholeEntry(client, first)
      assert.deepStrictEqual(whole.descriptions, ["cn", "member"])
      assert.deepStrictEqual(whole.getAll("member"), names(0, 6))
      assert.isFalse(whole.isPartial("member"))
    }))

  it.effect("values that were deleted meanwhile are left out", () =>
    Effect.gen(function*() {
      const { client, first } = serving((start) => start === 0 ? range(0, 1, names(0, 2)) : {})
      assert.deepStrictEqual((yield* allValues(client, first, "member")).map(String), names(0, 2))
    }))

  it.effect("an entry that was deleted meanwhile is a failure", () =>
    Effect.gen(function*() {
      const { client, first } = serving((start) => start === 0 ? range(0, 1, names(0, 2)) : undefined)
      assert.strictEqual((yield* Effect.flip(wholeEntry(client, first))).reason._tag, "NoSuchObject")
    }))

  it.effect.each(
    [
      ["no values and no end", (start: number) => range(start, start + 1, []), 1],
      ["fewer values than it says", (start: number) => range(start, start + 3, names(start, 2)), 0],
      ["the same again", () => range(0, 1, names(0, 2)), 1],
      [
        "a gap",
        (start: number) => range(start === 0 ? 0 : start + 1, start + 2, names(0, 3 - (start === 0 ? 0 : 1))),
        1
      ],
      [
        "beyond 2^53",
        (start: number) => start === 0 ? range(0, 1, names(0, 2)) : { "member;range=2-9007199254740993": names(2, 2) },
        1
      ],
      ["backwards", (start: number) => start === 0 ? range(0, 1, names(0, 2)) : { "member;range=2-1": names(2, 2) }, 1]
    ] as const
  )("%s: the server is at fault", ([, answer, most]) =>
    Effect.gen(function*() {
      const { client, first, requests } = serving(answer)
      const error = yield* Effect.flip(allValues(client, first, "member"))
      assert.instanceOf(error.reason, ProtocolViolation)
      assert.isAtMost(requests(), most)
    }))

  for (const [count, most] of [[1, 9], [10, 10_000]] as const) {
    it.effect(`ranges of ${count} values without an end stop at a limit`, () =>
      Effect.gen(function*() {
        const { client, first, requests } = serving((start) => range(start, start + count - 1, names(start, count)))
        const error = yield* Effect.flip(allValues(client, first, "member"))
        assert.instanceOf(error.reason, ProtocolViolation)
        assert.strictEqual(requests(), most)
      }))
  }

  it("a range that was requested explicitly stays as it is", () => {
    const entry = LdapEntry.make("cn=g", { "member;range=5-6": names(5, 2) })
    const { client } = serving(() => undefined)
    assert.strictEqual(Result.getOrThrow(Effect.runSync(Effect.result(wholeEntry(client, entry)))), entry)
  })
})
