/**
 * Differences from ldapts: operations that share a connection, time limits, the messages that are sent, and binds with several
 * steps.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ldapts from "ldapts"
import * as dropIn from "../../src/ldapts.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import { done, ok } from "../session/recording/RecordingPeer.ts"
import type { RecordedConnection } from "../session/recording/RecordingServer.ts"
import { answerSearch, bind, served, settled } from "./behaviours/recorded.ts"

it.live("operations that come together share one connection", () =>
  served((server, options) =>
    Effect.gen(function*() {
      const client = new dropIn.Client(options)
      const bound = client.bind("cn=a", "x")
      const searches = [client.search("dc=a"), client.search("dc=b")]
      const connection = yield* server.accept
      yield* bind(connection)
      yield* answerSearch(connection)
      yield* answerSearch(connection)
      yield* settled(bound)
      for (const search of searches) assert.notInstanceOf(yield* settled(search), Error)
      assert.strictEqual(server.opened(), 1)
      assert.deepStrictEqual(connection.kinds(), ["BindRequest", "SearchRequest", "SearchRequest"])
      const unbound = client.unbind()
      yield* connection.end
      yield* settled(unbound)
    })
  ))

it.live("a timeout abandons one operation; the connection and the others go on", () =>
  served((server, options) =>
    Effect.gen(function*() {
      const client = new dropIn.Client({ ...options, timeout: 50 })
      const slow = client.search("dc=slow")
      const connection = yield* server.accept
      const { messageId } = yield* connection.expect("SearchRequest")
      const error = yield* settled(slow)
      assert.strictEqual((error as Error).message, "SearchRequest: Operation timed out")
      const { operation } = yield* connection.expect("AbandonRequest")
      assert.strictEqual(operation.abandoned, messageId)
      const next = client.search("dc=next")
      yield* answerSearch(connection)
      assert.notInstanceOf(yield* settled(next), Error)
      assert.strictEqual(server.opened(), 1)
      const unbound = client.unbind()
      yield* connection.end
      yield* settled(unbound)
    })
  ))

describe("what is sent", () => {
  it.live("aliases are dereferenced as was asked, which ldapts leaves out", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const sent: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          for (const derefAliases of ["never", "search", "find", "always"] as const) {
            const client = new Client(options)
            const search = client.search("dc=example", { derefAliases })
            const connection = yield* server.accept
            const { messageId, operation } = yield* connection.expect("SearchRequest")
            sent.push(operation.derefAliases)
            yield* connection.send(messageId, done)
            yield* settled(search as Promise<unknown>)
            const unbound = client.unbind()
            yield* connection.end
            yield* settled(unbound)
          }
        }
        assert.deepStrictEqual(sent, [
          ...["never", "never", "never", "never"],
          ...["never", "searching", "finding", "always"]
        ])
      })
    ))

  it.live("defaults and units are ldapts'", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const sent: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          for (const search of [{}, { timeLimit: 3, sizeLimit: 5, attributes: ["a"], scope: "one" as const }]) {
            const found = client.search("dc=example", search)
            const connection = sent.length % 2 === 0 ? yield* server.accept : yield* Effect.succeed(last!)
            last = connection
            const { messageId, operation } = yield* connection.expect("SearchRequest")
            const { filter, ...others } = operation
            assert.isTrue(LdapFilter.isEqual(filter, LdapFilter.present("objectClass")))
            sent.push(others)
            yield* connection.send(messageId, done)
            yield* settled(found as Promise<unknown>)
          }
          const unbound = client.unbind()
          yield* last!.end
          yield* settled(unbound)
        }
        assert.deepStrictEqual(sent.slice(2), sent.slice(0, 2))
        assert.include(sent[0], { sizeLimit: 0, timeLimit: 10, scope: "subtree", typesOnly: false })
      })
    ))
  let last: RecordedConnection | undefined

  it.live("the parts of a new name are told apart by what separates them, not by every comma", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        let connection: RecordedConnection | undefined
        for (
          const [name, newRdn, newSuperior] of [
            ["cn=b", "cn=b", undefined],
            ["cn=b,dc=y,dc=z", "cn=b", "dc=y,dc=z"],
            ["cn=b\\,c,dc=y", "cn=b\\,c", "dc=y"],
            ["cn=b\\\\,dc=y", "cn=b\\\\", "dc=y"],
            ["cn=b+sn=c, dc=y", "cn=b+sn=c", "dc=y"],
            ["nonsense", "nonsense", undefined]
          ] as const
        ) {
          const renamed = client.modifyDN("cn=a,dc=x", name)
          connection ??= yield* server.accept
          const { messageId, operation } = yield* connection.expect("ModifyDnRequest")
          assert.strictEqual(operation.newRdn, newRdn)
          assert.strictEqual(operation.newSuperior, newSuperior)
          assert.isTrue(operation.deleteOldRdn)
          yield* connection.send(messageId, { _tag: "ModifyDnResponse", result: ok })
          yield* settled(renamed)
        }
        const unbound = client.unbind()
        yield* connection!.end
        yield* settled(unbound)
      })
    ))

  it.live("a name without a password isn't bound: nothing is opened", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        for (const password of ["", undefined]) {
          const error = yield* settled(client.bind("cn=a", password))
          assert.instanceOf(error, ldapts.UnwillingToPerformError)
        }
        assert.strictEqual(server.opened(), 0)
      })
    ))
})

describe("SASL with steps of the program's own", () => {
  it.live("the server's challenge is an error, and the next bind answers it, as with ldapts", () =>
    served((server, options) =>
      Effect.gen(function*() {
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          const first = client.bind("SCRAM-SHA-1", "hello")
          const connection = yield* server.accept
          const one = yield* connection.expect("BindRequest")
          const challenge = Buffer.from("who?")
          const inProgress = { ...ok, code: 14 }
          yield* connection.send(one.messageId, {
            _tag: "BindResponse",
            result: inProgress,
            serverCredentials: challenge
          })
          const error = yield* settled(first)
          assert.instanceOf(error, ldapts.SaslBindInProgressError)
          assert.deepStrictEqual(error.response.data, ["who?"])
          assert.isFalse(client.isBound)
          const second = client.bind("SCRAM-SHA-1", "me")
          const two = yield* connection.expect("BindRequest")
          assert.deepStrictEqual(
            [one, two].map(({ operation: { authentication } }) =>
              authentication._tag === "Sasl" && [authentication.mechanism, String(authentication.credentials)]
            ),
            [["SCRAM-SHA-1", "hello"], ["SCRAM-SHA-1", "me"]]
          )
          yield* connection.send(two.messageId, { _tag: "BindResponse", result: ok })
          assert.isUndefined(yield* settled(second))
          assert.isTrue(client.isBound)
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
        }
      })
    ))

  it.live("another operation breaks it off, and has a connection of its own", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const first = client.bind("SCRAM-SHA-1", "hello")
        const connection = yield* server.accept
        const { messageId } = yield* connection.expect("BindRequest")
        yield* connection.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 14 } })
        assert.instanceOf(yield* settled(first), ldapts.SaslBindInProgressError)
        const search = client.search("dc=example")
        yield* connection.ended
        yield* connection.end
        const another = yield* server.accept
        yield* answerSearch(another)
        assert.notInstanceOf(yield* settled(search), Error)
        const unbound = client.unbind()
        yield* another.end
        yield* settled(unbound)
      })
    ))
})
