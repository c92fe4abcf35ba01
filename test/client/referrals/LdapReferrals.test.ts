/** Referral chasing: which requests go to which server with which identity, and which are never sent. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapReferrals from "../../../src/client/referrals/LdapReferrals.ts"
import { readTarget } from "../../../src/client/referrals/referralTargets.ts"
import type { LdapTransport } from "../../../src/connection/LdapTransport.ts"
import * as LdapTls from "../../../src/connection/tls/LdapTls.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { ConnectFailed, LdapError } from "../../../src/model/LdapError.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import type * as LdapUrl from "../../../src/model/url/LdapUrl.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import { LdapParser } from "../../../src/protocol/LdapParser.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { ensureSlapd, startSlapd } from "../../servers/slapd/slapd.ts"
import { hour, withSteps } from "../steppedClock.ts"

/** Directories by name, each with its entries and its referrals. */
const world = Effect.fnUntraced(function*(
  holdings: Record<string, ReadonlyArray<readonly [dn: string, ...refs: ReadonlyArray<string>]>>
) {
  const directories: Record<string, InMemoryDirectory.InMemoryDirectory> = {}
  for (const [host, names] of Object.entries(holdings)) {
    directories[host] = yield* InMemoryDirectory.make({
      entries: names.map(([dn, ...refs]) => ({
        dn,
        attributes: refs.length > 0
          ? { objectClass: ["referral", "extensibleObject"], ref: refs }
          : { objectClass: ["extensibleObject", "device"], description: `of ${host}`, userPassword: "secret" }
      })),
      admin: { dn: "cn=admin", password: `admin-of-${host}` }
    })
  }
  const asked: Array<string> = []
  const transport = (
    url: { readonly host: string | undefined; toString(): string }
  ): Effect.Effect<LdapTransport, LdapError> => {
    asked.push(url.host ?? "")
    const directory = directories[url.host ?? ""]
    const reason = new ConnectFailed({ kind: "refused", detail: "connection refused" })
    return directory === undefined
      ? Effect.fail(new LdapError({ reason, operation: "connect", server: url.toString() }))
      : Effect.succeed({ ...directory.transport, server: `ldap://${url.host}` })
  }
  const first = Object.keys(holdings)[0]!
  const admin = (host: string) => LdapAuth.simple("cn=admin", Redacted.make(`admin-of-${host}`))
  const client = (options?: Partial<LdapReferrals.FollowOptions>, referrals?: LdapReferrals.ReferralPolicy) =>
    LdapClient.fromTransport({ ...directories[first]!.transport, server: `ldap://${first}` }, {
      auth: admin(first),
      referrals: referrals ?? LdapReferrals.follow({ transport, ...options })
    })
  const requests = (host: string, kind: string) =>
    directories[host]!.log.pdus().filter((pdu) => pdu.kind === kind && pdu.direction === "request").length
  const at = (host: string) => directories[host]!
  return { at, admin, asked, client, requests, transport }
})

const reasonOf = <A>(effect: Effect.Effect<A, LdapError>) => Effect.map(Effect.flip(effect), ({ reason }) => reason)

const twoServers = {
  "a.example": [["o=x"], ["cn=1,o=x"], ["ou=b,o=x", "ldap://b.example/ou=b,o=x"], ["cn=9,o=x"]],
  "b.example": [["ou=b,o=x"], ["cn=2,ou=b,o=x"], ["cn=3,ou=b,o=x"]]
} as const

