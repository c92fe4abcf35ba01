/**
 * The connections of clients in slapd's log (`loglevel stats`).
 *
 * For each event on a connection, slapd writes a line such as
 *
 *     conn=1000 fd=12 ACCEPT from IP=127.0.0.1:40312 (IP=127.0.0.1:38901)
 *     conn=1000 op=0 BIND dn="cn=admin,dc=example,dc=com" method=128
 *     conn=1000 op=1 SRCH base="ou=people,dc=example,dc=com" scope=2 deref=0 filter="(uid=alice)"
 *     conn=1000 op=2 ABANDON msg=2
 *     conn=1000 op=3 UNBIND
 *     conn=1000 fd=12 closed
 *
 * After an unbind the last line is a bare `closed`; a connection that ended without one is `closed (connection lost)`.
 */
import { readFile } from "node:fs/promises"
import { setTimeout as delay } from "node:timers/promises"

/** One connection, as slapd saw it. */
export interface SlapdConnection {
  /** The number that slapd assigned to it. */
  readonly id: number
  /** `IP=127.0.0.1:40312`, or `PATH=…` on the unix socket. */
  readonly peer: string
  /** All lines about it, without the time and the connection's number. */
  readonly lines: ReadonlyArray<string>
  readonly unbinds: number
  readonly abandons: number
  /** Why it ended: empty after an unbind, otherwise slapd's text, such as `connection lost`; undefined while it is open. */
  readonly closed: string | undefined
}

/** All connections so far, in the order in which slapd accepted them. */
export const readConnections = async (logFile: string): Promise<ReadonlyArray<SlapdConnection>> => {
  const connections = new Map<number, Array<string>>()
  for (const line of (await readFile(logFile, "utf8")).split("\n")) {
    const match = /\bconn=(\d+) (.*)$/.exec(line)
    if (match === null) continue
    const id = Number(match[1])
    const lines = connections.get(id)
    if (lines === undefined) connections.set(id, [match[2]!])
    else lines.push(match[2]!)
  }
  return Array.from(connections, ([id, lines]) => {
    const closed = lines.map((line) => /^fd=\d+ closed(?: \((.*)\))?$/.exec(line)).find((match) => match !== null)
    return {
      id,
      peer: /^fd=\d+ ACCEPT from (\S+)/.exec(lines[0]!)?.[1] ?? "",
      lines,
      unbinds: lines.filter((line) => /^op=\d+ UNBIND$/.test(line)).length,
      abandons: lines.filter((line) => /^op=\d+ ABANDON\b/.test(line)).length,
      closed: closed && (closed[1] ?? "")
    }
  })
}

/**
 * The connections with a line that contains `marker`. Waits until there are `count` of them and slapd has closed all of them.
 *
 * Test files share the server, so a test marks its connections: with a base, a filter or a bind DN that no other test uses, or by
 * its own address (`IP=127.0.0.1:${localPort} `). slapd notices an end a moment after the client, so this function waits. After
 * `timeout` milliseconds it fails with the log.
 */
export const closedConnections = async (
  logFile: string,
  marker: string,
  { count = 1, timeout = 20_000 }: { readonly count?: number; readonly timeout?: number } = {}
): Promise<ReadonlyArray<SlapdConnection>> => {
  const deadline = performance.now() + timeout
  for (;;) {
    const marked = (await readConnections(logFile)).filter(({ lines }) => lines.some((line) => line.includes(marker)))
    if (marked.length >= count && marked.every(({ closed }) => closed !== undefined)) return marked
    if (performance.now() > deadline) {
      const log = marked.flatMap(({ id, lines }) => lines.map((line) => `\n  conn=${id} ${line}`)).join("")
      const what = `connections with ${JSON.stringify(marker)}`
      throw new Error(`slapd's log has ${marked.length} of ${count} ${what}, or not all closed:${log}`)
    }
    await delay(10)
  }
}
