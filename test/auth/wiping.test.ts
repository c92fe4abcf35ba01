/** Secrets are overwritten after their last use: the buffers of keys and passwords are inspected afterwards. */
import { assert, beforeEach, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { vi } from "vitest"
import { aes256Sha1 } from "../../src/auth/kerberos/crypto/aesSha1.ts"
import type { KerberosKey } from "../../src/auth/kerberos/crypto/EncryptionType.ts"
import { rc4Hmac } from "../../src/auth/kerberos/crypto/rc4Hmac.ts"
import { makeClient } from "../../src/auth/kerberos/KerberosClient.ts"
import { encoding } from "../../src/auth/kerberos/messages/Der.ts"
import { writeEncrypted } from "../../src/auth/kerberos/messages/encrypted.ts"
import { type PrincipalName, writeName } from "../../src/auth/kerberos/messages/Principal.ts"
import { authenticate, ntlmContext } from "../../src/auth/ntlm/NtlmContext.ts"
import { NtlmFlag } from "../../src/auth/ntlm/ntlmMessages.ts"
import { ntlmProvider } from "../../src/auth/ntlm/ntlmProvider.ts"
import { alone } from "./kerberos/systems.ts"

const seen = vi.hoisted((): { hashed: Array<Uint8Array>; digests: Array<Uint8Array>; keys: Array<Uint8Array> } => ({
  hashed: [],
  digests: [],
  keys: []
}))

vi.mock(import("../../src/auth/crypto/md4.ts"), async (original) => {
  const { md4 } = await original()
  return {
    md4: (message) => {
      const digest = md4(message)
      seen.hashed.push(message)
      seen.digests.push(digest)
      return digest
    }
  }
})

vi.mock(import("../../src/auth/crypto/Rc4.ts"), async (original) => {
  const real = await original()
  return {
    ...real,
    rc4: (key, octets) => {
      seen.keys.push(key)
      return real.rc4(key, octets)
    }
  }
})

beforeEach(() => {
  for (const list of Object.values(seen)) list.length = 0
})

const isWiped = (octets: Uint8Array | undefined): boolean => octets!.length > 0 && octets!.every((byte) => byte === 0)

describe("what is overwritten", () => {
  it.effect("the text of NTLM's password; bytes that a program gives stay as they are", () =>
    Effect.gen(function*() {
      const own = Buffer.from("secret", "utf16le")
      for (const password of [Redacted.make("secret"), Redacted.make<string | Uint8Array>(own)]) {
        yield* ntlmProvider({ username: "alice", password }).make({
          mechanism: "spnego",
          service: "ldap@a",
          protection: "none"
        })
      }
      assert.deepStrictEqual(seen.hashed.map(isWiped), [true, false])
      assert.deepStrictEqual(seen.digests.map(isWiped), [true, true])
      assert.strictEqual(own.toString("utf16le"), "secret")
    }))

  it("the key by which NTLM's session key is sent; one that is the session's key stays", () => {
    const answer = (flags: number) =>
      authenticate(
        {
          user: "a",
          domain: "b",
          key: Redacted.make<Uint8Array>(Buffer.alloc(16, 1)),
          targetName: "ldap/c",
          channelBindings: undefined
        },
        { flags, challenge: Buffer.alloc(8), targetInfo: [] },
        flags,
        0,
        (bytes) => Buffer.alloc(bytes, 2)
      )
    const { sessionKey } = answer(NtlmFlag.keyExchange)
    assert.deepStrictEqual(seen.keys.map(isWiped), [true])
    assert.deepStrictEqual(sessionKey, Buffer.alloc(16, 2))
    assert.isFalse(isWiped(answer(0).sessionKey))
  })

  it.effect("what NTLM has of the password, once the challenge is answered or refused", () =>
    Effect.gen(function*() {
      const key = Buffer.alloc(16, 1)
      const context = ntlmContext({
        user: "a",
        domain: "b",
        key: Redacted.make<Uint8Array>(key),
        targetName: "ldap/c",
        protection: "none",
        channelBindings: undefined
      })
      yield* context.step(undefined)
      assert.isFalse(isWiped(key))
      yield* Effect.flip(context.step(Buffer.from("no challenge")))
      assert.isTrue(isWiped(key))
    }))

  it.effect("what rc4-hmac makes of a password, but for the key", () =>
    Effect.gen(function*() {
      const password = Buffer.from("secret")
      const key = yield* rc4Hmac.fromPassword(password, Buffer.alloc(0), 0)
      assert.deepStrictEqual([...seen.hashed, ...seen.digests].map(isWiped), [true, true])
      assert.isFalse(isWiped(key.reveal()))
      assert.strictEqual(password.toString(), "secret")
    }))

  it.effect("the keys of a credential cache that are not used", () =>
    Effect.gen(function*() {
      const made: Array<KerberosKey> = []
      const real = aes256Sha1.key
      const spy = vi.spyOn(aes256Sha1, "key").mockImplementation((bytes) => {
        const key = real(bytes)
        made.push(key)
        return key
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => spy.mockRestore()))
      const file = cacheOf([["krbtgt", "A"], ["ldap", "one"], ["ldap", "two"]])
      const client = makeClient(
        { ccache: "/cache", krb5Conf: false },
        { ...alone(() => Buffer.alloc(0)), readFile: () => Effect.sync(() => Buffer.from(file)) }
      )
      const { credential } = yield* client.ticket({ type: 3, components: ["ldap", "one"] }, undefined)
      assert.deepStrictEqual(made.map((key) => isWiped(key.reveal())), [true, false, true])
      assert.strictEqual(credential.key, made[1])
      // If only the ticket-granting ticket can be used, that one is kept.
      made.length = 0
      yield* Effect.flip(client.ticket({ type: 3, components: ["ldap", "three"] }, undefined))
      assert.deepStrictEqual(made.map((key) => isWiped(key.reveal())), [false, true, true])
    }))
})

/** A credential cache of version 4 with a ticket for each service. The tickets never expire. */
const cacheOf = (services: ReadonlyArray<ReadonlyArray<string>>): Buffer => {
  const number = (value: number, bytes = 4) => {
    const octets = Buffer.alloc(bytes)
    octets.writeUIntBE(value, 0, bytes)
    return octets
  }
  const piece = (octets: Uint8Array) => Buffer.concat([number(octets.length), octets])
  const principal = (components: ReadonlyArray<string>) =>
    Buffer.concat([
      number(1),
      number(components.length),
      ...["A", ...components].map((text) => piece(Buffer.from(text)))
    ])
  const ticket = (service: PrincipalName) =>
    encoding((writer) =>
      writer.nested(0x61, (message) =>
        message.sequence((content) => {
          content.field(0, (item) => item.int32(5))
          content.field(1, (item) => item.text("A"))
          content.field(2, (item) => writeName(item, service))
          content.field(3, (item) => writeEncrypted(item, { type: 18, version: 1, cipher: Buffer.alloc(40) }))
        }))
    )
  const entries = services.map((components) =>
    Buffer.concat([
      principal(["alice"]),
      principal(components),
      number(18, 2),
      piece(Buffer.alloc(32, 7)),
      number(0),
      number(0),
      number(0xffff_ffff),
      Buffer.alloc(9),
      number(0),
      number(0),
      piece(ticket({ type: 2, components })),
      piece(Buffer.alloc(0))
    ])
  )
  return Buffer.concat([number(0x0504, 2), number(0, 2), principal(["alice"]), ...entries])
}
