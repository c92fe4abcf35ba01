/**
 * Copies of many directories on several runners, with one PostgreSQL and one slapd. All of them are killed at random while the
 * directories change. At the end every copy equals the output of slapcat, no difference was made twice, and no directory was
 * written by two processes at once.
 */
import { PgClient } from "@effect/sql-pg"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as SqlClient from "effect/sql/SqlClient"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import { storedFrom } from "../../src/changes/replica/tables/StoredEntry.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import { randomFrom } from "../changes/replica/simulation.ts"
import { findExecutable } from "../servers/installation.ts"
import { preparePostgres } from "../servers/postgres.ts"
import { answers, freePorts } from "../servers/running.ts"
import type { RunnerConfig } from "./runner.ts"

export interface ClusterTest {
  readonly tenants: number
  /** How long everything is changed and killed. */
  readonly seconds: number
  readonly seed: number
  readonly print: (line: string) => void
}

export interface ClusterOutcome {
  readonly kills: Readonly<Record<"runner" | "postgres" | "slapd", number>>
  readonly writes: number
  readonly differences: number
  readonly takeovers: number
  readonly entries: number
}

/** A process that is started again when it ends, until it is stopped. */
class Kept {
  readonly name: string
  readonly command: ReadonlyArray<string>
  readonly #log: number
  #child: ChildProcess | undefined
  #isWanted = true

  constructor(name: string, command: ReadonlyArray<string>, logFile: string) {
    this.name = name
    this.command = command
    this.#log = openSync(logFile, "a")
    this.#start()
  }

  kill(): void {
    this.#child?.kill("SIGKILL")
  }

  async stop(): Promise<void> {
    this.#isWanted = false
    const child = this.#child
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.kill(this.name === "postgres" ? "SIGQUIT" : "SIGKILL")
      await ended
    }
    closeSync(this.#log)
  }

  #start(): void {
    const [program, ...rest] = this.command
    this.#child = spawn(program!, rest, { stdio: ["ignore", this.#log, this.#log] })
    this.#child.once("exit", () => {
      if (this.#isWanted) setTimeout(() => this.#isWanted && this.#start(), 500)
    })
  }
}

const admin = { dn: "cn=admin", password: "secret" }

const slapdConf = (folder: string, tenants: ReadonlyArray<string>) => `
${["core", "cosine", "inetorgperson"].map((name) => `include /etc/ldap/schema/${name}.schema`).join("\n")}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile ${folder}/slapd.pid
sizelimit unlimited
threads 8
${
  tenants.map((name) => `
database mdb
suffix "o=${name}"
rootdn "${admin.dn},o=${tenants[0]}"
${name === tenants[0] ? `rootpw ${admin.password}` : ""}
directory ${folder}/${name}
maxsize 33554432
dbnosync
index objectClass,entryCSN,entryUUID eq
access to * by * write
overlay syncprov
syncprov-checkpoint 1 1
syncprov-sessionlog 200`).join("\n")
}
`

