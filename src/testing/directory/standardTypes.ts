/** Attribute types that the directory in memory itself uses. */
import { standardType } from "../../model/attribute/AttributeTypes.ts"

export const memberType = standardType("member")

export const refType = standardType("ref")
