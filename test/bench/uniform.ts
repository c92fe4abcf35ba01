/**
 * Measures on slapd whether the time of a refused login reveals which users exist. Wrong passwords, unknown users with and without
 * a decoy, and a locked account alternate in random order, for several password hashes, with and without a password policy that
 * counts failures.
 *
 *     node test/bench/uniform.ts [--quick]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { median, shown } from "./report/statistics.ts"
import { admin, base, type Record } from "./servers/directory.ts"
import { startSlapdWith } from "./servers/slapd.ts"

const turns = process.argv.includes("--quick") ? 20 : 200
const modules = "/usr/lib/ldap"
const has = (module: string): boolean => existsSync(`${modules}/${module}.so`)

/** Password hashes, and the module of slapd that each needs. */
const schemes = ([["SSHA"], ["SSHA512", "pw-sha2"], ["ARGON2", "argon2"]] as const).filter(([, module]) =>
  module === undefined || has(module)
)

const hashed = (scheme: string, module: string | undefined): string => {
  const load = module === undefined ? [] : ["-o", `module-path=${modules}`, "-o", `module-load=${module}`]
  const { status, stderr, stdout } = spawnSync("slappasswd", [...load, "-h", `{${scheme}}`, "-s", "the password"])
  if (status !== 0) throw new Error(`slappasswd: ${stderr.toString()}`)
  return stdout.toString().trim()
}

const people = (scheme: string): string => `ou=${scheme},${base}`
const uids = ["known", "decoy", "locked"]

const records = (withPolicy: boolean): ReadonlyArray<Record> => [
  { dn: base, attributes: [["objectClass", ["domain"]], ["dc", ["bench"]]] },
  // Both count failures, but one never locks.
  ...(withPolicy ? ["TRUE", "FALSE"] : []).map((lockout): Record => ({
    dn: `cn=lockout ${lockout},${base}`,
    attributes: [
      ["objectClass", ["device", "pwdPolicy"]],
      ["cn", [`lockout ${lockout}`]],
      ["pwdAttribute", ["userPassword"]],
      ["pwdLockout", [lockout]],
      ["pwdMaxFailure", ["1000000"]]
    ]
  })),
  ...schemes.flatMap(([scheme, module]): ReadonlyArray<Record> => {
    const password = hashed(scheme, module)
    return [
      { dn: people(scheme), attributes: [["objectClass", ["organizationalUnit"]], ["ou", [scheme]]] },
      ...uids.map((uid): Record => ({
        dn: `uid=${uid},${people(scheme)}`,
        attributes: [
          ["objectClass", ["inetOrgPerson"]],
          ...["uid", "cn", "sn"].map((name) => [name, [uid]] as const),
          ["userPassword", [password]],
          ...(withPolicy && uid === "decoy" ? [["pwdPolicySubentry", [`cn=lockout FALSE,${base}`]] as const] : []),
          ...(withPolicy && uid === "locked" ? [["pwdAccountLockedTime", ["000001010000Z"]] as const] : [])
        ]
      }))
    ]
  })
]

const measure = Effect.fnUntraced(function*(withPolicy: boolean) {
  const policy = withPolicy ? ["overlay ppolicy", `ppolicy_default "cn=lockout TRUE,${base}"`] : []
  const slapd = yield* Effect.acquireRelease(
    Effect.promise(() =>
      startSlapdWith(records(withPolicy), {
        modules: [...schemes.flatMap(([, module]) => module ?? []), ...(withPolicy ? ["ppolicy"] : [])],
        database: policy
      })
    ),
    (slapd) => Effect.promise(() => slapd?.stop() ?? Promise.resolve())
  )
  if (slapd === undefined) return
  const config = { url: slapd.ldaps, tls: { ca: readFileSync(slapd.ca, "utf8") } }
  const auth = LdapAuth.simple(admin.dn, Redacted.make(admin.password))
  const client = yield* LdapSession.make({ ...config, auth })

  for (const [scheme] of schemes) {
    const logIn = (uniform: LdapLogin.LoginSettings["uniform"]) =>
      LdapLogin.make({
        client,
        open: config,
        base: people(scheme),
        filter: (login) => LdapFilter.equals("uid", login),
        uniform
      })
    const [without, withDecoy] = [yield* logIn(true), yield* logIn({ decoy: `uid=decoy,${people(scheme)}` })]
    const logins = [
      { what: "wrong password", login: "known", by: without },
      { what: "unknown, no decoy", login: "unlisted", by: without },
      { what: "unknown, decoy", login: "unlisted", by: withDecoy },
      ...(withPolicy ? [{ what: "locked", login: "locked", by: without }] : [])
    ].map((login) => ({ ...login, millis: [] as Array<number> }))

    // The first ones warm up the JIT compiler.
    for (let turn = -20; turn < turns; turn++) {
      for (const { by, login, millis } of logins.toSorted(() => Math.random() - 0.5)) {
        const start = performance.now()
        yield* Effect.flip(by(login, Redacted.make("another password")))
        if (turn >= 0) millis.push(performance.now() - start)
        // The session is replaced in the meantime, as between two logins that a person types.
        yield* Effect.promise(() => delay(8))
      }
    }
    for (const { millis, what } of logins) {
      const sorted = millis.toSorted((a, b) => a - b)
      const [low, high] = [sorted[Math.floor(turns / 4)]!, sorted[Math.floor((3 * turns) / 4)]!]
      const where = `{${scheme}}${withPolicy ? ", policy" : ""}`.padEnd(18)
      console.log(
        `${where} ${what.padEnd(18)} ${shown(median(millis))} ms; half of them ${shown(low)} to ${shown(high)}`
      )
    }
  }
})

await Effect.runPromise(Effect.forEach([false, true], (withPolicy) => Effect.scoped(measure(withPolicy))))
