/** What tests do with a whole directory: provide it, watch its sessions, restore it, export it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { ensureSlapd } from "../../servers/slapd/slapd.ts"
import { admin, base, ldif, make } from "../fixture.ts"
import { connect } from "../RawClient.ts"

const auth = LdapAuth.simple(admin.dn, Redacted.make(admin.password))
const ada = `uid=ada,ou=people,${base}`
const organisation = readFileSync(new URL("../../../examples/data/organisation.ldif", import.meta.url), "utf8")

describe("layer", () => {
  it.effect("gives a program its client, and the test the directory; the end of the layer is the unbind", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.gen(function*() {
        const client = yield* LdapClient.LdapClient
        const directory = yield* InMemoryDirectory.InMemoryDirectory
        assert.isTrue((yield* client.lookup(ada))._tag === "Some")
        assert.strictEqual(client.server, "ldap://memory")
        assert.deepStrictEqual(directory.openSessions.map(({ boundAs, id }) => [id, boundAs]), [[1, admin.dn]])
        // A bind as another user needs a session of its own, in the same directory.
        const who = yield* client.withSession(
          LdapAuth.simple(ada, Redacted.make("adapw")),
          (session) => session.extended(LdapExtended.whoAmI)
        )
        assert.strictEqual(who.answer, `dn:${ada}`)
        return directory
      }).pipe(Effect.provide(InMemoryDirectory.layer({ ldif, admin, client: { auth } })))
      assert.deepStrictEqual(
        directory.log.connections.map(({ closed, unbinds }) => [unbinds, closed]),
        [[1, "fin"], [1, "fin"]]
      )
    }))

  it.effect("gives a program its session in the same way", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.gen(function*() {
        const session = yield* LdapSession.LdapSession
        yield* session.modify(ada, [LdapModification.replace("description", "changed")])
        const directory = yield* InMemoryDirectory.InMemoryDirectory
        assert.strictEqual(directory.lookup(ada)?.get("description"), "changed")
        return directory
      }).pipe(Effect.provide(InMemoryDirectory.layerSession({ ldif, admin, session: { auth } })))
      assert.deepStrictEqual(directory.log.connections.map(({ closed, unbinds }) => [unbinds, closed]), [[1, "fin"]])
    }))

  it.effect("entries that can't be loaded are an error of the layer", () =>
    Effect.gen(function*() {
      const broken = InMemoryDirectory.layer({ entries: [{ dn: "dc=x", attributes: { dc: "x" } }] })
      const error = yield* Effect.flip(Effect.provide(Effect.void, broken))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
    }))

  it.effect("the directory alone, for a program that opens sessions itself", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.InMemoryDirectory
      assert.deepStrictEqual(directory.log.connections, [])
      const session = yield* LdapSession.fromTransport(directory.transportAs(ada), {
        auth: LdapAuth.sasl(LdapSasl.external())
      })
      assert.strictEqual((yield* session.extended(LdapExtended.whoAmI)).answer, `dn:${ada}`)
      // It is offered to clients that can use it.
      const mechanisms = (yield* session.rootDse).getAll("supportedSASLMechanisms")
      assert.include(mechanisms, "EXTERNAL")
      const other = yield* LdapSession.fromTransport(directory.transport)
      assert.notInclude((yield* other.rootDse).getAll("supportedSASLMechanisms"), "EXTERNAL")
    }).pipe(Effect.provide(InMemoryDirectory.layerDirectory({ ldif, admin }))))

  it.effect("each session over the transport is a connection of its own, safe for passwords", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const open = LdapSession.fromTransport(directory.transport, { auth })
      const closed = yield* Effect.forkChild(directory.awaitClosed, { startImmediately: true })
      // No connection was open when the transport was requested.
      assert.deepStrictEqual(yield* Fiber.join(closed), [])
      const waiting = yield* Effect.scoped(Effect.gen(function*() {
        const first = yield* open
        yield* open
        assert.strictEqual(yield* first.protection, "local")
        assert.deepStrictEqual(directory.openSessions.map(({ id }) => id), [1, 2])
        const waiting = yield* Effect.forkDetach(directory.awaitClosed, { startImmediately: true })
        assert.strictEqual(waiting.pollUnsafe(), undefined)
        return waiting
      }))
      assert.deepStrictEqual((yield* Fiber.join(waiting)).map(({ unbinds }) => unbinds), [1, 1])
      assert.deepStrictEqual(directory.openSessions, [])
    }))
})

/** Everything that a client can see of a directory. */
const contents = Effect.fnUntraced(function*(directory: InMemoryDirectory.InMemoryDirectory) {
  const raw = yield* connect(directory)
  yield* raw.bind(admin.dn, admin.password)
  const { entries } = yield* raw.search(base, undefined, { attributes: ["*", "+"] })
  return entries.map((entry) => entry.toJSON())
})

