/**
 * Sends the same requests with controls, extended operations, referrals, aliases and schema violations to slapd and to the
 * directory in memory. Intended differences aren't tested here.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import { admin, base, passwordOf } from "../../servers/directory.ts"
import type { RawClient } from "../RawClient.ts"
import {
  add,
  alice,
  asAdmin,
  asAnonymous,
  bind,
  both,
  type Case,
  compare,
  compareAll,
  compareOn,
  modify,
  people,
  remove,
  rename,
  scratch,
  search,
  slapd,
  toSlapd
} from "./parity.ts"

const withControls = (
  [name, request, before = []]: Case,
  ...controls: ReadonlyArray<LdapControl.LdapControl>
): Case => [`${name} with ${controls.map(({ oid }) => oid).join()}`, request, [...before, ...controls]]

const asAlice = (raw: RawClient) => raw.bind(alice, passwordOf("alice"))
const many = `ou=many,${base}`
const referrals = `ou=referrals,${base}`

const extended = (oid: string, value?: Uint8Array): Case => [
  `extended ${oid}`,
  { _tag: "ExtendedRequest", oid, value } satisfies RequestOperation
]

const valueFilters = (...texts: ReadonlyArray<string>): LdapControl.LdapControl =>
  LdapControl.matchedValues.make(
    texts.map((text) => {
      const filter = Result.getOrThrow(LdapFilter.parse(text))
      if (filter._tag === "And" || filter._tag === "Or" || filter._tag === "Not") throw new Error(text)
      return filter
    })
  )

describe.skipIf(slapd === undefined)("with controls, as slapd does it", { timeout: 30_000 }, () => {
  it.effect("assertions", () => {
    const entry = `cn=assert,${scratch}`
    const holds = LdapControl.assertion.make("(cn=assert)")
    const fails = LdapControl.assertion.make("(cn=other)")
    const unknown = LdapControl.assertion.make("(nobodyKnows=other)")
    return compareAll(asAdmin, [
      add(entry, { objectClass: "device" }),
      ...[holds, fails, unknown].flatMap((control) => [
        withControls(search(entry, undefined, { scope: "base" }), control),
        withControls(compare(entry, "cn", "assert"), control),
        withControls(modify(entry, Modification.replace("description", "x")), control)
      ]),
      withControls(remove(`cn=unlisted,${scratch}`), fails),
      withControls(modify(`cn=unlisted,${scratch}`, Modification.replace("description", "x")), fails),
      withControls(rename(entry, "cn=other"), fails),
      withControls(remove(entry), fails),
      withControls(add(`cn=assert2,${scratch}`, { objectClass: "device" }), holds),
      withControls(search(entry), LdapControl.make(LdapControl.assertion.oid, { critical: true })),
      withControls(remove(entry), holds)
    ])
  })

  it.effect("the entry before and after", () => {
    const entry = `cn=read,${scratch}`
    const before = LdapControl.preReadRequest.make(["cn", "description"])
    const after = LdapControl.postReadRequest.make(["cn", "description"])
    return compareAll(asAdmin, [
      withControls(add(entry, { objectClass: "device", description: "a" }), after),
      withControls(modify(entry, Modification.replace("description", "b")), before, after),
      withControls(modify(entry, Modification.remove("title", "b")), before, after),
      withControls(modify(entry, Modification.replace("description", "c")), LdapControl.postReadRequest.make(["1.1"])),
      withControls(rename(entry, "cn=read2"), before, after),
      withControls(remove(`cn=read2,${scratch}`), LdapControl.postReadRequest.make([], { critical: true })),
      withControls(add(entry, { objectClass: "device" }), LdapControl.preReadRequest.make([], { critical: true })),
      withControls(remove(`cn=read2,${scratch}`), before)
    ])
  })

  it.effect("no-op, permissive modify, relax", () => {
    const entry = `cn=noop,${scratch}`
    const noOp = LdapControl.noOpOpenLdap.make()
    const permissive = LdapControl.permissiveModify.make()
    const { add: put, remove: take } = Modification
    return compareAll(asAdmin, [
      withControls(add(entry, { objectClass: "device" }), noOp),
      search(scratch),
      add(entry, { objectClass: "device", description: "a" }),
      withControls(modify(entry, put("description", "b")), noOp),
      withControls(modify(entry, take("description", "b")), noOp),
      withControls(rename(entry, "cn=noop2"), noOp),
      withControls(remove(entry), noOp),
      search(scratch),
      withControls(modify(entry, put("description", "A")), permissive),
      withControls(modify(entry, put("description", "c")), permissive),
      withControls(modify(entry, take("description", "c")), permissive),
      withControls(modify(entry, take("title")), permissive),
      search(scratch),
      remove(entry)
    ])
  })

  it.effect("proxied authorization", () => {
    const asks = (authzId: "" | `dn:${string}` | `u:${string}`) => LdapControl.proxiedAuthorization.make(authzId)
    const who = extended(LdapExtended.whoAmI.oid)
    const cases = [
      withControls(search(alice, undefined, { scope: "base" }), asks(`dn:${alice}`)),
      withControls(search(alice, undefined, { scope: "base" }), asks("")),
      withControls(search(alice, undefined, { scope: "base" }), asks(`dn:${admin.dn}`)),
      withControls(search(alice, undefined, { scope: "base" }), asks("u:alice")),
      withControls(remove(`cn=x,${scratch}`), asks("")),
      withControls(
        search(alice),
        LdapControl.make(LdapControl.proxiedAuthorization.oid, { value: Buffer.from(`dn:${alice}`) })
      ),
      withControls(search(alice), LdapControl.make(LdapControl.proxiedAuthorization.oid, { critical: true })),
      withControls(who, asks(`dn:${alice}`))
    ]
    return Effect.andThen(compareAll(asAdmin, cases), compareAll(asAlice, cases.slice(2, 4)))
  })

  it.effect("sorting", () => {
    const byNumber = LdapControl.sortRequest
    const few = search(many, "(uidNumber<=5)", { attributes: ["cn"] })
    return compareAll(asAdmin, [
      withControls(few, byNumber.make([{ attribute: "uidNumber" }])),
      withControls(few, byNumber.make([{ attribute: "uidNumber", reverse: true }])),
      withControls(few, byNumber.make([{ attribute: "cn", matchingRule: "caseIgnoreOrderingMatch" }])),
      withControls(few, byNumber.make([{ attribute: "cn" }])),
      withControls(few, byNumber.make([{ attribute: "nobodyKnows" }])),
      withControls(few, byNumber.make([{ attribute: "nobodyKnows" }], { critical: true })),
      withControls(few, byNumber.make([{ attribute: "cn", matchingRule: "nobodyKnows" }], { critical: true })),
      withControls(few, LdapControl.make(byNumber.oid, { critical: true })),
      withControls(remove(`cn=x,${scratch}`), byNumber.make([{ attribute: "cn" }], { critical: true }))
    ])
  })

  it.effect("windows of a list", () => {
    const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }], { critical: true })
    const list = search(many, "(uidNumber<=19)", { attributes: ["uidNumber"] })
    const at = (offset: number, contentCount: number, beforeCount = 1, afterCount = 2) =>
      LdapControl.virtualListViewRequest.make({
        beforeCount,
        afterCount,
        target: { _tag: "ByOffset", offset, contentCount }
      })
    const from = (value: string) =>
      LdapControl.virtualListViewRequest.make({
        beforeCount: 1,
        afterCount: 2,
        target: { _tag: "ByValue", value: Buffer.from(value) }
      })
    return Effect.gen(function*() {
      const { ours } = yield* both
      const each = [at(1, 0), at(5, 0), at(20, 0), at(20, 20), at(10, 20), from("7"), from("0"), from("19")]
      // Each on its own connection: slapd treats a second window as the next one of the first list.
      for (const cases of [...each.map((window) => [sort, window]), [at(1, 0)]]) {
        yield* Effect.scoped(
          Effect.flatMap(toSlapd, (theirs) => compareOn(ours, theirs, asAdmin, [withControls(list, ...cases)]))
        )
      }
    })
  }, 30_000)

  it.effect("matched values", () =>
    compareAll(asAdmin, [
      withControls(search(people, "(uid=alice)"), valueFilters("(objectClass=inetOrgPerson)", "(mail=*)")),
      withControls(search(people, "(uid=alice)", { attributes: ["mail", "cn"] }), valueFilters("(cn=alice*)")),
      withControls(search(people, "(uid=alice)"), valueFilters("(nobodyKnows=x)")),
      withControls(search(people, "(uid=alice)", { typesOnly: true }), valueFilters("(mail=*)"))
    ]))

  it.effect("referrals, and the ManageDsaIT control", () => {
    const manage = LdapControl.manageDsaIt.make()
    const here = `cn=here,${referrals}`
    const elsewhere = `cn=elsewhere,${referrals}`
    const cases: ReadonlyArray<Case> = [
      ...(["base", "one", "subtree", "subordinates"] as const).flatMap((scope) => [
        search(referrals, undefined, { scope }),
        search(referrals, "(cn=unlisted)", { scope }),
        search(elsewhere, undefined, { scope }),
        search(`cn=x,${elsewhere}`, undefined, { scope }),
        search(`cn=a b,cn=x,${elsewhere}`, undefined, { scope })
      ]),
      search(here, undefined, { scope: "base", attributes: ["ref"] }),
      compare(elsewhere, "cn", "elsewhere"),
      compare(`cn=x,${elsewhere}`, "cn", "elsewhere"),
      modify(elsewhere, Modification.replace("description", "x")),
      add(`cn=x,${elsewhere}`, { objectClass: "device" }),
      add(`cn=x,cn=y,${elsewhere}`, { objectClass: "device" }),
      remove(`cn=x,${elsewhere}`),
      rename(`cn=x,${elsewhere}`, "cn=y"),
      bind(`cn=x,${elsewhere}`, "x")
    ]
    return Effect.andThen(
      compareAll(asAdmin, cases),
      compareAll(
        asAdmin,
        cases.slice(0, -3).filter(([, { _tag }]) => _tag !== "AddRequest").map((one) => withControls(one, manage))
      )
    )
  })

  it.effect("aliases", () => {
    const unit = `ou=aliases,${scratch}`
    const to = (cn: string, target: string) =>
      add(`cn=${cn},${unit}`, { objectClass: ["alias", "extensibleObject"], aliasedObjectName: target })
    const policies = ["never", "searching", "finding", "always"] as const
    return compareAll(asAdmin, [
      add(unit, { objectClass: "organizationalUnit" }),
      to("alice", alice),
      to("people", people),
      to("nowhere", `cn=nowhere,${scratch}`),
      ...policies.flatMap((derefAliases) =>
        (["base", "one", "subtree"] as const).flatMap((scope) => [
          // If two aliases lead to an entry, slapd returns it twice.
          search(unit, scope === "subtree" ? "(uid=bob)" : "(objectClass=*)", {
            derefAliases,
            scope,
            attributes: ["1.1"]
          }),
          search(unit, scope === "subtree" ? "(uid=carol)" : "(uid=alice)", {
            derefAliases,
            scope,
            attributes: ["1.1"]
          }),
          search(`cn=people,${unit}`, undefined, { derefAliases, scope, attributes: ["1.1"] })
        ])
      ),
      ...policies.map((derefAliases) =>
        search(`uid=alice,cn=people,${unit}`, undefined, { derefAliases, scope: "base", attributes: ["1.1"] })
      ),
      search(`cn=nowhere,${unit}`, undefined, { derefAliases: "always", scope: "base" }),
      add(`cn=x,cn=alice,${unit}`, { objectClass: "device" }),
      modify(`cn=alice,${unit}`, Modification.replace("description", "x")),
      ...["alice", "people", "nowhere"].map((cn) => remove(`cn=${cn},${unit}`)),
      remove(unit)
    ])
  })

  it.effect("controls in the wrong place, twice, or without use", () =>
    compareAll(asAdmin, [
      withControls(search(alice), LdapControl.dontUseCopy.make()),
      withControls(search(alice), LdapControl.dontUseCopy.make(undefined, { critical: false })),
      withControls(remove(`cn=x,${scratch}`), LdapControl.dontUseCopy.make()),
      withControls(search(alice), LdapControl.manageDsaIt.make(), LdapControl.manageDsaIt.make()),
      withControls(search(alice), LdapControl.treeDelete.make(undefined, { critical: true })),
      withControls(search(alice), LdapControl.permissiveModify.make(undefined, { critical: true })),
      withControls(search(alice, undefined, { scope: "base" }), LdapControl.subentries.make(false)),
      withControls(search(alice, undefined, { scope: "base" }), LdapControl.subentries.make(true)),
      withControls(search(alice, undefined, { scope: "base" }), LdapControl.domainScope.make())
    ]))
})

/** Answers to binds, which slapd lists beside the requests, and its account usability. */
const ofPasswordPolicies = [
  LdapControl.passwordExpired.oid,
  LdapControl.passwordExpiring.oid,
  "1.3.6.1.4.1.42.2.27.9.5.8"
]

