/**
 * A runner of the cluster, in its own process. It follows the directories that are assigned to it, and records each difference in
 * the same transaction, with the epoch and its process. run.ts starts and kills it.
 */
import { layer as clusterLayer } from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapReplica from "../../src/changes/replica/LdapReplica.ts"
import * as LdapReplicaCluster from "../../src/changes/replica/LdapReplicaCluster.ts"
import { storedFrom } from "../../src/changes/replica/tables/StoredEntry.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"

export interface RunnerConfig {
  readonly port: number
  readonly postgres: {
    readonly host: string
    readonly port: number
    readonly username: string
    readonly password: string
    readonly database: string
  }
  readonly ldap: { readonly url: string; readonly dn: string; readonly password: string }
  readonly tenants: ReadonlyArray<string>
}

const config = JSON.parse(process.argv[2]!) as RunnerConfig

const replicaOf = (name: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    return yield* LdapReplica.make({
      name,
      base: `o=${name}`,
      maxDeletions: Infinity,
      lease: "4 seconds",
      apply: (changes) =>
        sql`INSERT INTO applied ${
          sql.insert(
            changes.map((change) => ({
              replica: name,
              runner: process.pid,
              tag: change._tag,
              uuid: change.uuid,
              dn: change.dn,
              hash: change._tag === "Deleted" ? "" : storedFrom(change.dn, change.entry).hash
            })) as never
          )
        }`
    })
  })

const Cluster = clusterLayer({
  storage: "sql",
  runnerHealth: "ping",
  shardingConfig: {
    runnerAddress: Option.some(new RunnerAddress.RunnerAddress({ host: "127.0.0.1", port: config.port })),
    shardLockRefreshInterval: Duration.seconds(3),
    shardLockExpiration: Duration.seconds(10),
    refreshAssignmentsInterval: Duration.seconds(1),
    entityMessagePollInterval: Duration.seconds(2),
    runnerHealthCheckInterval: Duration.seconds(2),
    shardsPerGroup: 60
  }
})

const Main = LdapReplicaCluster.layer(
  config.tenants.map((name) => ({ name, replica: replicaOf(name) })),
  { restartAfter: "1 second" }
).pipe(
  Layer.provide(Cluster),
  Layer.provide(LdapClient.layer({
    url: config.ldap.url,
    auth: LdapAuth.simple(config.ldap.dn, Redacted.make(config.ldap.password)),
    allowInsecureAuth: true,
    pool: { max: config.tenants.length * 2 + 4 }
  })),
  Layer.provide(
    PgClient.layer({ ...config.postgres, password: Redacted.make(config.postgres.password), maxConnections: 12 })
  )
)

// A runner that can't start, or loses its cluster, ends and is started again.
Effect.runPromise(Layer.launch(Main)).then(() => process.exit(0), (error: unknown) => {
  console.error(error)
  process.exit(1)
})
