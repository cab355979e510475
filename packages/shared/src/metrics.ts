/** What a service counts and measures, in the form Prometheus reads. Each service has a registry of its own. */
export { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
