/**
 * Single breaks of the session's machine (src/session/core). The search in test/states must find each of them. stateRun.ts tries
 * them; stateBreaks.test.ts checks that the texts still exist.
 *
 * Why a list, and not StrykerJS: StrykerJS 10.1.1 doesn't start beside TypeScript 7, whose package has no compiler interface for it to
 * read tsconfig.json with. With that file hidden it makes 1,126 mutants of the core, about a fifth of them in the words of error
 * messages and many that change nothing; each mutant that survives costs a whole search, and each equivalent one a comment in the
 * source to silence it. Its 112 mutants of givingUp.ts were tried once, with 3,000 states of each world: the search found 95. Of the others
 * three showed a gap in what is checked, which is closed; the rest need more states, or change words, or nothing. A line here costs one search until its first counterexample, says what it takes away, and runs with nothing
 * but the project.
 */
export interface StateBreak {
  /** In src/session/core. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** What the machine does, or no longer does, because of the break. */
  readonly why: string
}

type Break = readonly [find: string, replace: string, why: string]

const of = (file: string, ...breaks: ReadonlyArray<Break>): ReadonlyArray<StateBreak> =>
  breaks.map(([find, replace, why]) => ({ file: `${file}.ts`, find, replace, why }))

export const stateBreaks: ReadonlyArray<StateBreak> = [
  ...of(
    "SessionMachine",
    [`if (this.state.phase._tag === "Open") advance(this)`, "", "what waits for the connection is not started"],
    [
      `return this.receive(event.message)`,
      "this.receive(event.message)",
      "each message of a chunk is taken for its end"
    ],
    ["    regulate(this)\n", "", "reading is never resumed or paused"],
    ["core.state.queue.hasRoom = false", "core.state.queue.hasRoom = true", "a connection without room is written to"],
    [`{ _tag: "Released" }, true`, `{ _tag: "Released" }, false`, "a release says no goodbye"],
    [
      "          detail: event.detail,\n          cause: undefined\n        },\n        true",
      "          detail: event.detail,\n          cause: undefined\n        },\n        false",
      "this side ends without an unbind"
    ],
    [
      `|| _tag === "Undecided") return false`,
      `) return false`,
      "reads on before it is decided what follows a SASL bind"
    ],
    [
      "return backpressure.full === 0 || mustRead(backpressure, access)",
      "return backpressure.full === 0",
      "a full stream keeps the answers to others away"
    ],
    [
      "return backpressure.full === 0 || mustRead(backpressure, access)",
      "return true",
      "reads on although no caller reads"
    ],
    [
      `return phase.channel._tag === "StartTls"`,
      "return false",
      "a released session doesn't read the answer to StartTLS"
    ],
    [
      "    default:\n      return true",
      "    default:\n      return false",
      "doesn't read while it waits for the peer's end"
    ],
    ["state.backpressure.isReading = isReading\n", "", "forgets whether it reads"]
  ),
  ...of(
    "transitions/sending",
    [
      `if (kind !== "stream" && timeoutMillis !== Infinity) setTimer`,
      `if (kind === "request" && timeoutMillis !== Infinity) setTimer`,
      "a bind has no time limit"
    ],
    [
      `if (kind !== "stream" && timeoutMillis !== Infinity) setTimer`,
      `if (timeoutMillis !== Infinity) setTimer`,
      "the time of a stream runs while no caller waits"
    ],
    [
      `operation.target?.stage === "granted" ? send`,
      `operation.target !== undefined ? send`,
      "a conversation that was given up goes on"
    ],
    [
      "      if (isOpen(access)) return send(core, operation)\n",
      "      return send(core, operation)\n",
      "a request goes past a bind"
    ],
    [
      `    case "startTls":\n      operation.stage = "alone"`,
      `      operation.stage = "alone"`,
      "StartTLS is sent among other requests"
    ],
    [`    case "bind":\n    case "reservation"`, `    case "reservation"`, "a bind is sent among other requests"],
    [`    case "cancel":\n      return send(core, operation)\n`, "", "a Cancel waits for the bind that waits for it"],
    ["takeNext(access, inFlight.size === 0)", "takeNext(access, true)", "a bind doesn't wait for what is in flight"],
    [
      `if (kind === "startTls") core.state.phase =`,
      `if (kind === "bind") core.state.phase =`,
      "StartTLS leaves the channel as it is"
    ],
    [
      `if (kind !== "stream") setWaiting`,
      `if (kind !== "stream" && kind !== "background") setWaiting`,
      "a full stream keeps the answer to the session's own request away"
    ],
    [
      `if (kind !== "stream") setWaiting(backpressure, operation, true)\n`,
      "",
      "no caller of a request keeps the session reading"
    ],
    [
      "if (enqueue(queue, operation)) core.actions.push(planFlush)",
      "enqueue(queue, operation)",
      "no flush is planned"
    ],
    ["core.state.queue.isPlanned = false", "", "a flush is planned for ever"],
    ["core.state.queue.hasRoom = true\n", "", "room is never noticed"],
    ["if (!core.state.queue.isPlanned) write(core)", "", "room doesn't lead to a write"],
    [`item.stage = "written"\n`, "", "what is written counts as waiting"],
    ["item.isBegun = true\n", "", "what is written was never sent, as its caller hears"],
    ["item.target!.isBegun = true", "item.target!.isBegun = false", "a conversation counts as not begun"],
    [
      `if (operation.unread > 0) core`,
      "if (operation.unread > 1e9) core",
      "a stream that holds responses waits for more"
    ],
    ["setWaiting(core.state.backpressure, operation, true)", "", "a waiting stream doesn't keep the session reading"],
    [
      "else if (timeoutMillis !== Infinity) setTimer(core, operation, timeoutMillis)\n",
      "",
      "a stream waits without a time limit"
    ],
    [
      "setWaiting(core.state.backpressure, operation, false)\n  clearTimer(core, operation)",
      "setWaiting(core.state.backpressure, operation, false)",
      "the time of a wait goes on after it"
    ],
    [
      "setWaiting(core.state.backpressure, operation, false)\n  clearTimer(core, operation)",
      "clearTimer(core, operation)",
      "a wait keeps the session reading after its end"
    ],
    ["operation.unread - bytes", "operation.unread", "what was taken still counts as unread"],
    ["operation.unread - bytes", "0", "what arrived while a caller took the rest counts as taken"],
    [`  if (operation.stage === "done" || !operation.isAttended) return\n  stop`, "  stop", "what is over is taken"],
    [
      "  stopWaiting(core, operation)\n  setUnread",
      "  setUnread",
      "a caller that has taken something counts as one that waits"
    ],
    [`    case "done":\n      return\n`, `    case "done":\n      break\n`, "an operation ends twice"],
    ["access.shared.delete(operation)", "", "what has ended waits on among the others"],
    ["access.alone.delete(operation)", "", "what has ended waits on to be alone"],
    ["queue.waiting.delete(operation)", "", "what was withdrawn is written"],
    [
      `queue.waiting.delete(operation)\n      inFlight.delete(operation)`,
      "queue.waiting.delete(operation)",
      "what was withdrawn stays in flight"
    ],
    [
      `    case "written":\n      inFlight.delete(operation)`,
      `    case "written":`,
      "what was answered stays in flight"
    ],
    [
      `step.target === operation && step.stage === "queued"`,
      `step.target === operation && step.stage === "created"`,
      "a step of a conversation that is over is written"
    ],
    [
      `step.target === operation && step.stage === "queued"`,
      `step.target === operation`,
      "a step that was written ends as withdrawn"
    ],
    [
      `operation.stage = "done"\n  clearTimer(core, operation)`,
      `operation.stage = "done"`,
      "the timer of an operation outlives it"
    ],
    [
      "setWaiting(backpressure, operation, false)\n  setUnread",
      "setUnread",
      "what has ended keeps the session reading"
    ],
    [
      "  setUnread(backpressure, operation, 0)\n  if (access.holder",
      "  if (access.holder",
      "what has ended keeps the session from reading"
    ],
    ["if (access.holder === operation) access.holder = undefined", "", "a bind keeps the connection after its end"],
    ["core.state.phase = { _tag: \"Open\", channel: messages }\n", "", "StartTLS changes the channel for ever"],
    ["operation.hasTimer = true\n", "", "forgets that a timer runs"],
    [
      `  operation.hasTimer = false\n  core.actions.push({ _tag: "ClearTimer"`,
      `  core.actions.push({ _tag: "ClearTimer"`,
      "clears a timer again and again"
    ],
    ["if (!operation.hasTimer) return\n", "", "clears timers that don't run"]
  ),
  ...of(
    "transitions/responses",
    [
      `if (phase.channel._tag === "Granted") return clearText(core)\n`,
      "",
      "believes what follows the agreement to StartTLS"
    ],
    [`&& message.messageId === phase.channel.operation.messageId`, "", "takes any message for the answer to StartTLS"],
    [
      `operation === undefined || operation.stage !== "written"`,
      "operation === undefined",
      "believes an answer to a request that was not written"
    ],
    ["if (malformed !== undefined) violated", "if (malformed === null) violated", "garbage is skipped"],
    ["core.state.woken = []\n", "", "wakes a stream again and again"],
    [`if (operation.stage === "done") continue`, "", "wakes a stream that is over"],
    [`core.actions.push({ _tag: "Wake", operation })`, "", "a stream isn't woken"],
    [
      `phase.channel._tag !== "Granted" || malformed !== undefined`,
      `phase.channel._tag !== "Granted"`,
      "makes a handshake after garbage"
    ],
    ["if (leftover > 0) return clearText(core)\n", "", "makes a handshake behind the start of a message"],
    [`core.actions.push({ _tag: "Handshake", operation })`, "", "makes no handshake"],
    [
      `if (kind === "startTls" && _tag === "ExtendedResponse") return startTlsAnswered(core, operation, message)\n`,
      "",
      "StartTLS ends without a handshake"
    ],
    [
      "return givesAll === true ? deliver(core, operation, message) : undefined\n    case",
      "return deliver(core, operation, message)\n    case",
      "gives intermediate responses to who didn't ask for them"
    ],
    [
      `return expects === "SearchResultDone" ? entry(core, operation, message) : foreign(core, operation, message)`,
      "return entry(core, operation, message)",
      "a write is answered by an entry"
    ],
    [
      `if (expects !== "SearchResultDone") return foreign(core, operation, message)\n`,
      "",
      "a write is answered by a reference"
    ],
    [`givesAll === true || kind === "collect"`, "givesAll === true", "references are lost"],
    [
      "message.operation.result.code !== LdapResultCode.success",
      "message.operation.result.code === LdapResultCode.success",
      "an extended success ends any operation"
    ],
    [
      "    default:\n      return foreign(core, operation, message)",
      "    default:\n      return",
      "answers of the wrong kind are skipped"
    ],
    [
      `cancelEnded(core, operation, code === LdapResultCode.success)`,
      `cancelEnded(core, operation, true)`,
      "what could not be cancelled is forgotten"
    ],
    [
      `cancelEnded(core, operation, code === LdapResultCode.success)`,
      `cancelEnded(core, operation, false)`,
      "what was cancelled is abandoned too"
    ],
    [
      `if (kind === "cancel") cancelEnded(core, operation, code === LdapResultCode.success)\n`,
      `if (kind === "cancel") return\n`,
      "what was cancelled goes on"
    ],
    [
      `kind === "bindStep" && code === LdapResultCode.success`,
      `kind === "bindStep"`,
      "a decision is due in the middle of a conversation"
    ],
    [`core.state.phase = { _tag: "Open", channel: { _tag: "Undecided" } }`, "", "reads on after a SASL bind"],
    ["  operation.entries++\n", "", "entries aren't counted"],
    [
      "operation.entries > entryLimit.entries",
      "operation.entries >= entryLimit.entries",
      "the last entry that was asked for is one too many"
    ],
    [
      "operation.entries > entryLimit.entries",
      "operation.entries > entryLimit.entries + 1",
      "one entry more than was asked for is taken"
    ],
    ["if (!operation.isAttended) return\n", "", "delivers to a caller that is gone"],
    ["operation.unread + bytes", "bytes", "only the last response counts as unread"],
    ["if (operation.unread > 0 && unread > maxUnread", "if (unread > maxUnread", "a single large entry ends a stream"],
    ["unread > maxUnread && !operation.isWaiting", "unread > maxUnread", "a stream that is read ends as unread"],
    [" && mustRead(backpressure, access)", "", "a stream ends as unread although no other operation waits"],
    ["unread > maxUnread && !", "unread > 2 * maxUnread && !", "twice as much as allowed stays unread"],
    [
      "      clearTimer(core, operation)\n",
      "",
      "the time of a wait runs on, although the caller was given something"
    ],
    ["      woken.push(operation)\n", "", "a stream isn't woken by what it waits for"],
    [`  core.actions.push({ _tag: "Deliver", operation, message, bytes })`, "", "responses are lost"],
    [
      `if (operation._tag !== "ExtendedResponse") return violated`,
      `if (operation._tag === "BindRequest") return violated`,
      "any message with id 0 passes for a notice"
    ],
    [
      "if (operation.oid !== noticeOfDisconnection.oid) return void",
      "if (operation.oid === undefined) return void",
      "any notice ends the session"
    ],
    [
      `return end(core, { _tag: "ServerNotice", code, diagnosticMessage }, false)`,
      `return end(core, { _tag: "ServerNotice", code, diagnosticMessage }, true)`,
      "an unbind after the notice of disconnection"
    ],
    [
      "if (!isResponse) return violated",
      "if (isResponse && messageId < 0) return violated",
      "requests from a server are skipped"
    ],
    [
      "core.state.inFlight.has(messageId) || !wasUsed(core.state.ids, messageId)",
      "!wasUsed(core.state.ids, messageId)",
      "an answer before its request is skipped"
    ],
    [
      "core.state.inFlight.has(messageId) || !wasUsed(core.state.ids, messageId)",
      "core.state.inFlight.has(messageId)",
      "an answer to what was never asked is skipped"
    ],
    [
      "core.state.inFlight.has(messageId) || !wasUsed(core.state.ids, messageId)",
      "true",
      "a late answer ends the session"
    ],
    ["said.oid !== undefined && said.oid !== startTls.oid", "false", "takes an answer of another name for StartTLS"],
    [
      "if (said.oid !== undefined && said.oid !== startTls.oid)",
      "if (said.oid !== startTls.oid)",
      "wants the name that some servers leave out"
    ],
    [
      `if (said._tag !== "ExtendedResponse") return close(core)`,
      `if (said._tag !== "ExtendedResponse") return`,
      "waits on after an answer that makes no sense"
    ],
    ["    goodbye(core)\n", "", "no unbind, although StartTLS was refused"],
    [
      `core.state.phase = { ...phase, channel: { _tag: "Granted", operation } }`,
      "",
      "the agreement to StartTLS is missed"
    ],
    [
      `settle(core, operation, { _tag: "Answered", message: { messageId, operation: said, controls } })`,
      "",
      "a refused StartTLS goes on"
    ]
  ),
  ...of(
    "transitions/givingUp",
    [
      `    case "bind":\n    case "bindStep":\n    case "startTls":\n    case "cancel":\n      if (operation.stage === "written") operation.isAttended = false`,
      `    case "bindStep":\n    case "startTls":\n    case "cancel":\n      if (operation.stage === "written") operation.isAttended = false`,
      "a bind is abandoned"
    ],
    [
      `    case "startTls":\n    case "cancel":\n      if (operation.stage === "written") operation.isAttended = false`,
      `    case "cancel":\n      if (operation.stage === "written") operation.isAttended = false`,
      "StartTLS is abandoned"
    ],
    [
      `    case "cancel":\n      if (operation.stage === "written") operation.isAttended = false`,
      `      if (operation.stage === "written") operation.isAttended = false`,
      "a Cancel is abandoned"
    ],
    [
      "if (operation.isBegun) operation.isAttended = false\n      else withdraw(core, operation)",
      "withdraw(core, operation)",
      "a conversation that has begun is withdrawn"
    ],
    [
      "if (operation.isBegun) operation.isAttended = false\n      else withdraw(core, operation)",
      "operation.isAttended = false",
      "a conversation of an interrupted bind begins"
    ],
    [
      "  withdraw(core, operation)\n  if (operation.spec.kind === \"cancel\") cancelEnded(core, operation, false)\n}\n\nexport const unsendable",
      "  withdraw(core, operation)\n}\n\nexport const unsendable",
      "a Cancel that was withdrawn leaves its target to itself"
    ],
    [
      "  settle(core, operation, { _tag: \"Unsendable\", failure })\n  if (operation.spec.kind === \"cancel\") cancelEnded(core, operation, false)\n",
      "  settle(core, operation, { _tag: \"Unsendable\", failure })\n",
      "a Cancel that can't be encoded leaves its target to itself"
    ],
    [
      `if (operation.stage !== "written") {\n    return settle(core, operation, outcome._tag`,
      `if (operation.stage === "created") {\n    return settle(core, operation, outcome._tag`,
      "an Abandon of what was never written"
    ],
    [
      `outcome._tag === "Abandoned" ? { _tag: "Withdrawn" } : outcome`,
      "outcome",
      "what was never sent ends as abandoned"
    ],
    [
      "rememberAbandoned(ids, operation.messageId)\n  const abandonment",
      "const abandonment",
      "the id of what was abandoned is used again"
    ],
    ["target: operation.messageId }", "target: operation.messageId + 1 }", "abandons another operation"],
    ["if (enqueue(queue, abandonment)) core.actions.push({ _tag: \"PlanFlush\" })", "", "no Abandon is sent"],
    [
      "if (enqueue(queue, abandonment)) core.actions.push({ _tag: \"PlanFlush\" })",
      "enqueue(queue, abandonment)",
      "an Abandon waits for the next request"
    ],
    [
      `  rememberAbandoned(core.state.ids, operation.messageId)\n  settle(core, operation, outcome)`,
      "  settle(core, operation, outcome)",
      "the id of what was cancelled is used again"
    ],
    [
      "    withdraw(core, operation)\n    return withdraw(core, cancellation)",
      "    return withdraw(core, operation)",
      "a Cancel of what was not sent never ends"
    ],
    [
      "    withdraw(core, operation)\n    return withdraw(core, cancellation)",
      "    return withdraw(core, cancellation)",
      "what is cancelled before it is sent is sent"
    ],
    [
      "  leave(core, operation)\n  start(core, cancellation)",
      "  start(core, cancellation)",
      "what is cancelled is delivered on"
    ],
    ["  leave(core, operation)\n  start(core, cancellation)", "  leave(core, operation)", "no Cancel is sent"],
    [
      `if (isGranted) forget(core, target, { _tag: "Abandoned" })\n  else abandon`,
      `abandon`,
      "what the server has cancelled is abandoned too"
    ],
    [
      `if (operation.stage !== "written") return takeBack(core, operation)\n`,
      "",
      "what is left to finish before it is sent is sent"
    ],
    ["  leave(core, operation)\n  // What", "  // What", "what is left to finish is delivered on"],
    [
      "if (operation.spec.timeoutMillis !== Infinity) setTimer(core, operation, operation.spec.timeoutMillis)",
      "",
      "what is left to finish may take for ever"
    ],
    [
      "  setWaiting(core.state.backpressure, operation, true)\n",
      "",
      "a full stream keeps the end of what was left to finish away"
    ],
    [
      "operation.isAttended = false\n  setUnread",
      "setUnread",
      "delivers to a caller that has left"
    ],
    [
      "operation.isAttended = false\n  setUnread(backpressure, operation, 0)\n",
      "operation.isAttended = false\n",
      "what a caller has left unread keeps the session from reading"
    ],
    [
      `if (step.target === operation) return end(core, brokenOff, true)`,
      "",
      "the session goes on behind a bind that was broken off"
    ],
    [`if (operation.stage === "done" || !operation.hasTimer) return\n`, "", "a timer that was cleared fires"],
    ["  operation.hasTimer = false\n  const { kind", "  const { kind", "clears a timer that has fired"],
    [
      "if (inDoubt) end(",
      "if (!inDoubt) end(",
      "the session ends for a bind that was not sent, and goes on behind one that was"
    ],
    [
      "if (inDoubt) end(core, unanswered(operation), mayUnbind)",
      "",
      "the session goes on behind a bind that was not answered"
    ],
    [`kind !== "startTls" && !isUndecided(core)`, "!isUndecided(core)", "an unbind in the middle of StartTLS"],
    [
      `kind !== "startTls" && !isUndecided(core)`,
      `kind !== "startTls"`,
      "an unbind before it is known whether it has to be wrapped"
    ],
    [
      `    case "bind":\n    case "reservation":\n    case "startTls": {`,
      `    case "reservation":\n    case "startTls": {`,
      "a bind that takes too long is abandoned"
    ],
    [
      `      forget(core, operation, outcome)\n      return cancelEnded(core, operation, false)`,
      `      return forget(core, operation, outcome)`,
      "what a Cancel without an answer was to cancel goes on"
    ],
    [
      `  withdraw(core, operation)\n  if (operation.spec.kind === "cancel") cancelEnded(core, operation, false)`,
      `  withdraw(core, operation)\n  if (operation.spec.kind === "cancel") cancelEnded(core, operation, true)`,
      "what a Cancel that was withdrawn was to cancel is forgotten without a word to the server"
    ],
    [
      `{ _tag: "Unsendable", failure })\n  if (operation.spec.kind === "cancel") cancelEnded(core, operation, false)`,
      `{ _tag: "Unsendable", failure })\n  if (operation.spec.kind === "cancel") cancelEnded(core, operation, true)`,
      "what a Cancel that can't be encoded was to cancel is forgotten without a word to the server"
    ],
    [
      `forget(core, operation, outcome)\n      return cancelEnded(core, operation, false)`,
      `forget(core, operation, outcome)\n      return cancelEnded(core, operation, true)`,
      "what a Cancel without an answer was to cancel is forgotten without a word to the server"
    ]
  ),
  ...of(
    "transitions/ending",
    [
      `if (phase._tag !== "Open") return\n  const { channel }`,
      "if (!(\"channel\" in phase)) return\n  const { channel }",
      "the session ends twice"
    ],
    [`core.actions.push({ _tag: "End", end: reason })`, "", "the end is told to no caller"],
    [
      `channel._tag === "Granted" || channel._tag === "Handshake" ||\n    (channel`,
      `channel._tag === "Granted" ||\n    (channel`,
      "an unbind in the middle of a handshake"
    ],
    [
      `(channel._tag === "StartTls" && channel.operation.stage === "written")`,
      `(channel._tag === "StartTls" && channel.operation.stage === "created")`,
      "an unbind behind a request for StartTLS"
    ],
    [
      `(channel._tag === "StartTls" && channel.operation.stage === "written")`,
      `channel._tag === "StartTls"`,
      "no unbind, although StartTLS was never sent"
    ],
    [
      "of inFlight.values())",
      "of [] as ReadonlyArray<Operation>)",
      "what is in flight hangs at the end"
    ],
    [
      "  for (const operation of access.alone.takeAll()) failed(core, operation, reason)\n",
      "",
      "a bind that waits hangs at the end"
    ],
    [
      "  for (const operation of access.shared.takeAll()) failed(core, operation, reason)\n",
      "",
      "what waits for a bind hangs at the end"
    ],
    [
      `if (operation.stage === "written") rememberAbandoned(ids, operation.messageId)\n`,
      "",
      "the unbind has the id of a request"
    ],
    ["if (access.holder !== undefined) failed(core, access.holder, reason)", "", "a conversation hangs at the end"],
    ["queue.waiting.takeAll()", "", "Abandons wait on after the end"],
    [
      `(isChanging || channel._tag === "Undecided")`,
      "isChanging",
      "an unbind before it is decided how it is to be sent"
    ],
    ["    setGoodbyeTimer(core)\n  } else if", "  } else if", "a release in the middle of StartTLS has no time limit"],
    ["peerListens && !isChanging", "peerListens", "a violation in the middle of StartTLS is followed by an unbind"],
    ["peerListens && !isChanging", "!isChanging", "an unbind to a peer that is gone"],
    [
      "wasInFlight: operation.messageId > 0 || operation.isBegun",
      "wasInFlight: operation.isBegun",
      "what was in flight ends as if it had waited"
    ],
    ["    inDoubt: operation.isBegun\n", "    inDoubt: true\n", "what was never sent ends in doubt"],
    [
      "  setGoodbyeTimer(core)\n  core.actions.push({ _tag: \"Unbind\"",
      "  core.actions.push({ _tag: \"Unbind\"",
      "the goodbye has no time limit"
    ],
    [`{ _tag: "Unbind", messageId: nextId(ids, inFlight) }, { _tag: "Shutdown" }`, `{ _tag: "Shutdown" }`, "no unbind"],
    [
      `{ _tag: "Unbind", messageId: nextId(ids, inFlight) }, { _tag: "Shutdown" }`,
      `{ _tag: "Unbind", messageId: nextId(ids, inFlight) }`,
      "this side is never closed"
    ],
    [
      `{ _tag: "Unbind", messageId: nextId(ids, inFlight) }, { _tag: "Shutdown" }`,
      `{ _tag: "Shutdown" }, { _tag: "Unbind", messageId: nextId(ids, inFlight) }`,
      "this side is closed before the unbind"
    ],
    [
      `if (phase._tag === "Open" || phase._tag === "Closing" || phase._tag === "Closed") return`,
      `if (phase._tag === "Open" || phase._tag === "Closed") return`,
      "the connection is freed twice"
    ],
    [`core.actions.push({ _tag: "Close" })`, "", "the connection is never freed"],
    [
      "  clearGoodbyeTimer(core)\n  setGoodbyeTimer(core)\n",
      "  clearGoodbyeTimer(core)\n",
      "what frees a connection may take for ever"
    ],
    [
      "  clearGoodbyeTimer(core)\n  setGoodbyeTimer(core)\n",
      "  setGoodbyeTimer(core)\n",
      "what frees a connection has only what the goodbye has left"
    ],
    [
      "core.state.isClosingTimed = false\n  if (core",
      "if (core",
      "the timer of the goodbye is cleared after it has fired"
    ],
    [
      `if (core.state.phase._tag === "Closing") closed(core)\n  else close(core)`,
      "close(core)",
      "a finalizer that hangs holds the release up"
    ],
    [
      `if (core.state.phase._tag === "Closing") closed(core)\n  else close(core)`,
      "closed(core)",
      "the time of the goodbye passes for nothing"
    ],
    ["if (connectionEnd !== undefined) return close(core)\n", "", "waits for the end of a peer that is gone"],
    [`core.state.phase = { _tag: "AwaitingPeer", end: phase.end }`, "", "the peer's end is missed after the unbind"],
    [`if (phase._tag !== "Closing") return\n`, "", "closed twice"],
    [
      "  clearGoodbyeTimer(core)\n  core.actions.push({ _tag: \"Closed\" })",
      "  core.actions.push({ _tag: \"Closed\" })",
      "the timer of the goodbye outlives the session"
    ],
    [`core.actions.push({ _tag: "Closed" })`, "", "the release never ends"],
    [
      "state.connectionEnd ??= reason\n",
      "state.connectionEnd ??= reason\n  if (state.phase._tag === \"AwaitingPeer\") return\n",
      "the peer's end doesn't end the goodbye"
    ],
    [
      `if ("channel" in state.phase && state.phase.channel._tag === "Handshake") return\n`,
      "",
      "the end of the connection comes before the reason of the handshake"
    ],
    [
      `if (_tag === "Open") end(core, state.connectionEnd, false)`,
      `if (_tag === "Open") end(core, state.connectionEnd, true)`,
      "an unbind to a peer that has ended the connection"
    ],
    [
      `else if (_tag !== "Unbinding") close(core)`,
      "else close(core)",
      "the connection is freed before the unbind is flushed"
    ],
    [
      `if (core.state.phase._tag === "Open") end(core, { _tag: "ProtocolViolation", detail, cause }, true)`,
      `if (core.state.phase._tag === "Open") end(core, { _tag: "ConnectionLost", detail, cause }, true)`,
      "a violation passes for a lost connection"
    ],
    [
      `else if (core.state.phase._tag === "Ending") close(core)`,
      "",
      "a released session waits on although the peer makes no sense"
    ],
    [
      "error === undefined && connectionEnd === undefined ? goodbye(core) : close(core)",
      "error === undefined ? goodbye(core) : close(core)",
      "an unbind to a peer that left during the handshake"
    ],
    [
      "error === undefined && connectionEnd === undefined ? goodbye(core) : close(core)",
      "goodbye(core)",
      "an unbind after a handshake that failed"
    ],
    [`settle(core, operation, { _tag: "HandshakeFailed", error })\n`, "", "StartTLS fails without its reason"],
    [
      "_tag: isViolation ? _tag : \"ConnectionLost\", detail, cause: error }, false",
      "_tag: isViolation ? _tag : \"ConnectionLost\", detail, cause: error }, true",
      "an unbind in clear text after a handshake that failed"
    ],
    [`settle(core, operation, { _tag: "Secured" })`, "", "StartTLS never ends"],
    [
      "if (connectionEnd !== undefined) end(core, connectionEnd, false)",
      "",
      "the session goes on without a connection"
    ],
    [`core.state.phase = { ...phase, channel: messages }\n  if (phase`, "if (phase", "the decision changes nothing"],
    [`if (phase._tag === "Ending") goodbye(core)\n  else if`, "if", "no unbind after the decision"],
    [
      `else if (access.holder !== undefined) settle(core, access.holder, { _tag: "Abandoned" })`,
      "",
      "a conversation goes on after the decision"
    ],
    ["if (core.state.isClosingTimed) return\n", "", "the time of the goodbye starts again"],
    ["core.state.isClosingTimed = true\n", "", "the time of the goodbye is forgotten"]
  ),
  ...of(
    "MessageIds",
    [
      "inFlight.has(ids.last) || ids.abandoned.has(ids.last)",
      "ids.abandoned.has(ids.last)",
      "the id of a request in flight is given again"
    ],
    [
      "inFlight.has(ids.last) || ids.abandoned.has(ids.last)",
      "inFlight.has(ids.last)",
      "the id of what was abandoned is given again"
    ],
    ["if (ids.last === maxInt) {", "if (ids.last > maxInt) {", "ids grow past the largest"],
    ["ids.last = 0\n", "ids.last = -1\n", "a request has the id of a notice"],
    ["hasWrapped || id <= last", "id <= last", "a late answer ends the session once ids have started again"],
    ["hasWrapped || id <= last", "hasWrapped || id < last", "a late answer to the last request ends the session"]
  ),
  ...of(
    "WriteQueue",
    ["queue.waiting.add(item)\n", "", "what is to be written is lost"],
    [
      "if (queue.isPlanned || !queue.hasRoom) return false",
      "if (queue.isPlanned) return false",
      "a flush is planned where there is no room"
    ],
    [
      "if (queue.isPlanned || !queue.hasRoom) return false",
      "if (!queue.hasRoom) return false",
      "a flush is planned for each request"
    ],
    [
      "hasRoom && waiting.size > 0 ? waiting.takeAll() : nothing",
      "waiting.size > 0 ? waiting.takeAll() : nothing",
      "writes where there is no room"
    ],
    ["waiting.takeAll() : nothing", "[...waiting] : nothing", "writes everything again and again"]
  ),
  ...of(
    "Line",
    [
      "item.place = this.#places.length\n",
      "item.place = 0\n",
      "what was withdrawn is written, as another has its place"
    ],
    ["this.#places.push(item)\n", "this.#places.unshift(item)\n", "the last comes first"],
    ["    this.#places[item.place!] = undefined\n", "", "what has left is written with the others"],
    ["=== undefined) this.#start++", "=== undefined) break", "what waits behind one that has left waits for ever"],
    ["    this.#clear()\n    return all", "    return all", "writes everything again and again"]
  ),
  ...of(
    "ExclusiveAccess",
    ["holder === undefined && alone.size === 0", "holder === undefined", "a bind waits behind all that comes after it"],
    [
      "holder === undefined && alone.size === 0",
      "alone.size === 0",
      "a request is sent while a bind has the connection"
    ],
    ["if (access.holder !== undefined) return undefined\n", "", "two operations have the connection alone"],
    ["if (!isIdle) return undefined", "", "a bind doesn't wait for an idle connection"],
    ["    access.alone.delete(alone)\n", "", "a bind that has begun waits on"],
    ["    access.holder = alone\n", "", "a bind doesn't keep others away"]
  ),
  ...of(
    "Backpressure",
    ["waiting > 0 || alone.size > 0", "waiting > 0", "a full stream keeps a bind waiting for ever"],
    ["waiting > 0 || alone.size > 0", "alone.size > 0", "a full stream keeps an answer away"],
    ["if (operation.isWaiting === isWaiting) return\n", "", "a caller that waits counts twice"],
    [
      "backpressure.waiting += isWaiting ? 1 : -1",
      "backpressure.waiting += isWaiting ? 1 : 0",
      "callers wait for ever, as the session counts"
    ],
    ["unread >= highWaterMark", "unread > highWaterMark", "a stream may hold a little more than the mark"],
    ["if (operation.isFull === isFull) return\n", "", "a full stream counts twice"],
    ["operation.unread = unread\n", "", "unread bytes aren't counted"]
  ),
  ...of(
    "Operation",
    [`isAttended: spec.kind !== "background"`, "isAttended: true", "delivers where no caller is"]
  )
]

