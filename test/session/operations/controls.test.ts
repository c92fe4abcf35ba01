/** Controls of the bind and the unbind of a session, and the controls that a server announces. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as ldapts from "ldapts"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapRootDse from "../../../src/model/LdapRootDse.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { connect, ok, settle } from "../recording/RecordingPeer.ts"

const own = LdapControl.make("1.2.3.4", { value: Buffer.from("x") })

describe("controls", () => {
  it.effect("a configuration sends controls with the bind and the unbind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect({
        closeTimeout: 0,
        auth: LdapAuth.anonymous,
        bindControls: [LdapControl.passwordPolicyRequest.make(undefined)],
        unbindControls: [own]
      })
      yield* Effect.forkChild(Effect.scoped(session), { startImmediately: true })
      const { controls, messageId } = yield* peer.expect("BindRequest")
      assert.deepStrictEqual(controls.map(({ oid }) => oid), [LdapControl.passwordPolicyRequest.oid])
      yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
      assert.deepStrictEqual((yield* peer.expect("UnbindRequest")).controls, [own])
    }))

  it.effect("controls of the unbind that can't be encoded fail before a connection is opened", () =>
    Effect.gen(function*() {
      class Unwritable extends ldapts.Control {
        override writeControl(): void {
          throw new Error("no such value")
        }
      }
      const { client, peer, session } = yield* connect({ closeTimeout: 0, unbindControls: [new Unwritable("1.2.3")] })
      const error = yield* Effect.flip(Effect.scoped(session))
      assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "unbindControls" })
      yield* settle
      assert.isEmpty(peer.received)
      // It was never asked for its sides.
      assert.isTrue(client.isOpen())
    }))
})

describe("the root DSE", () => {
  const rootDse = LdapEntry.make("", {
    supportedControl: [LdapControl.assertion.oid, "1.2.3.4"],
    supportedExtension: [LdapExtended.whoAmI.oid],
    supportedFeatures: [LdapRootDse.LdapFeature.modifyIncrement],
    supportedSASLMechanisms: ["SCRAM-SHA-256", "external"]
  })

  it("tells which controls, operations, features and mechanisms a server knows", () => {
    assert.isTrue(LdapRootDse.supportsControl(rootDse, LdapControl.assertion))
    assert.isTrue(LdapRootDse.supportsControl(rootDse, own))
    assert.isTrue(LdapRootDse.supportsControl(rootDse, "1.2.3.4"))
    assert.isFalse(LdapRootDse.supportsControl(rootDse, LdapControl.treeDelete))
    assert.isTrue(LdapRootDse.supportsExtended(rootDse, LdapExtended.whoAmI))
    assert.isFalse(LdapRootDse.supportsExtended(rootDse, LdapExtended.cancel))
    assert.isTrue(LdapRootDse.supportsFeature(rootDse, LdapRootDse.LdapFeature.modifyIncrement))
    assert.isFalse(LdapRootDse.supportsFeature(rootDse, LdapRootDse.LdapFeature.absoluteFilters))
    assert.isTrue(LdapRootDse.supportsSasl(rootDse, LdapSasl.external()))
    assert.isFalse(LdapRootDse.supportsSasl(rootDse, "PLAIN"))
  })

  it("tells which critical controls the server would refuse", () => {
    const critical = LdapControl.treeDelete.make(undefined, { critical: true })
    const harmless = LdapControl.treeDelete.make(undefined)
    assert.deepStrictEqual(LdapRootDse.unsupported(rootDse, [own, harmless, critical]), [critical])
  })
})

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const people = `ou=people,${slapd.base}`
  const alice = `uid=alice,${people}`
  const open = LdapSession.make({
    url: slapd.urls.ldap,
    auth: LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
  })

  it.live("controls that it lists are accepted; critical ones that it doesn't list are refused", () =>
    Effect.gen(function*() {
      const session = yield* open
      const rootDse = yield* session.rootDse
      const known = LdapControl.assertion.make("(uid=alice)", { critical: true })
      const unknown = LdapControl.treeDelete.make(undefined, { critical: true })
      assert.deepStrictEqual(LdapRootDse.unsupported(rootDse, [known, unknown]), [unknown])
      yield* session.compare(alice, "uid", "alice", { controls: [known] })
      const error = yield* Effect.flip(session.delete(`cn=none,${people}`, { controls: [unknown] }))
      assert.strictEqual(error.reason._tag, "UnavailableCriticalExtension")
    }))

  it.live("features that it lists work: +, 1.1, @objectClass, absolute filters, languages", () =>
    Effect.gen(function*() {
      const session = yield* open
      const rootDse = yield* session.rootDse
      for (const feature of Object.values(LdapRootDse.LdapFeature)) {
        assert.isTrue(LdapRootDse.supportsFeature(rootDse, feature), feature)
      }
      const attributes = (...names: ReadonlyArray<string>) =>
        Effect.map(session.lookup(alice, { attributes: names }), (entry) => [...Option.getOrThrow(entry).descriptions])
      assert.includeMembers(yield* attributes("+"), ["entryUUID", "createTimestamp"])
      assert.notInclude(yield* attributes("+"), "cn")
      assert.isEmpty(yield* attributes("1.1"))
      assert.sameMembers(yield* attributes("@posixAccount"), [
        "cn",
        "gidNumber",
        "homeDirectory",
        "objectClass",
        "uid",
        "uidNumber",
        "userPassword"
      ])
      const count = (filter: string, scope: "one" | "subordinates" = "one") =>
        Stream.runCount(session.search({ base: people, filter, scope }))
      const all = yield* count("(objectClass=*)")
      assert.isAbove(all, 3)
      assert.strictEqual(yield* count("(&)"), all)
      assert.strictEqual(yield* count("(|)"), 0)
      assert.strictEqual(yield* count("(&)", "subordinates"), all)
      const günther = `uid=günther,${people}`
      const german = Option.getOrThrow(yield* session.lookup(günther, { attributes: ["cn;lang-"] }))
      assert.deepStrictEqual([...german.descriptions], ["cn;lang-de"])
    }))

  it.live(";binary is sent and returned unchanged (RFC 4522)", () =>
    Effect.gen(function*() {
      const session = yield* open
      const dn = `cn=binary-${process.pid},ou=scratch,${slapd.base}`
      const [, der] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(slapd.certificates.ca.cert)!
      const certificate = Buffer.from(der!, "base64")
      yield* session.add(dn, {
        objectClass: ["device", "pkiCA"],
        "cACertificate;binary": certificate
      })
      const entry = Option.getOrThrow(yield* session.lookup(dn, { attributes: ["cACertificate;binary"] }))
      assert.deepStrictEqual([...entry.descriptions], ["cACertificate;binary"])
      assert.deepStrictEqual(Buffer.from(entry.getBytes("cACertificate;binary")!), certificate)
      yield* session.delete(dn)
    }))

  it.live("an alias is dereferenced if requested", () =>
    Effect.gen(function*() {
      const session = yield* open
      const dns = (derefAliases: LdapSession.DerefAliases) =>
        session.search({
          base: `ou=referrals,${slapd.base}`,
          filter: "(|(uid=alice)(objectClass=alias))",
          derefAliases
        }).pipe(Stream.map(({ dn }) => dn), Stream.runCollect)
      assert.deepStrictEqual(yield* dns("never"), [`cn=alias,ou=referrals,${slapd.base}`])
      assert.deepStrictEqual(yield* dns("always"), [alice])
    }))

  it.live("references and their URLs are in the stream of messages", () =>
    Effect.gen(function*() {
      const session = yield* open
      const messages = yield* Stream.runCollect(
        session.searchMessages({ base: `ou=referrals,${slapd.base}`, scope: "one" })
      )
      const urls = messages.flatMap((message) => message._tag === "Reference" ? [message.urls] : [])
      assert.isTrue(urls.some((of) => of.length === 2 && of[0]!.startsWith("ldap://127.0.0.1:1/")))
      assert.strictEqual(messages.at(-1)?._tag, "Done")
    }))

  it.live("sort, a virtual list view and pages together are refused with a reason", () =>
    Effect.gen(function*() {
      const session = yield* open
      const controls = [
        LdapControl.sortRequest.make([{ attribute: "uidNumber" }], { critical: true }),
        LdapControl.virtualListViewRequest.make({
          beforeCount: 0,
          afterCount: 9,
          target: { _tag: "ByOffset", offset: 1, contentCount: 0 }
        }, { critical: true })
      ]
      const search = { base: `ou=many,${slapd.base}`, scope: "one", controls } as const
      const view = yield* session.searchResult(search)
      assert.lengthOf(view.entries, 10)
      assert.isDefined(LdapControl.virtualListViewResponse.find(view.result.controls))
      const error = yield* Effect.flip(session.searchResult({ ...search, pageSize: 5 }))
      assert.include(
        ["UnwillingToPerform", "VirtualListViewError", "UnavailableCriticalExtension", "ProtocolError"],
        error.reason._tag
      )
    }))
})
