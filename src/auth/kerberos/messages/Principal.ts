/**
 * Kerberos names: components and a realm (RFC 4120 section 6). The text form is that of MIT and Heimdal (RFC 1964 section 2.1.1):
 * `ada@EXAMPLE.COM`, `ldap/dc1.example.com@EXAMPLE.COM`. A slash, at sign or backslash within a component has a backslash before
 * it.
 */
import type { DerReader, DerWriter } from "./Der.ts"

export interface PrincipalName {
  /** One of {@link NameType}. It is only a hint: names with the same components are equal. */
  readonly type: number
  readonly components: ReadonlyArray<string>
}

export interface Principal extends PrincipalName {
  readonly realm: string
}

/** RFC 4120 section 6.2, and RFC 6806 section 5. */
export const NameType = { principal: 1, serviceInstance: 2, serviceHost: 3, enterprise: 10 } as const

const mostComponents = 16

export const readName = (reader: DerReader): PrincipalName => {
  const name = reader.sequence()
  const type = name.required(0, (content) => content.int32())
  const components = name.required(1, (content) => content.list(mostComponents, (item) => item.text()))
  name.expectEnd()
  return { type, components }
}

export const writeName = (writer: DerWriter, { components, type }: PrincipalName): void =>
  writer.sequence((name) => {
    name.field(0, (content) => content.int32(type))
    name.field(1, (content) =>
      content.sequence((list) => {
        for (const component of components) list.text(component)
      }))
  })

/** The name of the ticket-granting service for `realm`. */
export const ticketGranting = (realm: string): PrincipalName => ({
  type: NameType.serviceInstance,
  components: ["krbtgt", realm]
})

/** The realm of a ticket-granting service; `undefined` for other names. */
export const grantsFor = ({ components }: PrincipalName): string | undefined =>
  components.length === 2 && components[0] === "krbtgt" ? components[1] : undefined

export const sameName = (a: PrincipalName, b: PrincipalName): boolean =>
  a.components.length === b.components.length && a.components.every((component, i) => component === b.components[i])

const escaped = (component: string, separators: RegExp): string => component.replace(separators, "\\$&")

/** The text form, without a realm if the name has none. */
export const format = (
  { components, realm, type }: PrincipalName & { readonly realm?: string | undefined }
): string => {
  const name = components.map((component) => escaped(component, type === NameType.enterprise ? /[\\]/g : /[\\/@]/g))
    .join("/")
  return realm === undefined || realm === "" ? name : `${name}@${escaped(realm, /[\\]/g)}`
}

/** Parses the text form. The realm is `undefined` if it is left out. Returns `undefined` if the text isn't a name. */
export const parse = (
  text: string
): { readonly components: ReadonlyArray<string>; readonly realm: string | undefined } | undefined => {
  const components = [""]
  let realm: string | undefined
  for (let i = 0; i < text.length; i++) {
    let character = text[i]!
    const isEscaped = character === "\\"
    if (isEscaped) {
      character = text[++i] ?? ""
      if (character === "") return undefined
    }
    if (realm !== undefined) {
      if (!isEscaped && character === "@") return undefined
      realm += character
    } else if (!isEscaped && character === "@") realm = ""
    else if (!isEscaped && character === "/") components.push("")
    else components[components.length - 1] += character
  }
  if (components.length > mostComponents || components.includes("") || realm === "") return undefined
  return text.isWellFormed() && !text.includes("\0") ? { components, realm } : undefined
}
