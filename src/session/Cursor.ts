/**
 * A request in flight that is answered by many messages, and a consumer that sets the pace.
 *
 * What arrives before it is asked for is kept. When it is more than {@link highWaterMark} octets and no other operation waits for
 * a response, the session stops reading, so the server has to wait; while another one waits, reading goes on and everything is
 * kept all the same, since it stands before that response in the stream.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type { LdapControl } from "../model/control/LdapControl.ts"
import { fromResult, type LdapError, type LdapResult, RequestTimeout } from "../model/LdapError.ts"
import type { LdapMessage, RequestOperation } from "../protocol/LdapMessage.ts"
import type { Deadline } from "./Deadlines.ts"
import type { Exchange } from "./Exchange.ts"
import { extendedRefusal, giveUp, type GivingUp } from "./request.ts"

/** Octets that a cursor keeps before it counts as full. */
export const highWaterMark = 256 * 1024

/** What a message that is no entry counts for. */
const octetsOfOthers = 256

/** All items that are there; a wait for the next; or the end, in good order or not. */
export type ItemsPull<A> = Pull.Pull<readonly [A, ...Array<A>], LdapError>

/** A request that is answered by many messages. */
export interface Question {
  /** For messages: `search`, say. */
  readonly operation: string
  readonly dn?: string | undefined
  readonly request: RequestOperation
  /** The kind of the last of them. */
  readonly expects: "SearchResultDone" | "ExtendedResponse"
  /** The longest wait for the next message of the server. */
  readonly timeoutMillis: number
  readonly givingUp: GivingUp
}

/** One such request in flight, seen by its consumer. `read` makes an item of a message, or none. */
export class Cursor<A> {
  readonly #exchange: Exchange
  readonly #question: Question
  readonly #read: (message: LdapMessage) => A | undefined
  #id: number | undefined
  #items: Array<A> = []
  #octets = 0
  #isFull = false
  #resume: ((effect: ItemsPull<A>) => void) | undefined
  #deliveryPlanned = false
  #deadline: Deadline | undefined
  /** What comes after the items: the end, or an error. */
  #last: ItemsPull<A> | undefined
  /** The result, once it is there. */
  result: LdapResult | undefined
  /** The message that had it. */
  answer: LdapMessage | undefined
  /** No entry has come. */
  isEmpty = true

  /** The server has more to say. */
  get isUnderWay(): boolean {
    return this.#id !== undefined && this.#last === undefined
  }

  /** It has ended well, and all that it brought was handed over. */
  get isComplete(): boolean {
    return this.result?.code === 0 && this.#items.length === 0
  }

  constructor(
    exchange: Exchange,
    question: Question,
    controls: ReadonlyArray<LdapControl>,
    read: (message: LdapMessage) => A | undefined
  ) {
    this.#exchange = exchange
    this.#question = question
    this.#read = read
    const sent = exchange.send(question.request, controls, {
      operation: question.operation,
      dn: question.dn,
      onResponse: (message) => this.#onResponse(message),
      onFailure: (error) => this.#finish(Effect.fail(error))
    })
    if (typeof sent === "number") this.#id = sent
    else this.#last = Effect.fail(sent)
  }

  readonly pull: ItemsPull<A> = Effect.callback((resume) => {
    if (this.#items.length > 0) return resume(this.#take())
    if (this.#last !== undefined) return resume(this.#last)
    this.#resume = resume
    this.#exchange.pace.waiting()
    this.#deadline = this.#exchange.deadlines.set(this.#question.timeoutMillis, () => {
      if (this.#id !== undefined) this.#exchange.abandon(this.#id, "RequestTimeout")
      const afterMillis = this.#question.timeoutMillis
      this.#finish(Effect.fail(this.#error(new RequestTimeout({ afterMillis }))))
    })
    return Effect.sync(() => this.#wake())
  })

  /** Nobody wants the rest. The search is given up first: being no longer full lets more of it in. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const givenUp = this.isUnderWay ? giveUp(this.#exchange, this.#id!, this.#question) : Effect.void
    // An Abandon is on its way when this has run, a Cancel when its answer is there: what comes meanwhile is dropped already.
    return Effect.ensuring(
      givenUp,
      Effect.sync(() => {
        this.#items = []
        this.#setFull(false)
      })
    )
  })

  #onResponse(message: LdapMessage): "more" | "done" | "foreign" {
    const { controls, operation } = message
    switch (operation._tag) {
      case "SearchResultEntry":
      case "SearchResultReference":
      case "IntermediateResponse": {
        if (this.#question.expects === "ExtendedResponse" && operation._tag !== "IntermediateResponse") return "foreign"
        if (operation._tag === "SearchResultEntry") this.isEmpty = false
        const item = this.#read(message)
        if (item === undefined) return "more"
        this.#items.push(item)
        this.#octets += operation._tag === "SearchResultEntry" ? operation.entry.size : octetsOfOthers
        if (this.#octets >= highWaterMark) this.#setFull(true)
        this.#deliverLater()
        return "more"
      }
      case this.#question.expects: {
        const result = { ...operation.result, controls }
        this.answer = message
        this.result = result
        this.#last = result.code === 0 ? Cause.done() : Effect.fail(this.#error(fromResult(result)))
        // However much is kept, more of it won't come.
        this.#setFull(false)
        this.#deliverLater()
        return "done"
      }
      default: {
        const refusal = extendedRefusal(message)
        if (refusal === undefined) return "foreign"
        this.#last = Effect.fail(this.#error(fromResult(refusal)))
        this.#setFull(false)
        this.#deliverLater()
        return "done"
      }
    }
  }

  #error(reason: LdapError["reason"]): LdapError {
    return this.#exchange.error(this.#question, reason)
  }

  #finish(last: ItemsPull<A>): void {
    this.#last ??= last
    this.#deliver()
  }

  /** One delivery for all that a chunk brings. */
  #deliverLater(): void {
    if (this.#deliveryPlanned || this.#resume === undefined) return
    this.#deliveryPlanned = true
    this.#exchange.later(() => this.#deliver())
  }

  #deliver(): void {
    this.#deliveryPlanned = false
    const resume = this.#resume
    if (resume === undefined || (this.#items.length === 0 && this.#last === undefined)) return
    this.#wake()
    resume(this.#items.length > 0 ? this.#take() : this.#last!)
  }

  #wake(): void {
    if (this.#resume === undefined) return
    this.#resume = undefined
    this.#exchange.deadlines.takeBack(this.#deadline)
    this.#exchange.pace.satisfied()
  }

  #take(): ItemsPull<A> {
    const items = this.#items as [A, ...Array<A>]
    this.#items = []
    this.#octets = 0
    this.#setFull(false)
    return Effect.succeed(items)
  }

  #setFull(full: boolean): void {
    if (full === this.#isFull) return
    this.#isFull = full
    if (full) this.#exchange.pace.full()
    else this.#exchange.pace.emptied()
  }
}
