/** One connection: how it ends, what happens at the same time, and what the log records. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { LdapMessage, RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import type { InMemoryDirectory } from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, fromSocket, searchRequest } from "../RawClient.ts"

const unbind: RequestOperation = { _tag: "UnbindRequest" }
const deleteNothing: RequestOperation = { _tag: "DeleteRequest", dn: `cn=nothing,${base}` }

/** More entries than fit between a client and a server. */
const many = {
  highWaterMark: 1,
  entries: Array.from({ length: 100 }, (_, i) => ({
    dn: `cn=e${i},${base}`,
    attributes: { objectClass: "device", cn: `e${i}`, description: "x".repeat(1000) }
  }))
}

const kinds = (directory: InMemoryDirectory) =>
  directory.log.pdus().map(({ direction, kind, messageId }) => `${direction} ${messageId} ${kind}`)

describe("the end of a connection", () => {
  it.effect("unbind: the server closes its side, the log has one unbind, then the client's end", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const scope = yield* Scope.make()
      const raw = yield* Scope.provide(connect(directory), scope)
      yield* raw.search(base, undefined, { scope: "base" })
      yield* raw.send(unbind)
      assert.strictEqual(yield* raw.next, undefined)
      assert.deepStrictEqual([directory.log.unbinds, directory.log.openConnections], [1, 1])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* directory.log.closed(1), {
        id: 1,
        boundAs: "",
        unbinds: 1,
        octetsAfterUnbind: 0,
        closed: "fin"
      })
      assert.strictEqual(directory.log.openConnections, 0)
      assert.deepStrictEqual(directory.log.entries.map(({ _tag, sequence }) => `${sequence} ${_tag}`), [
        "1 Opened",
        "2 Pdu",
        "3 Pdu",
        "4 Pdu",
        "5 Pdu",
        "6 Closed"
      ])
    }))

  it.effect("a client that just closes", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      yield* Effect.scoped(connect(directory))
      const record = yield* directory.log.closed(1)
      assert.deepStrictEqual([record?.unbinds, record?.closed], [0, "fin"])
    }))

  it.effect("a connection that breaks", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const socket = yield* directory.connect
      yield* fromSocket(socket)
      yield* socket.reset
      assert.strictEqual((yield* directory.log.closed(1))?.closed, "reset")
    }))

  it.effect.each<
    readonly [string, (message: (operation: RequestOperation) => LdapMessage) => ReadonlyArray<Buffer>, number]
  >([
    ["whole requests in one write", (m) => [Buffer.concat([encode(m(unbind)), encode(m(deleteNothing))])], 35],
    ["a second unbind, in a second write", (m) => [encode(m(unbind)), encode(m(unbind))], 7],
    ["a part of a request", (m) => [Buffer.concat([encode(m(unbind)), encode(m(deleteNothing)).subarray(0, 5)])], 5],
    ["what is no LDAP", (m) => [Buffer.concat([encode(m(unbind)), Buffer.from("!")])], 1],
    ["an unbind in two writes, then more", (m) => {
      const octets = encode(m(unbind))
      return [octets.subarray(0, 6), Buffer.concat([octets.subarray(6), encode(m(unbind))])]
    }, 7]
  ])("bytes after the unbind are counted, and not served: %s", ([, writes, octets]) =>
    Effect.gen(function*() {
      const directory = yield* make()
      yield* Effect.scoped(Effect.gen(function*() {
        const raw = yield* connect(directory)
        for (const chunk of writes((operation) => raw.message(operation))) yield* raw.write(chunk)
        assert.strictEqual(yield* raw.next, undefined)
      }))
      const record = yield* directory.log.closed(1)
      assert.deepStrictEqual([record?.unbinds, record?.octetsAfterUnbind], [1, octets])
      assert.deepStrictEqual(kinds(directory), ["request 1 UnbindRequest"])
    }))

  it.effect("unbind ends a search that is going on", () =>
    Effect.gen(function*() {
      const directory = yield* make(many)
      const raw = yield* connect(directory)
      yield* raw.send(searchRequest(base))
      yield* raw.send(unbind)
      const rest = yield* raw.rest
      assert.isBelow(rest.length, 100)
      assert.isTrue(rest.every(({ operation }) => operation._tag === "SearchResultEntry"))
    }))

  it.effect.each<readonly [string, Buffer]>([
    ["what is no LDAP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["an unknown operation", Buffer.from("3005020101 5f00".replace(" ", ""), "hex")],
    ["a message id of 0", encode({ messageId: 0, operation: deleteNothing, controls: [] })],
    [
      "a response",
      encode({
        messageId: 7,
        operation: {
          _tag: "DeleteResponse",
          result: { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }
        },
        controls: []
      })
    ]
  ])("Notice of Disconnection after %s", ([, octets]) =>
    Effect.gen(function*() {
      const directory = yield* make()
      const raw = yield* connect(directory)
      // The requests before it are answered.
      yield* raw.write(Buffer.concat([encode(raw.message(deleteNothing)), octets, encode(raw.message(deleteNothing))]))
      const [first, notice, ...more] = yield* raw.rest
      assert.strictEqual(first?.operation._tag, "DeleteResponse")
      assert.strictEqual(notice?.messageId, 0)
      const operation = notice?.operation
      assert.isTrue(operation?._tag === "ExtendedResponse")
      if (operation?._tag === "ExtendedResponse") {
        assert.strictEqual(operation.oid, "1.3.6.1.4.1.1466.20036")
        assert.strictEqual(operation.result.code, 2)
      }
      assert.deepStrictEqual(more, [])
    }))
})

