/** RFC 2831: the examples, and servers that can't prove their identity. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { digestMd5, type DigestMd5Options, proofs, withNonce } from "../../../src/auth/mechanisms/DigestMd5Mechanism.ts"
import { context, converseWith, type Line } from "../scriptedServer.ts"

const secret = Redacted.make("secret")
const octets = (text: string) => Redacted.make(Buffer.from(text))

const imap = {
  username: "chris",
  realm: "elwood.innosoft.com",
  password: octets("secret"),
  nonce: "OA6MG9tEQGm2hh",
  clientNonce: "OA6MHXh6VqTrRk",
  digestUri: "imap/elwood.innosoft.com",
  authzId: undefined,
  qop: "auth",
  utf8: true
} as const

describe("DIGEST-MD5, the arithmetic", () => {
  it.effect("the examples of RFC 2831 section 4", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* proofs(imap), {
        response: "d388dad90d4bbd760a152321f2143af7",
        responseAuth: "ea40f60335c427b5527b84dbabcdfffd"
      })
      const acap = {
        ...imap,
        nonce: "OA9BSXrbuRhWay",
        clientNonce: "OA9BSuZWMSpW8m",
        digestUri: "acap/elwood.innosoft.com"
      }
      assert.deepStrictEqual(yield* proofs(acap), {
        response: "6084c6db3fede7352c551284490fd0fc",
        responseAuth: "2f0b3d7c3c2e486600ef710726aa2eae"
      })
    }))

  it.effect("text that fits into ISO 8859-1 is hashed in it, whatever the server takes", () =>
    Effect.gen(function*() {
      const accents = { ...imap, username: "chriß", password: octets("pä") }
      const both = yield* proofs(accents)
      assert.deepStrictEqual(yield* proofs({ ...accents, utf8: false }), both)
      // These bytes of ISO 8859-1 are not valid UTF-8, so they are used unchanged.
      assert.deepStrictEqual(yield* proofs({ ...accents, password: Redacted.make(Buffer.from("pä", "latin1")) }), both)
      assert.notDeepEqual(yield* proofs({ ...accents, password: octets("pö") }), both)
    }))

  it.effect("text that does not fit needs a server that takes UTF-8", () =>
    Effect.gen(function*() {
      yield* proofs({ ...imap, password: octets("日本語") })
      const error = yield* Effect.flip(proofs({ ...imap, password: octets("日本語"), utf8: false }))
      assert.strictEqual(error.field, "password")
      assert.notInclude(error.message, "日本語")
    }))
})

const challenge = `realm="example.com",nonce="abc",qop="auth",algorithm=md5-sess,charset=utf-8`
const jsmith = { username: "jsmith", password: secret, host: "ldap.example.com" }
const start = (lines: ReadonlyArray<Line>, options: Partial<DigestMd5Options> = {}) =>
  converseWith(withNonce({ ...jsmith, ...options }, () => "def"), lines)

/** Of jsmith at example.com as admin, computed by another implementation. */
const asAdmin = { authzId: "dn:uid=admin,dc=example,dc=com" }
const asAdminRspauth = "rspauth=549ef0d0d3a1e97d249bdd2b4ab32051"

