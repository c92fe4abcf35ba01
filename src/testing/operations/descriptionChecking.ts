/**
 * Attribute descriptions (RFC 4512 section 2.5) where the schema is enforced: which of them can be stored, and slapd's text for
 * those that can't. Pure.
 */
import type { AttributeTypes, Description } from "../../model/attribute/AttributeTypes.ts"
import { binarySyntaxes } from "../../model/attribute/syntaxes.ts"

/** Whether an entry may have values of a known description. Only filters may have an option that ends with a hyphen. */
export const isStorable = (types: AttributeTypes, { options, type }: Description): boolean =>
  !types.strict ||
  (!options.some((option) => option.endsWith("-")) && binarySyntaxes.has(type.syntax) === options.includes("binary"))

/** What is wrong with a description that can't be stored. */
export const whyUndefined = (types: AttributeTypes, description: string): string => {
  if (!types.strict) return "attribute type undefined"
  if (description === "") return "empty AttributeDescription"
  if (!/^[a-z0-9.-]*(?:;[a-z0-9.-]*)*$/i.test(description))
    return "AttributeDescription contains inappropriate characters"
  const [name = "", ...options] = description.toLowerCase().split(";")
  const type = types.find(name)?.type
  if (type === undefined) return "attribute type undefined"
  for (const option of options) {
    if (option === "") return "zero length option is invalid"
    if (option === "binary") {
      if (!binarySyntaxes.has(type.syntax)) return "option \"binary\" not supported with type"
    } else if (!option.startsWith("lang-")) return "unrecognized option"
  }
  return options.some((option) => option.endsWith("-"))
    ? "inappropriate use of tag range option"
    : "requires ;binary transfer"
}
