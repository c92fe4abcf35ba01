/**
 * Copies of many directories, shared among many processes by `effect/cluster`: each is followed by exactly one of them at a time.
 *
 * Effect's cluster does the work: a copy is a cluster singleton, on the shard that is computed from its name. The fence in the database
 * (`ReplicaStore.fence`) protects the copy even if the cluster is wrong about which processes are alive.
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
 * Use it if one process isn't enough: for many directories, or for one directory that must be followed even if a machine fails. For a
 * single process, `run` of the copy is enough.
 *
 * **Details**
 *
 * All processes have the same list. Each copy is given by its name and the effect that makes it. The effect runs on the process that has
 * the copy, and its scope closes when the copy moves to another process. If a process dies, another one follows the directory from the
 * checkpoint, after both the cluster's shard locks (`shardLockExpiration`, 35 seconds) and the `lease` of the copy have expired. Choose a
 * lease that is not longer than the shard locks.
 *
 * An invalid option fails the layer with `InvalidOption`. If a copy fails, the error is logged, and the copy starts again after
 * `restartAfter`; the others continue. So a copy that has stopped with `TooManyDeletions` continues after `confirmDeletions`, which any
 * process may call.
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

/** Milliseconds. A copy that fails at once must not keep its process and its servers busy with restarts. */
const leastPause = 100