describe("DIGEST-MD5, the exchange", () => {
  it.effect("the server speaks first, and proves at the end that it knows the password", () =>
    Effect.gen(function*() {
      const { outcome, sent } = start([[14, challenge], [0, asAdminRspauth]], asAdmin)
      yield* outcome
      assert.isUndefined(sent[0])
      assert.strictEqual(
        sent[1],
        `charset=utf-8,username="jsmith",realm="example.com",nonce="abc",nc=00000001,cnonce="def",` +
          `digest-uri="ldap/ldap.example.com",response=2481d9188e7dea4508d41a0f4b996bea,qop=auth,` +
          `authzid="dn:uid=admin,dc=example,dc=com"`
      )
    }))

  it.effect("the proof may come as one more challenge, which gets an empty response", () =>
    Effect.gen(function*() {
      const { outcome, sent } = start([[14, challenge], [14, asAdminRspauth], [0]], asAdmin)
      yield* outcome
      assert.strictEqual(sent[2], "")
    }))

  it.effect.each<[string, string | undefined]>([
    ["a wrong proof", "rspauth=549ef0d0d3a1e97d249bdd2b4ab32050"],
    ["a proof in part", "rspauth=549ef0d0"],
    ["two proofs", `${asAdminRspauth},${asAdminRspauth}`],
    ["something else", "nonce=abc"],
    ["what is no list", "\"\""],
    ["nothing", ""],
    ["no data", undefined]
  ])("success with %s is not believed, nor a challenge with it", ([, proof]) =>
    Effect.gen(function*() {
      for (const code of [0, 14]) {
        const error = yield* Effect.flip(start([[14, challenge], [code, proof]], asAdmin).outcome)
        assert.strictEqual(error._tag, "AuthRejected")
      }
    }))

  it.effect.each<[string, string | undefined]>([
    ["no challenge", undefined],
    ["no nonce", `realm="example.com",algorithm=md5-sess`],
    ["an empty nonce", `nonce="",algorithm=md5-sess`],
    ["two nonces", `nonce="a",nonce="b",algorithm=md5-sess`],
    ["no algorithm", `nonce="a"`],
    ["another algorithm", `nonce="a",algorithm=md5`],
    ["two algorithms", `nonce="a",algorithm=md5-sess,algorithm=md5-sess`],
    ["a security layer and nothing less", `nonce="a",algorithm=md5-sess,qop="auth-int,auth-conf"`],
    ["another character set", `nonce="a",algorithm=md5-sess,charset=utf-7`],
    ["a quote that doesn't end", `nonce="a,algorithm=md5-sess`],
    ["directives without a comma", `nonce="a" algorithm=md5-sess`],
    ["what is no directive", `nonce="a",algorithm=md5-sess,=`],
    ["too much", `nonce="a",algorithm=md5-sess,x="${"y".repeat(2048)}"`]
  ])("a challenge with %s is refused", ([, text]) =>
    Effect.gen(function*() {
      const { outcome, sent } = start([[14, text]])
      assert.strictEqual((yield* Effect.flip(outcome))._tag, "AuthRejected")
      assert.lengthOf(sent, 1)
    }))

  it.effect("a realm that is not UTF-8 is refused where the server says UTF-8, and is ISO 8859-1 where not", () =>
    Effect.gen(function*() {
      const realm = Buffer.from(`realm="\xe9",nonce="a",algorithm=md5-sess`, "latin1")
      const { outcome, sent } = start([[14, Buffer.concat([realm, Buffer.from(",charset=utf-8")])]])
      assert.strictEqual((yield* Effect.flip(outcome))._tag, "AuthRejected")
      assert.lengthOf(sent, 1)
      assert.strictEqual((yield* Effect.flip(start([[14, realm], [49]]).outcome))._tag, "InvalidCredentials")
    }))

  it.effect("spaces, empty elements, case and escapes are read as the grammar has them", () =>
    Effect.gen(function*() {
      const text =
        ` , Realm = "a\\"b" ,, NONCE="n" ,QOP="auth-int , Auth",Algorithm=MD5-Sess , stale=false,maxbuf=65536,`
      const { outcome, sent } = start([[14, text], [49]], { username: "j\"\\s" })
      assert.strictEqual((yield* Effect.flip(outcome))._tag, "InvalidCredentials")
      assert.match(sent[1] ?? "", /^username="j\\"\\\\s",realm="a\\"b",nonce="n",/)
    }))

  it.effect("the realm is the first that is offered, the one that is wanted, or none", () =>
    Effect.gen(function*() {
      const two = `realm="a",realm="b",nonce="n",algorithm=md5-sess`
      const realmOf = (text: string, realm?: string) =>
        Effect.gen(function*() {
          const { outcome, sent } = start([[14, text], [49]], { realm })
          yield* Effect.flip(outcome)
          return /realm="([^"]*)"/.exec(sent[1] ?? "")?.[1]
        })
      assert.strictEqual(yield* realmOf(two), "a")
      assert.strictEqual(yield* realmOf(two, "b"), "b")
      assert.isUndefined(yield* realmOf(`nonce="n",algorithm=md5-sess`))
      assert.strictEqual(yield* realmOf(`nonce="n",algorithm=md5-sess`, "c"), "c")
      const error = yield* Effect.flip(start([[14, two]], { realm: "c" }).outcome)
      assert.strictEqual(error._tag, "InvalidRequest")
    }))

  it.effect("the service is named by the session's host where no other is given", () =>
    Effect.gen(function*() {
      const mechanism = digestMd5({ username: "jsmith", password: secret })
      const { outcome, sent } = converseWith(mechanism, [[14, challenge], [49]], { ...context, host: "other.example" })
      yield* Effect.flip(outcome)
      assert.include(sent[1], `digest-uri="ldap/other.example"`)
      assert.match(sent[1] ?? "", /cnonce="[A-Za-z0-9+/]{24}"/)
    }))

  it.effect("success without a challenge is refused", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(start([[0]]).outcome))._tag, "AuthRejected")
    }))
})
