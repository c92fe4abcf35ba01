/** The directory that all steps run against: in memory, on a port of this machine. */
import { Effect, type Scope } from "effect"
import { InMemoryDirectory } from "../../src/testing.ts"
import type { Settings } from "./1-ldapts.ts"

const base = "dc=example,dc=org"

const person = (uid: string, cn: string) => ({
  dn: `uid=${uid},ou=people,${base}`,
  attributes: {
    objectClass: ["inetOrgPerson"],
    uid,
    cn,
    sn: cn,
    mail: `${uid}@example.org`,
    userPassword: `${uid}'s password`
  }
})

/** Serves it, and says how to get in. */
export const serve: Effect.Effect<
  { readonly directory: InMemoryDirectory.InMemoryDirectory; readonly settings: Settings },
  never,
  Scope.Scope
> = Effect.gen(function*() {
  const directory = yield* Effect.orDie(InMemoryDirectory.make({
    admin: { password: "secret" },
    entries: [
      { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
      { dn: `ou=people,${base}`, attributes: { objectClass: ["organizationalUnit"], ou: "people" } },
      person("ada", "Ada Lovelace"),
      person("grace", "Grace Hopper")
    ]
  }))
  const { url } = yield* Effect.orDie(InMemoryDirectory.listen(directory))
  return { directory, settings: { url, bindDn: `cn=admin,${base}`, password: "secret" } }
})
