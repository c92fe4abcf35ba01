/**
 * The least that reads filters as LdapFilter.parse does: the grammar of RFC 4515 and the same objects, for the filters of textTasks.ts,
 * without positions, templates, white space and a limit of depth. With values as bytes, and with values as text, which costs less
 * and is what ldapts makes.
 */
import type { LdapFilter } from "../../../src/model/filter/LdapFilterModel.ts"

type Value = Uint8Array | string

const oid = "(?:[A-Za-z][A-Za-z0-9_-]*|(?:0|[1-9][0-9]*)(?:\\.(?:0|[1-9][0-9]*))+)"
const description = new RegExp(`^${oid}(?:;[A-Za-z0-9-]+)*$`)

const isLetter = (char: number): boolean => (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a)

const isInName = (char: number): boolean =>
  isLetter(char) || (char >= 0x30 && char <= 0x39) || char === 0x2d || char === 0x2e || char === 0x3b || char === 0x5f

const hex = (text: string, at: number): number => {
  const value = Number.parseInt(text.slice(at, at + 2), 16)
  if (Number.isNaN(value)) throw new Error("no escape")
  return value
}

let text = ""
let at = 0
let block = Buffer.allocUnsafeSlow(8192)
let used = 0

const bytes = (): Uint8Array => {
  if (block.length - used < 3 * (text.length - at)) {
    block = Buffer.allocUnsafeSlow(8192)
    used = 0
  }
  const source = text
  const target = block
  const start = used
  let end = start
  let i = at
  for (;;) {
    const char = source.charCodeAt(i)
    if (char === 0x29 || char === 0x2a) break
    if (char === 0x5c) {
      target[end++] = hex(source, i + 1)
      i += 3
    } else if (char > 0x7f) {
      end += target.write(source.charAt(i++), end)
    } else if (char === 0x28 || char === 0 || Number.isNaN(char)) {
      throw new Error("no value")
    } else {
      target[end++] = char
      i++
    }
  }
  at = i
  used = end
  return target.subarray(start, end)
}

const characters = (): string => {
  const start = at
  for (;;) {
    const char = text.charCodeAt(at)
    if (char === 0x29 || char === 0x2a) return text.slice(start, at)
    if (char === 0x28 || char === 0 || Number.isNaN(char)) throw new Error("no value")
    at += char === 0x5c ? 3 : 1
  }
}

const name = (): string => {
  const start = at
  while (isLetter(text.charCodeAt(at))) at++
  if (!isInName(text.charCodeAt(at))) return text.slice(start, at)
  while (isInName(text.charCodeAt(at))) at++
  const found = text.slice(start, at)
  if (!description.test(found)) throw new Error("no attribute")
  return found
}

const expect = (char: number): void => {
  if (text.charCodeAt(at++) !== char) throw new Error("no filter")
}

const one = (value: () => Value): unknown => {
  expect(0x28)
  const first = text.charCodeAt(at)
  if (first === 0x26 || first === 0x7c) {
    at++
    const filters: Array<unknown> = []
    while (text.charCodeAt(at) !== 0x29) filters.push(one(value))
    at++
    return { _tag: first === 0x26 ? "And" : "Or", filters }
  }
  if (first === 0x21) {
    at++
    const filter = one(value)
    expect(0x29)
    return { _tag: "Not", filter }
  }
  const attribute = name()
  const operator = text.charCodeAt(at++)
  if (operator === 0x3d) return equalityOrSubstrings(attribute, value)
  const rule = operator === 0x3a ? name() : ""
  if (operator === 0x3a) expect(0x3a)
  expect(0x3d)
  const wanted = value()
  expect(0x29)
  return operator === 0x3a
    ? { _tag: "Extensible", rule, attribute, value: wanted, dnAttributes: false }
    : {
      _tag: operator === 0x3e ? "GreaterOrEqual" : operator === 0x3c ? "LessOrEqual" : "Approx",
      attribute,
      value: wanted
    }
}

const equalityOrSubstrings = (attribute: string, value: () => Value): unknown => {
  if (text.charCodeAt(at) === 0x2a && text.charCodeAt(at + 1) === 0x29) {
    at += 2
    return { _tag: "Present", attribute }
  }
  const initial = value()
  const any: Array<Value> = []
  let final: Value | undefined
  while (text.charCodeAt(at) === 0x2a) {
    at++
    if (final !== undefined) any.push(final)
    final = value()
  }
  expect(0x29)
  if (final === undefined) return { _tag: "Equality", attribute, value: initial }
  return initial.length > 0
    ? { _tag: "Substrings", attribute, initial, any, final: final.length > 0 ? final : undefined }
    : { _tag: "Substrings", attribute, any, final: final.length > 0 ? final : undefined }
}

const whole = (of: string, value: () => Value): unknown => {
  text = of
  at = 0
  const filter = one(value)
  if (at < of.length) throw new Error("text behind the filter")
  return filter
}

/** The filter of a text. */
export const withBytes = (of: string): LdapFilter => whole(of, bytes) as LdapFilter

/** The same with text in place of bytes, escapes as they are written. */
export const withText = (of: string): unknown => whole(of, characters)