describe("snapshot and restore", () => {
  it.effect("restore everything: entries, names, values, history, order and search results", () =>
    Effect.gen(function*() {
      // Time begins at 0. A lost time would be 0 too.
      yield* TestClock.adjust("1 hour")
      const directory = yield* make()
      const before = yield* contents(directory)
      const snapshot = yield* directory.snapshot
      assert.strictEqual(snapshot.size, 7)
      const session = yield* LdapSession.fromTransport(directory.transport, { auth })
      const spoil = Effect.gen(function*() {
        yield* TestClock.adjust("1 hour")
        yield* session.modify(ada, LdapModification.replace("mail", ["new@example.org"]))
        yield* session.delete(`uid=bob,ou=people,${base}`)
        yield* session.add(`cn=x,${base}`, { objectClass: "device" })
        yield* session.rename(`ou=groups,${base}`, { newRdn: "ou=teams", newSuperior: `ou=people,${base}` })
      })
      for (let i = 0; i < 2; i++) {
        yield* spoil
        assert.notDeepEqual(yield* contents(directory), before)
        yield* directory.restore(snapshot)
        assert.deepStrictEqual(yield* contents(directory), before)
        assert.strictEqual(directory.size, 7)
      }
      const found = yield* session.searchResult({ base, filter: "(mail=ada@example.org)" })
      assert.deepStrictEqual(found.entries.map(({ dn }) => dn), [ada])
      assert.lengthOf((yield* session.searchResult({ base, filter: "(mail=new@example.org)" })).entries, 0)
      // The session stayed open all the time.
      assert.strictEqual(directory.openSessions.find(({ id }) => id === 2)?.boundAs, admin.dn)
    }))

  it.effect("into another directory", () =>
    Effect.gen(function*() {
      const one = yield* make()
      const other = yield* InMemoryDirectory.make({ suffixes: [base], admin })
      yield* other.restore(yield* one.snapshot)
      assert.deepStrictEqual(yield* contents(other), yield* contents(one))
    }))
})

describe("export", () => {
  it.effect("loads back unchanged, the second time to the byte", () =>
    Effect.gen(function*() {
      for (const given of [ldif, organisation]) {
        const directory = yield* InMemoryDirectory.make({ ldif: given, admin })
        const text = directory.export()
        assert.notMatch(text, /^(hasSubordinates|entryDN|subschemaSubentry|memberOf):/m)
        yield* TestClock.adjust("1 day")
        const again = yield* InMemoryDirectory.make({ ldif: text, admin })
        assert.strictEqual(again.export(), text)
        // The larger one is only written, since reading all of it takes a while.
        if (given === ldif) assert.deepStrictEqual(yield* contents(again), yield* contents(directory))
      }
    }), 30_000)

  it.effect("without operational attributes, it equals the text that it was loaded from", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({ ldif: organisation })
      const facts = (text: string) =>
        new Map(
          Result.getOrThrow(Ldif.parse(text)).map((record) => [
            record.dn,
            record._tag !== "Entry" ?
              [] :
              record.attributes.map(({ description, values }) =>
                `${description} ${values.map((value) => Buffer.from(value).toString("base64"))}`
              )
          ])
        )
      assert.deepStrictEqual(facts(directory.export({ operational: false })), facts(organisation))
      assert.notMatch(directory.export({ operational: false }), /entryUUID/)
    }), 30_000)

  const slapd = inject("slapd") === undefined ? undefined : ensureSlapd()
  it.effect.skipIf(slapd === undefined || "missing" in slapd)(
    "slapadd loads it, and slapcat has the same",
    () =>
      Effect.gen(function*() {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "slapadd-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
        )
        const directory = yield* InMemoryDirectory.make({ ldif: organisation })
        const session = yield* LdapSession.fromTransport(directory.transport, {
          auth: LdapAuth.simple(admin.dn, Redacted.make("admin-secret"))
        })
        yield* session.add(`cn=late,${base}`, { objectClass: "device", description: " leading" })
        const config = join(folder, "slapd.conf")
        mkdirSync(join(folder, "db"))
        writeFileSync(join(folder, "export.ldif"), directory.export())
        writeFileSync(
          config,
          `${
            ["core", "cosine", "inetorgperson", "nis"].map((name) => `include /etc/ldap/schema/${name}.schema`).join(
              "\n"
            )
          }
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "${base}"
directory ${folder}/db
maxsize 268435456
`
        )
        const path = slapd !== undefined && "path" in slapd ? slapd.path : ""
        const slapd_ = (...args: ReadonlyArray<string>) =>
          execFileSync(path, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
        slapd_("-T", "add", "-q", "-f", config, "-l", join(folder, "export.ldif"))
        const theirs = slapd_("-T", "cat", "-f", config)
        const facts = (text: string) =>
          new Map(
            Result.getOrThrow(Ldif.parse(text)).map((record) => [
              LdapDnKey(record.dn),
              record._tag !== "Entry" ? [] : record.attributes
                // slapd adds its own change number, which other servers don't have.
                .filter(({ description }) => description !== "entryCSN")
                .map(({ description, values }) =>
                  `${description.toLowerCase()} ${values.map((value) => Buffer.from(value).toString("base64")).sort()}`
                )
                .sort()
            ])
          )
        assert.deepStrictEqual(facts(theirs), facts(directory.export()))
      })
  )
})

/** slapd may write a name with other escapes. */
const LdapDnKey = (dn: string): string =>
  dn.replace(/\\([0-9a-fA-F]{2})/g, (_, hex: string) => `\\${String.fromCharCode(Number.parseInt(hex, 16))}`)
