/**
 * Writes organisation.ldif: a made-up company with about 300 people, their departments and 30 groups, in names of many
 * scripts, for examples and tests. The same text every time:
 *
 *     node examples/data/generate.ts > examples/data/organisation.ldif
 *
 * People log in with their uid. Those with a password have it from `passwordOf`; the administrator is cn=admin.
 */
import { createHash } from "node:crypto"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import { portrait, type Random } from "./jpeg.ts"

const suffix = "dc=example,dc=org"

const people = 300

/** Mulberry32: small, and the same on every machine. */
const randomFrom = (seed: number): Random => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

const random = randomFrom(20_260_701)

const pick = <A>(choices: ReadonlyArray<A>): A => {
  const chosen = choices[Math.floor(random() * choices.length)]
  if (chosen === undefined) throw new RangeError("nothing to pick from")
  return chosen
}

// ---------------------------------------------------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------------------------------------------------

/** A name as it is written, and in the Latin letters of logins and mail addresses. */
type Name = readonly [written: string, latin: string]

interface Culture {
  readonly language: string
  readonly weight: number
  /** Whether the family name comes first. */
  readonly familyFirst: boolean
  readonly given: ReadonlyArray<Name>
  readonly family: ReadonlyArray<Name>
}

/** Names in Latin letters, whose latin form is the written one without its marks. */
const latin = (names: string): ReadonlyArray<Name> =>
  names.split(" ").map((name) => [
    name,
    name.replaceAll("ß", "ss").replaceAll("ø", "o").replaceAll("Ø", "O").replaceAll("ł", "l").replaceAll("Ł", "L")
      .replaceAll("æ", "ae").replaceAll("ı", "i").normalize("NFD").replace(/[^A-Za-z]/g, "")
  ])

const written = (names: string): ReadonlyArray<Name> =>
  names.split(" ").map((pair) => {
    const [name = "", letters = ""] = pair.split("/")
    return [name, letters]
  })

const cultures: ReadonlyArray<Culture> = [
  {
    language: "en",
    weight: 30,
    familyFirst: false,
    given: latin("Ada Grace Alan Edsger Barbara Radia Donald Frances Tim Margaret Ken Jean Linus Sophie Dennis Mary"),
    family: latin(
      "Lovelace Hopper Turing Baker Liskov Perlman Knuth Allen Carter O'Neill Thompson Bartik Smith-Jones Wilson"
    )
  },
  {
    language: "de",
    weight: 20,
    familyFirst: false,
    given: latin("Jürgen Käthe Björn Änne Günther Zoë Konrad Emmy Sören Marlene"),
    family: latin("Müller Groß Strauß Schäfer Köhler Weiß Zuse Noether Jäger Größler")
  },
  {
    language: "fr",
    weight: 12,
    familyFirst: false,
    given: latin("Élodie François Zoé Anaïs Benoît Hélène Noël Chloé"),
    family: latin("Lefèvre Dubois Garçon Bélanger D'Aubigné Légaré Beauséjour Côté")
  },
  {
    language: "pl",
    weight: 8,
    familyFirst: false,
    given: latin("Łukasz Małgorzata Żaneta Michał Wojciech Świętosława"),
    family: latin("Wałęsa Żółkiewski Dąbrowska Święcicki Łęcka Kościuszko")
  },
  {
    language: "da",
    weight: 6,
    familyFirst: false,
    given: latin("Søren Bjørn Åse Mærsk Øyvind"),
    family: latin("Kierkegård Sørensen Østergård Ibsen Bjørnson")
  },
  {
    language: "tr",
    weight: 4,
    familyFirst: false,
    given: latin("Işıl Çağla Gökhan Şebnem"),
    family: latin("Yıldız Öztürk Çelik Güneş")
  },
  {
    language: "el",
    weight: 6,
    familyFirst: false,
    given: written("Ελένη/Eleni Γιώργος/Giorgos Σοφία/Sofia Νίκος/Nikos Μαρία/Maria"),
    family: written("Παπαδόπουλος/Papadopoulos Αγγελίδη/Angelidi Οικονόμου/Oikonomou Μακρής/Makris")
  },
  {
    language: "he",
    weight: 5,
    familyFirst: false,
    given: written("נועה/Noa דוד/David שרה/Sara יוסף/Yosef"),
    family: written("כהן/Cohen לוי/Levi מזרחי/Mizrahi פרץ/Peretz")
  },
  {
    language: "ja",
    weight: 7,
    familyFirst: true,
    given: written("花子/Hanako 太郎/Taro 美咲/Misaki 健一/Kenichi さくら/Sakura"),
    family: written("山田/Yamada 佐藤/Sato 鈴木/Suzuki 高橋/Takahashi 渡辺/Watanabe")
  },
  {
    language: "zh",
    weight: 5,
    familyFirst: true,
    given: written("伟/Wei 芳/Fang 秀英/Xiuying 娜/Na"),
    family: written("王/Wang 李/Li 张/Zhang 刘/Liu")
  },
  {
    language: "uk",
    weight: 5,
    familyFirst: false,
    given: written("Олена/Olena Тарас/Taras Ірина/Iryna Юрій/Yurii"),
    family: written("Шевченко/Shevchenko Коваленко/Kovalenko Ткаченко/Tkachenko Лисенко/Lysenko")
  },
  {
    language: "ar",
    weight: 4,
    familyFirst: false,
    given: written("ليلى/Layla عمر/Omar فاطمة/Fatima يوسف/Yusuf"),
    family: written("الخوارزمي/Alkhwarizmi حداد/Haddad منصور/Mansour")
  },
  {
    language: "hi",
    weight: 4,
    familyFirst: false,
    given: written("अनन्या/Ananya अर्जुन/Arjun प्रिया/Priya रोहन/Rohan"),
    family: written("शर्मा/Sharma पटेल/Patel गुप्ता/Gupta")
  }
]

