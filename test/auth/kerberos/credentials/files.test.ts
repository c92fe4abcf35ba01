/** Keytabs, credential caches and krb5.conf: files that MIT's programs wrote, and files that are damaged. */
import { assert, describe, inject, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readCredentialCache } from "../../../../src/auth/kerberos/credentials/credentialCache.ts"
import { readKeytab } from "../../../../src/auth/kerberos/credentials/keytab.ts"
import { includesOf, readKrb5Conf, realmOfHost } from "../../../../src/auth/kerberos/credentials/krb5Conf.ts"
import { readConfiguration } from "../../../../src/auth/kerberos/kdc/configuration.ts"
import { parseAddress } from "../../../../src/auth/kerberos/kdc/kdcTransport.ts"
import { filePath } from "../../../../src/auth/kerberos/KerberosOptions.ts"
import { format, NameType, parse } from "../../../../src/auth/kerberos/messages/Principal.ts"
import { nodeSystem } from "../../../../src/auth/kerberos/system/nodeSystem.ts"
import { mutate, random } from "../../../fuzz/mutate.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"

const kerberos = inject("kerberos")

describe.skipIf(kerberos === undefined)("files of MIT's programs", () => {
  if (kerberos === undefined) return
  waitFor(kerberos)
  const files = {
    keytab: () => readFileSync(kerberos.readerKeytab),
    cache: () => readFileSync(kerberos.cache.replace("FILE:", ""))
  }

  it("kadmin's keytab has a key of each type", () => {
    const entries = Result.getOrThrow(readKeytab(files.keytab()))
    assert.sameMembers(entries.map(({ encryptionType }) => encryptionType), [17, 18, 19, 20, 23])
    for (const { components, key, realm, version } of entries) {
      assert.deepStrictEqual([components, realm, version], [["reader"], kerberos.realm, 2])
      assert.strictEqual(key?.reveal().length, key?.type.keyBytes)
    }
  })

  it("holes, the end of the written part and unknown types are skipped", () => {
    const file = files.keytab()
    const [first] = Result.getOrThrow(readKeytab(file))
    const size = file.readInt32BE(2)
    const hole = Buffer.from(file.subarray(0, 6 + size))
    hole.writeInt32BE(-size, 2)
    const rest = Result.getOrThrow(readKeytab(Buffer.concat([hole, file.subarray(6 + size)])))
    assert.strictEqual(rest.length, 4)
    assert.notInclude(rest.map(({ encryptionType }) => encryptionType), first!.encryptionType)
    const ended = Buffer.concat([file.subarray(0, 6 + size), Buffer.alloc(100)])
    assert.strictEqual(Result.getOrThrow(readKeytab(ended)).length, 1)
    const unknown = Buffer.from(file)
    const at = unknown.indexOf(Buffer.from([0, first!.encryptionType, 0, first!.key!.type.keyBytes]))
    unknown.writeUInt16BE(3, at)
    assert.isUndefined(Result.getOrThrow(readKeytab(unknown))[0]!.key)
  })

  it("kinit's cache has the ticket-granting ticket, and what isn't a ticket is passed over", () => {
    const { credentials, principal } = Result.getOrThrow(readCredentialCache(files.cache()))
    assert.strictEqual(format(principal), `alice@${kerberos.realm}`)
    // Other tests may have added tickets for services. Entries for the library's own settings are left out.
    assert.deepStrictEqual(credentials[0]?.service.components, ["krbtgt", kerberos.realm])
    assert.include(files.cache().toString("latin1"), "X-CACHECONF:")
    assert.isTrue(credentials.every(({ serviceRealm }) => serviceRealm !== "X-CACHECONF:"))
    const [ticket] = credentials
    assert.isAbove(ticket!.endTime, Date.now())
    assert.strictEqual(ticket!.ticket.realm, kerberos.realm)
  })

  it.each(
    [
      ["keytab", (bytes: Uint8Array): Result.Result<unknown, string> => readKeytab(bytes)],
      ["cache", (bytes: Uint8Array): Result.Result<unknown, string> => readCredentialCache(bytes)]
    ] as const
  )(
    "a damaged %s is read or refused, never an exception, and the failure quotes nothing of it",
    (name, read) => {
      const file = files[name]()
      for (let length = 0; length < Math.min(file.length, 600); length++) {
        const cut = read(file.subarray(0, length))
        if (Result.isFailure(cut)) assert.match(cut.failure, /^(it is|it has|a key|a name) /)
      }
      for (let seed = 0; seed < 3000; seed++) read(mutate(random(seed), file))
    }
  )
})

