/**
 * Copies of many directories, shared among any number of these processes: `node examples/replica/cluster.ts`, on as many machines as
 * you like, with the settings in README.md beside this file.
 *
 * Each directory is followed by one process at a time; when that process dies, another one goes on from its checkpoint.
 *
 * In a program of your own the imports are `from "effect-ldap"`, `"effect-ldap/replica"` and `"effect-ldap/replica/LdapReplicaCluster"`.
 */
// By path: the index of the package wants redis.
import { layer as clusterLayer } from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import { Config, Effect, Layer } from "effect"
import { layer as replicas } from "../../src/changes/replica/LdapReplicaCluster.ts"
import { LdapAuth, LdapClient } from "../../src/index.ts"
import { LdapReplica } from "../../src/replica.ts"

/** `TENANTS=acme,initech` with the directories `o=acme` and `o=initech`. */
const Copies = Layer.unwrap(Effect.gen(function*() {
  const tenants = (yield* Config.String("TENANTS")).split(",")
  // How long a process that died still holds its copies.
  const lease = yield* Config.Duration("LEASE").pipe(Config.withDefault("30 seconds"))
  return replicas(tenants.map((name) => ({ name, replica: LdapReplica.make({ name, base: `o=${name}`, lease }) })))
}))

const Directory = Layer.unwrap(Effect.gen(function*() {
  const url = yield* Config.String("LDAP_URL")
  const dn = yield* Config.String("LDAP_BIND_DN")
  const password = yield* Config.Redacted("LDAP_PASSWORD")
  const allowInsecureAuth = yield* Config.Boolean("LDAP_ALLOW_INSECURE_AUTH").pipe(Config.withDefault(false))
  // A followed directory takes a session of its own.
  return LdapClient.layer({ url, auth: LdapAuth.simple(dn, password), allowInsecureAuth, pool: { max: 100 } })
}))

const Database = Layer.unwrap(Effect.map(Config.Redacted("DATABASE_URL"), (url) => PgClient.layer({ url })))

await Copies.pipe(
  // HOST and PORT of this process, by which the others reach it; SHARD_LOCK_EXPIRATION and more, see ShardingConfig of effect/cluster.
  Layer.provide(clusterLayer({ storage: "sql" })),
  Layer.provide(Directory),
  Layer.provide(Database),
  Layer.launch,
  Effect.runPromise
)
