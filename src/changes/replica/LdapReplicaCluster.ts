/**
 * Copies of many directories, shared among many processes by `effect/cluster`: each is followed by exactly one of them at a time.
 *
 * The engine is Effect's: a copy is a singleton of the cluster, on the shard that its name falls on. The fence in the database
 * (`ReplicaStore.fence`) holds also where the cluster is wrong about who is alive.
 *
 * @since 0.2.0
 */
import type { Sharding } from "effect/cluster/Sharding"
import * as Singleton from "effect/cluster/Singleton"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Scope } from "effect/Scope"
import { InvalidOption, LdapReplicaError } from "./model/ReplicaError.ts"

/**
 * A copy, as far as the cluster needs it: an `LdapReplica`.
 *
 * @category models
 * @since 0.2.0
 */
export interface Runnable {
  readonly name: string
  readonly run: Effect.Effect<void, unknown>
}

/**
 * How copies are shared.
 *
 * @category models
 * @since 0.2.0
 */
export interface ClusterOptions {
  /** The shard group of the cluster. Default `"default"`. */
  readonly shardGroup?: string | undefined

  /**
   * The pause before a copy that has failed begins again. Default 30 seconds, at least 100 milliseconds. The failure is logged as an error.
   */
  readonly restartAfter?: Duration.Input | undefined
}

/**
 * Follows directories into their copies, each on one process of the cluster at a time.
 *
 * **When to use**
 *
 * Use it where one process isn't enough: many directories, or one directory that has to be followed also when a machine dies. For a single
 * process, `run` of the copy is enough.
 *
 * **Details**
 *
 * All processes have the same list. Each copy is given by its name and the effect that makes it, which runs on the process that has it; its
 * scope closes when the copy moves on. After a process has died, another one follows the directory from the checkpoint: after the expiry of
 * the cluster's shard locks (`shardLockExpiration`, 35 seconds), and of the `lease` of the copy. Choose the lease no longer than
 * that.
 *
 * An option that is wrong fails the layer with `InvalidOption`. A copy that fails is logged as an error and begins again after `restartAfter`; the others go on. So a copy that was stopped with
 * `TooManyDeletions` goes on after `confirmDeletions`, which any process may call.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient } from "effect-ldap"
 * import { LdapReplica } from "effect-ldap/replica"
 * import { layer } from "effect-ldap/replica/LdapReplicaCluster"
 * import { Effect } from "effect"
 *
 * const tenants = ["acme", "initech"]
 *
 * const Copies = layer(tenants.map((tenant) => ({
 *   name: tenant,
 *   replica: LdapReplica.make({ name: tenant, base: `o=${tenant}` }).pipe(
 *     Effect.provide(LdapClient.layer({ url: `ldaps://ldap.${tenant}.example` }))
 *   )
 * })))
 * // Provide NodeClusterSocket.layer({ storage: "sql" }) of @effect/platform-node, and PgClient.layer of @effect/sql-pg.
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = <E, R>(
  replicas: ReadonlyArray<{ readonly name: string; readonly replica: Effect.Effect<Runnable, E, R> }>,
  options: ClusterOptions = {}
): Layer.Layer<never, LdapReplicaError, Sharding | Exclude<R, Scope>> => {
  const restartAfter = Duration.fromInput(options.restartAfter ?? "30 seconds")
  if (Option.isNone(restartAfter) || Duration.toMillis(restartAfter.value) < leastPause) {
    const reason = new InvalidOption({ field: "restartAfter", detail: "it is a duration of at least 100 milliseconds" })
    const replica = replicas.map(({ name }) => name).join(", ")
    return Layer.effectDiscard(Effect.fail(new LdapReplicaError({ replica, reason })))
  }
  return Layer.mergeAll(
    Layer.empty,
    ...replicas.map(({ name, replica }) =>
      Singleton.make(
        `effect-ldap/replica/${name}`,
        Effect.scoped(Effect.flatMap(replica, ({ run }) => run)).pipe(
          Effect.catchCause((cause) => Effect.logError(`the copy "${name}" has failed, and begins again`, cause)),
          Effect.andThen(Effect.sleep(restartAfter.value)),
          Effect.forever,
          Effect.annotateLogs({ "ldap.replica": name })
        ),
        { shardGroup: options.shardGroup }
      )
    )
  )
}

/** Milliseconds. A copy that fails at once must not keep its process and its servers busy. */
const leastPause = 100
