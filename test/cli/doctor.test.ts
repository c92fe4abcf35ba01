/** `check` on 389 Directory Server and Samba: each problem is reported in its line, with advice. slapd is in commands.test.ts. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import * as Tls from "node:tls"
import { inject } from "vitest"
import type { Certificates } from "../servers/certificates.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { runCli } from "./runCli.ts"

interface Line {
  readonly check: string
  readonly status: string
  readonly detail: string
  readonly advice?: string
}

const findings = (url: string, env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  Effect.map(runCli(["check", url, "--json", ...args], { env }), ({ code, stdout }) => ({
    code,
    lines: stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line) as Line)
  }))

/**
 * A relay to the server, under an address that the server's certificate doesn't name. If the relay has a certificate, it terminates TLS as
 * a load balancer does, and continues in clear text.
 * on in clear text.
 */
const wayTo = (
  url: string,
  certificate?: { readonly cert: string; readonly key: string }
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const { hostname, port } = new URL(url)
        const relay = (client: Socket): void => {
          const server = connect(Number(port || (url.startsWith("ldaps:") ? 636 : 389)), hostname)
          for (const socket of [client, server]) {
            socket.on("error", () => undefined).on("close", () => {
              client.destroy()
              server.destroy()
            })
          }
          client.pipe(server).pipe(client)
        }
        const way = certificate === undefined ? createServer(relay) : Tls.createServer(certificate, relay)
        way.listen(0, certificate === undefined ? "127.0.0.3" : "127.0.0.1", () => resume(Effect.succeed(way)))
      }),
      (way) => Effect.sync(() => way.close())
    ),
    (way) => (way.address() as AddressInfo).port
  )

interface Subject {
  readonly urls: { readonly ldap: string; readonly ldaps: string }
  readonly caFile: string
  readonly certificates: Certificates
  readonly name: string
  readonly password: string
  readonly vendor: string
  /** The message for a wrong password. */
  readonly refused: string
  /** The finding about the size limit without a bind. */
  readonly anonymously: string
}

const tests = (subject: () => Subject): void => {
  it.live("in clear text: StartTLS isn't used, and the server accepts passwords", () =>
    Effect.gen(function*() {
      const { urls, vendor } = subject()
      const { code, lines } = yield* findings(urls.ldap, {})
      const of = (check: string) => lines.find((line) => line.check === check)
      expect(code).toBe(0)
      expect(of("StartTLS")).toMatchObject({ status: "warning", advice: "Give --start-tls, or use ldaps://." })
      expect(of("signing")).toMatchObject({ status: "warning", advice: "Let the server demand TLS or signing." })
      // TLS that isn't used is only a warning.
      expect(of("trust")).toMatchObject({ status: "warning" })
      expect(of("bind")).toMatchObject({ status: "ok", detail: "no credentials given, so none were tried" })
      expect(of("vendor")!.detail).toContain(vendor)
      expect(of("size limit")!.detail).toContain(subject().anonymously)
    }))

  it.live("StartTLS and ldaps:// without the authority: names the missing authority, and sends no bind", () =>
    Effect.gen(function*() {
      const { name, password, urls } = subject()
      const env = { LDAP_BIND_DN: name, LDAP_PASSWORD: password }
      for (const [url, ...args] of [[urls.ldap, "--start-tls"], [urls.ldaps]] as const) {
        const { code, lines } = yield* findings(url, env, ...args)
        expect(code).toBe(1)
        expect(lines.at(-1)).toMatchObject({ check: "trust", status: "failure" })
        expect(lines.at(-1)!.advice).toContain("CN=Throw-away test CA")
        expect(lines.at(-1)!.advice).toContain("into the file of --ca")
      }
    }))

  it.live("with the authority and the password there is no failure", () =>
    Effect.gen(function*() {
      const { caFile, name, password, urls } = subject()
      const { code, lines } = yield* findings(urls.ldaps, {
        LDAP_CA: caFile,
        LDAP_BIND_DN: name,
        LDAP_PASSWORD: password
      })
      expect(lines.filter(({ status }) => status === "failure")).toEqual([])
      expect(code).toBe(0)
      expect(lines.find(({ check }) => check === "bind")!.detail.toLowerCase()).toContain(name.toLowerCase())
      expect(lines.find(({ check }) => check === "size limit")!.detail).toMatch(/\d{2,} entries/)
    }))

  it.live("a wrong password over StartTLS", () =>
    Effect.gen(function*() {
      const { caFile, name, refused, urls } = subject()
      const env = { LDAP_CA: caFile, LDAP_BIND_DN: name, LDAP_PASSWORD: "wrong", LDAP_START_TLS: "true" }
      const { code, lines } = yield* findings(urls.ldap, env)
      expect(code).toBe(1)
      expect(lines.at(-1)).toMatchObject({ check: "bind", status: "failure" })
      expect(lines.at(-1)!.detail).toContain(refused)
      expect(lines.at(-1)!.advice).toContain("Check the bind DN and the password")
    }))

  it.live("a name that the certificate doesn't have, and a certificate that has expired", () =>
    Effect.gen(function*() {
      const { caFile, certificates, urls } = subject()
      const elsewhere = yield* wayTo(urls.ldaps)
      const wrong = yield* findings(`ldaps://127.0.0.3:${elsewhere}`, { LDAP_CA: caFile })
      expect(wrong.code).toBe(1)
      expect(wrong.lines.filter(({ status }) => status === "failure").map(({ check }) => check)).toEqual(["name"])
      expect(wrong.lines.find(({ check }) => check === "name")!.advice).toContain(
        "Use a host that the certificate names"
      )
      const behind = yield* wayTo(urls.ldap, certificates.expired)
      const expired = yield* findings(`ldaps://127.0.0.1:${behind}`, { LDAP_CA: caFile })
      expect(expired.code).toBe(1)
      expect(expired.lines.find(({ check }) => check === "certificate")).toMatchObject({
        status: "failure",
        advice: "Renew it."
      })
      expect(expired.lines.find(({ check }) => check === "trust")).toMatchObject({ status: "failure" })
    }))
}

const ds389 = inject("ds389")
describe.skipIf(ds389 === undefined)("check on 389 Directory Server", () => {
  waitFor(ds389)
  tests(() => ({
    ...ds389!,
    name: ds389!.admin.dn,
    password: ds389!.admin.password,
    vendor: "389 Project",
    refused: "invalidCredentials (49)",
    anonymously: "a search ends after 500 entries"
  }))
})

const samba = inject("samba")
describe.skipIf(samba === undefined)("check on Samba", () => {
  waitFor(samba)
  tests(() => ({
    ...samba!,
    name: samba!.admin.upn,
    password: samba!.admin.password,
    vendor: "Samba Team",
    refused: "52e (wrong password)",
    anonymously: "give credentials"
  }))
})
