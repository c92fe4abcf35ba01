/**
 * Typical programs on a real directory: they log people in, pool sessions, read the schema, and run jobs of LdapJobs. The same
 * programs run on every server.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapPool from "../../src/client/pool/LdapPool.ts"
import * as LdapDn from "../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapSubschema from "../../src/schema/LdapSubschema.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"

export interface ProgramServer {
  readonly name: string
  /** How to reach it over a protected connection. */
  readonly config: LdapSession.SessionConfig
  readonly admin: { readonly dn: string; readonly password: string }
  readonly scratch: string
  readonly people: string
  readonly loginAttribute: string
  /** The attributes of an entry that needs only a common name, and may have entries below it. */
  readonly device: Readonly<Record<string, ReadonlyArray<string>>>
  /** Default: the same as `device`. */
  readonly container?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly login: { readonly name: string; readonly password: string; readonly dn: string }
  readonly group: { readonly dn: string; readonly members: ReadonlyArray<string> }
}

export const programs = (server: ProgramServer): void => {
  const { config, device, group, login, scratch } = server
  const container = server.container ?? device
  const auth = LdapAuth.simple(server.admin.dn, Redacted.make(server.admin.password))
  const asAdmin = LdapSession.make({ ...config, auth })
  const same = (a: string, b: string) => LdapDn.isEqual(dnOf(a), dnOf(b))
  const dnOf = (text: string) => Effect.runSync(Effect.fromResult(LdapDn.parse(text)))

  describe(`${server.name}: programs`, () => {
    it.live.each(["on sessions of their own", "on sessions that stay"])(
      "logins %s, and what is wrong with one",
      (how) =>
        Effect.gen(function*() {
          const client = yield* asAdmin
          const opened: Array<LdapSession.LdapSession> = []
          const settings = {
            client,
            open: Effect.tap(LdapSession.make(config), (session) => Effect.sync(() => opened.push(session))),
            base: server.people,
            filter: (name: string) => LdapFilter.equals(server.loginAttribute, name)
          }
          const stays = how === "on sessions that stay"
          const logIn = stays ? yield* LdapLogin.make(settings) : LdapLogin.authenticate(settings)
          for (let i = 0; i < 3; i++) {
            const { entry } = yield* logIn(login.name, Redacted.make(login.password))
            assert.isTrue(same(entry.dn, login.dn))
          }
          assert.lengthOf(opened, stays ? 1 : 3)
          const refused = (name: string, password: string) =>
            Effect.map(Effect.flip(logIn(name, Redacted.make(password))), ({ reason }) => reason)
          assert.deepInclude(yield* refused(login.name, "wrong"), { _tag: "WrongCredentials" })
          assert.deepInclude(yield* refused("unlisted", login.password), { _tag: "WrongCredentials", what: "login" })
          assert.deepInclude(yield* refused(login.name, ""), { _tag: "EmptyPassword" })
          yield* logIn(login.name, Redacted.make(login.password))
          assert.lengthOf(opened, stays ? 2 : 5)
        })
    )

    it.live("a pool's sessions are bound as the administrator, and no more than its limit", () =>
      Effect.gen(function*() {
        const pool = yield* LdapPool.make({ server: config.url, open: asAdmin, max: 3 })
        const found = yield* Effect.forEach(
          Array.from({ length: 30 }),
          () => pool.use((session) => session.lookup(login.dn, { attributes: ["1.1"] })),
          { concurrency: 10 }
        )
        assert.isTrue(found.every(Option.isSome))
        const { created, inUse, lost } = yield* pool.statistics
        assert.isAtMost(created, 3)
        assert.deepStrictEqual([inUse, lost], [0, 0])
      }))

    it.live("the schema: every definition is parsed, and a person is valid under it", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const schema = yield* LdapSubschema.read(session)
        assert.deepStrictEqual(schema.unreadable.map(({ message }) => message), [])
        assert.isAbove(schema.attributeTypes.length, 200)
        assert.isAbove(schema.objectClasses.length, 40)
        const person = Option.getOrThrow(yield* session.lookup(login.dn))
        // An entry that was read has attributes that no client may write.
        const problems = LdapSubschema.validate(schema, person).filter(({ _tag }) => _tag !== "NotModifiable")
        assert.deepStrictEqual(problems.map(LdapSubschema.describe), [])
      }))

    it.live("a tree is deleted, with or without the server's control for it", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (const treeDelete of ["auto", "never"] as const) {
          const top = `ou=tree-${server.name.replace(/\W/g, "")}-${process.pid},${scratch}`
          yield* session.add(top, { objectClass: "organizationalUnit" })
          for (const a of ["a", "b", "c"]) {
            yield* session.add(`ou=${a},${top}`, { objectClass: "organizationalUnit" })
            for (const b of ["x", "y"]) yield* session.add(`cn=${b},ou=${a},${top}`, container)
          }
          yield* Stream.runDrain(LdapJobs.deleteTree(session, top, { treeDelete }))
          assert.isFalse(yield* LdapJobs.exists(session, top))
        }
      }))

    it.live("the members of a group", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const names = yield* LdapJobs.memberNames(session, group.dn)
        assert.sameMembers([...names], [...group.members])
        const members = yield* Stream.runCollect(LdapJobs.members(session, group.dn))
        assert.sameMembers(members.map(({ entry }) => entry.dn), [...group.members])
      }))

    it.live("an upsert changes an entry once", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = `cn=upsert-${process.pid},${scratch}`
        const wanted = { ...device, description: "as it should be" }
        assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted))._tag, "Added")
        assert.strictEqual((yield* LdapJobs.upsert(session, dn, wanted))._tag, "Unchanged")
        const changed = yield* LdapJobs.upsert(session, dn, { ...wanted, description: "otherwise" })
        assert.strictEqual(changed._tag, "Modified")
        yield* session.delete(dn)
      }))
  })
}
