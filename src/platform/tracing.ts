import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attributes, Context, Span } from '@opentelemetry/api'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Logger, Mailer, PasswordHasher, StartRequestSpan, TraceContext } from '../kernel/ports.ts'
import { readVersion } from '../kernel/version.ts'

/** Spans of what a request does, for a collector of OpenTelemetry. They hold no value that a client sent. */
export interface Tracing {
  readonly startRequest: StartRequestSpan
  /** Returns what ends the span, with the error if there was one. */
  readonly startStatement: (sql: string) => (error?: unknown) => void
  readonly hasher: <Hasher extends PasswordHasher>(hasher: Hasher) => Hasher
  readonly mailer: (mailer: Mailer) => Mailer
  /** Sends what is left. */
  readonly close: () => Promise<void>
}

/** Loaded by the composition root if the variables of OpenTelemetry ask for it; the libraries read the others of them. */
export function startTracing(logger: Logger): Tracing {
  const service = resourceFromAttributes({ 'service.name': 'auth-server', 'service.version': readVersion() })
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(service)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(reportOutages(new OTLPTraceExporter(), logger))],
  })
  const tracer = provider.getTracer('auth-server', readVersion())
  const current = new AsyncLocalStorage<Context>()
  const within = () => current.getStore() ?? ROOT_CONTEXT

  async function inSpan<Result>(name: string, kind: SpanKind, work: () => Promise<Result>): Promise<Result> {
    const span = tracer.startSpan(name, { kind }, kind === SpanKind.INTERNAL ? within() : ROOT_CONTEXT)
    try {
      return await current.run(trace.setSpan(within(), span), work)
    } catch (error) {
      markFailed(span, error)
      throw error
    } finally {
      span.end()
    }
  }

  return {
    startRequest(method, parent) {
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, contextOf(parent))
      return {
        traceId: span.spanContext().traceId,
        run: (work) => current.run(trace.setSpan(ROOT_CONTEXT, span), work),
        end({ requestId, route, contract, endpoint, status, code }) {
          // Not the path, which can hold a token.
          if (route !== undefined) span.updateName(`${method} ${route}`)
          span.setAttributes(
            given({
              'http.request.method': method,
              'http.route': route,
              'http.response.status_code': status,
              'error.type': code,
              'auth.contract': contract,
              'auth.endpoint': endpoint,
              'auth.request_id': requestId,
            }),
          )
          if (status === undefined || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },

    startStatement(sql) {
      const parent = current.getStore()
      // What the server does by itself every second would fill the collector.
      if (!parent) return () => undefined
      const operation = /[a-z]+/i.exec(sql)?.[0].toUpperCase() ?? 'statement'
      // Values are sent beside the text and never in it.
      const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': operation, 'db.query.text': sql }
      const span = tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes }, parent)
      return (error) => {
        if (error) markFailed(span, error)
        span.end()
      }
    },

    hasher: (hasher) => ({
      ...hasher,
      hash: (...work) => inSpan('hash password', SpanKind.INTERNAL, () => hasher.hash(...work)),
      verify: (...work) => inSpan('verify password', SpanKind.INTERNAL, () => hasher.verify(...work)),
    }),

    mailer: (mailer) => ({
      ...mailer,
      // A trace of its own: one look into the outbox sends the mails of several requests.
      send: (mail) => inSpan('send mail', SpanKind.CLIENT, () => mailer.send(mail)),
    }),

    close: () => provider.shutdown(),
  }
}

function contextOf(parent: TraceContext | undefined): Context {
  if (!parent) return ROOT_CONTEXT
  const { traceId, parentId: spanId, isSampled } = parent
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** By its name alone: a message can hold values. */
function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', error instanceof Error ? error.name : 'error')
  span.setStatus({ code: SpanStatusCode.ERROR })
}

function given(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}

/** Tells once when the collector cannot be reached, and once when it can again. */
function reportOutages(exporter: SpanExporter, logger: Logger): SpanExporter {
  let down = false
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== 0
        if (failed && !down) logger.warn({}, 'the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes no traces')
        if (!failed && down) logger.warn({}, 'the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes traces again')
        down = failed
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
  }
}
