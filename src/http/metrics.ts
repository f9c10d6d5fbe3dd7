/**
 * What operators watch, in Prometheus' format: how long requests take by route and status, how deep the
 * lane's queue is, how large its groups are. One registry per app, so that two apps in a process do not mix.
 */
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  /** for the lane's onGroup */
  onGroup(group: { size: number; seconds: number }): void
  onRequest(of: { method: string; route: string; status: number; seconds: number }): void
  /** the queue that `milepost_lane_depth` shows */
  watch(lane: { readonly depth: number }): void
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'milepost_http_request_duration_seconds',
    help: 'Time from the request to its answer',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  const sizes = new Histogram({
    name: 'milepost_lane_group_size',
    help: 'Commands that were written in one database transaction',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'milepost_lane_group_duration_seconds',
    help: 'Time to load, decide, write and commit one group',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  })
  let watched: { readonly depth: number } | null = null
  new Gauge({
    name: 'milepost_lane_depth',
    help: 'Commands waiting or being written',
    registers: [registry],
    collect() {
      this.set(watched?.depth ?? 0)
    },
  })
  return {
    registry,
    onGroup(group) {
      sizes.observe(group.size)
      seconds.observe(group.seconds)
    },
    onRequest: ({ method, route, status, seconds: taken }) =>
      requests.observe({ method, route, status: String(status) }, taken),
    watch(lane) {
      watched = lane
    },
  }
}

export function metricsRoutes(app: FastifyInstance, metrics: Metrics): void {
  const schema = {
    operationId: 'readMetrics',
    tags: ['operations'],
    summary: 'Metrics for Prometheus',
    description: 'Request durations by route and status, the lane’s depth and group sizes, the process.',
    security: [],
    hide: true,
  }
  app.get('/metrics', { schema }, async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}