describe("a search", () => {
  it.effect("returns the entries behind its references after its own", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* world(twoServers)
      const ldap = yield* client()
      const dns = yield* ldap.search({ base: "o=x" }).pipe(Stream.map(({ dn }) => dn), Stream.runCollect)
      assert.deepStrictEqual(dns.slice(0, 3), ["o=x", "cn=1,o=x", "cn=9,o=x"])
      assert.sameMembers(dns.slice(3), ["ou=b,o=x", "cn=2,ou=b,o=x", "cn=3,ou=b,o=x"])
      const { entries, references, result } = yield* ldap.searchResult({ base: "o=x", filter: "(cn=*)" })
      assert.deepStrictEqual(entries.map(({ dn }) => dn), ["cn=1,o=x", "cn=9,o=x", "cn=2,ou=b,o=x", "cn=3,ou=b,o=x"])
      assert.isEmpty(references)
      assert.strictEqual(result.code, 0)
      assert.strictEqual(requests("b.example", "SearchRequest"), 2)
      const messages = yield* Stream.runCollect(ldap.searchMessages({ base: "o=x", pageSize: 2 }))
      assert.deepStrictEqual(messages.map(({ _tag }) => _tag), [...Array<string>(6).fill("Entry"), "Done"])
    }))

  it.effect("with scope one: the entry on the other server, and none below it (RFC 4511 section 4.5.3)", () =>
    Effect.gen(function*() {
      const { client } = yield* world(twoServers)
      const ldap = yield* client()
      const { entries } = yield* ldap.searchResult({ base: "o=x", scope: "one" })
      assert.deepStrictEqual(entries.map(({ dn }) => dn), ["cn=1,o=x", "cn=9,o=x", "ou=b,o=x"])
    }))

  it.effect("whose base is on another server continues there, with the DN of the URL", () =>
    Effect.gen(function*() {
      const { client } = yield* world({
        "a.example": [["o=x"], ["ou=b,o=x", "ldap://b.example/ou=moved,o=y"]],
        "b.example": [["o=y"], ["ou=moved,o=y"], ["cn=2,ou=moved,o=y"]]
      })
      const ldap = yield* client()
      const { entries } = yield* ldap.searchResult({ base: "cn=2,ou=b,o=x" })
      assert.deepStrictEqual(entries.map(({ dn }) => dn), ["cn=2,ou=moved,o=y"])
      const found = yield* ldap.lookup("cn=2,ou=b,o=x")
      assert.strictEqual(Option.getOrThrow(found).get("description"), "of b.example")
      // A missing entry is an answer too.
      assert.isTrue(Option.isNone(yield* ldap.lookup("cn=none,ou=b,o=x")))
    }))

  it.effect("takes scope and filter from the URL if it has them", () =>
    Effect.gen(function*() {
      const other = yield* world({ "b.example": twoServers["b.example"] })
      const search = Effect.fnUntraced(function*(url: string) {
        const intercepting = yield* InMemoryDirectory.make({
          suffixes: ["o=x"],
          interceptor: ({ messageId, operation }) =>
            Effect.succeed(
              operation._tag !== "SearchRequest" ? "continue" : [
                { messageId, operation: { _tag: "SearchResultReference", uris: [url] }, controls: [] },
                {
                  messageId,
                  operation: {
                    _tag: "SearchResultDone",
                    result: { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }
                  },
                  controls: []
                }
              ]
            )
        })
        const ldap = yield* LdapClient.fromTransport({ ...intercepting.transport, server: "ldap://a.example" }, {
          referrals: LdapReferrals.follow({ transport: other.transport })
        })
        const { entries } = yield* ldap.searchResult({ base: "ou=b,o=x", scope: "subtree", filter: "(cn=*)" })
        return entries.map(({ dn }) => dn)
      })
      assert.deepStrictEqual(yield* search("ldap://b.example/ou=b,o=x"), ["cn=2,ou=b,o=x", "cn=3,ou=b,o=x"])
      assert.deepStrictEqual(yield* search("ldap://b.example/cn=3,ou=b,o=x??base"), ["cn=3,ou=b,o=x"])
      assert.deepStrictEqual(yield* search("ldap://b.example/ou=b,o=x???(cn=2)"), ["cn=2,ou=b,o=x"])
      assert.deepStrictEqual(yield* search("ldap://b.example"), ["cn=2,ou=b,o=x", "cn=3,ou=b,o=x"])
    }))

  it.effect("keeps its attributes and controls", () =>
    Effect.gen(function*() {
      const { client, transport } = yield* world(twoServers)
      const controls: Array<ReadonlyArray<string>> = []
      const watched = (url: LdapUrl.LdapUrl) =>
        Effect.map(transport(url), (transport) => ({
          ...transport,
          connect: Effect.map(transport.connect, (connection) =>
            Object.create(connection, {
              write: {
                value: (octets: Uint8Array) => {
                  new LdapParser().push(octets, (message) => void controls.push(message.controls.map(({ oid }) => oid)))
                  return connection.write(octets)
                }
              }
            }) as typeof connection)
        }))
      const ldap = yield* client({ transport: watched })
      const { entries } = yield* ldap.searchResult({
        base: "cn=2,ou=b,o=x",
        attributes: ["cn"],
        controls: [LdapControl.dontUseCopy.make(undefined)]
      })
      assert.deepStrictEqual(entries.map(({ descriptions }) => [...descriptions]), [["cn"]])
      assert.deepStrictEqual(controls, [[LdapControl.dontUseCopy.oid]])
    }))

  it.effect("that has reached its size limit follows no references", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(twoServers)
      const ldap = yield* client()
      yield* ldap.search({ base: "o=x" }).pipe(Stream.take(2), Stream.runDrain)
      assert.isEmpty(asked)
    }))

  it.effect("that fails on another server has its own entries in the error", () =>
    Effect.gen(function*() {
      const { client } = yield* world({ "a.example": [["o=x"], ["ou=b,o=x", "ldap://gone.example/ou=b,o=x"]] })
      const ldap = yield* client()
      const error = yield* Effect.flip(ldap.searchResult({ base: "o=x" }))
      assert.deepInclude(error.reason, { _tag: "ReferralFailed", urls: ["ldap://gone.example/ou=b,o=x??sub"] })
      assert.deepStrictEqual(error.partial?.entries.map(({ dn }) => dn), ["o=x"])
      assert.include(error.message, "connection refused")
      assert.instanceOf("cause" in error.reason ? error.reason.cause : undefined, LdapError)
    }))
})