describe("krb5.conf", () => {
  const text = `
# a comment
; another
[libdefaults]
  default_realm = EXAMPLE.COM
  dns_lookup_kdc = no
[realms]
  EXAMPLE.COM = {
    kdc = kdc1.example.com
    kdc = kdc2.example.com:8888
    v4_instance_convert = {
      kdc = not.a.kdc
    }
    admin_server = kdc1.example.com
  }
  OTHER = {
    kdc = tcp/kdc.other
  }
[domain_realm]
  .example.com = EXAMPLE.COM
  special.example.com = OTHER
  .Deep.Example.com = OTHER
`
  const conf = readKrb5Conf([text, "[libdefaults]\ndefault_realm = LATER\n[realms]\nOTHER = {\n kdc = second\n}\n"])

  it("the settings that are used, of several files as one", () => {
    assert.deepStrictEqual(conf.defaultRealm, "EXAMPLE.COM")
    assert.isFalse(conf.lookupKdc)
    assert.deepStrictEqual(Object.fromEntries(conf.kdcs), {
      "EXAMPLE.COM": ["kdc1.example.com", "kdc2.example.com:8888"],
      OTHER: ["tcp/kdc.other", "second"]
    })
    assert.isTrue(readKrb5Conf(["nonsense\n}}}\n[unclosed\n = 3\n"]).lookupKdc)
  })

  it.each([
    ["a.example.com", "EXAMPLE.COM"],
    ["special.example.com", "OTHER"],
    ["A.DEEP.example.com.", "OTHER"],
    ["example.com", undefined],
    ["example.org", undefined]
  ])("the realm of %s is %s", (host, realm) => {
    assert.strictEqual(realmOfHost(conf, host), realm)
  })

  it.live("what it includes is read, and a circle ends", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(join(tmpdir(), "effect-ldap-conf-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const file = (name: string, content: string) => {
        writeFileSync(join(folder, name), content)
        return join(folder, name)
      }
      const main = file("krb5", `includedir ${folder}\n[libdefaults]\n default_realm = A\n`)
      assert.deepStrictEqual(includesOf(readFileSync(main, "utf8")), [{ _tag: "Directory", path: folder }])
      const error = yield* Effect.flip(readConfiguration(nodeSystem, main))
      assert.match(error.detail, /includes more than 100 files/)
      file("krb5", `include ${folder}/more.conf\n[libdefaults]\n default_realm = A\n`)
      file("more.conf", "[realms]\nA = {\n kdc = b\n}\n")
      const conf = readKrb5Conf(yield* readConfiguration(nodeSystem, main))
      assert.deepStrictEqual([conf.defaultRealm, conf.kdcs.get("A")], ["A", ["b"]])
      assert.match((yield* Effect.flip(readConfiguration(nodeSystem, `${folder}/none`))).detail, /doesn't exist/)
      assert.deepStrictEqual(yield* readConfiguration(nodeSystem, false), [])
    }))
})

describe("names", () => {
  it.each([
    ["ada@EXAMPLE.COM", ["ada"], "EXAMPLE.COM"],
    ["ldap/dc1.example.com@EXAMPLE.COM", ["ldap", "dc1.example.com"], "EXAMPLE.COM"],
    ["ada", ["ada"], undefined],
    ["a\\@b\\/c@R\\\\S", ["a@b/c"], "R\\S"]
  ])("%s", (text, components, realm) => {
    assert.deepStrictEqual(parse(text), { components, realm })
    assert.strictEqual(format({ type: NameType.principal, components, realm }), text)
  })

  it.each(["", "@", "a@", "@b", "a@b@c", "a//b", "a\\", "/", "a\0@b", "\ud800@b"])("%j is none", (text) => {
    assert.isUndefined(parse(text))
  })

  it.each([
    ["kdc.example.com", { host: "kdc.example.com", port: 88 }],
    ["kdc.example.com:8888", { host: "kdc.example.com", port: 8888 }],
    ["tcp/10.0.0.1", { host: "10.0.0.1", port: 88, protocol: "tcp" }],
    ["UDP/[::1]:750", { host: "::1", port: 750, protocol: "udp" }],
    ["fe80::1", { host: "fe80::1", port: 88 }],
    ["kdc:0", undefined],
    ["kdc:65536", undefined],
    ["http://kdc", undefined],
    ["", undefined],
    ["a b", undefined]
  ])("the address %s", (text, expected) => {
    assert.deepStrictEqual(parseAddress(text), expected)
  })

  it.each([["/a", "/a"], ["FILE:/a", "/a"], ["WRFILE:/a", "/a"], ["KEYRING:persistent:0", undefined], [
    "c:\\a",
    "c:\\a"
  ]])(
    "the file %s",
    (name, path) => {
      assert.strictEqual(filePath(name), path)
    }
  )
})
