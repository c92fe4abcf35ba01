import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"

const login = { placeholders: ["login"] } as const

const filled = (text: string, value: string, options: Partial<LdapFilter.TemplateOptions<"login">> = {}) =>
  LdapFilter.format(
    Result.getOrThrow(LdapFilter.template(text, { ...login, ...options })).filter({ login: value })
  )

const refusal = (text: unknown, options: Partial<LdapFilter.TemplateOptions<"login">> = {}) => {
  const result = LdapFilter.template(text as string, { ...login, ...options })
  return Result.isFailure(result) ? result.failure : assert.fail(`${String(text)} was taken`)
}

describe("LdapFilter.template", () => {
  it.each(
    [
      ["{{x}}", "(&(objectClass=person)(uid={{login}}))"],
      ["{{x}}", "(&(objectClass=person)(uid={{ login }}))"],
      ["${x}", "(&(objectClass=person)(uid=${login}))"],
      ["{0}", "(&(objectClass=person)(uid={0}))"],
      ["%s", "(&(objectClass=person)(uid=%s))"]
    ] as const
  )("style %s: %s", (style, text) => {
    assert.strictEqual(filled(text, "ada", { style }), "(&(objectClass=person)(uid=ada))")
    assert.strictEqual(filled(text, "*)(uid=*", { style }), "(&(objectClass=person)(uid=\\2a\\29\\28uid=\\2a))")
    // A value that looks like a placeholder isn't one.
    assert.strictEqual(
      filled(text, "{{login}}${login}{0}%s", { style }),
      "(&(objectClass=person)(uid={{login}}${login}{0}%s))"
    )
  })

  it("takes a placeholder more than once, within a value and beside an asterisk", () => {
    assert.strictEqual(
      filled("(|(uid=%s)(mail=%s@example.org)(cn=*%s*))", "a*", { style: "%s" }),
      "(|(uid=a\\2a)(mail=a\\2a@example.org)(cn=*a\\2a*))"
    )
    assert.strictEqual(filled("(description=100%% %s)", "x", { style: "%s" }), "(description=100% x)")
  })

  it("takes bytes, numbers, booleans and names", () => {
    const template = Result.getOrThrow(LdapFilter.template("(a={{login}})", login))
    const text = (value: LdapFilter.FilterValue) => LdapFilter.format(template.filter({ login: value }))
    assert.strictEqual(text(Buffer.from([255])), "(a=\\ff)")
    assert.strictEqual(text(7), "(a=7)")
    assert.strictEqual(text(true), "(a=TRUE)")
    assert.strictEqual(text(LdapDn.ldapDn`cn=a\,b`), "(a=cn=a\\5c,b)")
  })

  it("several: by name, by number, and in their order", () => {
    const names = { placeholders: ["login", "domain"] } as const
    const values = { login: "a", domain: "b" }
    for (
      const [style, text] of [["{{x}}", "(&(d={{domain}})(l={{login}}))"], ["{0}", "(&(d={1})(l={0}))"], [
        "${x}",
        "(&(d=${domain})(l=${login}))"
      ]] as const
    ) {
      const template = Result.getOrThrow(LdapFilter.template(text, { ...names, style }))
      assert.strictEqual(LdapFilter.format(template.filter(values)), "(&(d=b)(l=a))")
    }
    const inOrder = Result.getOrThrow(LdapFilter.template("(&(l=%s)(d=%s))", { ...names, style: "%s" }))
    assert.strictEqual(LdapFilter.format(inOrder.filter(values)), "(&(l=a)(d=b))")
  })

  it("has optional ones", () => {
    const options = { placeholders: ["login"], optional: ["domain"] } as const
    assert.isTrue(Result.isSuccess(LdapFilter.template("(uid={{login}})", options)))
    assert.isTrue(Result.isSuccess(LdapFilter.template("(uid={{login}}@{{domain}})", options)))
  })

  it.each([
    ["(uid={{user}})", 5, "there is no placeholder {{user}}; known are {{login}}"],
    ["(uid=ada)", 9, "the placeholder {{login}} is missing"],
    ["(uid=%s)", 8, "the placeholder {{login}} is missing"],
    ["(uid={{login}}){{", 15, "no placeholder"],
    ["(uid={{login)", 5, "no placeholder"],
    ["(uid={{login}}", 14, `expected ")"`],
    ["({{login}}=ada)", 1, "a value can't be used as a name"],
    ["(&{{login}})", 2, "can't be used as a filter"],
    ["uid={{login}}", 0, "{ lenient: true } accepts"]
  ])("refuses %s", (text, position, detail) => {
    const error = refusal(text)
    assert.include(error.detail, detail)
    assert.isAtMost(error.position, text.length + 10)
    if (!detail.startsWith("expected")) assert.strictEqual(error.position, position)
  })

  it.each(
    [["%s", "(uid=%u)"], ["%s", "(uid=%s)(x=%"], ["{0}", "(uid={1})"], ["{0}", "(uid={login})"], [
      "${x}",
      "(uid=${login)"
    ]] as const
  )(
    "refuses in style %s: %s",
    (style, text) => {
      assert.match(refusal(text, { style }).detail, /placeholder/)
    }
  )

  it("reads without the outer parentheses if lenient", () => {
    assert.strictEqual(filled("uid={{login}}", "a)", { lenient: true }), "(uid=a\\29)")
  })

  it("answers what is no text, no style and no value without a throw", () => {
    for (const text of [undefined, null, 5, {}, []]) assert.isDefined(refusal(text).detail)
    assert.include(refusal("(a={{login}})", { style: "?" as never }).detail, "the style")
    const template = Result.getOrThrow(LdapFilter.template("(uid={{login}})", login))
    for (const value of [undefined, null, {}, new Date(0), Number.NaN]) {
      assert.isTrue(Result.isFailure(LdapFilter.validate(template.filter({ login: value as never }))))
    }
    assert.isTrue(Result.isFailure(LdapFilter.validate(template.filter(undefined as never))))
  })

  it.each(
    [["{{x}}", "({{login}})"], ["${x}", "(&${login})"], ["{0}", "(a=b){0}"], ["%s", "%s"], [
      "{{x}}",
      "({{ login }}=a)"
    ]] as const
  )("an error in style %s of %s shows the placeholder as it is written", (style, text) => {
    const { filter, message } = refusal(text, { style })
    assert.strictEqual(filter, text)
    assert.notMatch(message, /NUL|\0|…\}/)
    assert.notInclude(message, style === "${x}" ? "${name}" : "${")
  })

  it("without options takes any placeholder in the default style", () => {
    const template = Result.getOrThrow(LdapFilter.template("(|(uid={{a}})(mail={{ b }}))"))
    assert.strictEqual(LdapFilter.format(template.filter({ a: "*", b: "x" })), "(|(uid=\\2a)(mail=x))")
    assert.strictEqual(
      LdapFilter.format(Result.getOrThrow(LdapFilter.template("(cn=a)", {})).filter({})),
      "(cn=a)"
    )
    for (const options of [{ placeholders: "ab" }, { placeholders: [5] }, { optional: 5 }, { style: "%s" }])
      assert.isTrue(Result.isFailure(LdapFilter.template("(cn=a)", options as never)))
  })

  it.prop("no value is ever syntax", [Schema.String], ([text]) => {
    const value = text.toWellFormed()
    const template = Result.getOrThrow(LdapFilter.template("(&(a=b)(|(uid={{login}})(cn=x*{{login}}*)))", login))
    const filter = template.filter({ login: value })
    const [, or] = filter._tag === "And" ? filter.filters : []
    const [uid, cn] = or?._tag === "Or" ? or.filters : []
    assert.isTrue(uid?._tag === "Equality" && Buffer.from(uid.value).equals(Buffer.from(value)))
    assert.strictEqual(cn?._tag, "Substrings")
  })
})