const byWeight = cultures.flatMap((culture) => new Array<Culture>(culture.weight).fill(culture))

// ---------------------------------------------------------------------------------------------------------------------
// The organisation
// ---------------------------------------------------------------------------------------------------------------------

interface Department {
  readonly ou: string
  readonly number: string
  readonly titles: ReadonlyArray<string>
}

const departments: ReadonlyArray<Department> = [
  { ou: "Engineering", number: "100", titles: ["Software Engineer", "Senior Engineer", "Test Engineer", "Architect"] },
  { ou: "Operations", number: "110", titles: ["Site Reliability Engineer", "Network Engineer", "Operator"] },
  { ou: "Research & Development", number: "120", titles: ["Researcher", "Data Scientist", "Research Fellow"] },
  { ou: "Sales, Europe", number: "200", titles: ["Account Manager", "Sales Representative"] },
  { ou: "Sales, Asia", number: "210", titles: ["Account Manager", "Sales Representative"] },
  { ou: "Marketing", number: "220", titles: ["Copywriter", "Designer", "Campaign Manager"] },
  { ou: "Finance", number: "300", titles: ["Accountant", "Controller", "Auditor"] },
  { ou: "Human Resources", number: "310", titles: ["Recruiter", "Trainer"] },
  { ou: "Legal", number: "320", titles: ["Counsel", "Paralegal"] },
  { ou: "Facilities", number: "400", titles: ["Caretaker", "Receptionist", "Gardener"] }
]

const descriptions = [
  "Speaks at conferences; asks before answering.",
  "Works from home on Tuesdays and Thursdays. Please send letters to the office, since nobody opens the door at home, and parcels to the reception desk on the ground floor.",
  "First line\nSecond line\n\tindented third line",
  " begins and ends with a space ",
  ": begins with a colon",
  "< looks like a URL in LDIF",
  "Liebt Grüße, naïve Cafés und 寿司 🍣",
  "(*) a filter would have to be escaped \\ here"
]

const cities = ["Berlin", "Zürich", "Αθήνα", "東京", "תל אביב", "Kraków", "København", "Київ"]

