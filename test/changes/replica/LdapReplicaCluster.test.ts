/**
 * Copies shared by two processes of examples/replica/cluster.ts with PostgreSQL. One process is killed, and the other continues with its
 * directories from their checkpoints. `npm run test:replica` does this with 20 directories and three processes, and kills servers too.
 */
import { assert, describe, it } from "@effect/vitest"
import { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Scope } from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapReplica from "../../../src/changes/replica/LdapReplica.ts"
import * as LdapReplicaCluster from "../../../src/changes/replica/LdapReplicaCluster.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { freePorts } from "../../servers/running.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { postgresAt } from "./databases.ts"

const program = join(import.meta.dirname, "../../../examples/replica/cluster.ts")

interface Row {
  readonly name: string
  readonly owner: string
  readonly epoch: number
  readonly described: number
  readonly entries: number
}

const tenants = ["acme", "initech", "hooli", "umbrella"]

describe("copies in a cluster", () => {
  it.effect("a wrong pause fails the layer", () =>
    Effect.gen(function*() {
      for (const restartAfter of ["soon", -1, 0, "10 millis", {}]) {
        const layer = LdapReplicaCluster.layer([], { restartAfter: restartAfter as never })
        // A layer that fails doesn't use the cluster.
        const building = Layer.build(layer).pipe(Effect.provideService(Sharding, undefined as never))
        const error = yield* Effect.flip(
          Effect.scoped(building as Effect.Effect<unknown, LdapReplica.LdapReplicaError, Scope>)
        )
        assert.instanceOf(error, LdapReplica.LdapReplicaError)
        assert.deepInclude(error.reason, { _tag: "InvalidOption", field: "restartAfter" })
      }
    }))

  const server = inject("postgres")
  describe.skipIf(server === undefined)("with PostgreSQL", () => {
    if (server === undefined) return
    waitFor(server)

    it.live("if a process is killed, another one continues from the checkpoint", () =>
      Effect.gen(function*() {
        const directory = yield* InMemoryDirectory.make({
          suffixes: tenants.map((name) => `o=${name}`),
          entries: tenants.flatMap((name) => [
            { dn: `o=${name}`, attributes: { objectClass: "organization", o: name } },
            ...["ada", "grace"].map((cn) => ({ dn: `cn=${cn},o=${name}`, attributes: { objectClass: "device", cn } }))
          ]),
          admin: { dn: "cn=admin,o=acme", password: "secret" }
        })
        const { url } = yield* InMemoryDirectory.listen(directory)
        const database = `cluster_${randomUUID().replaceAll("-", "")}`
        yield* Effect.provide(
          Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE DATABASE ${sql(database)}`),
          postgresAt(server, server.database)
        )
        const ports = yield* Effect.promise(() => freePorts("127.0.0.1", "127.0.0.1"))
        let complaint = ""
        const start = (port: number): ChildProcess => {
          const child = spawn(process.execPath, [program], {
            stdio: ["ignore", "pipe", "pipe"],
            env: {
              ...process.env,
              TENANTS: tenants.join(","),
              DATABASE_URL:
                `postgres://${server.username}:${server.password}@${server.host}:${server.port}/${database}`,
              LDAP_URL: url,
              LDAP_BIND_DN: "cn=admin,o=acme",
              LDAP_PASSWORD: "secret",
              LDAP_ALLOW_INSECURE_AUTH: "true",
              LEASE: "1 second",
              HOST: "127.0.0.1",
              PORT: String(port),
              SHARDS_PER_GROUP: "20",
              SHARD_LOCK_REFRESH_INTERVAL: "500 millis",
              SHARD_LOCK_EXPIRATION: "2 seconds",
              REFRESH_ASSIGNMENTS_INTERVAL: "300 millis",
              RUNNER_HEALTH_CHECK_INTERVAL: "500 millis"
            }
          })
          for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", (text: string) => (complaint += text))
          }
          return child
        }
        const children = yield* Effect.acquireRelease(
          Effect.sync(() => [start(ports[0]!)]),
          (children) => Effect.sync(() => children.forEach((child) => child.kill("SIGKILL")))
        )
        const rows = Effect.flatMap(SqlClient.SqlClient, (sql) =>
          sql<Row>`SELECT r.name, r.owner, r.epoch::integer AS epoch,
              (SELECT count(*)::integer FROM ldap_replica_entry e WHERE e.replica = r.id AND e.attributes ->> 'description' IS NOT NULL) AS described,
              (SELECT count(*)::integer FROM ldap_replica_entry e WHERE e.replica = r.id) AS entries
            FROM ldap_replica r ORDER BY r.name`).pipe(Effect.orElseSucceed((): ReadonlyArray<Row> => []))
        const until = (isSo: (rows: ReadonlyArray<Row>) => boolean) =>
          Effect.gen(function*() {
            for (let turn = 0; turn < 1000; turn++) {
              const found = yield* rows
              if (found.length === tenants.length && isSo(found))
                return found
              yield* Effect.sleep("50 millis")
            }
            return yield* Effect.die(new Error(`not so: ${JSON.stringify(yield* rows)}\n${complaint}`))
          })
        yield* Effect.gen(function*() {
          const before = yield* until((rows) =>
            rows.every(({ entries }) => entries === 3)
          )
          const writer = yield* LdapSession.fromTransport(directory.transport, {
            auth: LdapAuth.simple("cn=admin,o=acme", Redacted.make("secret"))
          })
          const describeAll = (cn: string) =>
            Effect.forEach(tenants, (name) =>
              writer.modify(`cn=${cn},o=${name}`, LdapModification.replace("description", "changed")), {
              discard: true
            })
          children.push(start(ports[1]!))
          children[0]!.kill("SIGKILL")
          yield* describeAll("ada")
          const after = yield* until((rows) =>
            rows.every(({ described }) =>
              described === 1
            )
          )
          for (const [at, { epoch, owner }] of after.entries()) {
            assert.notStrictEqual(owner, before[at]!.owner)
            assert.isAbove(epoch, before[at]!.epoch)
          }
        }).pipe(Effect.provide(postgresAt(server, database)))
      }), 150_000)
  })
})
