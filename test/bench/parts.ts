/**
 * The parts of the benchmark: what is done, by whom, against what, and how often.
 */
import type { Work } from "./measure.ts"

/** Where the requests go: to slapd, to slapd over TLS, or to the responder that answers out of buffers. */
export type Against = "slapd" | "slapd, TLS" | "responder"

export interface Part {
  /** The argument of `run.ts`; several parts may share one. */
  readonly name: string
  readonly title: string
  readonly work: Work
  readonly against: Against
  /** What one item is. */
  readonly item: string
  /** For the table: items a second, or milliseconds for a whole round. */
  readonly shows: "rate" | "millis"
  readonly items: number
  readonly quickItems: number
  readonly rounds: number
  readonly peers: ReadonlyArray<string>
}

const node = ["floor", "effectLdap", "ldapts", "ldapjs"]
const everybody = [...node, "libldap", "pythonLdap"]
const streaming = ["floor", "effectLdap"]

const bulk = { item: "entry", shows: "rate", items: 20_000, quickItems: 2_000, rounds: 5 } as const
const lookups = { item: "lookup", shows: "rate", items: 5_000, quickItems: 1_000, rounds: 3, peers: node } as const
const one = { item: "value", shows: "millis", items: 1, quickItems: 1, rounds: 7 } as const

const both = (part: Omit<Part, "against">): ReadonlyArray<Part> => [
  { ...part, against: "slapd" },
  { ...part, against: "responder" }
]

export const parts: ReadonlyArray<Part> = [
  ...both({
    ...bulk,
    name: "search",
    title: "All people, as a stream, values untouched",
    work: "stream",
    peers: everybody
  }),
  {
    ...bulk,
    name: "search",
    title: "All people, as a stream, two values read",
    work: "streamRead",
    against: "slapd",
    peers: node
  },
  { ...bulk, name: "search", title: "All people, in memory", work: "collect", against: "slapd", peers: node },
  {
    ...bulk,
    name: "search",
    title: "All people, as a stream",
    work: "stream",
    against: "slapd, TLS",
    peers: everybody
  },
  { ...bulk, name: "pages", title: "All people, in pages of 1,000", work: "pages", against: "slapd", peers: node },
  ...both({ ...lookups, name: "lookup", title: "Lookups, one after another", work: "lookup" }),
  ...both({ ...lookups, name: "inflight", title: "Lookups, 64 at a time", work: "inFlight", items: 20_000 }),
  {
    name: "connect",
    title: "Connect, bind, unbind",
    work: "connect",
    against: "slapd",
    item: "cycle",
    shows: "rate",
    items: 500,
    quickItems: 50,
    rounds: 2,
    peers: node
  },
  {
    name: "connect",
    title: "Connect, bind, unbind",
    work: "connect",
    against: "slapd, TLS",
    item: "cycle",
    shows: "rate",
    items: 100,
    quickItems: 10,
    rounds: 2,
    peers: node
  },
  {
    name: "write",
    title: "Add, modify, delete, one after another",
    work: "write",
    against: "slapd",
    item: "write",
    shows: "rate",
    items: 500,
    quickItems: 50,
    rounds: 2,
    peers: node
  },
  {
    name: "write",
    title: "Add, modify, delete, 64 entries at a time",
    work: "writeInFlight",
    against: "slapd",
    item: "write",
    shows: "rate",
    items: 1_000,
    quickItems: 128,
    rounds: 2,
    peers: node
  },
  ...both({ ...one, name: "large", title: "One entry with a value of 10 MB", work: "large", peers: everybody }),
  {
    ...one,
    name: "large",
    title: "One entry with a value of 10 MB",
    work: "large",
    against: "slapd, TLS",
    peers: node
  },
  {
    name: "groups",
    title: "20 groups of 1,000 members, every member as a string",
    work: "groups",
    against: "slapd",
    item: "group",
    shows: "rate",
    items: 20,
    quickItems: 5,
    rounds: 30,
    peers: everybody
  },
  {
    name: "stop",
    title: "Ten entries of all people, then a lookup: until its answer",
    work: "stop",
    against: "slapd",
    item: "stop",
    shows: "millis",
    items: 1,
    quickItems: 1,
    rounds: 15,
    peers: streaming
  },
  {
    name: "memory",
    title: "A million entries as a stream",
    work: "million",
    against: "responder",
    item: "entry",
    shows: "rate",
    items: 1_000_000,
    quickItems: 20_000,
    rounds: 0,
    peers: streaming
  },
  {
    name: "memory",
    title: "10,000 lookups in flight",
    work: "held",
    against: "responder",
    item: "lookup",
    shows: "rate",
    items: 10_000,
    quickItems: 1_000,
    rounds: 0,
    peers: ["effectLdap"]
  }
]

/** The decoders, by the stream that they decode; the last of each is what the others are compared with. */
export const decoding = [
  { stream: "ascii", decoders: ["untouched", "two values", "strings", "ldapts"] },
  { stream: "ascii", decoders: ["untouched, kept", "strings, kept", "ldapts, kept"] },
  { stream: "foreign", decoders: ["untouched", "strings", "ldapts"] }
] as const