describe("changes and comparisons", () => {
  it.effect("go to the server that has the entry, and return its response", () =>
    Effect.gen(function*() {
      const { admin, at, client } = yield* world(twoServers)
      const ldap = yield* client({ credentials: ({ host }) => Effect.succeed(admin(host!)) })
      const dn = "cn=4,ou=b,o=x"
      yield* ldap.add(dn, { objectClass: ["extensibleObject", "device"], description: "old" })
      yield* ldap.modify(dn, LdapModification.replace("description", "new"))
      assert.isTrue(yield* ldap.compare(dn, "description", "new"))
      assert.isFalse(yield* ldap.compare(dn, "description", "old"))
      yield* ldap.rename(dn, { newRdn: "cn=5" })
      assert.isDefined(at("b.example").lookup("cn=5,ou=b,o=x"))
      yield* ldap.delete("cn=5,ou=b,o=x")
      assert.isUndefined(at("b.example").lookup("cn=5,ou=b,o=x"))
      const error = yield* Effect.flip(ldap.delete("cn=5,ou=b,o=x"))
      assert.strictEqual(error.reason._tag, "NoSuchObject")
      assert.strictEqual(error.server, "ldap://b.example")
    }))

  it.effect("a write whose response is lost on another server is in doubt, and isn't sent to the next one", () =>
    Effect.gen(function*() {
      const { admin, at, client, requests } = yield* world({
        "a.example": [["o=x"], ["ou=b,o=x", "ldap://b.example/ou=b,o=x", "ldap://c.example/ou=b,o=x"]],
        "b.example": [["ou=b,o=x"]],
        "c.example": [["ou=b,o=x"]]
      })
      yield* at("b.example").faults.set(DirectoryFault.reset({ on: "delete" }))
      const ldap = yield* client({ credentials: ({ host }) => Effect.succeed(admin(host!)) })
      const reason = yield* reasonOf(ldap.delete("ou=b,o=x"))
      assert.deepInclude(reason, { inDoubt: true })
      assert.strictEqual(requests("c.example", "DeleteRequest"), 0)
    }))

  it.effect("extended operations are not followed", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(twoServers)
      const ldap = yield* client()
      assert.strictEqual((yield* ldap.extended(LdapExtended.whoAmI)).answer, "dn:cn=admin")
      assert.isEmpty(asked)
    }))
})