describe.skipIf(slapd === undefined)("extended operations, as slapd does them", { timeout: 30_000 }, () => {
  const password = (who: string, old: string, fresh: string): Case =>
    extended(
      LdapExtended.passwordModify.oid,
      LdapExtended.passwordModify.encode({
        ...(who === "" ? undefined : { userIdentity: who }),
        ...(old === "" ? undefined : { oldPassword: Redacted.make(old) }),
        ...(fresh === "" ? undefined : { newPassword: Redacted.make(fresh) })
      })
    )

  it.effect("passwords", () => {
    const entry = `cn=pw,${scratch}`
    return Effect.andThen(
      compareAll(asAdmin, [
        add(entry, { objectClass: ["device", "simpleSecurityObject"], userPassword: "one" }),
        password(entry, "", "two"),
        password(entry, "one", "three"),
        password(entry, "two", "three"),
        password(`cn=unlisted,${scratch}`, "", "x"),
        password("unlisted", "", "x"),
        extended(LdapExtended.passwordModify.oid, Buffer.from("x")),
        bind(entry, "two"),
        bind(entry, "three"),
        password("", "three", "four"),
        bind(entry, "four"),
        bind(admin.dn, admin.password),
        remove(entry)
      ]),
      compareAll(asAnonymous, [password(alice, "x", "y")])
    )
  })

  it.effect("cancelling what isn't there", () =>
    compareAll(asAdmin, [
      extended(LdapExtended.cancel.oid, LdapExtended.cancel.encode({ messageId: 77 })),
      extended(LdapExtended.cancel.oid),
      extended(LdapExtended.cancel.oid, Buffer.from("x"))
    ]))

  // slapd 2.5 and 2.6 differ in transactions. Only what both do is tested.
  it.effect("the root DSE names what slapd names", () =>
    Effect.gen(function*() {
      const { ours, theirs } = yield* both
      const attributes = ["supportedControl", "supportedExtension", "supportedFeatures"]
      const [mine, slapds] = yield* Effect.forEach([ours, theirs], (raw) =>
        Effect.map(raw.search("", undefined, { scope: "base", attributes }), ({ entries }) => entries[0]))
      for (const attribute of attributes) {
        const missing = slapds?.getAll(attribute).filter((oid) =>
          !mine?.getAll(attribute).includes(oid)
        )
        // Language tags and ranges are features of slapd only; StartTLS is listed if it is offered.
        const own = [
          "1.3.6.1.4.1.4203.1.5.",
          "1.3.6.1.4.1.4203.666",
          LdapExtended.startTls.oid,
          ...ofPasswordPolicies
        ]
        assert.deepStrictEqual(missing?.filter((oid) => !own.some((start) => oid.startsWith(start))), [], attribute)
      }
    }))
})

