import type { Environment } from './read-settings.ts'

/** Variables of OpenTelemetry are those of its specification, and no settings of this server. */
export function isTracingVariable(name: string): boolean {
  return name.startsWith('OTEL_')
}

/** Whether they ask for traces. Those are sent as OTLP over HTTP, which is what every collector takes. */
export function wantsTraces(environment: Environment): boolean {
  const read = (name: string) => environment[name]?.trim() ?? ''
  const exporter = read('OTEL_TRACES_EXPORTER').toLowerCase()
  if (read('OTEL_SDK_DISABLED').toLowerCase() === 'true' || exporter === 'none') return false
  const hasEndpoint = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].some((name) => read(name))
  return exporter === 'otlp' || (exporter === '' && hasEndpoint)
}
