/**
 * The telemetry of sessions, clients and pools: spans, metrics, and a few lines of log.
 *
 * Telemetry needs no switch. Without a reader it costs almost nothing; without a tracer no span is made. Spans go to the tracer
 * that the program provides, metrics to Effect's registry, and logs to its loggers at level `Debug`. `effect/observability` sends
 * all three to an OTLP collector. Names follow OpenTelemetry's conventions for database clients; additional names begin with
 * `ldap.`.
 *
 * **Spans.** There is one for each operation, of kind `client`, named by the operation and the server (`search
 * ldap.example.org:636`). The operations are `search` in all its forms, `compare`, `add`, `modify`, `delete`, `rename`, `extended`,
 * and, while a session opens, `connect`, `startTls` and `bind`. A span lasts as long as the caller waits. With an `LdapClient` it
 * includes the wait for a session and all attempts. The span of a stream lasts until the stream ends. Attributes:
 *
 * | | |
 * |---|---|
 * | `db.system.name` | `ldap` |
 * | `db.operation.name` | as above |
 * | `server.address`, `server.port` | the server, as configured |
 * | `db.query.text` | the filter of a search without its values: `(&(objectClass=?)(uid=?))` |
 * | `ldap.base`, `ldap.scope`, `ldap.page_size` | of a search |
 * | `ldap.dn` | the entry of other operations, and of a bind |
 * | `ldap.attribute` | the attribute of a comparison |
 * | `ldap.extended.oid` | the OID of an extended operation |
 * | `ldap.bind.mechanism` | `simple`, `anonymous`, or the SASL mechanism |
 * | `db.response.returned_rows` | the number of entries received |
 * | `db.response.status_code` | the result code |
 * | `error.type` | the tag of the error's reason, `interrupted`, or `defect` |
 *
 * **No personal data.** Names of entries are often names of people, and the values of a filter identify people. A span shows only
 * the containers of a name (`uid=?,ou=people,dc=example,dc=org`), and no value of a filter. Of a failure, a span has only its kind:
 * the reason's tag, the result code, Node's code of a failed connection, and the class and stack of a defect. It has no text of the
 * server, of a certificate or of a credentials effect, and no name of an entry or of a bind. The error of the program has all of
 * that, and so has an enclosing span of the program if it fails with that error. Passwords are in no span, metric or log.
 *
 * **Metrics.** The constants below. Gauges are computed when the metrics are read.
 *
 * **Logs.** At level `Debug`: a session opens, a session ends (with the reason), an operation is retried, a login is refused (with
 * the reason, if `uniform` hides it). Lines that contain text of the server are not written into the current span, unlike other log
 * lines of Effect.
 *
 * @since 0.1.0
 */

/**
 * The duration of requests, in seconds: a histogram. Its count is the number of requests by kind and result.
 *
 * **Details**
 *
 * Measured from the write of a request to its last response, by `db.operation.name`, `server.address`, `server.port`, and
 * `db.response.status_code` if the server has answered with a known result code. If the request failed, also by `error.type`: the
 * tag of the reason, or `abandoned`. Unlike a span it measures single requests: each page of a paged search, and each attempt of an
 * operation that is retried. `connect` is included, although it isn't a request. Requests that were never written are not included.
 *
 * @category metrics
 * @since 0.1.0
 */
export const operationDuration = "db.client.operation.duration"

/**
 * Open sessions: a gauge, by server. It includes sessions of pools.
 *
 * @category metrics
 * @since 0.1.0
 */
export const openSessions = "ldap.client.sessions"

/**
 * Requests in flight: a gauge, by server.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestsInFlight = "ldap.client.requests.in_flight"

/**
 * UnbindRequests sent: a counter, by server.
 *
 * @category metrics
 * @since 0.1.0
 */
export const unbinds = "ldap.client.unbinds"

/**
 * AbandonRequests sent: a counter, by server.
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
 * The largest number of sessions that a pool may have: a gauge, by `db.client.connection.pool.name`.
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
