/** The drop-in for ldapts' client: the same program, with another import. */
import { Client } from "../../../src/ldapts.ts"
import { peerOf } from "./ldapts.ts"

export const peer = peerOf((options) => new Client(options))
