/**
 * Starts PostgreSQL for tests, with its own data directory, on a free loopback port. It is removed when the tests end.
 *
 * PostgreSQL refuses to run as root. If the tests run as root, it runs as the user `postgres` of Debian's package.
 */
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { postgresProgram } from "./installation.ts"
import { answers, freePorts, type Launch, launchIn, watched } from "./running.ts"

/** How to reach a running PostgreSQL. Plain data: vitest passes it to the test files. */
export interface PostgresFacts {
  readonly host: "127.0.0.1"
  readonly port: number
  readonly username: "effect_ldap"
  readonly password: string
  /** A database that is empty at first. A test file creates its own database with `CREATE DATABASE`. */
  readonly database: "postgres"
  /** What the server logs. */
  readonly logFile: string
  /** All output of the server. */
  readonly directory: string
}

/** Begins to start a server. The caller must `stop` it. Takes one to three seconds. */
export const launchPostgres = (options: PostgresOptions = {}): Promise<Launch<PostgresFacts>> =>
  launchIn("postgres", async (folder) => {
    const { commands, facts, isUp } = await preparePostgres(folder, options)
    const server = await watched({
      folder,
      commands,
      logFile: facts.logFile,
      isUp,
      timeout: 60_000,
      // Ends at once, without saving its data.
      signal: "QUIT"
    })
    return { facts, ...server }
  })

export interface PostgresOptions {
  /** Whether a commit waits for the disk, as it does by default outside of tests. */
  readonly fsync?: boolean
}

/** The commands that start a server. The first creates its data, the second is the server and may be run again. */
export const preparePostgres = async (folder: string, { fsync = false }: PostgresOptions = {}): Promise<{
  readonly facts: PostgresFacts
  readonly commands: readonly [ReadonlyArray<string>, ReadonlyArray<string>]
  readonly isUp: () => Promise<boolean>
}> => {
  const port = (await freePorts("127.0.0.1"))[0]!
  const facts: PostgresFacts = {
    host: "127.0.0.1",
    port,
    username: "effect_ldap",
    password: randomUUID(),
    database: "postgres",
    logFile: join(folder, "postgres.log"),
    directory: folder
  }
  const data = join(folder, "data")
  const passwordFile = join(folder, "password")
  // The other user must be able to read the folder, and reads the password once.
  await chmod(folder, 0o711)
  await mkdir(data)
  await writeFile(passwordFile, facts.password, { mode: 0o600 })
  const asUser = process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
  if (asUser.length > 0) execFileSync("chown", ["postgres:postgres", data, passwordFile])
  const settings = {
    listen_addresses: facts.host,
    port,
    unix_socket_directories: "",
    fsync: fsync ? "on" : "off",
    shared_buffers: "64MB",
    max_connections: 200,
    log_min_messages: "log"
  }
  const initdb = [
    ...["--pgdata", data, "--username", facts.username, "--pwfile", passwordFile],
    ...["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
  ]
  return {
    facts,
    commands: [
      [...asUser, postgresProgram("initdb")!, ...initdb],
      [
        ...asUser,
        postgresProgram("postgres")!,
        "-D",
        data,
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
      ]
    ],
    isUp: async () =>
      /ready to accept connections/.test(await readFile(facts.logFile, "utf8")) && (await answers(port, facts.host))
  }
}
