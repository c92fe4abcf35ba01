/** `--trace`: prints the messages of all connections, one per line, with passwords cut out. */
import * as LdapTransport from "../../connection/LdapTransport.ts"
import { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { jsonText } from "../output/terminalText.ts"

/** A transport that prints the messages that pass through it. */
export const traced = (
  transport: LdapTransport.LdapTransport,
  write: (line: string) => void,
  numbers: Numbers
): LdapTransport.LdapTransport => {
  const own = new Map<number, number>()
  return LdapTransport.tap(transport, (event) => {
    if (event._tag === "Opened") own.set(event.connection, ++numbers.last)
    write(lineOf(event, own.get(event.connection) ?? 0))
  })
}

/** Each transport counts its own connections; this counter numbers those of all transports. */
interface Numbers {
  last: number
}

const lineOf = (event: LdapTransport.TapEvent, connection: number): string => {
  const head = `${new Date(event.at).toISOString()} ${connection}`
  switch (event._tag) {
    case "Opened":
      return `${head} -- connected to ${event.server}, protection: ${event.protection}`
    case "Sent":
      return `${head} -> ${messageText(event.message)}`
    case "Received":
      return `${head} <- ${messageText(event.message)}`
    case "Unreadable":
      return `${head} -- what is ${event.direction} from here on can't be read: it is encrypted, or no LDAP`
    case "Ended":
      return `${head} -- ended: ${event.detail}`
  }
}

type Message = Extract<LdapTransport.TapEvent, { readonly _tag: "Sent" }>["message"]

const messageText = ({ controls, messageId, operation }: Message): string => {
  const { _tag, ...rest } = operation
  const shown = { ...rest, ...(controls.length === 0 ? undefined : { controls }) }
  return `${messageId} ${_tag} ${jsonText(readable(shown))}`
}

/** Bytes are shown as text if they are text; filters and entries in their usual form; long values are cut. */
const readable = (value: unknown): unknown => {
  if (typeof value === "string") return cut(value)
  if (value instanceof Uint8Array) return bytes(value)
  if (Array.isArray(value)) return value.map(readable)
  if (value instanceof LdapEntry) return readable({ dn: value.dn, attributes: value.attributes })
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]: [string, unknown]) =>
      part === undefined ? [] : [[name, name === "filter" ? filterText(part) : readable(part)]]
    )
  )
}

const filterText = (filter: unknown): unknown =>
  typeof filter === "object" && filter !== null && "_tag" in filter
    ? cut(LdapFilter.format(filter as LdapFilter.LdapFilter))
    : readable(filter)

const bytes = (value: Uint8Array): unknown => {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.length)
  const text = buffer.toString("utf8")
  return Buffer.from(text).equals(buffer) && !/\p{Cc}/u.test(text)
    ? cut(text)
    : { base64: cut(buffer.toString("base64")) }
}

const cut = (text: string): string => text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text
