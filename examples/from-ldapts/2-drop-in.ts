/**
 * Step 2: the same service on sessions of effect-ldap. Nothing but the import has changed.
 */
import {
  Attribute,
  Change,
  Client,
  escapeFilter,
  InvalidCredentialsError,
  NoSuchObjectError
} from "../../src/ldapts.ts"

export interface Person {
  readonly uid: string
  readonly name: string
  readonly phone: string | undefined
}

export interface Settings {
  readonly url: string
  readonly bindDn: string
  readonly password: string
}

const people = "ou=people,dc=example,dc=org"

export class PhoneBook {
  readonly #settings: Settings
  readonly #client: Client

  constructor(settings: Settings) {
    this.#settings = settings
    this.#client = new Client({ url: settings.url, timeout: 5_000, connectTimeout: 5_000, autoRebind: true })
  }

  async open(): Promise<void> {
    await this.#client.bind(this.#settings.bindDn, this.#settings.password)
  }

  async find(mail: string): Promise<Person | undefined> {
    const { searchEntries: [entry] } = await this.#client.search(people, {
      scope: "sub",
      filter: escapeFilter`(&(objectClass=inetOrgPerson)(mail=${mail}))`,
      attributes: ["uid", "cn", "telephoneNumber"]
    })
    if (entry === undefined) return undefined
    // An attribute that isn't there is an empty array.
    const { cn, telephoneNumber: phone, uid } = entry
    return { uid: String(uid), name: String(cn), phone: typeof phone === "string" ? phone : undefined }
  }

  /** Whether there is such a person. */
  async setPhone(uid: string, phone: string): Promise<boolean> {
    const modification = new Attribute({ type: "telephoneNumber", values: [phone] })
    try {
      await this.#client.modify(`uid=${uid},${people}`, new Change({ operation: "replace", modification }))
      return true
    } catch (error) {
      if (error instanceof NoSuchObjectError) return false
      throw error
    }
  }

  async logIn(uid: string, password: string): Promise<boolean> {
    const client = new Client({ url: this.#settings.url, timeout: 5_000, connectTimeout: 5_000 })
    try {
      await client.bind(`uid=${uid},${people}`, password)
      return true
    } catch (error) {
      if (error instanceof InvalidCredentialsError) return false
      throw error
    } finally {
      await client.unbind()
    }
  }

  async close(): Promise<void> {
    await this.#client.unbind()
  }
}