describe("credentials for the other server", () => {
  it.effect("the session is anonymous unless a function gives credentials; those of the first server are never sent", () =>
    Effect.gen(function*() {
      const { at, client, requests } = yield* world(twoServers)
      const ldap = yield* client()
      yield* Stream.runDrain(ldap.search({ base: "o=x" }))
      assert.strictEqual(requests("b.example", "BindRequest"), 0)
      assert.deepStrictEqual(at("b.example").openSessions.map(({ boundAs }) => boundAs), [""])
    }))

  it.effect("the function gets the URL of the server, once for each session", () =>
    Effect.gen(function*() {
      const { admin, at, client } = yield* world(twoServers)
      const asked: Array<string> = []
      const ldap = yield* client({
        credentials: (url) => {
          asked.push(url.toString())
          return Effect.succeed(admin(url.host!))
        }
      })
      for (let i = 0; i < 3; i++) yield* Stream.runDrain(ldap.search({ base: "o=x" }))
      assert.lengthOf(asked, 1)
      assert.include(asked[0], "ldap://b.example")
      assert.deepStrictEqual(at("b.example").openSessions.map(({ boundAs }) => boundAs), ["cn=admin"])
    }))

  it.effect("refused credentials fail the referral, and are not the operation's answer", () =>
    Effect.gen(function*() {
      const { admin, client } = yield* world(twoServers)
      const ldap = yield* client({ credentials: () => Effect.succeed(admin("elsewhere")) })
      const reason = yield* reasonOf(ldap.lookup("cn=2,ou=b,o=x"))
      assert.strictEqual(reason._tag, "ReferralFailed")
      assert.strictEqual(
        reason._tag === "ReferralFailed" && reason.cause instanceof LdapError && reason.cause.reason._tag,
        "InvalidCredentials"
      )
    }))

  it.effect("S9: a password isn't sent to another server in clear text", () =>
    Effect.gen(function*() {
      const { admin, at, client, requests } = yield* world(twoServers)
      const ldap = yield* client({
        credentials: ({ host }) => Effect.succeed(admin(host!)),
        transport: () =>
          Effect.map(Effect.void, () => ({
            ...at("b.example").transport,
            server: "ldap://b.example",
            connect: Effect.map(
              at("b.example").transport.connect,
              (connection) => Object.create(connection, { protection: { value: "none" } }) as typeof connection
            )
          }))
      })
      const reason = yield* reasonOf(ldap.lookup("cn=2,ou=b,o=x"))
      assert.include(reason.message, "clear text")
      assert.strictEqual(requests("b.example", "BindRequest"), 0)
    }))
})

