/** RFC 5929 and RFC 9266. */
import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { tlsExporter, tlsServerEndPoint } from "../../src/auth/channelBinding.ts"

const tlv = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.of(tag, content.length), content])
}
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, "hex"))

/** The relevant parts of a certificate: tbsCertificate, signatureAlgorithm, signatureValue. */
const certificate = (...algorithm: ReadonlyArray<Uint8Array>): Buffer =>
  tlv(0x30, tlv(0x30, Buffer.from("tbs")), tlv(0x30, ...algorithm), tlv(0x03, Buffer.of(0)))

const pss = oid("2a864886f70d01010a")
const hashIs = (hex: string) => tlv(0x30, tlv(0xa0, tlv(0x30, oid(hex))))

describe("tls-server-end-point", () => {
  it.each([
    ["MD5 with RSA", "sha256", [oid("2a864886f70d010104")]],
    ["SHA-1 with RSA", "sha256", [oid("2a864886f70d010105"), tlv(0x05)]],
    ["SHA-256 with RSA", "sha256", [oid("2a864886f70d01010b"), tlv(0x05)]],
    ["SHA-384 with RSA", "sha384", [oid("2a864886f70d01010c")]],
    ["SHA-512 with RSA", "sha512", [oid("2a864886f70d01010d")]],
    ["SHA-1 with ECDSA", "sha256", [oid("2a8648ce3d0401")]],
    ["SHA-256 with ECDSA", "sha256", [oid("2a8648ce3d040302")]],
    ["SHA-384 with ECDSA", "sha384", [oid("2a8648ce3d040303")]],
    ["SHA-512 with ECDSA", "sha512", [oid("2a8648ce3d040304")]],
    ["RSA-PSS with SHA-384", "sha384", [pss, hashIs("608648016503040202")]],
    ["RSA-PSS with its default", "sha256", [pss, tlv(0x30)]]
  ])("a certificate signed by %s is hashed by %s", (_, hash, algorithm) => {
    const der = certificate(...algorithm)
    assert.strictEqual(
      Buffer.from(tlsServerEndPoint(der) ?? []).toString("hex"),
      createHash(hash).update(der).digest("hex")
    )
  })

  it("no binding is defined for signatures without one hash function", () => {
    assert.isUndefined(tlsServerEndPoint(certificate(oid("2b6570"))))
    assert.isUndefined(tlsServerEndPoint(certificate(pss, hashIs("2b6570"))))
  })

  it("bytes that are no certificate have no binding", () => {
    const whole = certificate(pss, hashIs("608648016503040202"))
    for (let length = 0; length < whole.length; length++)
      assert.isUndefined(tlsServerEndPoint(whole.subarray(0, length)))
    assert.isUndefined(tlsServerEndPoint(Buffer.from("30800000", "hex")))
  })
})

describe("tls-exporter", () => {
  const socket = (version: string) => ({
    getProtocol: () => version,
    exportKeyingMaterial: (length: number, label: string, context: Buffer) =>
      Buffer.from(`${length} ${label} ${context.toString()}`)
  })

  it("is 32 bytes by the label of RFC 9266, in TLS 1.3 alone", () => {
    assert.strictEqual(Buffer.from(tlsExporter(socket("TLSv1.3")) ?? []).toString(), "32 EXPORTER-Channel-Binding ")
    assert.isUndefined(tlsExporter(socket("TLSv1.2")))
  })
})
