/** SASL binds, with the mechanisms of the client. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { hashPassword, isPassword, type PasswordScheme } from "../../../src/testing/bind/passwordHashes.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, fromSocket, type RawClient } from "../RawClient.ts"

const people = `ou=people,${base}`
const ada = `uid=ada,${people}`

const sasl = (raw: RawClient, mechanism: string, credentials?: string) =>
  Effect.map(
    raw.request({
      _tag: "BindRequest",
      version: 3,
      name: "",
      authentication: {
        _tag: "Sasl",
        mechanism,
        credentials: credentials === undefined ? undefined : Buffer.from(credentials)
      }
    }),
    ({ operation, result }) => ({
      code: result.code,
      said: operation._tag === "BindResponse" && operation.serverCredentials !== undefined
        ? Buffer.from(operation.serverCredentials).toString()
        : undefined
    })
  )

const whoIs = (auth: LdapAuth.LdapAuth, options?: Parameters<typeof make>[0]) =>
  Effect.gen(function*() {
    const directory = yield* make(options)
    const session = yield* LdapSession.fromTransport(directory.transport, { auth })
    return (yield* session.extended(LdapExtended.whoAmI)).answer
  })

describe("SASL", () => {
  it.effect.each(["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const)(
    "%s, in two steps",
    (name) =>
      Effect.gen(function*() {
        const auth = (username: string, password: string) =>
          LdapAuth.sasl(LdapSasl.scram(name, { username, password: Redacted.make(password) }))
        assert.strictEqual(yield* whoIs(auth("ada", "adapw")), `dn:${ada}`)
        assert.strictEqual(yield* whoIs(auth("admin", admin.password)), `dn:${admin.dn}`)
        // The password of bob is stored hashed, and mallory doesn't exist.
        for (const [user, password] of [["ada", "wrong"], ["bob", "bobpw"], ["mallory", "x"]] as const) {
          const { reason } = yield* Effect.flip(whoIs(auth(user, password)))
          assert.strictEqual(reason._tag, "InvalidCredentials", user)
        }
      })
  )

  it.effect("PLAIN, also with another authorization identity for the administrator", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      for (
        const [credentials, code, identity] of [
          ["\0ada\0adapw", 0, `dn:${ada}`],
          [`dn:${ada}\0ada\0adapw`, 0, `dn:${ada}`],
          [`\0dn:${ada}\0adapw`, 0, `dn:${ada}`],
          ["u:ada\0admin\0secret", 0, `dn:${ada}`],
          ["u:eve\0ada\0adapw", 49, ""],
          ["\0ada\0wrong", 49, ""],
          ["\0mallory\0adapw", 49, ""],
          ["\0\0adapw", 49, ""],
          ["ada", 49, ""]
        ] as const
      ) {
        assert.strictEqual((yield* sasl(raw, "PLAIN", credentials)).code, code, credentials)
        assert.strictEqual(yield* raw.whoAmI, identity, credentials)
      }
    }))

  it.effect("EXTERNAL binds as the identity of the connection", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const [client, server] = yield* MemorySocket.pair()
      yield* Effect.forkScoped(directory.serve(server, { external: ada.toUpperCase() }))
      const raw = yield* fromSocket(client)
      assert.strictEqual((yield* sasl(raw, "EXTERNAL")).code, 0)
      assert.strictEqual(yield* raw.whoAmI, `dn:${ada}`)
      assert.strictEqual((yield* sasl(raw, "EXTERNAL", `dn:uid=bob,${people}`)).code, 49)
      const other = yield* connect(directory)
      assert.strictEqual((yield* sasl(other, "EXTERNAL")).code, 48)
    }))

  it.effect("ANONYMOUS, and mechanisms that the directory doesn't offer", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      yield* raw.bind(ada, "adapw")
      assert.strictEqual((yield* sasl(raw, "ANONYMOUS", "trace")).code, 0)
      assert.strictEqual(yield* raw.whoAmI, "")
      assert.strictEqual((yield* sasl(raw, "GSSAPI")).code, 7)
      assert.strictEqual((yield* sasl(raw, "SCRAM-SHA-224", "n,,n=ada,r=x")).code, 7)
    }))

  it.effect("a conversation belongs to one bind: another bind in between ends it", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      const first = yield* sasl(raw, "SCRAM-SHA-256", "n,,n=ada,r=abc")
      assert.strictEqual(first.code, 14)
      assert.match(first.said ?? "", /^r=abc[^,]{24},s=[^,]{24},i=4096$/)
      assert.strictEqual(yield* raw.whoAmI, "")
      yield* raw.bind(ada, "adapw")
      // It is read as the first message of a conversation, and as that it is invalid.
      assert.strictEqual((yield* sasl(raw, "SCRAM-SHA-256", "c=biws,r=abc,p=AAAA")).code, 49)
      const second = yield* sasl(raw, "SCRAM-SHA-256", "n,,n=ada,r=abc")
      assert.notStrictEqual(second.said, first.said)
      const nonce = /^r=([^,]*)/.exec(second.said ?? "")?.[1]
      assert.strictEqual((yield* sasl(raw, "SCRAM-SHA-256", `c=biws,r=${nonce},p=AAAA`)).code, 49)
      for (const message of ["", "p=tls-unique,,n=ada,r=abc", "n,,n=,r=abc", "n,,n=ada", "y,,m=x,n=ada,r=abc"]) {
        assert.strictEqual((yield* sasl(raw, "SCRAM-SHA-256", message)).code, 49, message)
      }
    }))

  it.effect("a proof is only accepted for the nonce of its own conversation", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      // As the client of RFC 5802 section 3 computes it, with a chosen nonce.
      const finalMessage = (first: string, nonce: string) => {
        const [, salt = ""] = /s=([^,]*)/.exec(first) ?? []
        const hmac = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text).digest()
        const clientKey = hmac(pbkdf2Sync("adapw", Buffer.from(salt, "base64"), 4096, 32, "sha256"), "Client Key")
        const withoutProof = `c=biws,r=${nonce}`
        const storedKey = createHash("sha256").update(clientKey).digest()
        const signature = hmac(storedKey, `n=ada,r=abc,${first},${withoutProof}`)
        const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
        return `${withoutProof},p=${proof.toString("base64")}`
      }
      for (const [suffix, code] of [["", 0], ["x", 49]] as const) {
        const { said = "" } = yield* sasl(raw, "SCRAM-SHA-256", "n,,n=ada,r=abc")
        const nonce = /^r=([^,]*)/.exec(said)?.[1] ?? ""
        assert.strictEqual((yield* sasl(raw, "SCRAM-SHA-256", finalMessage(said, nonce + suffix))).code, code)
      }
    }))
})

const pbkdf2 = [
  "{PBKDF2}10000$/GXbegfCPvYHRjflskrdcQ$9ILbqJoGn2KjtHZIJOSkOTrGkqE",
  "{PBKDF2-SHA1}10000$ywhnqhMA/gJbINV9MI/vEQ$wqiymQx3ZxTytQPURzk3P1dVZGs",
  "{PBKDF2-SHA256}10000$ElfDduaNVUmS3OTRuQwNWA$ZyPTJ8kiA.3xTmXo.SOVK7OI7CnuhlGfzfE8Znipjrg",
  "{PBKDF2-SHA512}10000$AeZfxJ03jGajJqGA4apOug$eVnzBJnz8nZwkA8W045VGsLH75jbud108II/FOzmNR0a42f8wGONDWC5qguePTlI3kE9z.fgtpgb3UL3uI58Sw"
]

describe("password hashes", () => {
  it.each<PasswordScheme>(["CLEARTEXT", "SSHA", "PBKDF2-SHA1", "PBKDF2-SHA256", "PBKDF2-SHA512"])(
    "%s: the password and no other, with a salt of its own",
    (scheme) => {
      const password = Buffer.from("pässword")
      const stored = hashPassword(scheme, password)
      assert.isTrue(isPassword(stored, password))
      assert.isFalse(isPassword(stored, Buffer.from("password")))
      assert.isFalse(isPassword(stored, stored) && scheme !== "CLEARTEXT")
      if (scheme !== "CLEARTEXT") {
        assert.notDeepEqual(hashPassword(scheme, password), stored)
      }
    }
  )

  // Made by slappasswd with the module pw-pbkdf2.
  it.each(pbkdf2)("what slapd writes: %s", (stored) => {
    assert.isTrue(isPassword(Buffer.from(stored), Buffer.from("secret")))
    assert.isFalse(isPassword(Buffer.from(stored), Buffer.from("Secret")))
  })

  it.each([
    "{PBKDF2-SHA256}",
    "{PBKDF2-SHA256}1$$",
    "{PBKDF2-SHA256}999999999$AAAA$AAAA",
    "{SHA}",
    "{SSHA}x",
    "{X}secret"
  ])(
    "%s isn't the password",
    (stored) => {
      for (const given of ["", "secret", stored]) assert.isFalse(isPassword(Buffer.from(stored), Buffer.from(given)))
    }
  )
})
