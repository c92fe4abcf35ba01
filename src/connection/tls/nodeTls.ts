import type * as Tls from "node:tls"
import { lazily } from "../../model/lazily.ts"

/** Node's TLS, loaded by the first handshake. With an `import` it would take a fifth of the start of a program without TLS. */
export const nodeTls = lazily((): typeof Tls => process.getBuiltinModule("node:tls"))
