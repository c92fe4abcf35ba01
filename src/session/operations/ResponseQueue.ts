/**
 * A request that is answered by many messages, and a consumer that sets the pace: what has arrived waits here until it is read.
 *
 * When more than `highWaterMark` bytes wait and no other operation of the session waits for a response, the session stops reading,
 * so the server has to wait (`core/Backpressure.ts`). While another operation waits, reading goes on, since its response stands
 * behind these; then `maxUnread` is the limit.
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

/** All items that are there; a wait for the next; or the end, in good order or not. */
export type ItemsPull<A> = Pull.Pull<readonly [A, ...Array<A>], LdapError>

/** A request that is answered by many messages. */
export interface Question extends Asked {
  /** The kind of the last of them. */
  readonly expects: "SearchResultDone" | "ExtendedResponse"
  /** The consumer is given search continuation references and intermediate responses too. */
  readonly givesAll: boolean
  readonly entryLimit?: EntryLimit | undefined
}

/** One such request in flight, seen by its consumer. `read` makes an item of a message. */
export class ResponseQueue<A> extends PendingOperation {
  readonly #driver: SessionDriver
  readonly #question: Question
  readonly #read: (message: LdapMessage) => A | undefined
  #items: Array<A> = []
  #resume: ((effect: ItemsPull<A>) => void) | undefined
  /** What comes after the items: the end, or an error. */
  #last: ItemsPull<A> | undefined
  #isLeft = false
  /** The message that had the result, once it is there. */
  answer: LdapMessage | undefined
  /** No entry has come. */
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

  /** The result of an answer that has come. */
  get result(): LdapResult | undefined {
    const { answer } = this
    return answer !== undefined && "result" in answer.operation
      ? { ...answer.operation.result, controls: answer.controls }
      : undefined
  }

  /** The server has more to say. */
  get isUnderWay(): boolean {
    return this.#last === undefined
  }

  /** It has ended well, and all that it brought was handed over. */
  get isComplete(): boolean {
    return this.#items.length === 0 && this.result?.code === 0
  }

  request(): Asked {
    return this.#question
  }

  /** Everything that has arrived, or a wait for it of `timeoutMillis` at most. */
  pull(timeoutMillis: number): ItemsPull<A> {
    return Effect.callback((resume) => {
      if (this.#items.length > 0) {
        this.#driver.dispatch({ _tag: "Take", operation: this.operation })
        return resume(this.#take())
      }
      if (this.#last !== undefined) return resume(this.#last)
      this.#resume = resume
      this.#driver.dispatch({ _tag: "Wait", operation: this.operation, timeoutMillis })
      return Effect.sync(() => {
        this.#resume = undefined
        this.#driver.dispatch({ _tag: "StopWaiting", operation: this.operation })
      })
    })
  }

  /** The consumer wants no more. Completes when an Abandon is on its way, or a Cancel is answered. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#items = []
    if (this.#last !== undefined) return Effect.void
    this.#isLeft = true
    return leave(this.#driver, this, this.#question)
  })

  override onDeliver(message: LdapMessage): void {
    if (message.operation._tag === "SearchResultEntry") this.isEmpty = false
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
    this.#items = []
    return Effect.succeed(items)
  }
}