describe("operations at the same time", () => {
  it.effect("a search whose client doesn't read blocks no other operation, and the server continues to read", () =>
    Effect.gen(function*() {
      const directory = yield* make(many)
      const raw = yield* connect(directory)
      const search = yield* raw.send(searchRequest(base))
      const other = yield* raw.send(deleteNothing)
      // Both requests were read although no response was.
      yield* directory.log.first((entry) => entry._tag === "Pdu" && entry.kind === "DeleteResponse")
      const order: Array<number> = []
      while (order.length < 109) order.push((yield* raw.next)?.messageId ?? -1)
      assert.isBelow(order.indexOf(other), 50)
      assert.strictEqual(order.lastIndexOf(search), 108)
    }))

  it.effect("a search whose client reads at once blocks no other operation either", () =>
    Effect.gen(function*() {
      const directory = yield* make({ ...many, highWaterMark: 10_000_000 })
      const raw = yield* connect(directory)
      const search = raw.message(searchRequest(base))
      const other = raw.message(deleteNothing)
      yield* raw.write(Buffer.concat([encode(search), encode(other)]))
      const order: Array<number> = []
      while (order.length < 109) order.push((yield* raw.next)?.messageId ?? -1)
      assert.isBelow(order.indexOf(other.messageId), 50)
    }))

  it.effect("a slow reader holds the search back: the server has no more than a little ready for it", () =>
    Effect.gen(function*() {
      const directory = yield* make(many)
      const raw = yield* connect(directory)
      yield* raw.send(searchRequest(base))
      yield* TestClock.adjust("1 hour")
      const sent = () => directory.log.pdusByKind.get("SearchResultEntry") ?? 0
      assert.isBelow(sent(), 40)
      assert.isAbove(sent(), 0)
      let received = 0
      while ((yield* raw.next)?.operation._tag === "SearchResultEntry") received++
      assert.strictEqual(received, 107)
    }))

  it.effect("Abandon ends the search that it names, and is not answered", () =>
    Effect.gen(function*() {
      const directory = yield* make(many)
      const raw = yield* connect(directory)
      const search = yield* raw.send(searchRequest(base))
      yield* raw.send({ _tag: "AbandonRequest", abandoned: search })
      yield* raw.send({ _tag: "AbandonRequest", abandoned: 4711 })
      const last = yield* raw.send(deleteNothing)
      const ids: Array<number> = []
      while (ids.at(-1) !== last) ids.push((yield* raw.next)?.messageId ?? last)
      assert.isBelow(ids.length, 50)
      assert.deepStrictEqual([...new Set(ids)], [search, last])
      yield* raw.send(unbind)
      assert.deepStrictEqual(yield* raw.rest, [])
      assert.strictEqual(directory.log.pdusByKind.get("SearchResultDone"), undefined)
    }))

  it.effect("a bind waits for what is in flight, and what follows waits for the bind", () =>
    Effect.gen(function*() {
      const directory = yield* make(many)
      const raw = yield* connect(directory)
      const search = yield* raw.send(searchRequest(base))
      const bind = yield* raw.send({
        _tag: "BindRequest",
        version: 3,
        name: admin.dn,
        authentication: { _tag: "Simple", password: Buffer.from(admin.password) }
      })
      const whoAmI = yield* raw.send({ _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" })
      assert.strictEqual((yield* raw.answer(search)).entries.length, 107)
      assert.strictEqual((yield* raw.answer(bind)).result.code, 0)
      const { operation } = yield* raw.answer(whoAmI)
      assert.strictEqual(
        operation._tag === "ExtendedResponse" ? Buffer.from(operation.value ?? []).toString() : "",
        `dn:${admin.dn}`
      )
    }))

  it.effect("while a bind waits, Abandon and unbind are still heard", () =>
    Effect.gen(function*() {
      const directory = yield* make(many)
      const raw = yield* connect(directory)
      const search = yield* raw.send(searchRequest(base))
      const bindRequest: RequestOperation = {
        _tag: "BindRequest",
        version: 3,
        name: "",
        authentication: { _tag: "Simple", password: new Uint8Array(0) }
      }
      const bind = yield* raw.send(bindRequest)
      yield* raw.send({ _tag: "AbandonRequest", abandoned: search })
      const ids: Array<number> = []
      while (ids.at(-1) !== bind) ids.push((yield* raw.next)?.messageId ?? bind)
      assert.isBelow(ids.length, 50)
      yield* raw.send(searchRequest(base))
      yield* raw.send(bindRequest)
      yield* raw.send(unbind)
      assert.isBelow((yield* raw.rest).length, 50)
    }))

  it.effect("writes take effect in the order in which they were sent", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const raw = yield* connect(directory)
      yield* raw.bind(admin.dn, admin.password)
      const requests: Array<Buffer> = []
      for (let i = 0; i < 50; i++) {
        requests.push(encode(raw.message({
          _tag: "ModifyRequest",
          dn: base,
          changes: [{ operation: "add", attribute: "description", values: [Buffer.from(`v${i}`)] }]
        })))
      }
      yield* raw.write(Buffer.concat(requests))
      for (let i = 0; i < 50; i++) yield* raw.next
      assert.deepStrictEqual(
        directory.lookup(base)?.getAll("description"),
        Array.from({ length: 50 }, (_, i) => `v${i}`)
      )
    }))

  it.effect("requests come in pieces of any size", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const raw = yield* connect(directory)
      const message = raw.message(searchRequest(base, "(uid=ada)"))
      for (const octet of encode(message)) yield* raw.write(Uint8Array.of(octet))
      assert.strictEqual((yield* raw.answer(message.messageId)).entries.length, 1)
    }))

  it.effect("connections are numbered and independent", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const first = yield* connect(directory)
      const second = yield* connect(directory)
      yield* second.bind(admin.dn, admin.password)
      yield* first.send(unbind)
      assert.strictEqual(yield* first.next, undefined)
      assert.strictEqual(yield* second.whoAmI, `dn:${admin.dn}`)
      assert.deepStrictEqual(
        directory.log.connections.map(({ boundAs, id, unbinds }) => [id, boundAs, unbinds]),
        [[1, "", 1], [2, admin.dn, 0]]
      )
      assert.deepStrictEqual(directory.log.pdus(2).map(({ kind }) => kind), [
        "BindRequest",
        "BindResponse",
        "ExtendedRequest",
        "ExtendedResponse"
      ])
    }))
})