describe("sessions with other servers", () => {
  it.effect("are shared, kept for a while, and unbound once, at the latest with the client's scope", () =>
    Effect.gen(function*() {
      const { at, client } = yield* world(twoServers)
      yield* Effect.scoped(
        Effect.gen(function*() {
          const ldap = yield* client({ idleTimeToLive: "10 seconds" })
          const searching = Effect.forEach([1, 2, 3, 4], () => Stream.runDrain(ldap.search({ base: "o=x" })), {
            concurrency: "unbounded"
          })
          yield* searching
          assert.lengthOf(at("b.example").log.connections, 1)
          yield* TestClock.adjust("10 seconds")
          yield* at("b.example").awaitClosed
          yield* searching
          assert.lengthOf(at("b.example").log.connections, 2)
        })
      )
      const all = yield* at("b.example").awaitClosed
      assert.deepStrictEqual(all.map(({ unbinds }) => unbinds), [1, 1])
    }))

  it.effect.each([-hour, hour])(
    "their idle time doesn't go by the time of day (set by %d ms)",
    (by) =>
      withSteps((step) =>
        Effect.gen(function*() {
          const { at, client } = yield* world(twoServers)
          const ldap = yield* client({ idleTimeToLive: "10 seconds" })
          const searching = Stream.runDrain(ldap.search({ base: "o=x" }))
          yield* searching
          step(by)
          yield* TestClock.adjust("9 seconds")
          yield* searching
          assert.lengthOf(at("b.example").log.connections, 1)
          step(by)
          yield* TestClock.adjust("10 seconds")
          yield* at("b.example").awaitClosed
          yield* searching
          assert.lengthOf(at("b.example").log.connections, 2)
        })
      )
  )

  it.effect("one that was lost is replaced", () =>
    Effect.gen(function*() {
      const { at, client } = yield* world(twoServers)
      const ldap = yield* client()
      yield* ldap.lookup("cn=2,ou=b,o=x")
      const snapshot = at("b.example").log.connections.length
      yield* at("b.example").faults.set(DirectoryFault.reset({ on: "search" }))
      yield* Effect.exit(ldap.lookup("cn=2,ou=b,o=x"))
      yield* at("b.example").faults.set([])
      assert.isTrue(Option.isSome(yield* ldap.lookup("cn=2,ou=b,o=x")))
      assert.strictEqual(at("b.example").log.connections.length, snapshot + 1)
    }))

  it.effect("of one operation end with it, also when it is interrupted", () =>
    Effect.gen(function*() {
      const { at, client, transport } = yield* world(twoServers)
      const ldap = yield* client({}, "ignore")
      const referrals = LdapReferrals.follow({ transport })
      assert.strictEqual((yield* reasonOf(ldap.lookup("cn=2,ou=b,o=x")))._tag, "ReferralReceived")
      assert.isTrue(Option.isSome(yield* ldap.lookup("cn=2,ou=b,o=x", { referrals })))
      const searching = yield* ldap.search({ base: "o=x", filter: "(cn=2)", referrals }).pipe(
        Stream.mapEffect(() => Effect.never),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust(1)
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow
      yield* Fiber.interrupt(searching)
      const all = yield* at("b.example").awaitClosed
      assert.deepStrictEqual(all.map(({ unbinds }) => unbinds), [1, 1])
    }))
})

describe("several URLs", () => {
  const three = (...refs: ReadonlyArray<string>) => ({
    "a.example": [["o=x"], ["ou=b,o=x", ...refs]] as const,
    "b.example": [["ou=b,o=x"], ["cn=2,ou=b,o=x"]] as const
  })
  it.effect("are tried in their order until one can be used", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(
        three(
          "ldap:///ou=b,o=x",
          "ldap://gone.example/ou=b,o=x",
          "ldap://b.example/ou=b,o=x",
          "ldap://c.example/ou=b,o=x"
        )
      )
      const ldap = yield* client()
      assert.isTrue(Option.isSome(yield* ldap.lookup("cn=2,ou=b,o=x")))
      yield* Stream.runDrain(ldap.search({ base: "o=x" }))
      assert.deepStrictEqual([...new Set(asked)].sort(), ["b.example", "gone.example"])
    }))

  it.effect("if none can be used, the error has the reason for each", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(
        three(
          "ldapi://%2Frun%2Fsecret/ou=b,o=x",
          "ldap:///ou=b,o=x",
          "ldap://gone.example/ou=b,o=x",
          "ldap://denied.example/ou=b,o=x"
        )
      )
      const ldap = yield* client({ allow: ({ host }) => host !== "denied.example" })
      for (const failing of [ldap.lookup("cn=2,ou=b,o=x"), Stream.runDrain(ldap.search({ base: "o=x" }))]) {
        const reason = yield* reasonOf(failing as Effect.Effect<unknown, LdapError>)
        assert.strictEqual(reason._tag, "ReferralFailed")
        for (
          const said of ["socket of this machine", "names no server", "connection refused", "not allowed"]
        ) {
          assert.include(reason.message, said)
        }
      }
      assert.deepStrictEqual([...new Set(asked)], ["gone.example"])
    }))
})

