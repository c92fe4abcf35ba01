/**
 * The goals of this library: each is a figure of a run and its required value. Ratios are to the floor or to ldapts
 * in the same round. README.md explains the goals that aren't reached.
 */
import type { Measured, Work } from "../measure.ts"
import type { Against } from "../parts.ts"
import { cpu, type Figures, memory, millis, rate } from "./figures.ts"
import { type Limits, type Verdict, verdict } from "./verdict.ts"

export interface Goal extends Limits {
  readonly number: number
  readonly what: string
  readonly of: (figures: Figures) => number
  /** The same figure of a program that does the least in the same approach: no client on Node and Effect can have a better one. */
  readonly least?: (figures: Figures) => number
}

/** The figure of a part, and that of the peer that does the least. */
const beside =
  (least: string) => (work: Work, against: Against, figure: (measured: Measured) => number, other: string) => ({
    of: (f: Figures): number => f.figure(work, against, figure, other),
    least: (f: Figures): number => f.figure(work, against, figure, other, least)
  })

const besideCodec = beside("codec")
const besideConnection = beside("connectionOnly")
const besideFloor = beside("floor")

const overFloor = (work: Work, against: Against) => ({
  of: (f: Figures): number => f.overFloor(work, against),
  least: (f: Figures): number => f.overFloor(work, against, "codec")
})

const octets = (measured: Measured): number => measured.octets ?? Number.NaN

/** The time for a megabyte of a large value over that of a smaller one. */
const growth = (figures: Figures): number => {
  const [small, large] = [20, 200].map((megabytes) => figures.part("larger", "responder", megabytes))
  if (small === undefined || large === undefined) return Number.NaN
  const least = ({ rounds }: typeof small): number =>
    Math.min(
      ...rounds.flatMap((round) =>
        [...round].flatMap(([peer, took]) => peer === "effectLdap" ? millis(took) / took.items : [])
      )
    )
  return least(large) / least(small)
}

const throughClient = {
  lookup: "Through LdapClient, lookups one after another: CPU, session = 1",
  inFlight: "The same: 64 lookups in flight",
  write: "The same: writes one after another"
}

