/**
 * Certificates for tests: a temporary authority, a server certificate that it signed, and invalid ones that must be refused.
 *
 * They are made in memory in every run. So none expires, the repository has no private key, and openssl isn't needed. X.509 (RFC
 * 5280) requires little here: P-256 keys, ECDSA with SHA-256, and the few extensions that a verifier checks.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"

/** A certificate and its private key, both in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  /** The authority that a client has to trust. */
  readonly ca: Certificate
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Certificate
  /** Like `server`, but it expired yesterday. */
  readonly expired: Certificate
  /** Valid and signed by the authority, but only for elsewhere.example. */
  readonly wrongHost: Certificate
  /** Like `server`, but signed by an untrusted authority. */
  readonly untrusted: Certificate
  /** A new certificate for the key of `server`. */
  readonly renewed: Certificate
  /** The certificate of a client that is named alice, by the attribute `uid`. */
  readonly client: Certificate
  /** Like `client`, but signed by an untrusted authority. */
  readonly untrustedClient: Certificate
}

const testAuthority = "Throw-away test CA"

/** Certificates for the names of this machine, and for the additional `names` of a server. */
export const makeCertificates = (...names: ReadonlyArray<string>): Certificates => {
  const { ca, server } = signedBy(testAuthority, names)
  const stranger = issue({ name: "Throw-away CA of a stranger" })
  const local = localhost(names)
  return {
    ca,
    server,
    expired: issue({ ...local, issuer: ca, days: [-30, -1] }),
    wrongHost: issue({ name: "elsewhere.example", hosts: ["elsewhere.example"], issuer: ca }),
    untrusted: issue({ ...local, issuer: stranger }),
    renewed: issue({ ...local, issuer: ca, privateKey: server.privateKey }),
    client: issue({ name: "alice", purpose: "clientAuth", issuer: ca }),
    untrustedClient: issue({ name: "alice", purpose: "clientAuth", issuer: stranger })
  }
}

/** A certificate for localhost that expires in some seconds, signed by `ca`. */
export const validFor = (ca: Certificate, seconds: number): Certificate =>
  issue({
    ...localhost([]),
    issuer: { ...ca, name: testAuthority, privateKey: createPrivateKey(ca.key) },
    days: [-1, seconds / 86_400]
  })

/** A server's certificate, signed by an authority with this name. */
export const signedBy = (authority: string, names: ReadonlyArray<string> = []) => {
  const ca = issue({ name: authority })
  return { ca, server: issue({ ...localhost(names), issuer: ca }) }
}

const localhost = (names: ReadonlyArray<string>) => ({
  name: "localhost",
  hosts: ["localhost", "127.0.0.1", "::1", ...names]
})

interface Request {
  readonly name: string
  readonly hosts?: ReadonlyArray<string>
  /** Its purpose. Default: a server if there are `hosts`, otherwise an authority. */
  readonly purpose?: "clientAuth" | "serverAuth" | "authority"
  /** Default: a new one. */
  readonly privateKey?: KeyObject
  /** The authority. Without one, the certificate is signed with its own key. */
  readonly issuer?: Issued
  /** The first and last day, counted from today. */
  readonly days?: readonly [number, number]
}

interface Issued extends Certificate {
  readonly name: string
  readonly privateKey: KeyObject
}

const issue = (request: Request): Issued => {
  const { days = [-1, 30], hosts = [], issuer, name } = request
  const { purpose = hosts.length === 0 ? "authority" : "serverAuth" } = request
  const privateKey = request.privateKey ?? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  const signer = issuer ?? { name, privateKey }
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    rdn(oid.commonName, signer.name),
    sequence(...days.map(daysFromNow)),
    purpose === "clientAuth" ? rdn(oid.userId, name) : rdn(oid.commonName, name),
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    explicit(
      3,
      sequence(
        extension(oid.subjectKeyIdentifier, octetString(keyIdentifier(privateKey))),
        extension(oid.authorityKeyIdentifier, sequence(tagged(0x80, keyIdentifier(signer.privateKey)))),
        ...(purpose === "authority"
          ? [
            extension(oid.basicConstraints, sequence(tagged(0x01, Buffer.of(0xff)))),
            // keyCertSign
            extension(oid.keyUsage, tagged(0x03, Buffer.of(2, 0x04)))
          ]
          : [
            extension(oid.extendedKeyUsage, sequence(oid[purpose])),
            ...(hosts.length === 0 ? [] : [extension(oid.subjectAltName, sequence(...hosts.map(generalName)))])
          ])
      )
    )
  )
  const signature = tagged(0x03, Buffer.of(0), sign("sha256", toBeSigned, signer.privateKey))
  return {
    name,
    privateKey,
    cert: pem(sequence(toBeSigned, ecdsaWithSha256, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string
  }
}

const tagged = (tag: number, ...content: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(content)
  const length = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...length), body])
}

const sequence = (...content: ReadonlyArray<Uint8Array>) => tagged(0x30, ...content)
const explicit = (n: number, content: Uint8Array) => tagged(0xa0 + n, content)
const integer = (octets: Uint8Array) => tagged(0x02, octets)
const octetString = (octets: Uint8Array) => tagged(0x04, octets)
const objectIdentifier = (hex: string) => tagged(0x06, Buffer.from(hex, "hex"))
const extension = (id: Buffer, value: Buffer) => sequence(id, octetString(value))

const oid = {
  commonName: objectIdentifier("550403"),
  subjectKeyIdentifier: objectIdentifier("551d0e"),
  keyUsage: objectIdentifier("551d0f"),
  subjectAltName: objectIdentifier("551d11"),
  basicConstraints: objectIdentifier("551d13"),
  authorityKeyIdentifier: objectIdentifier("551d23"),
  extendedKeyUsage: objectIdentifier("551d25"),
  serverAuth: objectIdentifier("2b06010505070301"),
  clientAuth: objectIdentifier("2b06010505070302"),
  userId: objectIdentifier("0992268993f22c640101")
}

const ecdsaWithSha256 = sequence(objectIdentifier("2a8648ce3d040302"))

const rdn = (type: Buffer, value: string) => sequence(tagged(0x31, sequence(type, tagged(0x0c, Buffer.from(value)))))

/** The point of the public key is at the end of its encoding. Its first bytes identify it as well as a hash does. */
const keyIdentifier = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-20)

const generalName = (host: string): Buffer =>
  host === "::1"
    ? tagged(0x87, Buffer.from("00000000000000000000000000000001", "hex"))
    : /^[\d.]+$/.test(host)
    ? tagged(0x87, Buffer.from(host.split(".").map(Number)))
    : tagged(0x82, Buffer.from(host))

/** UTCTime: YYMMDDHHMMSSZ. */
const daysFromNow = (days: number): Buffer => {
  const time = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, "").slice(2)
  return tagged(0x17, Buffer.from(time))
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`