it("a URL with an unknown critical extension is not followed (RFC 4516 section 2)", () => {
  const refused = readTarget("ldap://b.example/ou=b,o=x????!x-unknown=1")
  assert.include(Result.isFailure(refused) ? refused.failure : "", "x-unknown")
  assert.isTrue(Result.isSuccess(readTarget("ldap://b.example/ou=b,o=x????x-unknown=1")))
})

describe("hostile referrals", () => {
  const circle = {
    "a.example": [["o=x"], ["ou=b,o=x", "ldap://b.example/ou=b,o=x"]],
    "b.example": [["o=x"], ["ou=b,o=x", "ldap://A.EXAMPLE:389/OU=B,O=X"]]
  } as const

  it.effect("two servers that refer to each other: the loop is detected, and no server gets the same request twice", () =>
    Effect.gen(function*() {
      const { admin, client, requests } = yield* world(circle)
      const ldap = yield* client({ credentials: ({ host }) => Effect.succeed(admin(host!.toLowerCase())) })
      for (
        const failing of [
          ldap.lookup("cn=2,ou=b,o=x"),
          ldap.compare("cn=2,ou=b,o=x", "cn", "2"),
          ldap.delete("cn=2,ou=b,o=x"),
          Stream.runDrain(ldap.search({ base: "ou=b,o=x" }))
        ] as ReadonlyArray<Effect.Effect<unknown, LdapError>>
      ) {
        const reason = yield* reasonOf(failing)
        assert.strictEqual(reason._tag, "ReferralFailed")
        assert.include(reason.message, "circle")
      }
      assert.strictEqual(requests("b.example", "DeleteRequest"), 1)
      assert.strictEqual(requests("b.example", "CompareRequest"), 1)
      assert.strictEqual(requests("b.example", "SearchRequest"), 2)
    }))

  it.effect("references that lead back to the start of the search", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* world({
        "a.example": [["o=x"], ["ou=b,o=x", "ldap://b.example/o=y"]],
        "b.example": [["o=y"], ["ou=back,o=y", "ldap://a.example/o=x"]]
      })
      const ldap = yield* client()
      const reason = yield* reasonOf(Stream.runDrain(ldap.search({ base: "o=x" })))
      assert.strictEqual(reason._tag, "ReferralFailed")
      assert.include(reason.message, "circle")
      assert.strictEqual(requests("b.example", "SearchRequest"), 1)
    }))

  it.effect("two references to the same entry lead to one search", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* world({
        "a.example": [["o=x"], ["ou=1,o=x", "ldap://b.example/o=y"], ["ou=2,o=x", "ldap://b.example/o=y"]],
        "b.example": [["o=y"]]
      })
      const ldap = yield* client()
      const { entries } = yield* ldap.searchResult({ base: "o=x" })
      assert.deepStrictEqual(entries.map(({ dn }) => dn), ["o=x", "o=y"])
      assert.strictEqual(requests("b.example", "SearchRequest"), 1)
    }))

  it.effect("a server that refers to itself under ever new names: the number of hops is limited", () =>
    Effect.gen(function*() {
      let searches = 0
      const directory = yield* InMemoryDirectory.make({
        suffixes: ["o=x"],
        interceptor: ({ messageId, operation }) =>
          Effect.sync(() => {
            if (operation._tag !== "SearchRequest") return "continue"
            searches++
            const result = {
              code: 10,
              matchedDn: "",
              diagnosticMessage: "",
              referrals: [`ldap://n${searches}.example/cn=${searches},o=x`]
            }
            return [{ messageId, operation: { _tag: "SearchResultDone", result }, controls: [] }]
          })
      })
      const transport = () => Effect.succeed(directory.transport)
      for (const [maxHops, asked] of [[undefined, 6], [2, 3], [0, 1]] as const) {
        const ldap = yield* LdapClient.fromTransport(directory.transport, {
          referrals: LdapReferrals.follow({ transport, maxHops })
        })
        for (const failing of [ldap.lookup("o=x"), Stream.runDrain(ldap.search({ base: "o=x" }))]) {
          searches = 0
          const reason = yield* reasonOf(failing as Effect.Effect<unknown, LdapError>)
          assert.strictEqual(reason._tag, "ReferralFailed")
          assert.strictEqual(searches, asked)
        }
      }
    }))
})

