/**
 * The parts of the benchmark: the task, the peers, the server, and the number of rounds.
 */
import type { Work } from "./measure.ts"

/** Where the requests go: to slapd, to slapd over TLS, to slapd on the core of the clients, or to the responder that answers out of buffers. */
export type Against = "slapd" | "slapd, TLS" | "slapd, one core" | "responder"

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
  /** How many times a round requests all of them, if once is too short to be measured. Default 1. */
  readonly searches?: number
  /** Rounds that count, in each of the repeats. None is one in all, and none before. */
  readonly rounds: number
  /** Rounds before, which don't count. Default 1. */
  readonly warmUp?: number
  /** How many processes, one after another, do the rounds of a repeat. Default 1. */
  readonly processes?: number
  readonly peers: ReadonlyArray<string>
}

const most = ["floor", "effectLdap", "ldapts", "libldap"]
/** ldapjs and python-ldap are the slowest, and no goal compares with them: one search and one large value show where they are. */
const slowest = ["ldapjs", "pythonLdap"]
/** With the drop-in for ldapts, unless it would only be another way to call the same code of effect-ldap. */
const clients = [...most, "dropIn"]
/** What a program of effects costs without a client, and with this library's codec and no session. */
const leastOnEffect = ["fibers", "codec"]
/** With the client and its pool, where a request costs little, so that the pool's share shows, and that of a program's fibers. */
const requesting = [...clients, "ldapClient", ...leastOnEffect]
const streaming = ["floor", "effectLdap"]
const forOneCore = [...most, ...leastOnEffect]

// In the second round V8 compiles what it has found to be hot, which costs a client as much as the entries.
const bulk = {
  item: "entry",
  shows: "rate",
  items: 20_000,
  quickItems: 2_000,
  rounds: 3,
  warmUp: 3
} as const
const lookups = {
  item: "lookup",
  shows: "rate",
  items: 3_000,
  quickItems: 500,
  // A round takes a quarter of a second, so other work on the machine shows: it takes many for a steady median. Twice as many as clients, so
  // that each has each place twice.
  rounds: 16,
  warmUp: 6,
  peers: requesting
} as const
const one = { item: "value", shows: "millis", items: 1, quickItems: 1, rounds: 4, warmUp: 4 } as const
/** As with lookups. */
const cycles = { item: "cycle", shows: "rate", quickItems: 10, rounds: 12, warmUp: 4 } as const
const connecting = [...clients, "connectionOnly"]
const logins = { name: "connect", against: "slapd, TLS", item: "login", shows: "rate" } as const
const writes = {
  name: "write",
  item: "write",
  shows: "rate",
  quickItems: 64,
  rounds: 3,
  warmUp: 4
} as const
/** Done once: only completion, or the memory that it takes, is of interest. */
const once = { name: "memory", against: "responder", shows: "rate", rounds: 0 } as const

/** `onSlapd` are peers that are measured there only. */
const both = (part: Omit<Part, "against">, onSlapd: ReadonlyArray<string> = []): ReadonlyArray<Part> => [
  { ...part, against: "slapd", peers: [...part.peers, ...onSlapd] },
  { ...part, against: "responder" }
]

