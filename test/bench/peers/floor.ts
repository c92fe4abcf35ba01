/**
 * The floor: a Node socket that sends prepared requests, splits the response into messages and counts them. It decodes only
 * lengths, ids and tags. In clear text it reads into one buffer, so that no read costs memory. Every client costs more than that.
 */
import * as Net from "node:net"
import * as Tls from "node:tls"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import type { Client, Peer, Target } from "./Peer.ts"

/** Ids have four bytes, so one template is sufficient for all. */
const firstId = 0x01000000
const idOffset = 4

/** Called for every message. `content` is the position of its operation's content. What `chunk` holds may be overwritten afterwards. */
type OnMessage = (id: number, tag: number, chunk: Buffer, content: number) => void

export class Wire {
  readonly #socket: Net.Socket
  #id = firstId
  /** Bytes of the current message that haven't arrived yet. */
  #missing = 0
  #header: Buffer | undefined
  #onMessage: OnMessage = () => {}
  octets = 0

  constructor(socket: Net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
  }

  /** The request with the next id. The position of the id is the same in every message that is shorter than 64 KiB. */
  request(template: Buffer): Buffer {
    const octets = Buffer.from(template)
    octets.writeInt32BE(++this.#id, (octets[1]! < 0x80 ? 0 : (octets[1]! & 0x7f)) + idOffset)
    return octets
  }

  send(octets: Buffer): void {
    this.#socket.write(octets)
  }

  get lastId(): number {
    return this.#id
  }

  /** Waits until `isOver` returns true for a message. */
  until(isOver: (...message: Parameters<OnMessage>) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once("error", reject)
      this.#onMessage = (...message) => {
        if (!isOver(...message)) return
        this.#socket.off("error", reject)
        resolve()
      }
    })
  }

  read(chunk: Buffer): void {
    this.octets += chunk.length
    let octets = chunk
    if (this.#header !== undefined) {
      octets = Buffer.concat([this.#header, chunk])
      this.#header = undefined
    }
    let at = this.#missing
    while (at < octets.length) {
      // 30, length (at most 5), 02, length, id (at most 4), tag, length (at most 5)
      if (octets.length - at < 18 && !isWhole(octets, at)) {
        this.#header = Buffer.from(octets.subarray(at))
        this.#missing = 0
        return
      }
      const [length, header] = lengthAt(octets, at + 1)
      const idAt = at + 1 + header
      const idOctets = octets[idAt + 1]!
      const tagAt = idAt + 2 + idOctets
      const end = idAt + length
      this.#onMessage(octets.readIntBE(idAt + 2, idOctets), octets[tagAt]!, octets, tagAt)
      at = end
    }
    this.#missing = at - octets.length
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve())
      this.#socket.end(this.request(template({ _tag: "UnbindRequest" })))
    })
  }
}

const lengthAt = (octets: Buffer, at: number): readonly [length: number, header: number] => {
  const first = octets[at]!
  return first < 0x80 ? [first, 1] : [octets.readUIntBE(at + 1, first & 0x7f), 1 + (first & 0x7f)]
}

/** Whether a short remainder is a whole message. */
const isWhole = (octets: Buffer, at: number): boolean => {
  if (octets.length - at < 7) return false
  const [length, header] = lengthAt(octets, at + 1)
  return at + 1 + header + length <= octets.length
}

const template = (operation: RequestOperation, controls: ReadonlyArray<LdapControl.LdapControl> = []): Buffer =>
  encode({ messageId: firstId, operation, controls })

export const searchOperation = (
  base: string,
  scope: "base" | "subtree",
  filter: LdapFilter.LdapFilter = LdapFilter.present("objectClass")
): RequestOperation => ({
  _tag: "SearchRequest",
  base,
  scope,
  derefAliases: "never",
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter,
  attributes: []
})

export const search = (
  base: string,
  scope: "base" | "subtree",
  controls?: ReadonlyArray<LdapControl.LdapControl>,
  filter?: LdapFilter.LdapFilter
): Buffer => template(searchOperation(base, scope, filter), controls)

const entryTag = 0x64
const doneTag = 0x65

/** All connections read into it, one after another. */
const lent = Buffer.allocUnsafeSlow(64 * 1024)

/** A connection on which nothing was sent. */
export const open = ({ ca, url }: Pick<Target, "ca" | "url">): Promise<Wire> => {
  const { hostname, port, protocol } = new URL(url)
  const target = { host: hostname, port: Number(port) }
  return new Promise((resolve, reject) => {
    if (protocol === "ldaps:") {
      const socket = Tls.connect({ ...target, ...(ca === undefined ? {} : { ca }) }, () => {
        const wire = new Wire(socket)
        socket.on("data", (chunk) => wire.read(chunk))
        resolve(wire)
      })
      socket.once("error", reject)
      return
    }
    const callback = (count: number): boolean => {
      wire.read(lent.subarray(0, count))
      return true
    }
    const socket = Net.connect({ ...target, onread: { buffer: lent, callback } }, () => resolve(wire))
    const wire = new Wire(socket)
    socket.once("error", reject)
  })
}

