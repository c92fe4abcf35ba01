/**
 * The interface of every measured client. A peer runs in its own process (`measure.ts`) and leaves out the methods that it can't
 * implement.
 */

export interface Target {
  readonly url: string
  /** The certificate to trust, in PEM. */
  readonly ca: string | undefined
  readonly bindDn: string
  readonly password: string
}

/** What a process has used. */
export interface Used {
  readonly cpuMicros: number
  /** Megabytes of memory now. */
  readonly resident: number
  /** Megabytes at most. */
  readonly peak: number
}

export interface Client {
  /** Reads everything below a base, entry by entry if the client can, and keeps nothing. Returns the number of entries. */
  readonly stream?: (base: string) => Promise<number>
  /** The same, and reads two values of each entry as text. */
  readonly streamRead?: (base: string) => Promise<number>
  /** The same, and reads the DN, all names and all values as text. */
  readonly streamText?: (base: string) => Promise<number>
  /** The same as `stream`, and has everything in memory at the end. */
  readonly collect?: (base: string) => Promise<number>
  readonly pages?: (base: string, size: number) => Promise<number>
  /** Reads all values of an attribute: as text, or as bytes. */
  readonly values?: (base: string, attribute: string, as: "text" | "octets") => Promise<number>
  /** Reads entries by their names, this many at a time. */
  readonly lookups?: (dns: ReadonlyArray<string>, inFlight: number) => Promise<void>
  /** Adds, changes and deletes an entry of each name, this many names at a time. */
  readonly writes?: (dns: ReadonlyArray<string>, inFlight: number) => Promise<void>
  /**
   * Takes ten entries of a search, abandons the rest, and reads an entry. Returns the milliseconds from the tenth entry to that
   * answer.
   */
  readonly stop?: (base: string, dn: string, onTenth: () => void) => Promise<number>
  /** Takes this many entries of a search and pauses for ten milliseconds after each. */
  readonly slow?: (base: string, entries: number) => Promise<number>
  /** Logs a user in this many times: with a session for searching users that stays open, or with a new connection each time. */
  readonly logins?: (times: number, how: "pooled" | "anew") => Promise<void>
  /** Connects, binds and unbinds this many times. Without it, the interface does so: `connect` and `close`. */
  readonly connections?: (times: number) => Promise<void>
  /** What the client's process has used, if that isn't this process. */
  readonly used?: () => Promise<Used>
  readonly close: () => Promise<void>
}

export interface Peer {
  /** Connects and binds. */
  readonly connect: (target: Target) => Promise<Client>
}

/** Runs work on every item, this many at a time, as a program with promises would. */
export const eachAtOnce = async <A>(
  items: ReadonlyArray<A>,
  atOnce: number,
  work: (item: A) => Promise<unknown>
): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
