/**
 * What sessions, clients and pools tell of themselves: spans, metrics, and a few lines of log.
 *
 * There is nothing to turn on, and where nobody listens next to nothing is done: without a tracer no span is made. Spans go to
 * the tracer that the program provides, metrics into Effect's registry, and logs to its loggers at level `Debug`;
 * `effect/observability` brings all three to an OTLP collector. Names follow OpenTelemetry's conventions for database clients
 * where there is one, and begin with `ldap.` where there is none.
 *
 * **Spans.** One for each operation, of kind `client`, named by it and the server (`search ldap.example.org:636`): `search` in
 * all its forms, `compare`, `add`, `modify`, `delete`, `rename`, `extended`, and on the way in `connect`, `startTls` and
 * `bind`. It is as long as the caller waits: with an `LdapClient` it has the wait for a session and all attempts in it, and that
 * of a stream lasts until the stream ends. Attributes:
 *
 * | | |
 * |---|---|
 * | `db.system.name` | `ldap` |
 * | `db.operation.name` | as above |
 * | `server.address`, `server.port` | the server, as configured |
 * | `db.query.text` | the filter of a search without its values: `(&(objectClass=?)(uid=?))` |
 * | `ldap.base`, `ldap.scope`, `ldap.page_size` | of a search |
 * | `ldap.dn` | the entry of other operations, and of a bind |
 * | `ldap.attribute` | what is compared |
 * | `ldap.extended.oid` | which extended operation |
 * | `ldap.bind.mechanism` | `simple`, `anonymous`, or that of SASL |
 * | `db.response.returned_rows` | how many entries came |
 * | `db.response.status_code` | the result code |
 * | `error.type` | the tag of the error's reason, `interrupted`, or `defect` |
 *
 * **No personal data.** Names of entries are often names of people, and the values of a filter identify people. Of a name a span
 * has only the containers (`uid=?,ou=people,dc=example,dc=org`), of a filter no value. A span ends with the kind of the failure:
 * the reason's tag, the result code, Node's code of a failed connection, and the class and stack of a defect. It has nothing that the
 * server, a certificate or a credentials effect says in words, and no name of an entry or of a bind. The error of the program has
 * all of that, and so has the span around this one if it fails with that error. Passwords are in no span, metric or log.
 *
 * **Metrics.** Those below. Gauges are counted when somebody reads them.
 *
 * **Logs.** At level `Debug`: a session that is open, and why it ended; operations that are run again; why a login was refused
 * where `uniform` hides it. Lines that have a server's words are not written into the current span, unlike other lines of Effect.
 *
 * @since 0.1.0
 */

/**
 * How long requests take, in seconds: a histogram, whose count is the number of requests by kind and result.
 *
 * **Details**
 *
 * From the write of a request to its last answer, by `db.operation.name`, `server.address`, `server.port`, and
 * `db.response.status_code` where the server has answered by a code that is known; `error.type` where something is wrong: the tag
 * of the reason, or `abandoned`. Unlike a span it is one request: of a search in pages each page, of an operation that is run again
 * each attempt. `connect` is among them, without a request. What was never written is not.
 *
 * @category metrics
 * @since 0.1.0
 */
export const operationDuration = "db.client.operation.duration"

/**
 * Sessions that are open: a gauge, by server. Those of pools count too.
 *
 * @category metrics
 * @since 0.1.0
 */
export const openSessions = "ldap.client.sessions"

/**
 * Requests whose answer is awaited: a gauge, by server.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestsInFlight = "ldap.client.requests.in_flight"

/**
 * UnbindRequests that were sent: a counter, by server.
 *
 * @category metrics
 * @since 0.1.0
 */
export const unbinds = "ldap.client.unbinds"

/**
 * AbandonRequests that were sent: a counter, by server.
 *
 * @category metrics
 * @since 0.1.0
 */
export const abandons = "ldap.client.abandons"

/**
 * Sessions that have ended: a counter, by server and `ldap.end`, which is the tag of a `SessionEnd`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const sessionEnds = "ldap.client.session.ends"

/**
 * Sessions of a pool: a gauge, by `db.client.connection.pool.name` and `db.client.connection.state`, `idle` or `used`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const poolSessions = "db.client.connection.count"

/**
 * The most sessions that a pool may have: a gauge, by `db.client.connection.pool.name`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const poolMax = "db.client.connection.max"

/**
 * Fibers that wait for a session: a gauge, by `db.client.connection.pool.name`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const poolWaiting = "db.client.connection.pending_requests"

/**
 * Waits for a session that ended in `PoolTimeout`: a counter, by `db.client.connection.pool.name`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const poolTimeouts = "db.client.connection.timeouts"
