/**
 * The responses of a request that has many, for a consumer that sets the pace: messages wait here until the consumer reads them.
 *
 * If more than `highWaterMark` bytes wait and no other operation of the session waits for a response, the session stops reading,
 * so the server has to wait (`core/Backpressure.ts`). While another operation waits, reading goes on, since its response comes after
 * these; then `maxUnread` is the limit.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import { fromResult, type LdapError, type LdapResult } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import type { EntryLimit } from "../core/Operation.ts"
import type { Outcome } from "../core/SessionAction.ts"
import { PendingOperation } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import { answerOf, type Asked, leave } from "./request.ts"

/** All items in the queue, or a wait for the next, or the end: success or an error. */
export type ItemsPull<A> = Pull.Pull<readonly [A, ...Array<A>], LdapError>

/** A request with many responses. */
export interface Question extends Asked {
  /** The type of the last response. */
  readonly expects: "SearchResultDone" | "ExtendedResponse"
  /** Whether the consumer also gets search continuation references and intermediate responses. */
  readonly givesAll: boolean
  readonly entryLimit?: EntryLimit | undefined
}

/** Such a request in flight, as its consumer sees it. `read` turns a message into an item. */
export class ResponseQueue<A> extends PendingOperation {
  readonly #driver: SessionDriver
  readonly #question: Question
  readonly #read: (message: LdapMessage) => A | undefined
  #items: Array<A> = []
  /** What the items count for as unread. */
  #bytes = 0
  #resume: ((effect: ItemsPull<A>) => void) | undefined
  /** What follows the items: the end, or an error. */
  #last: ItemsPull<A> | undefined
  #isLeft = false
  /** The message with the result, once it has arrived. */
  answer: LdapMessage | undefined
  /** Whether no entry has arrived. */
  isEmpty = true

  /** Sends the request, or queues it behind a bind. */
  constructor(driver: SessionDriver, question: Question, read: (message: LdapMessage) => A | undefined) {
    super(question, {
      kind: "stream",
      expects: question.expects,
      givesAll: question.givesAll,
      timeoutMillis: question.timeoutMillis,
      entryLimit: question.entryLimit,
      maxUnread: driver.maxUnread
    })
    this.#driver = driver
    this.#question = question
    this.#read = read
    driver.dispatch({ _tag: "Start", operation: this.operation })
  }

  /** The result, once it has arrived. */
  get result(): LdapResult | undefined {
    const { answer } = this
    return answer !== undefined && "result" in answer.operation
      ? { ...answer.operation.result, controls: answer.controls }
      : undefined
  }

  /** Whether the server has more responses to send. */
  get isUnderWay(): boolean {
    return this.#last === undefined
  }

  /** Whether the request succeeded and all its items were handed over. */
  get isComplete(): boolean {
    return this.#items.length === 0 && this.result?.code === 0
  }

  request(): Asked {
    return this.#question
  }

  /** All items that have arrived; if there are none, waits for one, at most `timeoutMillis`. */
  pull(timeoutMillis: number): ItemsPull<A> {
    return Effect.suspend(() => this.#next() ?? this.#wait(timeoutMillis))
  }

  /** What has arrived; `undefined` if it has to be waited for. */
  #next(): ItemsPull<A> | undefined {
    return this.#items.length > 0 ? this.#take() : this.#last
  }

  #wait(timeoutMillis: number): ItemsPull<A> {
    return Effect.callback((resume) => {
      // The fiber may have yielded since.
      const next = this.#next()
      if (next !== undefined) return resume(next)
      this.#resume = resume
      this.#driver.dispatch({ _tag: "Wait", operation: this.operation, timeoutMillis })
      return Effect.sync(() => {
        this.#resume = undefined
        this.#driver.dispatch({ _tag: "StopWaiting", operation: this.operation })
      })
    })
  }

  /** Ends the request for a consumer that stops. Completes when an Abandon is queued, or a Cancel is answered. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#items = []
    if (this.#last !== undefined) return Effect.void
    this.#isLeft = true
    return leave(this.#driver, this, this.#question)
  })

  override onDeliver(message: LdapMessage, bytes: number): void {
    if (message.operation._tag === "SearchResultEntry") this.isEmpty = false
    this.#bytes += bytes
    const item = this.#read(message)
    if (item !== undefined) this.#items.push(item)
  }

  override onWake(): void {
    const resume = this.#resume
    if (resume === undefined || this.#items.length === 0) return
    this.#resume = undefined
    resume(this.#take())
  }

  onSettled(outcome: Outcome): void {
    if (outcome._tag === "Answered") this.answer = outcome.message
    this.#last = this.#endOf(outcome)
    const { givingUp } = this.#question
    if (this.#isLeft) {
      if (typeof givingUp === "object") givingUp.letEnd(outcome._tag === "Answered" ? outcome.message : undefined)
      return
    }
    const resume = this.#resume
    if (resume === undefined) return
    this.#resume = undefined
    resume(this.#items.length > 0 ? this.#take() : this.#last)
  }

  #endOf(outcome: Outcome): ItemsPull<A> {
    if (outcome._tag !== "Answered" || !("result" in outcome.message.operation)) {
      return Effect.andThen(answerOf(this.#driver, this.#question, outcome), Cause.done())
    }
    const { result } = this
    return result === undefined || result.code === 0
      ? Cause.done()
      : Effect.fail(this.#driver.error(this.#question, fromResult(result)))
  }

  #take(): ItemsPull<A> {
    const items = this.#items as [A, ...Array<A>]
    const bytes = this.#bytes
    // The session may read on in the call below, and deliver more.
    this.#items = []
    this.#bytes = 0
    this.#driver.dispatch({ _tag: "Take", operation: this.operation, bytes })
    return Effect.succeed(items)
  }
}