describe("by default", () => {
  it.effect("a client follows no referrals: `ignore` keeps the references, `fail` makes them a failure", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(twoServers)
      const ignoring = yield* client({}, "ignore")
      const { references } = yield* ignoring.searchResult({ base: "o=x" })
      assert.deepStrictEqual(references, [["ldap://b.example/ou=b,o=x??sub"]])
      assert.strictEqual((yield* reasonOf(ignoring.delete("cn=2,ou=b,o=x")))._tag, "ReferralReceived")
      const failing = yield* client({}, "fail")
      assert.strictEqual((yield* reasonOf(failing.searchResult({ base: "o=x" })))._tag, "ReferralReceived")
      assert.strictEqual((yield* reasonOf(Stream.runDrain(failing.search({ base: "o=x" }))))._tag, "ReferralReceived")
      assert.lengthOf((yield* failing.searchResult({ base: "o=x", referrals: "ignore" })).references, 1)
      assert.isEmpty(asked)
    }))
})

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("two slapd servers that refer to each other", () => {
  if (slapd === undefined) return
  it.live("searches and writes at the first reach the entries of the second", () =>
    Effect.gen(function*() {
      const found = ensureSlapd()
      if ("missing" in found) return assert.fail(found.missing)
      const other = yield* Effect.acquireRelease(
        Effect.promise(() => startSlapd(found.path)),
        ({ stop }) => Effect.promise(stop)
      )
      const auth = LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
      const met: Array<string | undefined> = []
      const tls: LdapTls.TlsOptions = {
        ca: [slapd.certificates.ca.cert, other.certificates.ca.cert],
        verifyPeer: ({ peer }) => Effect.sync(() => void met.push(peer?.fingerprint))
      }
      const scratch = `ou=scratch,${slapd.base}`
      const here = yield* LdapClient.make({
        url: slapd.urls.ldaps,
        tls,
        auth,
        referrals: LdapReferrals.follow({ credentials: () => Effect.succeed(auth) })
      })
      const there = yield* LdapSession.make({ url: other.urls.ldap, auth })
      const point = `ou=away-${process.pid},${scratch}`
      const back = `ou=back-${process.pid},${scratch}`
      const referral = (url: string, dn: string) => ({
        objectClass: ["referral", "extensibleObject"],
        ref: `${url}/${dn}`
      })
      const manage = { controls: [LdapControl.manageDsaIt.make(undefined)], referrals: "ignore" } as const
      yield* here.add(point, referral(other.urls.ldap, scratch), manage)
      yield* Effect.addFinalizer(() => Effect.ignore(here.delete(point, manage)))
      yield* there.add(`cn=there,${scratch}`, { objectClass: ["device"], cn: "there" })
      // StartTLS, since the first connection is protected: a referral can't remove the protection.
      const { entries } = yield* here.searchResult({ base: point, filter: "(cn=there)" })
      assert.deepStrictEqual(entries.map(({ dn }) => dn), [`cn=there,${scratch}`])
      assert.include(met, LdapTls.certificateFingerprint(other.certificates.server.cert))
      yield* here.modify(`cn=there,${point}`, LdapModification.add("description", "by way of the first"))
      assert.strictEqual(
        Option.getOrThrow(yield* there.lookup(`cn=there,${scratch}`)).get("description"),
        "by way of the first"
      )
      // And a circle.
      yield* there.add(back, referral(slapd.urls.ldaps, point), { controls: manage.controls })
      const reason = yield* reasonOf(here.searchResult({ base: point }))
      assert.strictEqual(reason._tag, "ReferralFailed")
      assert.include(reason.message, "circle")
    }))
})
