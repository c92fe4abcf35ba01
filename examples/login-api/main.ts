/**
 * A login endpoint with HttpApi.
 *
 *     node examples/login-api/main.ts                      a demonstration: a few logins by the API's own client
 *     PORT=3000 node examples/login-api/main.ts --serve    the same, until Ctrl-C
 *     curl -d '{"login":"ada","password":"ada'"'"'s password"}' -H 'content-type: application/json' localhost:3000/sessions
 *
 * The directory is in memory. With one of your own, `Directory` is `LdapClient.layerConfig(LdapConfig.fromEnvironment())`.
 */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Redacted } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder, HttpApiClient } from "effect/http-api"
import { createServer } from "node:http"
import { LdapAuth, LdapClient, LdapFilter, LdapLogin } from "../../src/index.ts"
import { InMemoryDirectory } from "../../src/testing.ts"
import { Api } from "./api.ts"
import { handlers, LogIn } from "./handlers.ts"

const base = "dc=example,dc=org"
const secret = Redacted.make("an example's secret")

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

const Directory = InMemoryDirectory.layerDirectory({
  entries: [
    { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
    { dn: `ou=people,${base}`, attributes: { objectClass: ["organizationalUnit"], ou: "people" } },
    person("ada", "Ada Lovelace"),
    person("grace", "Grace Hopper")
  ],
  admin: { password: secret }
})

/** The service looks users up through its own pool of sessions. Logins use other sessions, each for one login at a time. */
const Login = Layer.effect(
  LogIn,
  Effect.gen(function*() {
    const { transport } = yield* InMemoryDirectory.InMemoryDirectory
    const client = yield* LdapClient.fromTransport(transport, { auth: LdapAuth.simple(`cn=admin,${base}`, secret) })
    return yield* LdapLogin.make({
      client,
      base: `ou=people,${base}`,
      filter: (login) => LdapFilter.ldapFilter`(&(objectClass=inetOrgPerson)(|(uid=${login})(mail=${login})))`,
      attributes: ["cn", "mail"],
      uniform: true
    })
  })
)

const Routes = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide(handlers),
  Layer.provide(Login),
  Layer.provideMerge(Directory)
)

/** What a browser would do. */
const demonstrate = Effect.gen(function*() {
  const client = yield* HttpApiClient.make(Api)
  const post = (login: string, password: string) =>
    client.sessions.create({ payload: { login, password: Redacted.make(password) } }).pipe(
      Effect.match({
        onSuccess: ({ mail, name }) => `200 ${name}, ${mail}`,
        onFailure: (error) => error._tag
      }),
      Effect.flatMap((answer) => Console.log(`${JSON.stringify(login).padEnd(20)} ${answer}`))
    )
  yield* post("ada", "ada's password")
  yield* post("Grace@example.org", "grace's password")
  yield* post("ada", "a guess")
  yield* post("unlisted", "a guess")
  yield* post("*)(uid=*", "a guess")
  yield* post("ada", "")
  const { log } = yield* InMemoryDirectory.InMemoryDirectory
  // A session on which a login was refused is unbound; the next login opens another.
  yield* log.until(() => log.unbinds === 3)
  yield* Console.log(`${log.connections.length} sessions so far, ${log.unbinds} unbound, ${log.openConnections} open`)
})

if (process.argv.includes("--serve")) {
  const Server = Layer.unwrap(
    Effect.map(Config.withDefault(Config.Port("PORT"), 3000), (port) => NodeHttpServer.layer(createServer, { port }))
  )
  NodeRuntime.runMain(Layer.launch(HttpRouter.serve(Routes).pipe(Layer.provide(Server))))
} else {
  // A free port, and a client of it.
  const Server = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layerTest)
  )
  NodeRuntime.runMain(Effect.provide(demonstrate, Server))
}