/** Runs everything. Throws if a promise is broken. */
export const runCluster = async ({ print, seconds, seed, tenants: count }: ClusterTest): Promise<ClusterOutcome> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-cluster-"))
  const kept: Array<Kept> = []
  const stop = async () => {
    await Promise.all(kept.map((one) => one.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const random = randomFrom(seed)
    const tenants = Array.from({ length: count }, (_, n) => `t${n}`)
    // PostgreSQL.
    const pgFolder = join(folder, "postgres")
    mkdirSync(pgFolder)
    execFileSync("chmod", ["711", folder])
    const prepared = await preparePostgres(pgFolder)
    writeFileSync(prepared.facts.logFile, "")
    execFileSync(prepared.commands[0][0]!, prepared.commands[0].slice(1), { stdio: "ignore" })
    const postgres = new Kept("postgres", prepared.commands[1], prepared.facts.logFile)
    kept.push(postgres)
    // slapd.
    const [ldapPort, ...runnerPorts] = await freePorts("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1")
    const conf = join(folder, "slapd.conf")
    writeFileSync(conf, slapdConf(folder, tenants))
    for (const name of tenants) mkdirSync(join(folder, name))
    const url = `ldap://127.0.0.1:${ldapPort}`
    const slapd = new Kept(
      "slapd",
      [findExecutable("slapd")!, "-d", "none", "-f", conf, "-h", url],
      join(folder, "slapd.log")
    )
    kept.push(slapd)
    while (!(await prepared.isUp()) || !(await answers(ldapPort!))) await delay(50)

    const Database = PgClient.layer({
      ...prepared.facts,
      password: Redacted.make(prepared.facts.password),
      maxConnections: 2
    })
    const query = <A>(use: (sql: SqlClient.SqlClient) => Effect.Effect<A, unknown>) =>
      Effect.runPromise(Effect.provide(Effect.flatMap(SqlClient.SqlClient, use), Database))
    await query((sql) =>
      sql`CREATE TABLE applied (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, replica text NOT NULL, runner integer NOT NULL,
        tag text NOT NULL, uuid text NOT NULL, dn text NOT NULL, hash text NOT NULL, epoch bigint NOT NULL DEFAULT 0)`
    )
    // The epoch under which a difference is written, as the database itself reads it.
    await query((sql) =>
      sql.unsafe(`CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        SELECT r.epoch INTO NEW.epoch FROM ldap_replica r WHERE r.name = NEW.replica; RETURN NEW; END $$`)
    )
    await query((sql) => sql`CREATE TRIGGER stamp BEFORE INSERT ON applied FOR EACH ROW EXECUTE FUNCTION stamp()`)

    // Runners.
    const runnerFile = join(import.meta.dirname, "runner.ts")
    const runners = runnerPorts.map((port, n) => {
      const config: RunnerConfig = {
        port,
        postgres: prepared.facts,
        ldap: { url, ...{ dn: `${admin.dn},o=${tenants[0]}`, password: admin.password } },
        tenants
      }
      return new Kept(
        `runner ${n}`,
        [process.execPath, runnerFile, JSON.stringify(config)],
        join(folder, `runner${n}.log`)
      )
    })
    kept.push(...runners)

    // A writer that continues during all failures.
    let writes = 0
    let isWriting = true
    const known = new Map<string, Array<string>>(tenants.map((name) => [name, []]))
    const writer = Effect.gen(function*() {
      const ldap = yield* LdapClient.LdapClient
      for (const name of tenants) {
        yield* Effect.retry(
          ldap.add(`o=${name}`, { objectClass: "organization", o: name }).pipe(
            Effect.catchReason("LdapError", "EntryAlreadyExists", () => Effect.void)
          ),
          { times: 100 }
        )
      }
      for (let n = 0; isWriting; n++) {
        const name = tenants[random(count)]!
        const people = known.get(name)!
        const kind = random(10)
        const at = random(Math.max(1, people.length))
        const dn = people[at]
        const fresh = `cn=p${n},o=${name}`
        const write: Effect.Effect<unknown, LdapError> = dn === undefined || kind < 4
          ? Effect.as(ldap.add(fresh, { objectClass: "person", cn: `p${n}`, sn: "x" }), people.push(fresh))
          : kind < 7
          ? ldap.modify(dn, LdapModification.replace("description", `d${n}`))
          : kind < 8
          ? Effect.tap(
            ldap.rename(dn, { newRdn: `cn=r${n}` }),
            () => Effect.sync(() => void (people[at] = `cn=r${n},o=${name}`))
          )
          : Effect.tap(ldap.delete(dn), () => Effect.sync(() => void people.splice(at, 1)))
        yield* Effect.matchEffect(write, {
          // The outcome of a write during a kill is unknown, so this entry isn't used any more.
          onFailure: () => Effect.andThen(Effect.sync(() => void people.splice(at, 1)), Effect.sleep(100)),
          onSuccess: () => Effect.sync(() => void writes++)
        })
        yield* Effect.sleep(10)
      }
    }).pipe(Effect.provide(LdapClient.layer({
      url,
      auth: LdapAuth.simple(`${admin.dn},o=${tenants[0]}`, Redacted.make(admin.password)),
      allowInsecureAuth: true,
      requestTimeout: "2 seconds"
    })))
    const writing = Effect.runPromise(writer)

    const kills = { runner: 0, postgres: 0, slapd: 0 }
    const copied = () =>
      query((sql) => sql<{ n: unknown }>`SELECT count(*) AS n FROM ldap_replica WHERE refreshed_at > 0`)
        .then((rows) => Number(rows[0]?.n), () => 0)
    for (const limit = Date.now() + 300_000; (await copied()) < count;) {
      if (Date.now() > limit) throw new Error("the runners didn't begin")
      await delay(500)
    }
    print(`${count} directories are followed`)
    const end = Date.now() + seconds * 1_000
    while (Date.now() < end) {
      const victim = random(6)
      if (victim < 3) {
        kills.runner++
        print(`kill -9 of runner ${victim}`)
        runners[victim]!.kill()
      } else if (victim < 5) {
        kills.slapd++
        print("kill -9 of slapd")
        slapd.kill()
      } else {
        kills.postgres++
        print("kill -9 of PostgreSQL")
        postgres.kill()
      }
      // Sometimes the next one is killed before the others have noticed, sometimes after they have taken over.
      await delay(2_000 + random(16_000))
    }
    isWriting = false
    await writing
    print(`${writes} writes; the copies have to arrive at what slapcat prints`)

    const deadline = Date.now() + 240_000
    let wrong: ReadonlyArray<string> = ["nothing was compared"]
    let entries = 0
    while (Date.now() < deadline) {
      await delay(1_000)
      const outcome = await compare(conf, tenants, query).catch((error: unknown) => ({
        wrong: [String(error)],
        entries: 0
      }))
      wrong = outcome.wrong
      entries = outcome.entries
      if (wrong.length === 0) break
    }
    if (wrong.length > 0) {
      for (const n of runnerPorts.keys())
        print(readFileSync(join(folder, `runner${n}.log`), "utf8").split("\n").slice(-40).join("\n"))
      throw new Error(`copies differ from slapcat:\n${wrong.slice(0, 20).join("\n")}`)
    }
    const applied = await query((sql) =>
      sql<Applied>`SELECT replica, runner, tag, uuid, dn, hash, epoch FROM applied ORDER BY seq`
    )
    const takeovers = checkApplied(applied)
    if (kills.runner > 0 && takeovers === 0) throw new Error("no runner has gone on with what another one followed")
    return { kills, writes, differences: applied.length, takeovers, entries }
  } finally {
    await stop()
  }
}

interface Applied {
  readonly replica: string
  readonly runner: number
  readonly tag: "Added" | "Modified" | "Moved" | "Deleted"
  readonly uuid: string
  readonly dn: string
  readonly hash: string
  readonly epoch: unknown
}

type Query = <A>(use: (sql: SqlClient.SqlClient) => Effect.Effect<A, unknown>) => Promise<A>

const compare = async (conf: string, tenants: ReadonlyArray<string>, query: Query) => {
  const rows = await query((sql) =>
    sql<
      { replica: string; uuid: string; dn_key: string; hash: string }
    >`SELECT r.name AS replica, e.uuid, e.dn_key, e.hash
      FROM ldap_replica_entry e JOIN ldap_replica r ON r.id = e.replica`
  )
  const wrong: Array<string> = []
  let entries = 0
  for (const name of tenants) {
    const copied = new Map(
      rows.filter(({ replica }) => replica === name).map(({ dn_key, hash, uuid }) => [uuid, `${dn_key} ${hash}`])
    )
    const text = execFileSync(findExecutable("slapcat")!, ["-f", conf, "-b", `o=${name}`], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
    for (const record of Result.getOrThrow(Ldif.parse(text))) {
      if (record._tag !== "Entry") continue
      entries++
      const entry = LdapEntry.make(record.dn, record.attributes)
      const uuid = entry.get("entryUUID")!
      const own = LdapEntry.make(entry.dn, entry.attributes.filter(({ description }) => !operational.has(description)))
      const stored = storedFrom(entry.dn, own)
      const expected = `${stored.dnKey} ${stored.hash}`
      if (copied.get(uuid) !== expected)
        wrong.push(`${name}: ${entry.dn} (${uuid}) is ${copied.get(uuid)}, not ${expected}`)
      copied.delete(uuid)
    }
    for (const [uuid, state] of copied) wrong.push(`${name}: ${uuid} is not in the directory: ${state}`)
  }
  return { wrong, entries }
}

const operational = new Set([
  "structuralObjectClass",
  "entryUUID",
  "creatorsName",
  "createTimestamp",
  "entryCSN",
  "modifiersName",
  "modifyTimestamp",
  "contextCSN"
])

/** Each difference must be new, given those before it. The epochs of a copy never go back, and each belongs to one process. */
const checkApplied = (applied: ReadonlyArray<Applied>): number => {
  const states = new Map<string, string>()
  const holders = new Map<string, { readonly epoch: number; readonly runner: number }>()
  let takeovers = 0
  for (const { dn, epoch: stamp, hash, replica, runner, tag, uuid } of applied) {
    const key = `${replica} ${uuid}`
    const state = states.get(key)
    const next = `${dn} ${hash}`
    if ((tag === "Added") !== (state === undefined)) throw new Error(`${tag} of ${key}, which is ${state}`)
    if (tag !== "Deleted" && state === next) throw new Error(`${tag} of ${key} was applied twice`)
    if (tag === "Deleted") states.delete(key)
    else states.set(key, next)
    const epoch = Number(stamp)
    const holder = holders.get(replica)
    if (holder !== undefined && epoch < holder.epoch)
      throw new Error(`${replica}: epoch ${epoch} after ${holder.epoch}`)
    if (holder?.epoch === epoch && holder.runner !== runner) {
      throw new Error(`${replica}: two processes have written in epoch ${epoch}`)
    }
    if (holder !== undefined && holder.runner !== runner) takeovers++
    holders.set(replica, { epoch, runner })
  }
  return takeovers
}
