/** Gauges that show the sum of what is there when they are read. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { LiveGauges, type Series, type Source } from "../../src/telemetry/liveGauges.ts"

interface Measured extends Source {
  readonly weight: number
}

const gaugesOf = (server: string): LiveGauges<Measured> =>
  new LiveGauges([
    { id: "sources", description: "Sources", attributes: { server }, read: () => 1 },
    { id: "weight", description: "Their weight", attributes: { server, unit: "kg" }, read: ({ weight }) => weight }
  ])

const world = (contextual: Metric.Metric.AttributeSet = {}) => {
  const registry: Metric.MetricRegistry = new Map()
  const context = Context.make(Metric.MetricRegistry, registry).pipe(
    Context.add(Metric.CurrentMetricAttributes, contextual)
  )
  const values = (): ReadonlyArray<unknown> =>
    Metric.snapshotUnsafe(context).map(({ attributes, id, state }) => [id, attributes, state])
  return { context, registry, values }
}

describe("gauges that are computed when they are read", () => {
  const steps = Arbitrary.array(
    Arbitrary.all({
      leaves: Arbitrary.schema(Schema.Boolean),
      which: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))
    }),
    { minLength: 1, maxLength: 60 }
  )

  it.prop("show the sum of all sources, in any order of adding and removing, and are absent without one", [steps], ([
    steps
  ]) => {
    const { context, values } = world({ tenant: "t" })
    const gauges = gaugesOf("a")
    const all = Array.from({ length: 10 }, (_, i): Measured => ({ weight: 2 ** i }))
    const present = new Map<Measured, Series<Measured>>()
    for (const { leaves, which } of steps) {
      const source = all[which]!
      const series = present.get(source)
      if (series !== undefined && leaves) {
        series.remove(source)
        // A second time it does nothing.
        series.remove(source)
        present.delete(source)
      } else if (series === undefined && !leaves) {
        present.set(source, gauges.add(context, source))
      }
      const weight = [...present.keys()].reduce((sum, { weight }) => sum + weight, 0)
      assert.deepStrictEqual(
        values(),
        present.size === 0 ? [] : [
          ["sources", { server: "a", tenant: "t" }, { value: present.size }],
          ["weight", { server: "a", unit: "kg", tenant: "t" }, { value: weight }]
        ]
      )
    }
  }, { arbitrary: { runs: 200 } })

  it("of the same attributes are one, also if they were made twice; those of other attributes are others", () => {
    const { context, values } = world()
    const [one, same, other] = [gaugesOf("a"), gaugesOf("a"), gaugesOf("b")]
    one.add(context, { weight: 1 })
    const series = same.add(context, { weight: 2 })
    other.add(context, { weight: 4 })
    series.remove({ weight: 2, place: 1 })
    assert.deepStrictEqual(values(), [
      ["sources", { server: "a" }, { value: 2 }],
      ["weight", { server: "a", unit: "kg" }, { value: 3 }],
      ["sources", { server: "b" }, { value: 1 }],
      ["weight", { server: "b", unit: "kg" }, { value: 4 }]
    ])
  })

  it("of the same attributes from elsewhere, or in another order, are one", () => {
    const registry: Metric.MetricRegistry = new Map()
    const contextOf = (contextual: Metric.Metric.AttributeSet) =>
      Context.make(Metric.MetricRegistry, registry).pipe(Context.add(Metric.CurrentMetricAttributes, contextual))
    const [one, other] = [gaugesOf("a"), gaugesOf("b")]
    one.add(contextOf({ tenant: "t", zone: "z" }), { weight: 1 })
    one.add(contextOf({ zone: "z", tenant: "t" }), { weight: 2 })
    one.add(contextOf({ server: "proxy" }), { weight: 4 })
    other.add(contextOf({ server: "proxy" }), { weight: 8 })
    const values = Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry)).map(({ state }) => state)
    assert.deepStrictEqual(values, [{ value: 2 }, { value: 3 }, { value: 2 }, { value: 12 }])
  })

  it("are found by a program's own gauge of the same description and attributes", () => {
    const { context, values } = world()
    const own = Metric.gauge("weight", { description: "Their weight", attributes: { server: "a", unit: "kg" } })
    const gauges = gaugesOf("a")
    const source: Measured = { weight: 3 }
    for (let i = 0; i < 2; i++) {
      const series = gauges.add(context, source)
      assert.deepStrictEqual(own.valueUnsafe(context), { value: 3 })
      assert.lengthOf(values(), 2)
      series.remove(source)
      assert.lengthOf(values(), 0)
    }
    // One that the program has made meanwhile is its own.
    const series = gauges.add(context, source)
    assert.deepStrictEqual(own.valueUnsafe(context), { value: 3 })
    series.remove(source)
    own.updateUnsafe(7, context)
    assert.deepStrictEqual(own.valueUnsafe(context), { value: 7 })
    gauges.add(context, source)
    assert.deepStrictEqual(own.valueUnsafe(context), { value: 3 })
  })

  it("are in the registry of each program alone", () => {
    const gauges = gaugesOf("a")
    const [here, there] = [world(), world()]
    gauges.add(here.context, { weight: 1 })
    gauges.add(there.context, { weight: 2 })
    assert.deepStrictEqual([here, there].map(({ values }) => values()[1]), [
      ["weight", { server: "a", unit: "kg" }, { value: 1 }],
      ["weight", { server: "a", unit: "kg" }, { value: 2 }]
    ])
  })

  it("come again after a thousand others, and are not made anew where nothing else came between", () => {
    const { context, registry, values } = world()
    const all = Array.from({ length: 1_000 }, (_, i) => gaugesOf(`s${i}`))
    const use = (gauges: LiveGauges<Measured>): Series<Measured> => {
      const source: Measured = { weight: 1 }
      const series = gauges.add(context, source)
      series.remove(source)
      return series
    }
    const series = all.map(use)
    assert.strictEqual(registry.size, 0)
    assert.strictEqual(all[0]!.add(context, { weight: 5 }), series[0])
    assert.notStrictEqual(gaugesOf("s999").add(context, { weight: 6 }), series[999])
    // One that is in use is used, though another was here before.
    all[999]!.add(context, { weight: 0 })
    assert.deepStrictEqual(values(), [
      ["sources", { server: "s0" }, { value: 1 }],
      ["weight", { server: "s0", unit: "kg" }, { value: 5 }],
      ["sources", { server: "s999" }, { value: 2 }],
      ["weight", { server: "s999", unit: "kg" }, { value: 6 }]
    ])
  })
})
