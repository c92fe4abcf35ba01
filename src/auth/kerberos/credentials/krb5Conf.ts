/**
 * Parses the parts of krb5.conf(5) that a client needs: the default realm, the KDCs of realms, and the realms of hosts. Pure: the
 * caller supplies the content of included files.
 */

export interface Krb5Conf {
  readonly defaultRealm: string | undefined
  /** Whether KDCs are looked up in DNS. Default: yes. */
  readonly lookupKdc: boolean
  /** The KDCs of realms, as the file has them. */
  readonly kdcs: ReadonlyMap<string, ReadonlyArray<string>>
  /** The realms of hosts and domains, by their names in lower case. A domain has a dot before it. */
  readonly domainRealm: ReadonlyMap<string, string>
}

export interface Include {
  readonly _tag: "File" | "Directory"
  readonly path: string
}

/** The files that a text includes. Only the top level of a file can include others. */
export const includesOf = (text: string): ReadonlyArray<Include> =>
  Array.from(
    text.matchAll(/^(include|includedir)[ \t]+(\S.*?)[ \t]*$/gm),
    ([, kind, path]): Include => ({ _tag: kind === "include" ? "File" : "Directory", path: path! })
  )

/** Parses several files together. If a setting occurs twice, the first is used; KDCs accumulate. */
export const readKrb5Conf = (texts: ReadonlyArray<string>): Krb5Conf => {
  const kdcs = new Map<string, Array<string>>()
  const domainRealm = new Map<string, string>()
  const defaults = new Map<string, string>()
  for (const { path, value } of texts.flatMap(settings)) {
    const [section, name, inner] = path
    if (section === "libdefaults" && name !== undefined && inner === undefined && !defaults.has(name)) {
      defaults.set(name, value)
    } else if (section === "domain_realm" && name !== undefined && !domainRealm.has(name.toLowerCase())) {
      domainRealm.set(name.toLowerCase(), value)
    } else if (section === "realms" && name !== undefined && inner === "kdc") {
      kdcs.set(name, [...(kdcs.get(name) ?? []), value])
    }
  }
  return {
    defaultRealm: defaults.get("default_realm"),
    lookupKdc: !/^(n|no|false|f|nil|0|off)$/i.test(defaults.get("dns_lookup_kdc") ?? "true"),
    kdcs,
    domainRealm
  }
}

interface Setting {
  readonly path: ReadonlyArray<string>
  readonly value: string
}

const settings = (text: string): ReadonlyArray<Setting> => {
  const found: Array<Setting> = []
  let section = ""
  let braces: Array<string> = []
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith(";")) continue
    const header = /^\[([^\]]+)\]\*?$/.exec(trimmed)
    const setting = /^([^\s=]+?)\*?\s*=\s*(.*)$/.exec(trimmed)
    if (header !== null) {
      section = header[1]!
      braces = []
    } else if (trimmed.startsWith("}")) braces.pop()
    else if (setting !== null && setting[2] === "{") braces.push(setting[1]!)
    else if (setting !== null) {
      found.push({ path: [section, ...braces, setting[1]!], value: setting[2]!.replace(/^"(.*)"$/, "$1") })
    }
  }
  return found
}

/** The realm of a host: its own, or that of its nearest parent domain. */
export const realmOfHost = ({ domainRealm }: Krb5Conf, host: string): string | undefined => {
  const name = host.toLowerCase().replace(/\.$/, "")
  const own = domainRealm.get(name)
  if (own !== undefined) return own
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
    const realm = domainRealm.get(name.slice(dot))
    if (realm !== undefined) return realm
  }
  return undefined
}