export const parts: ReadonlyArray<Part> = [
  ...both({
    ...bulk,
    name: "search",
    title: "All people, as a stream",
    work: "stream",
    peers: [...most, ...leastOnEffect]
  }, slowest),
  {
    ...bulk,
    name: "search",
    title: "All people, two values read",
    work: "streamRead",
    against: "slapd",
    peers: [...most, "codec"]
  },
  ...both({
    ...bulk,
    name: "search",
    title: "All people, all values read as text",
    work: "streamText",
    peers: [...most, "libldapInPlace", "codec"]
  }),
  { ...bulk, name: "search", title: "All people, in memory", work: "collect", against: "slapd", peers: clients },
  {
    ...bulk,
    name: "search",
    title: "All people, as a stream",
    work: "stream",
    against: "slapd, TLS",
    peers: most
  },
  { ...bulk, name: "pages", title: "All people, in pages of 1,000", work: "pages", against: "slapd", peers: clients },
  ...both({ ...lookups, name: "lookup", title: "Lookups, one after another", work: "lookup" }),
  {
    ...lookups,
    name: "lookup",
    title: "Lookups, one after another",
    work: "lookup",
    against: "slapd, one core",
    rounds: 18,
    peers: forOneCore
  },
  ...both({ ...lookups, name: "inflight", title: "Lookups, 64 at a time", work: "inFlight", items: 6_000 }),
  ...(["slapd", "slapd, one core"] as const).map((against): Part => ({
    ...cycles,
    name: "connect",
    title: "Connect, bind, unbind",
    work: "connect",
    against,
    items: 200,
    // As with requests: V8 compiles the code of most clients in the first thousands.
    warmUp: 20,
    peers: against === "slapd" ? connecting : ["floor", "effectLdap", "ldapts", "connectionOnly"]
  })),
  {
    ...cycles,
    name: "connect",
    title: "Connect, bind, unbind",
    work: "connect",
    against: "slapd, TLS",
    items: 60,
    peers: connecting
  },
  {
    ...logins,
    title: "Logins, on sessions that stay",
    work: "login",
    items: 600,
    quickItems: 10,
    rounds: 2,
    peers: ["effectLdap"]
  },
  {
    ...logins,
    title: "Logins, everything made anew",
    work: "loginAnew",
    items: 60,
    quickItems: 10,
    rounds: 2,
    peers: ["effectLdap"]
  },
  ...(["slapd", "slapd, one core"] as const).map((against): Part => ({
    ...writes,
    title: "Add, modify, delete, one after another",
    work: "write",
    against,
    items: 600,
    // As many requests of each kind as before the lookups that count: V8 compiles the code of most clients between 7,000 and 12,000.
    rounds: against === "slapd" ? 8 : 12,
    warmUp: 30,
    peers: against === "slapd" ? requesting : forOneCore
  })),
  ...both({
    ...writes,
    title: "Add, modify, delete, 64 at a time",
    work: "writeInFlight",
    items: 1_500,
    peers: requesting
  }),
  {
    ...one,
    name: "large",
    title: "One value of 10 MB",
    work: "large",
    against: "slapd",
    peers: [...most, ...slowest, "dropIn"]
  },
  {
    ...one,
    name: "large",
    title: "One value of 10 MB",
    work: "large",
    against: "responder",
    peers: [...most, "dropIn", "keeping"]
  },
  { ...one, name: "large", title: "One value of 10 MB", work: "large", against: "slapd, TLS", peers: clients },
  ...[20, 200].map((megabytes): Part => ({
    ...one,
    name: "large",
    title: `One value of ${megabytes} MB`,
    work: "larger",
    against: "responder",
    item: "MB",
    items: megabytes,
    quickItems: megabytes,
    rounds: 2,
    peers: [...streaming, "keeping"]
  })),
  {
    name: "groups",
    title: "20 groups of 1,000, members as text, 25 times",
    work: "groups",
    against: "slapd",
    item: "group",
    shows: "rate",
    items: 20,
    quickItems: 5,
    searches: 25,
    rounds: 3,
    warmUp: 2,
    peers: most
  },
  {
    name: "cold",
    title: "The first 20 groups of 1,000 of a process",
    work: "firstGroups",
    against: "slapd",
    item: "group",
    shows: "rate",
    items: 20,
    quickItems: 5,
    rounds: 1,
    warmUp: 0,
    processes: 5,
    peers: most
  },
  {
    name: "stop",
    title: "Ten of all people, then a lookup",
    work: "stop",
    against: "slapd",
    item: "stop",
    shows: "millis",
    items: 1,
    quickItems: 1,
    rounds: 12,
    peers: streaming
  },
  {
    ...once,
    title: "A million entries as a stream",
    work: "million",
    item: "entry",
    items: 1_000_000,
    quickItems: 20_000,
    peers: [...streaming, ...leastOnEffect]
  },
  {
    ...once,
    title: "200,000 entries in one result",
    work: "collectMany",
    item: "entry",
    items: 200_000,
    quickItems: 20_000,
    peers: ["effectLdap", "ldapts"]
  },
  {
    ...once,
    title: "A consumer of a hundred entries a second",
    work: "slow",
    item: "entry",
    items: 300,
    quickItems: 50,
    peers: ["effectLdap"]
  },
  {
    ...once,
    title: "10,000 lookups in flight",
    work: "held",
    item: "lookup",
    items: 10_000,
    quickItems: 1_000,
    rounds: 2,
    peers: ["effectLdap"]
  }
]

/** The decoders, by the stream that they decode; the last of each is what the others are compared with. */
export const decoding = [
  { stream: "ascii", decoders: ["untouched", "two values", "strings", "records", "classes", "ldapts"] },
  { stream: "ascii", decoders: ["untouched, kept", "strings, kept", "records, kept", "ldapts, kept"] },
  { stream: "foreign", decoders: ["untouched", "strings", "ldapts"] }
] as const