export const bindRequest = ({ bindDn, password }: Pick<Target, "bindDn" | "password">): Buffer =>
  template({
    _tag: "BindRequest",
    version: 3,
    name: bindDn,
    authentication: { _tag: "Simple", password: Buffer.from(password) }
  })

/** An add, a modification and a deletion. */
export const writesOf = (dn: string): readonly [add: Buffer, modify: Buffer, delete_: Buffer] => [
  template({
    _tag: "AddRequest",
    dn,
    attributes: [
      { description: "objectClass", values: [Buffer.from("device")] },
      { description: "cn", values: [Buffer.from(dn.slice(3, dn.indexOf(",")))] }
    ]
  }),
  template({ _tag: "ModifyRequest", dn, changes: [LdapModification.replace("description", "changed")] }),
  template({ _tag: "DeleteRequest", dn })
]

/** One request after another, each sent when another one is answered. Requests that a chunk releases are sent in one write. */
export const exchanges = async (wire: Wire, templates: ReadonlyArray<Buffer>, inFlight: number): Promise<void> => {
  let next = Math.min(inFlight, templates.length)
  let answered = 0
  let batch: Array<Buffer> = []
  const over = wire.until((_, tag) => {
    if (tag === entryTag) return false
    if (next < templates.length) {
      if (batch.length === 0) {
        queueMicrotask(() => {
          const full = batch
          batch = []
          wire.send(full.length === 1 ? full[0]! : Buffer.concat(full))
        })
      }
      batch.push(wire.request(templates[next++]!))
    }
    return ++answered === templates.length
  })
  wire.send(Buffer.concat(templates.slice(0, next).map((template) => wire.request(template))))
  await over
}

const connect = async (target: Target): Promise<Client> => {
  const wire = await open(target)

  const count = async (base: string): Promise<number> => {
    let entries = 0
    const over = wire.until((_, tag) => {
      if (tag === entryTag) entries++
      return tag === doneTag
    })
    wire.send(wire.request(search(base, "subtree")))
    await over
    return entries
  }

  const pages = async (base: string, size: number): Promise<number> => {
    let entries = 0
    let cookie: Uint8Array = new Uint8Array(0)
    do {
      let last: Buffer = Buffer.alloc(0)
      const over = wire.until((_, tag, chunk, at) => {
        if (tag === entryTag) entries++
        else last = Buffer.from(chunk.subarray(at))
        return tag === doneTag
      })
      wire.send(wire.request(search(base, "subtree", [LdapControl.pagedResults({ size, cookie })])))
      await over
      // The control is at the end of the message: 04 length (30 length (02 length size, 04 length cookie)).
      const at = last.indexOf(LdapControl.pagedResultsOid) + LdapControl.pagedResultsOid.length
      const sizeAt = at + 4
      const cookieAt = sizeAt + 2 + last[sizeAt + 1]!
      cookie = Buffer.from(last.subarray(cookieAt + 2, cookieAt + 2 + last[cookieAt + 1]!))
    } while (cookie.length > 0)
    return entries
  }

  await exchanges(wire, [bindRequest(target)], 1)

  return {
    stream: count,
    streamRead: count,
    streamText: count,
    collect: count,
    pages,
    values: count,
    lookups: (dns, inFlight) => exchanges(wire, dns.map((dn) => search(dn, "base")), inFlight),
    // Many at a time: all adds, then all changes, then all deletions, since each needs the previous one.
    writes: async (dns, inFlight) => {
      const all = dns.map(writesOf)
      if (inFlight === 1) return exchanges(wire, all.flat(), 1)
      for (const step of [0, 1, 2]) await exchanges(wire, all.map((writes) => writes[step]!), inFlight)
    },
    stop: async (base, dn, onTenth) => {
      let entries = 0
      const tenth = wire.until((_, tag) => tag === entryTag && ++entries === 10)
      wire.send(wire.request(search(base, "subtree")))
      await tenth
      onTenth()
      const abandoned = wire.lastId
      const start = performance.now()
      const abandon = wire.request(template({ _tag: "AbandonRequest", abandoned }))
      const lookup = wire.request(search(dn, "base"))
      const answered = wire.until((id, tag) => tag === doneTag && id === wire.lastId)
      wire.send(Buffer.concat([abandon, lookup]))
      await answered
      return performance.now() - start
    },
    close: () => wire.close()
  }
}

export const peer: Peer = { connect }