export const goals: ReadonlyArray<Goal> = [
  {
    number: 1,
    what: "Decoding, values untouched: times less CPU than ldapts",
    atLeast: 16,
    of: (f) => f.decoder("ascii", "untouched")
  },
  { number: 1, what: "The same, entries kept", atLeast: 8, of: (f) => f.decoder("ascii", "untouched, kept") },
  {
    number: 1,
    what: "Decoding, all values as text: times less CPU than ldapts",
    atLeast: 4,
    of: (f) => f.decoder("ascii", "strings")
  },
  {
    number: 1,
    what: "The same, entries kept after all was read",
    atLeast: 4,
    of: (f) => f.decoder("ascii", "strings, kept")
  },
  { number: 1, what: "The same, records kept", atLeast: 4, of: (f) => f.decoder("ascii", "records, kept") },
  {
    number: 1,
    what: "Decoding to classes of LdapSchema: CPU, plain records = 1",
    atMost: 2,
    of: (f) => f.decoder("ascii", "records") / f.decoder("ascii", "classes")
  },
  {
    number: 1,
    what: "The same: times less CPU than ldapts",
    atLeast: 1,
    of: (f) => f.decoder("ascii", "classes")
  },
  {
    number: 1,
    what: "Decoding, little of it ASCII, all values as text",
    atLeast: 3,
    of: (f) => f.decoder("foreign", "strings")
  },
  {
    number: 2,
    what: "Search as a stream: speed, floor = 1",
    atLeast: 0.9,
    ...besideCodec("stream", "slapd", rate, "floor")
  },
  { number: 2, what: "The same: CPU, ldapts = 1", atMost: 0.15, ...besideCodec("stream", "slapd", cpu, "ldapts") },
  { number: 2, what: "The same: MB over the idle process", atMost: 40, of: (f) => f.figure("stream", "slapd", memory) },
  {
    number: 2,
    what: "Two values read: CPU, ldapts = 1",
    atMost: 0.12,
    ...besideCodec("streamRead", "slapd", cpu, "ldapts")
  },
  {
    number: 2,
    what: "Search as a stream over ldaps: speed, floor = 1",
    atLeast: 0.8,
    of: (f) => f.figure("stream", "slapd, TLS", rate, "floor")
  },
  {
    number: 2,
    what: "Search into an array: CPU, ldapts = 1",
    atMost: 0.2,
    of: (f) => f.figure("collect", "slapd", cpu, "ldapts")
  },
  {
    number: 3,
    what: "Pages of 1,000: speed, floor = 1",
    atLeast: 0.85,
    of: (f) => f.figure("pages", "slapd", rate, "floor")
  },
  {
    number: 4,
    what: "Lookups one after another: speed, ldapts = 1",
    atLeast: 1.3,
    ...besideCodec("lookup", "slapd", rate, "ldapts")
  },
  {
    number: 4,
    what: "The same: speed, floor = 1",
    atLeast: 0.97,
    ...besideCodec("lookup", "slapd", rate, "floor")
  },
  { number: 4, what: "The same: CPU µs over the floor", atMost: 4, ...overFloor("lookup", "slapd") },
  {
    number: 4,
    what: "The same: CPU µs over the floor, against the responder",
    atMost: 4,
    ...overFloor("lookup", "responder")
  },
  { number: 4, what: "The same: CPU, ldapts = 1", atMost: 0.65, ...besideCodec("lookup", "slapd", cpu, "ldapts") },
  {
    number: 4,
    what: "The same: CPU µs over the floor, on one core",
    atMost: 4,
    ...overFloor("lookup", "slapd, one core")
  },
  {
    number: 5,
    what: "64 lookups in flight: speed, floor = 1",
    atLeast: 0.95,
    ...besideCodec("inFlight", "slapd", rate, "floor")
  },
  {
    number: 5,
    what: "The same: CPU, ldapts = 1",
    atMost: 0.55,
    ...besideCodec("inFlight", "slapd", cpu, "ldapts")
  },
  {
    number: 5,
    what: "The same against the responder: speed, ldapts = 1",
    atLeast: 5,
    ...besideCodec("inFlight", "responder", rate, "ldapts")
  },
  {
    number: 5,
    what: "The same: speed, floor = 1",
    atLeast: 0.8,
    ...besideCodec("inFlight", "responder", rate, "floor")
  },
  {
    number: 6,
    what: "Connect, bind, unbind: speed, floor = 1",
    atLeast: 0.9,
    ...besideConnection("connect", "slapd", rate, "floor")
  },
  {
    number: 6,
    what: "The same: CPU, ldapts = 1",
    atMost: 1.2,
    ...besideConnection("connect", "slapd", cpu, "ldapts")
  },
  {
    number: 6,
    what: "The same on one core",
    atMost: 1.2,
    ...besideConnection("connect", "slapd, one core", cpu, "ldapts")
  },
  {
    number: 6,
    what: "Connect, bind, unbind over ldaps: speed, floor = 1",
    atLeast: 0.97,
    ...besideConnection("connect", "slapd, TLS", rate, "floor")
  },
  {
    number: 6,
    what: "Logins over ldaps, on sessions that stay: times as many as anew",
    atLeast: 10,
    of: (f) => f.figure("login", "slapd, TLS", rate) / f.figure("loginAnew", "slapd, TLS", rate)
  },
  {
    number: 7,
    what: "Writes one after another: speed, floor = 1",
    atLeast: 0.97,
    ...besideCodec("write", "slapd", rate, "floor")
  },
  { number: 7, what: "The same: CPU µs over the floor", atMost: 4, ...overFloor("write", "slapd") },
  {
    number: 7,
    what: "The same: CPU µs over the floor, on one core",
    atMost: 4,
    ...overFloor("write", "slapd, one core")
  },
  {
    number: 7,
    what: "Writes, 64 in flight: speed, ldapts = 1",
    atLeast: 2,
    ...besideCodec("writeInFlight", "slapd", rate, "ldapts")
  },
  {
    number: 7,
    what: "The same against the responder",
    atLeast: 2,
    ...besideCodec("writeInFlight", "responder", rate, "ldapts")
  },
  {
    number: 8,
    what: "A value of 10 MB: time, floor = 1",
    atMost: 1.5,
    of: (f) => f.figure("large", "slapd", millis, "floor")
  },
  { number: 8, what: "The same over ldaps", atMost: 1.5, of: (f) => f.figure("large", "slapd, TLS", millis, "floor") },
  { number: 8, what: "Time for a MB of 200 MB over that of 20 MB", atMost: 1.5, of: growth },
  {
    number: 9,
    what: "Groups of 1,000 members: speed, floor = 1",
    atLeast: 0.5,
    of: (f) => f.figure("groups", "slapd", rate, "floor")
  },
  {
    number: 10,
    what: "Stopping early: time to the next answer, floor = 1",
    atMost: 3,
    of: (f) => f.figure("stop", "slapd", millis, "floor")
  },
  {
    number: 10,
    what: "The same: bytes read in vain",
    atMost: 512 * 1_024,
    of: (f) => f.figure("stop", "slapd", octets)
  },
  {
    number: 11,
    what: "A million entries as a stream: MB over the idle process",
    atMost: 64,
    of: (f) => f.figure("million", "responder", memory)
  },
  {
    number: 11,
    what: "The same: speed, floor = 1",
    atLeast: 0.8,
    ...besideCodec("million", "responder", rate, "floor")
  },
  {
    number: 11,
    what: "200,000 entries in one result: how many of them came",
    atLeast: 200_000,
    of: (f) => f.figure("collectMany", "responder", ({ items }) => items)
  },
  {
    number: 11,
    what: "A slow consumer: MB over the idle process",
    atMost: 64,
    of: (f) => f.figure("slow", "responder", memory)
  },
  {
    number: 11,
    what: "10,000 lookups in flight: bytes each",
    atMost: 4_096,
    of: (f) => f.figure("held", "responder", octets)
  },
  {
    number: 12,
    what: "Import: CPU, what is imported from elsewhere = 1",
    atMost: 1.1,
    of: (f) => f.imports?.index.ratio ?? Number.NaN,
    least: (f) => f.imports?.index.inOneFile ?? Number.NaN
  },
  {
    number: 12,
    what: "Import of the session alone: CPU, the same",
    atMost: 1.05,
    of: (f) => f.imports?.LdapSession.ratio ?? Number.NaN,
    least: (f) => f.imports?.LdapSession.inOneFile ?? Number.NaN
  },
  {
    number: 12,
    what: "Spans and metrics: CPU of a lookup, without = 1",
    atMost: 1.05,
    of: (f) => f.telemetry?.ratio ?? Number.NaN
  },
  {
    number: 13,
    what: "The drop-in for ldapts: search into an array: CPU, ldapts = 1",
    atMost: 0.4,
    of: (f) => f.figure("collect", "slapd", cpu, "ldapts", "dropIn")
  },
  {
    number: 13,
    what: "The same: lookups one after another",
    atMost: 0.8,
    of: (f) => f.figure("lookup", "slapd", cpu, "ldapts", "dropIn")
  },
  {
    number: 13,
    what: "The same against the responder",
    atMost: 0.8,
    of: (f) => f.figure("lookup", "responder", cpu, "ldapts", "dropIn")
  },
  {
    number: 13,
    what: "The same: 64 lookups in flight",
    atMost: 0.8,
    of: (f) => f.figure("inFlight", "slapd", cpu, "ldapts", "dropIn")
  },
  {
    number: 13,
    what: "The same: a value of 10 MB",
    atMost: 0.15,
    of: (f) => f.figure("large", "slapd", cpu, "ldapts", "dropIn")
  },
  ...(["lookup", "inFlight", "write"] as const).map((work): Goal => ({
    number: 14,
    what: throughClient[work],
    atMost: 1.15,
    of: (f) => f.figure(work, "slapd", cpu, "effectLdap", "ldapClient")
  })),
  {
    number: 15,
    what: "The first 20 groups of a process: CPU, ldapts = 1",
    atMost: 0.15,
    ...besideFloor("firstGroups", "slapd", cpu, "ldapts")
  },
  {
    number: 15,
    what: "An idle session: MB over a process that imports the same modules",
    atMost: 10,
    of: (f) => f.idle?.over ?? Number.NaN
  },
  ...([
    ["All values as text", "streamText", 1, "codec"],
    ["Two values read", "streamRead", 1, "codec"],
    ["Pages of 1,000", "pages", 1, "floor"],
    ["A value of 10 MB", "large", 1, "floor"],
    ["Lookups one after another", "lookup", 1.3, "codec"],
    ["64 lookups in flight", "inFlight", 1.3, "codec"]
  ] as const).map(([what, work, atMost, peer]): Goal => ({
    number: 16,
    what: `${what}: CPU, libldap in C = 1`,
    atMost,
    ...beside(peer)(work, "slapd", cpu, "libldap")
  }))
]

export const verdicts = (figures: Figures): ReadonlyArray<readonly [number: number, verdict: Verdict]> =>
  goals.map((goal) => [goal.number, verdict(goal.what, goal.of(figures), goal, goal.least?.(figures))])
