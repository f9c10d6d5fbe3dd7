/**
 * The HTTP service, with every route registered by hand: this page is the table of contents. What goes in
 * is validated, what goes out is plain JSON; every failure is a problem of the closed list.
 */
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import { type FastifyInstance, fastify, LogController } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { DomainError, invariant } from '../base/errors.ts'
import type { LogLevel } from '../config.ts'
import { loggedError } from '../db/logged-error.ts'
import { createChecker } from '../simulate/checker.ts'
import { adjustmentRoutes } from './adjustments.ts'
import { authenticate } from './auth.ts'
import { balanceRoutes } from './balances.ts'
import { readJsonOnly, zodValidator } from './body.ts'
import { confirmationRoutes } from './confirmations.ts'
import { registerDocument, serveDocument } from './document.ts'
import { replyWithProblem } from './errors.ts'
import { eventRoutes } from './events.ts'
import { experimentRoutes } from './experiments.ts'
import { expiryRoutes } from './expiries.ts'
import { feedbackRoutes } from './feedback.ts'
import { healthRoutes } from './health.ts'
import { holdoutRoutes } from './holdout.ts'
import { memberLifeRoutes } from './member-life.ts'
import { memberRoutes } from './members.ts'
import { createMetrics, type Metrics, metricsRoutes } from './metrics.ts'
import { poolRoutes } from './pools.ts'
import { redemptionRoutes } from './redemptions.ts'
import { referralRoutes } from './referrals.ts'
import { registrationRoutes } from './registrations.ts'
import { reportRoutes } from './reports.ts'
import { retentionRoutes } from './retention.ts'
import { rewardRoutes } from './rewards.ts'
import type { App, RouteDeps } from './route.ts'
import { ruleDiffRoutes } from './rule-diff.ts'
import { ruleVersionRoutes } from './rule-versions.ts'
import { ruleRoutes } from './rules.ts'
import { simulationRoutes } from './simulations.ts'
import { checkReplies } from './strict.ts'
import { tierRoutes } from './tiers.ts'
import { transactionRoutes } from './transactions.ts'
import { transferRoutes } from './transfers.ts'
import { answerBrokenRequests, methodsOfPaths } from './unknown.ts'
import { viewRoutes } from './view.ts'
import { viewsRoutes } from './views.ts'
import { requestIdOf, watchRequests } from './watch.ts'

export interface AppDeps extends RouteDeps {
  /** per key; where there is no key, per address */
  readonly rateLimitPerMinute: number
  readonly logLevel: LogLevel
  /** where log lines go; standard output where it is left out */
  readonly logTo?: { write(line: string): void }
  /** shared with the lane, which reports its groups; one of its own where it is left out */
  readonly metrics?: Metrics
  /** mean delay of the event loop, in milliseconds, above which requests are turned away; 2,000 */
  readonly mostLoopDelay?: number
  /** every reply is checked against its documented schema: slow, for tests */
  readonly strictReplies?: boolean
}

const BODY_LIMIT = 1024 * 1024
/** A request that takes longer to arrive is cut off. */
const ARRIVES_WITHIN = 30_000
const MOST_LOOP_DELAY = 2_000

export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const metrics = deps.metrics ?? createMetrics()
  metrics.watch(deps.lane)
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: ARRIVES_WITHIN,
    // While closing, requests on connections that are still open get their answer.
    return503OnClosing: false,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    frameworkErrors: replyWithProblem,
    clientErrorHandler: answerBrokenRequests,
    logger: {
      level: deps.logLevel,
      redact: ['authorization', '*.authorization', '*.headers.authorization'],
      serializers: { err: loggedError },
      ...(deps.logTo && { stream: deps.logTo }),
    },
  }).withTypeProvider<ZodTypeProvider>()

  app.decorateRequest('caller', null)
  app.setValidatorCompiler(zodValidator)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler(replyWithProblem)
  readJsonOnly(app)
  watchRequests(app, metrics)
  if (deps.strictReplies) checkReplies(app)
  await protect(app, deps)
  await registerDocument(app)
  const paths = methodsOfPaths(app)

  await app.register(async (v1) => registerRoutes(v1 as App, deps), { prefix: '/v1' })
  healthRoutes(app, deps)
  metricsRoutes(app, metrics)
  paths.answerTheRest()
  await app.register(async (pages) => {
    await protectPages(pages)
    await serveDocument(pages)
  })
  return app
}

function registerRoutes(v1: App, deps: RouteDeps): void {
  // A route that forgot its scope would be open to everybody.
  v1.addHook('onRoute', ({ url, config }) => invariant(config?.scope, `${url} asks for a scope`))
  authenticate(v1, deps.sql)

  memberRoutes(v1, deps)
  memberLifeRoutes(v1, deps)
  registrationRoutes(v1, deps)
  referralRoutes(v1, deps)
  feedbackRoutes(v1, deps)
  viewRoutes(v1, deps)
  balanceRoutes(v1, deps)
  expiryRoutes(v1, deps)
  tierRoutes(v1, deps)
  transactionRoutes(v1, deps)
  confirmationRoutes(v1, deps)
  redemptionRoutes(v1, deps)
  rewardRoutes(v1, deps)
  transferRoutes(v1, deps)
  poolRoutes(v1, deps)
  adjustmentRoutes(v1, deps)
  reportRoutes(v1, deps)
  retentionRoutes(v1, deps)
  eventRoutes(v1, deps)
  experimentRoutes(v1, deps)
  holdoutRoutes(v1, deps)
  viewsRoutes(v1, deps)
  // A draft is read in a thread first, so that a hostile one keeps nobody waiting: one thread for all that read them.
  const checker = createChecker()
  v1.addHook('onClose', () => checker.close())
  ruleRoutes(v1, deps, checker)
  ruleVersionRoutes(v1, deps)
  ruleDiffRoutes(v1, deps, checker)
  simulationRoutes(v1, deps, checker)
}

/** What is for browsers. Answers to programs carry two headers for safety instead; helmet's thirteen cost time. */
async function protectPages(pages: FastifyInstance): Promise<void> {
  // helmet's policy takes the place of the one for programs
  pages.addHook('onRequest', (_request, reply, done) => {
    reply.removeHeader('content-security-policy')
    done()
  })
  await pages.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      // What the documentation page needs, and nothing beyond this host.
      directives: {
        'default-src': ["'self'"],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"],
        'img-src': ["'self'", 'data:'],
        'object-src': ["'none'"],
        'style-src': ["'self'", "'unsafe-inline'"],
      },
    },
  })
}

/** Limits against callers' haste, and a stop when all is too much. */
async function protect(app: FastifyInstance, deps: AppDeps): Promise<void> {
  await app.register(rateLimit, {
    max: deps.rateLimitPerMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    keyGenerator: (request) => request.caller?.keyId ?? request.ip,
    errorResponseBuilder: (_request, { max, ttl }) =>
      new DomainError('rate_limited', { limitPerMinute: max, retryAfterSeconds: Math.ceil(ttl / 1000) }),
  })
  await app.register(underPressure, {
    maxEventLoopDelay: deps.mostLoopDelay ?? MOST_LOOP_DELAY,
    pressureHandler: async (request, _reply, _type, delay) => {
      // Without a bound: nothing was measured in the last second, as after one long stall that is over.
      const busy = delay !== undefined && Number.isFinite(delay)
      if (busy && !request.routeOptions.config.always) throw new DomainError('queue_full')
    },
  })
}
