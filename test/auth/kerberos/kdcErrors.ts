/** Errors of a simulated KDC. */
import { encoding } from "../../../src/auth/kerberos/messages/Der.ts"
import { writeName } from "../../../src/auth/kerberos/messages/Principal.ts"
import { realm } from "./failure.ts"

/** An error of a KDC at this time of its clock. */
export const kdcError = (code: number, data?: Uint8Array, millis = 0, clientRealm?: string): Buffer =>
  encoding((writer) =>
    writer.nested(0x7e, (message) =>
      message.sequence((error) => {
        error.field(0, (content) => content.int32(5))
        error.field(1, (content) => content.int32(30))
        error.field(4, (content) => content.time(millis))
        error.field(5, (content) => content.int32(0))
        error.field(6, (content) => content.int32(code))
        if (clientRealm !== undefined) error.field(7, (content) => content.text(clientRealm))
        error.field(9, (content) => content.text(realm))
        error.field(10, (content) => writeName(content, { type: 2, components: ["krbtgt", realm] }))
        if (data !== undefined) error.field(12, (content) => content.octets(data))
      }))
  )

interface Info {
  readonly type: number
  readonly salt?: string
  readonly parameters?: string
}

/** The error that requires a proof, with the parameters of the key. */
export const wantsProof = (infos: ReadonlyArray<Info>, methods: ReadonlyArray<number> = [2]): Buffer => {
  const list = encoding((writer) =>
    writer.sequence((list) => {
      for (const { parameters, salt, type } of infos) {
        list.sequence((info) => {
          info.field(0, (content) => content.int32(type))
          if (salt !== undefined) info.field(1, (content) => content.text(salt))
          if (parameters !== undefined) info.field(2, (content) => content.octets(Buffer.from(parameters, "hex")))
        })
      }
    })
  )
  return kdcError(
    25,
    encoding((writer) =>
      writer.sequence((data) => {
        for (const [type, value] of [[19, list] as const, ...methods.map((type) => [type, Buffer.alloc(0)] as const)]) {
          data.sequence((one) => {
            one.field(1, (content) => content.int32(type))
            one.field(2, (content) => content.octets(value))
          })
        }
      })
    )
  )
}