/** Breaks that don't change the behaviour of a session, with the reason. They are not tried. */
export const equivalentBreaks: ReadonlyArray<StateBreak> = [
  ...of("SessionMachine", [
    `if (_tag === "Granted" || _tag === "Handshake" || _tag === "Undecided") return false`,
    `if (_tag === "Handshake" || _tag === "Undecided") return false`,
    "the end of what arrived together makes a handshake or an end of the agreement before it is asked whether to read"
  ]),
  ...of("transitions/sending", [
    `if (core.state.phase._tag !== "Open") return\n  const items`,
    "const items",
    "the end has emptied the queue, and nothing is added to it afterwards"
  ]),
  ...of("transitions/givingUp", [
    `if (target.stage !== "written") return\n`,
    "",
    "what has ended doesn't end again; its id is remembered for nothing"
  ]),
  ...of("transitions/givingUp", [
    `if (operation.stage === "done") return\n  if (operation.stage !== "written")`,
    `if (operation.stage !== "written")`,
    "what has ended doesn't end again"
  ], [
    `if (operation.isBegun) operation.isAttended = false`,
    `if (operation.isBegun) operation.isAttended = true`,
    "nothing is delivered to a conversation"
  ], [
    `if (step.target === operation) return end(core, brokenOff, true)`,
    `return end(core, brokenOff, true)`,
    "nothing but its steps is in flight while a conversation has the connection"
  ]),
  ...of("transitions/ending", [
    `core.state.phase = { ...phase, channel: messages }\n    return error`,
    "return error",
    "what follows leads out of this phase, and asks for no channel"
  ])
]
