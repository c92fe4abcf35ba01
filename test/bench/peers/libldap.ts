/**
 * libldap, OpenLDAP's library in C: starts the program that libldap.c compiles to, and sends it commands. The CPU and the memory
 * are that program's.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Client, Peer, Target } from "./Peer.ts"

/** The path of the compiled program, for the processes that `run.ts` starts. */
const variable = "EFFECT_LDAP_BENCH_LIBLDAP"

/** Compiles the program for this process and those that it starts. Returns what is missing, if it can't be compiled. */
export const compileLibldap = (): string | undefined => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, "libldap")
  const source = join(import.meta.dirname, "libldap.c")
  const { error, stderr } = spawnSync("cc", ["-O2", "-o", program, source, "-lldap", "-llber"], { encoding: "utf8" })
  if (error !== undefined) return "there is no C compiler (cc) for libldap"
  if (stderr.includes("error:")) return "libldap's headers are missing (Debian: libldap-dev)"
  process.env[variable] = program
  return undefined
}

/** `textCommand` reads all names and values of an entry; libldap.c has two ways. */
export const connectBy =
  (textCommand: "text" | "inplace") => async ({ bindDn, ca, password, url }: Target): Promise<Client> => {
    const path = process.env[variable]
    if (path === undefined) throw new Error(`${variable} is not set`)
    const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-"))
    const certificate = join(folder, "ca.crt")
    if (ca !== undefined) writeFileSync(certificate, ca)
    const program = spawn(path, { stdio: ["pipe", "pipe", "inherit"] })
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()

    const send = async (...sent: ReadonlyArray<string>): Promise<ReadonlyArray<number>> => {
      program.stdin.write(`${sent.join("\n")}\n`)
      const { value: answer } = await lines.next() as IteratorResult<string, string | undefined>
      if (answer?.startsWith("ok ") !== true) throw new Error(`libldap: ${answer ?? "the program has ended"}`)
      return answer.slice("ok ".length).split(" ").map(Number)
    }
    const number = async (command: string): Promise<number> => (await send(command))[0]!

    await send(url, ca === undefined ? "" : certificate, bindDn, password)
    return {
      stream: (base) => number(`stream ${base}`),
      streamRead: (base) => number(`two ${base}`),
      streamText: (base) => number(`${textCommand} ${base}`),
      collect: (base) => number(`collect ${base}`),
      pages: (base, size) => number(`pages ${size} ${base}`),
      values: (base, attribute) => number(`values ${attribute} ${base}`),
      lookups: async (dns, inFlight) => void (await send(`lookups ${inFlight} ${dns.length}`, ...dns)),
      writes: async (dns, inFlight) => void (await send(`writes ${inFlight} ${dns.length}`, ...dns)),
      connections: async (times) => void (await send(`cycles ${times}`)),
      used: async () => {
        const [cpuMicros, resident, peak] = await send("usage")
        return { cpuMicros: cpuMicros!, resident: resident! / 1_024, peak: peak! / 1_024 }
      },
      close: async () => {
        const exit = once(program, "exit")
        program.stdin.write("end\n")
        await exit
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }

export const peer: Peer = { connect: connectBy("text") }
