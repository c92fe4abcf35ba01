import type * as Tls from "node:tls"

let loaded: typeof Tls | undefined

/** Node's TLS, loaded by the first handshake. With an `import` it would take a fifth of the start of a program without TLS. */
export const nodeTls = (): typeof Tls => loaded ??= process.getBuiltinModule("node:tls")
