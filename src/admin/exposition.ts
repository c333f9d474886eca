/** Samples and what Node says of the process, as the text that Prometheus reads. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

/** One value at the time of the scrape. A name has one type, one help text and one set of labels. */
export type Sample = {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
};

export class Exposition {
  readonly type = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #process = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#process, prefix: "bmlb_" });
  }

  async text(samples: readonly Sample[]): Promise<string> {
    const registry = new Registry();
    const metrics = new Map<string, (sample: Sample) => void>();
    for (const sample of samples) {
      let set = metrics.get(sample.name);
      if (set === undefined) {
        set = setter(registry, sample);
        metrics.set(sample.name, set);
      }
      set(sample);
    }
    return `${await registry.metrics()}\n${await this.#process.metrics()}`;
  }
}

function setter(registry: Registry, { name, help, type, labels = {} }: Sample): (sample: Sample) => void {
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (type === "gauge") {
    const gauge = new Gauge(options);
    return (sample) => {
      gauge.set({ ...sample.labels }, sample.value);
    };
  }
  const counter = new Counter(options);
  return (sample) => {
    counter.inc({ ...sample.labels }, sample.value);
  };
}