/** A value in a distinguished name (RFC 4514 section 2.4). */
const escaped = (value: string): string => value.replace(/[,+"\\<>;]/g, (special) => `\\${special}`)

const unitDn = ({ ou }: Department): string => `ou=${escaped(ou)},ou=people,${suffix}`

const passwordOf = (uid: string): string => `${uid}-secret`

/** {SSHA}, with salt from the sequence. */
const hashed = (password: string): string => {
  const salt = Buffer.from(Array.from({ length: 8 }, () => Math.floor(random() * 256)))
  const digest = createHash("sha1").update(password).update(salt).digest()
  return `{SSHA}${Buffer.concat([digest, salt]).toString("base64")}`
}

/** An entry with these attributes; undefined ones are left out. */
const entry = (
  dn: string,
  attributes: Readonly<Record<string, string | Uint8Array | ReadonlyArray<string> | undefined>>
) =>
  Ldif.entry(
    dn,
    Object.fromEntries(
      Object.entries(attributes).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
    )
  )

interface Person {
  readonly dn: string
  readonly department: Department
  readonly city: string
  readonly record: ReturnType<typeof entry>
}

const logins = new Set<string>()

/** The first letter and the family name; if that is taken already, with a number. */
const loginOf = (given: string, family: string): string => {
  const wanted = `${given.slice(0, 1)}${family}`.toLowerCase()
  let login = wanted
  for (let i = 2; logins.has(login); i++) login = `${wanted}${i}`
  logins.add(login)
  return login
}

const heads = new Map<Department, string>()

const person = (i: number): Person => {
  const culture = pick(byWeight)
  const [given, givenLatin] = pick(culture.given)
  const [family, familyLatin] = pick(culture.family)
  // The first person of a department leads it.
  const department = departments[i % departments.length] ?? pick(departments)
  const uid = loginOf(givenLatin, familyLatin)
  const dn = `uid=${uid},${unitDn(department)}`
  const head = heads.get(department)
  if (head === undefined) heads.set(department, dn)
  const native = culture.familyFirst ? `${family} ${given}` : `${given} ${family}`
  const romanized = `${givenLatin} ${familyLatin}`
  const city = pick(cities)
  const hasPassword = i < 10 || i % 50 === 0
  const password = i === 3 ? passwordOf(uid) : hasPassword ? hashed(passwordOf(uid)) : undefined
  return {
    dn,
    department,
    city,
    record: entry(dn, {
      objectClass: ["top", "person", "organizationalPerson", "inetOrgPerson"],
      uid,
      cn: native === romanized ? [native] : [native, romanized],
      [`cn;lang-${culture.language}`]: i % 7 === 0 ? native : undefined,
      sn: family,
      givenName: given,
      displayName: native,
      mail: i % 11 === 0 ? [`${uid}@example.org`, `${uid}@mail.example.org`] : `${uid}@example.org`,
      telephoneNumber: `+49 30 5550 ${String(1000 + i)}`,
      mobile: random() < 0.3 ? `+49 151 5550 ${String(2000 + i)}` : undefined,
      employeeNumber: String(10_001 + i),
      employeeType: random() < 0.1 ? "external" : "staff",
      title: head === undefined ? `Head of ${department.ou}` : pick(department.titles),
      departmentNumber: department.number,
      ou: department.ou,
      l: city,
      preferredLanguage: culture.language,
      manager: head,
      description: i % 9 === 4 ? descriptions[Math.floor(i / 9) % descriptions.length] : undefined,
      jpegPhoto: i % 40 === 0 ? portrait(random) : undefined,
      userPassword: password
    })
  }
}

const unit = (dn: string, ou: string, more?: Readonly<Record<string, string>>) =>
  entry(dn, { objectClass: ["top", "organizationalUnit"], ou, ...more })

const group = (cn: string, members: ReadonlyArray<Person>, description?: string) =>
  entry(`cn=${escaped(cn)},ou=groups,${suffix}`, {
    objectClass: ["top", "groupOfNames"],
    cn,
    description,
    owner: members[0]?.dn,
    member: members.map(({ dn }) => dn)
  })

const staff = Array.from({ length: people }, (_, i) => person(i))

const projects = [
  "Apollo",
  "Zeppelin",
  "Łódź",
  "Ikarus",
  "Ωμέγα",
  "桜",
  "Rot+Weiß",
  "\"Quoted\"",
  "C# Guild",
  "Back\\slash"
]

const groups = [
  group("everyone", staff, "All who work here"),
  ...departments.map((department) =>
    group(`dept ${department.ou}`, staff.filter((one) => one.department === department))
  ),
  ...cities.map((city) => group(`office ${city}`, staff.filter((one) => one.city === city))),
  ...projects.map((name) => group(`project ${name}`, staff.filter(() => random() < 0.06))),
  group("board", staff.slice(0, 5), "Five of the heads")
]

const records = [
  entry(suffix, { objectClass: ["top", "dcObject", "organization"], dc: "example", o: "Example Organisation" }),
  entry(`cn=admin,${suffix}`, {
    objectClass: ["top", "organizationalRole", "simpleSecurityObject"],
    cn: "admin",
    description: "May do everything",
    userPassword: hashed(passwordOf("admin"))
  }),
  unit(`ou=people,${suffix}`, "people"),
  unit(`ou=groups,${suffix}`, "groups"),
  ...departments.map((department) =>
    unit(unitDn(department), department.ou, { description: `Department ${department.number}` })
  ),
  ...staff.map(({ record }) => record),
  ...groups
]

// slapadd takes no empty line behind the version, and needs none of the two.
process.stdout.write(Ldif.format(records).replace("version: 1\n\n", "# Made by examples/data/generate.ts\n\n"))