describe.skipIf(slapd === undefined)("schema checking, as slapd does it", { timeout: 30_000 }, () => {
  it.effect("entries and changes", () => {
    const entry = `cn=schema,${scratch}`
    const { add: put, remove: take, replace } = Modification
    return compareAll(asAdmin, [
      add(entry, { objectClass: ["device", "inetOrgPerson"], sn: "x" }),
      add(entry, { objectClass: "inetOrgPerson" }),
      add(entry, { objectClass: "device", mail: "x" }),
      add(entry, { objectClass: "dcObject", dc: "x" }),
      add(entry, { objectClass: "device", nobodyKnows: "x" }),
      add(entry, { objectClass: "nobodyKnows" }),
      add(entry, { objectClass: "top" }),
      add(entry, { objectClass: ["device", "account"], uid: "x" }),
      add(`uid=schema,${scratch}`, { objectClass: "device", cn: "x" }),
      add(`cn=schema,cn=unlisted,${scratch}`, { objectClass: "device", mail: "x" }),
      add(entry, { objectClass: "person", sn: "x" }),
      modify(entry, put("mail", "x")),
      modify(entry, put("nobodyKnows", "x")),
      modify(entry, take("nobodyKnows", "x")),
      modify(entry, take("sn")),
      modify(entry, put("objectClass", "inetOrgPerson")),
      modify(entry, replace("objectClass", ["inetOrgPerson"])),
      modify(entry, replace("objectClass", ["device"])),
      modify(entry, put("objectClass", "posixAccount")),
      modify(entry, put("objectClass", "extensibleObject"), put("mail", "x")),
      modify(entry, take("objectClass", "extensibleObject")),
      modify(entry, put("description", "x"), put("telephoneNumber", "1")),
      rename(entry, "uid=schema"),
      search(scratch, undefined, { attributes: ["*", "structuralObjectClass", "subschemaSubentry"] }),
      remove(`uid=schema,${scratch}`),
      remove(entry)
    ], { schemaChecking: true })
  })
})
