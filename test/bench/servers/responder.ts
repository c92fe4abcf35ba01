/**
 * A process that answers LDAP requests out of prepared buffers, so that the client is measured and not a server.
 * Prints its port when it listens, and ends with its parent.
 *
 * The base of a search says what comes back: a name below `ou=people` is one entry, a number as in `o=50000,…` so many
 * entries, `o=200,ou=larger` an entry with a value of so many megabytes, `ou=slow` nothing until `cn=answer` is looked up, anything
 * else all people.
 */
import { createServer, type Socket } from "node:net"
import { groupRecords, groups, large, largeRecord, largerRecord, people, person, sizes } from "./directory.ts"
import { done, PreparedAnswer, results } from "./prepared.ts"

const size = sizes(process.argv.includes("--quick"))
const blockSize = 1_000
const pieceSize = 1_048_576
const block = PreparedAnswer.entries(Array.from({ length: blockSize }, (_, i) => person(i)))
const one = PreparedAnswer.entries([person(1)])
const subtrees = new Map<string, () => PreparedAnswer>([
  [groups, () => PreparedAnswer.entries(groupRecords(size))]
])
const prepared = new Map<string, PreparedAnswer>()

interface Request {
  readonly id: number
  readonly tag: number
  readonly content: Buffer
}

/** Requests are small and in the shortest form; this parser is for trusted peers only. */
const lengthAt = (octets: Buffer, at: number): readonly [length: number, header: number] => {
  const first = octets[at]!
  return first < 0x80 ? [first, 1] : [octets.readUIntBE(at + 1, first & 0x7f), 1 + (first & 0x7f)]
}

const requestsIn = (octets: Buffer): { readonly requests: ReadonlyArray<Request>; readonly rest: Buffer } => {
  const requests: Array<Request> = []
  let at = 0
  while (octets.length - at >= 7) {
    const [length, header] = lengthAt(octets, at + 1)
    const end = at + 1 + header + length
    if (end > octets.length) break
    const idAt = at + 1 + header
    const idOctets = octets[idAt + 1]!
    const tagAt = idAt + 2 + idOctets
    const [, operationHeader] = lengthAt(octets, tagAt + 1)
    requests.push({
      id: octets.readUIntBE(idAt + 2, idOctets),
      tag: octets[tagAt]!,
      content: octets.subarray(tagAt + 1 + operationHeader, end)
    })
    at = end
  }
  return { requests, rest: octets.subarray(at) }
}

const baseOf = (content: Buffer): string => {
  const [length, header] = lengthAt(content, 1)
  return content.toString("utf8", 1 + header, 1 + header + length)
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done)
      socket.off("close", done)
      resolve()
    }
    socket.on("drain", done)
    socket.on("close", done)
  })

const serve = (socket: Socket): void => {
  let rest: Buffer = Buffer.alloc(0)
  const abandoned = new Set<number>()
  let held: Array<number> = []

  /** Many entries, in blocks, as fast as the peer takes them. */
  const flood = async (id: number, count: number): Promise<void> => {
    for (let sent = 0; sent < count && !abandoned.has(id) && !socket.destroyed; sent += blockSize) {
      if (!socket.write(Buffer.from(block.for(id)))) await drained(socket)
      else await new Promise(setImmediate)
    }
    if (!abandoned.delete(id)) socket.write(Buffer.from(done.for(id)))
  }

  /** A large value, piece by piece from its buffer: copying it would take as long as reading it. */
  const pour = async (id: number, answer: PreparedAnswer): Promise<void> => {
    const octets = answer.for(id)
    for (let at = 0; at < octets.length && !socket.destroyed; at += pieceSize) {
      if (!socket.write(octets.subarray(at, at + pieceSize))) await drained(socket)
    }
    socket.write(Buffer.from(done.for(id)))
  }

  const search = (id: number, base: string): Buffer | undefined => {
    const megabytes = /^o=(\d+),ou=larger,/.exec(base)?.[1]
    if (megabytes !== undefined || base === large) {
      let answer = prepared.get(base)
      if (answer === undefined) {
        const record = megabytes === undefined ? largeRecord(size) : largerRecord(Number(megabytes))
        prepared.set(base, answer = PreparedAnswer.entries([record]))
      }
      void pour(id, answer)
      return undefined
    }
    const count = /^o=(\d+),/.exec(base)?.[1]
    if (base.startsWith("ou=slow")) {
      held.push(id)
      return undefined
    }
    if (base.startsWith("cn=answer")) {
      const all = [...held, id]
      held = []
      return Buffer.concat(all.map((id) => Buffer.concat([one.for(id), done.for(id)])))
    }
    if (count !== undefined || base === people) {
      void flood(id, count === undefined ? size.people : Number(count))
      return undefined
    }
    const subtree = subtrees.get(base)
    if (subtree === undefined && !prepared.has(base)) return Buffer.concat([one.for(id), done.for(id)])
    let answer = prepared.get(base)
    if (answer === undefined) prepared.set(base, answer = subtree!())
    return Buffer.concat([answer.for(id), done.for(id)])
  }

  socket.setNoDelay(true)
  socket.on("error", () => {})
  socket.on("data", (chunk) => {
    const cut = requestsIn(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
    rest = cut.rest
    const answers: Array<Buffer> = []
    for (const { content, id, tag } of cut.requests) {
      if (tag === 0x42) socket.end()
      if (tag === 0x50) abandoned.add(content.readUIntBE(0, content.length))
      const answer = tag === 0x63 ? search(id, baseOf(content)) : results.get(tag)?.for(id)
      if (answer !== undefined) answers.push(Buffer.from(answer))
    }
    if (answers.length > 0) socket.write(Buffer.concat(answers))
  })
}

const server = createServer(serve)
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null) console.log(address.port)
})
// The parent holds the other end.
process.stdin.resume().once("end", () => process.exit(0))