describe("a value whose text comes from other filters", () => {
  it("leaves the values of the filter around it as they are", () => {
    const inner = `(cn=${"a".repeat(600)})`
    const name = { rdns: [], toString: () => (Result.getOrThrow(LdapFilter.parse(inner)), "dc=a") } as never
    const euros = "€".repeat(600)
    const raw = ["(&(a=", `)(b=${euros}))`]
    // In one of these rounds there is space for the one filter, but not for both.
    for (let i = 0; i < 40; i++) {
      assert.isTrue(
        LdapFilter.isEqual(
          LdapFilter.ldapFilter(Object.assign(raw, { raw }), name),
          LdapFilter.and(LdapFilter.equals("a", "dc=a"), LdapFilter.equals("b", euros))
        )
      )
    }
  })
})

describe("LdapFilter.parse, lenient", () => {
  it.each([
    ["cn=Ada", "(cn=Ada)"],
    ["&(cn=Ada)(sn=King)", "(&(cn=Ada)(sn=King))"],
    ["!(cn=Ada)", "(!(cn=Ada))"],
    ["  objectClass=crlDistributionPoint\n", "(objectClass=crlDistributionPoint)"],
    ["(cn=Ada)", "(cn=Ada)"]
  ])("reads %s", (text, expected) => {
    assert.strictEqual(LdapFilter.format(Result.getOrThrow(LdapFilter.parse(text, { lenient: true }))), expected)
    const strict = LdapFilter.parse(text)
    if (text !== expected) {
      assert.include(Result.isFailure(strict) ? strict.failure.detail : "", "{ lenient: true } accepts that")
    }
  })

  it.each([["cn=Ada)", 7], ["  cn=(", 5], ["&(cn=Ada", 8], ["", 0], ["=", 0]])(
    "refuses %s, and says where in it",
    (text, position) => {
      const error = LdapFilter.parse(text, { lenient: true })
      assert.isTrue(Result.isFailure(error))
      if (Result.isFailure(error)) {
        assert.strictEqual(error.failure.filter, text)
        assert.strictEqual(error.failure.position, position)
      }
      const strict = LdapFilter.parse(text)
      assert.notInclude(Result.isFailure(strict) ? strict.failure.detail : "", "lenient")
    }
  )
})
