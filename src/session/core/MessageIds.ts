/**
 * Message ids (RFC 4511 section 4.1.1.1): they count up and start again after 2^31 - 1.
 *
 * By then an id may still be in flight (a persistent search), or belong to an operation that was abandoned a moment ago and
 * may still be answered; both are skipped. The last 1,024 abandoned ids are remembered: a response to an older one would
 * have to be 2^31 requests late.
 */
import { maxInt } from "../../protocol/LdapMessage.ts"
import type { InFlight } from "./InFlight.ts"

const rememberedAbandoned = 1024

export interface MessageIds {
  last: number
  hasWrapped: boolean
  /** In the order in which they were abandoned. */
  readonly abandoned: Set<number>
}

export const unusedIds = (): MessageIds => ({ last: 0, hasWrapped: false, abandoned: new Set() })

/** Takes the next id that is neither in flight nor remembered as abandoned. */
export const nextId = (ids: MessageIds, inFlight: Pick<InFlight, "has">): number => {
  do {
    if (ids.last === maxInt) {
      ids.last = 0
      ids.hasWrapped = true
    }
    ids.last++
  } while (inFlight.has(ids.last) || ids.abandoned.has(ids.last))
  return ids.last
}

/** Keeps an id from being used again: the server may respond before it reads the Abandon. */
export const rememberAbandoned = ({ abandoned }: MessageIds, id: number): void => {
  abandoned.add(id)
  if (abandoned.size <= rememberedAbandoned) return
  for (const oldest of abandoned) {
    abandoned.delete(oldest)
    return
  }
}

/** Whether a request ever had this id. */
export const wasUsed = ({ hasWrapped, last }: MessageIds, id: number): boolean => hasWrapped || id <= last
