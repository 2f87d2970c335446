const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Makes a text safe as the content of an HTML element or of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** A text that is HTML already: every part that came from outside was escaped. */
export interface Html {
  readonly html: string
}

export interface TemplateValues {
  readonly [name: string]: string | number | boolean | Html | readonly TemplateValues[] | undefined
}

const placeholder =
  /\{\{(?<kind>[#^])(?<section>\w+)\}\}\n?(?<inner>.*?)\{\{\/\k<section>\}\}\n?|\{\{(?<name>\w+)\}\}/gs

/**
 * Fills in a template. `{{name}}` is the value, escaped unless it is HTML already. `{{#name}}…{{/name}}` is there once for each
 * item of a list, with the values of the item, or once if the value is true; `{{^name}}…{{/name}}` is there if there is no item,
 * or the value is not true. Filled-in values are not scanned again: a `{{` in a value is text.
 */
export function fillTemplate(template: string, values: TemplateValues): Html {
  const html = template.replace(placeholder, (...match) => {
    const { kind, section = '', inner = '', name } = match.at(-1) as Readonly<Record<string, string | undefined>>
    if (name !== undefined) return textOf(name, values[name])
    const value = values[section]
    const items: readonly TemplateValues[] = Array.isArray(value) ? value : value ? [{}] : []
    if (kind === '^') return items.length === 0 ? fillTemplate(inner, values).html : ''
    return items.map((item) => fillTemplate(inner, { ...values, ...item }).html).join('')
  })
  return { html }
}

function textOf(name: string, value: TemplateValues[string]): string {
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  if (typeof value === 'object' && 'html' in value && typeof value.html === 'string') return value.html
  throw new Error(`the template has no value for ${name}`)
}