describe("controls and extended operations", () => {
  const strange = (critical: boolean) => [LdapControl.make("1.2.3.4", { critical })]

  it.effect("an unknown control is refused for every operation if it is critical, and ignored otherwise", () =>
    Effect.gen(function*() {
      const raw = yield* Effect.flatMap(make(), connect)
      const requests: ReadonlyArray<readonly [RequestOperation, number]> = [
        [
          { _tag: "BindRequest", version: 3, name: "", authentication: { _tag: "Simple", password: Buffer.alloc(0) } },
          0
        ],
        [searchRequest(base), 0],
        [{
          _tag: "AddRequest",
          dn: base,
          attributes: [{ description: "objectClass", values: [Buffer.from("domain")] }]
        }, 8],
        [{ _tag: "ModifyRequest", dn: base, changes: [] }, 8],
        [{ _tag: "DeleteRequest", dn: base }, 8],
        [{ _tag: "ModifyDnRequest", dn: base, newRdn: "dc=example", deleteOldRdn: false }, 8],
        [{ _tag: "CompareRequest", dn: base, attribute: "dc", value: Buffer.from("example") }, 6],
        [{ _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" }, 0]
      ]
      for (const [request, otherwise] of requests) {
        const kind = request._tag === "SearchRequest" ? "SearchResultDone" : request._tag.replace("Request", "Response")
        const refused = yield* raw.request(request, strange(true))
        assert.deepStrictEqual([refused.operation._tag, refused.result.code], [kind, 12])
        const served = yield* raw.request(request, strange(false))
        assert.deepStrictEqual([served.operation._tag, served.result.code], [kind, otherwise])
      }
      const paged = [LdapControl.pagedResults({ size: 5, cookie: new Uint8Array(0) }, { critical: true })]
      assert.strictEqual((yield* raw.request(deleteNothing, paged)).result.code, 12)
    }))

  it.effect("unknown extended operations and StartTLS are a protocolError, and the connection goes on", () =>
    Effect.gen(function*() {
      const raw = yield* Effect.flatMap(make(), connect)
      assert.strictEqual((yield* raw.request({ _tag: "ExtendedRequest", oid: "1.2.3" })).result.code, 2)
      const tls = yield* raw.request({ _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.1466.20037" })
      assert.strictEqual(tls.result.code, 2)
      assert.strictEqual(yield* raw.whoAmI, "")
    }))
})

describe("interceptor", () => {
  it.effect("may delay a request alone, or answer in the directory's place", () =>
    Effect.gen(function*() {
      const reached = yield* Deferred.make<void>()
      const directory = yield* make({
        interceptor: ({ messageId, operation }, { boundAs, id }) =>
          operation._tag === "SearchRequest"
            ? Effect.as(
              Effect.andThen(Deferred.succeed(reached, undefined), Effect.sleep("10 seconds")),
              "continue" as const
            )
            : operation._tag === "DeleteRequest"
            ? Effect.succeed([{
              messageId,
              operation: {
                _tag: "DeleteResponse" as const,
                result: { code: 51, matchedDn: "", diagnosticMessage: `${id} "${boundAs}"`, referrals: [] }
              },
              controls: []
            }])
            : Effect.succeed("continue" as const)
      })
      const raw = yield* connect(directory)
      const search = yield* raw.send(searchRequest(base))
      yield* Deferred.await(reached)
      const busy = yield* raw.request(deleteNothing)
      assert.deepStrictEqual([busy.result.code, busy.result.diagnosticMessage], [51, `1 ""`])
      const waiting = yield* Effect.forkChild(raw.answer(search), { startImmediately: true })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(waiting.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting)).entries.length, 7)
    }))
})
