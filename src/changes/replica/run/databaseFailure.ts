/**
 * Which failures of the database another attempt may mend: a lost connection, locks, and a server that stops, starts or lacks resources.
 * All others come back with the statement that has caused them. Pure.
 */
import type { SqlError } from "effect/sql/SqlError"

export const mayPass = ({ reason }: SqlError): boolean =>
  reason.isRetryable || (reason._tag === "UnknownError" && isPassing(reason.cause))

/**
 * What drivers call unknown has the code of the database in its cause: `code` is the SQLSTATE of PostgreSQL (class 53: insufficient
 * resources, 57: operator intervention, as in a shutdown or start), `errcode` the result code of SQLite.
 */
const isPassing = (cause: unknown): boolean => {
  if (typeof cause !== "object" || cause === null) return false
  const { code, errcode } = cause as { readonly code?: unknown; readonly errcode?: unknown }
  return (typeof code === "string" && /^(?:53|57)[0-9A-Z]{3}$/.test(code)) ||
    (typeof errcode === "number" && passingInSqlite.has(errcode & 0xff))
}

/** SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL. */
const passingInSqlite: ReadonlySet<number> = new Set([7, 10, 13])
