/**
 * Common parts of starting servers: free ports, a folder for each server, and a process that ends with the tests, however they end.
 */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"

/** A server that is starting. Its properties are known before it answers. */
export interface Launch<Facts> {
  readonly facts: Facts
  /** Resolves when the server answers and has all its data. Rejects if it has ended instead. */
  readonly ready: Promise<void>
  /** Ends the server and removes its files. May be called several times. */
  readonly stop: () => Promise<void>
}

const marker = "ready"

/**
 * Writes a file into the server's folder when the server answers. Other processes know the server's properties from the beginning
 * and wait for this file.
 */
export const announce = ({ facts, ready }: Launch<{ readonly directory: string }>): Promise<void> =>
  ready.then(() => writeFile(join(facts.directory, marker), ""))

/** Resolves when the server in this folder answers. Rejects if it never will. */
export const whenReady = async ({ directory }: { readonly directory: string }): Promise<void> => {
  while (!existsSync(join(directory, marker))) {
    if (!existsSync(directory)) throw new Error("the server didn't start; the output of the run says why")
    await delay(20)
  }
}

/** A server that answers. */
export type Running<Facts> = Facts & { readonly stop: () => Promise<void> }

/** Returns the server when it answers. If it doesn't, its files are removed. */
export const running = async <Facts>(launch: Promise<Launch<Facts>>): Promise<Running<Facts>> => {
  const { facts, ready, stop } = await launch
  await ready
  return { ...facts, stop }
}

/** Makes a server's folder and lets `prepare` fill it. After a failure the folder is removed. */
export const launchIn = async <A>(name: string, prepare: (folder: string) => Promise<A>): Promise<A> => {
  const folder = await mkdtemp(join(tmpdir(), `effect-ldap-${name}-`))
  try {
    return await prepare(folder)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

export interface Commands {
  readonly folder: string
  /** Commands to run in turn. The last one is the server. */
  readonly commands: ReadonlyArray<ReadonlyArray<string>>
  /** The file for all their output. */
  readonly logFile: string
  /** Whether the server answers now. */
  readonly isUp: () => Promise<boolean>
  /** In milliseconds. */
  readonly timeout: number
  /** The signal that ends the server. Servers that take long to save their data needn't do that, since the data is thrown away. */
  readonly signal: "TERM" | "KILL" | "QUIT"
}

/**
 * Runs a server under a shell. When this process's end of a pipe closes, the shell ends the server and removes its folder. The pipe
 * closes however this process ends, even if it is killed.
 */
export const watched = async (
  { commands, folder, isUp, logFile, signal, timeout }: Commands
): Promise<Pick<Launch<unknown>, "ready" | "stop">> => {
  const start = join(folder, "start.sh")
  const lines = commands.map((command) => command.map(quoted).join(" "))
  await writeFile(logFile, "")
  await writeFile(
    start,
    [
      `trap '[ -z "$!" ] || kill -${signal} $!; wait; exit 143' TERM`,
      ...lines.map((line) => `${line} & wait $! || exit`),
      ""
    ].join("\n")
  )
  const watch = `
    folder=$1 log=$2
    trap '' INT HUP TERM
    exec 3<&0
    (trap - INT HUP TERM; exec sh "$folder/start.sh") 3<&- < /dev/null > "$log" 2>&1 &
    server=$!
    (cat <&3; kill $server) > /dev/null 2>&1 &
    watcher=$!
    wait $server
    status=$?
    kill -KILL $watcher 2> /dev/null
    echo "the server ended with status $status" >> "$log"
    cat <&3 > /dev/null
    rm -rf "$folder"
  `
  // A process group of its own, so that Ctrl-C in a terminal reaches the tests first, and the tests end the server.
  const shell = spawn("sh", ["-c", watch, "server", folder, logFile], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true
  })
  const ended = new Promise<void>((resolve, reject) => shell.once("error", reject).once("exit", () => resolve()))
  ended.catch(() => {})
  // The server must not keep this process alive.
  shell.unref()
  const stop = async (): Promise<void> => {
    shell.ref()
    shell.stdin.end()
    await ended
  }
  const answer = async (): Promise<void> => {
    const deadline = performance.now() + timeout
    while (!(await isUp())) {
      const log = await readFile(logFile, "utf8").catch(() => "it was stopped")
      if (/^the server ended\b/m.test(log) || log === "it was stopped" || performance.now() > deadline) {
        await stop()
        throw new Error(`the server didn't start:\n${log.trim().split("\n").slice(-20).join("\n")}`)
      }
      await delay(5)
    }
  }
  const ready = answer()
  ready.catch(() => {})
  return { ready, stop }
}

const quoted = (argument: string): string => `'${argument.replaceAll("'", "'\\''")}'`

/** Whether a process listens on a port. */
export const answers = (port: number, host = "127.0.0.1"): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host)
    const done = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once("connect", () => done(true)).once("error", () => done(false))
  })

const listen = (port: number, host: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(port, host, () => resolve(server))
  })

const close = (servers: ReadonlyArray<Server>): Promise<unknown> =>
  Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))

/**
 * A port below the range that systems assign to clients. This process listens on it from now on. Until a server listens on one of
 * the other ports, the system could assign that port to a connection of any test.
 */
const listenBelow = async (host: string): Promise<Server> => {
  for (let attempt = 1;; attempt++) {
    try {
      return await listen(15_000 + Math.floor(Math.random() * 17_000), host)
    } catch (error) {
      if (attempt === 100) throw error
    }
  }
}

/** Free ports. They are reserved together, so no two are the same. */
export const freePorts = async (...hosts: ReadonlyArray<string>): Promise<ReadonlyArray<number>> => {
  const servers = await Promise.all(hosts.map(listenBelow))
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("the server listens on no port")
    return address.port
  })
  await close(servers)
  return ports
}

/**
 * A loopback address on which all of these ports are free, for a server whose ports can't be chosen. On Linux, all addresses in
 * 127.0.0.0/8 are loopback addresses.
 */
export const freeAddress = async (...ports: ReadonlyArray<number>): Promise<string> => {
  const part = () => 1 + Math.floor(Math.random() * 250)
  for (let attempt = 1;; attempt++) {
    const address = `127.${part()}.${part()}.${part()}`
    const results = await Promise.allSettled(ports.map((port) => listen(port, address)))
    await close(results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []))
    const failure = results.find((result) => result.status === "rejected")
    if (failure === undefined) return address
    if (attempt === 5) throw failure.reason
  }
}
