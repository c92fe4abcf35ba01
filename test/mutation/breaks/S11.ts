/** S11: nothing that a peer sends is trusted. */
import { breaksOf } from "../Mutation.ts"
import { berReader, messageReader, parser, saslConnection, settings } from "../sources.ts"

export const s11 = breaksOf(
  "S11",
  {
    file: saslConnection,
    find: "if (this.#length === 0 || this.#length > this.#maxLength) {",
    replace: "if (this.#length === 0) {",
    test: "connection/saslLayer",
    name: "larger than what was agreed on",
    hangs: true,
    why: "a wrapped buffer may be as large as the peer likes"
  },
  {
    file: saslConnection,
    find: "if (this.#length === 0 || this.#length > this.#maxLength) {",
    replace: "if (this.#length > this.#maxLength) {",
    test: "connection/saslLayer",
    name: "a buffer of no bytes",
    hangs: true,
    why: "a wrapped buffer may be empty"
  },
  {
    file: messageReader,
    find: "leftover: this.#parser.pending, malformed })",
    replace: "leftover: this.#parser.pending, malformed: undefined })",
    test: "session/hostile/hostile",
    name: "an answer, and garbage in the same packet",
    hangs: true,
    why: "what can't be read is ignored"
  },
  {
    file: messageReader,
    find: "new LdapParser({ maxMessageSize })",
    replace: "new LdapParser()",
    test: "session/hostile/hostile",
    name: "a message one byte above maxMessageSize",
    hangs: true,
    why: "the session doesn't hand its maxMessageSize on"
  },
  {
    file: parser,
    find: "if (header + length > this.#maxMessageSize) {",
    replace: "if (length > 0xffffffff) {",
    test: "protocol/LdapParser",
    name: "maxMessageSize",
    why: "a message may be of any size"
  },
  {
    file: parser,
    find: "if (tag !== 0x30) throw new BerError(describeForeign(tag), 0)",
    replace: "",
    test: "protocol/LdapParser",
    name: "says what it found instead of LDAP",
    why: "what speaks another protocol is read as LDAP"
  },
  {
    file: parser,
    find: "if (this.#failure !== undefined) return this.#failure",
    replace: "",
    test: "protocol/LdapParser",
    name: "every further call gives the same failure and no message",
    why: "the parser goes on behind what it couldn't read"
  },
  {
    file: berReader,
    find: "if (start + length > end) throw new BerError(`length ${length} passes",
    replace: "if (start + length > this.bytes.length) throw new BerError(`length ${length} passes",
    test: "ber/Ber",
    name: "never leaves the element that it is in",
    why: "an element may pass the end of the one that holds it"
  },
  {
    file: berReader,
    find: "if (length > 4) throw new BerError(`an integer of",
    replace: "if (length > 40) throw new BerError(`an integer of",
    test: "ber/Ber",
    name: "elements",
    why: "an integer of any length is taken, and wraps"
  },
  {
    file: "src/model/entry/LdapEntry.ts",
    find: "const attributes = Object.create(null) as Record<string, ReadonlyArray<unknown>>",
    replace: "const attributes = {} as Record<string, ReadonlyArray<unknown>>",
    test: "model/entry/LdapEntry",
    name: "has no attributes but those that it was given",
    why: "an attribute named __proto__ is lost"
  },
  {
    file: "src/model/entry/EntryText.ts",
    find: "return text.length === places[count] ? places : undefined",
    replace: "return places",
    test: "model/entry/EntryIndex",
    name: "whatever the bytes are",
    why: "values are cut out of the wrong place where bytes aren't UTF-8"
  },
  {
    file: "src/model/entry/EntryText.ts",
    find: "if (elementEnd(bytes, set) !== next) return undefined",
    replace: "",
    test: "model/entry/EntryIndex",
    name: "whatever the bytes are",
    why: "a value may take the end of a character from what follows it"
  },
  {
    file: settings,
    find: "    maxMessageSize: options.maxMessageSize,\n",
    replace: "    maxMessageSize: undefined,\n",
    test: "session/hostile/hostile",
    name: "a message one byte above maxMessageSize",
    hangs: true,
    why: "maxMessageSize isn't the one that was given"
  }
)
