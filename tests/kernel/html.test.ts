import { fillTemplate } from '../../src/kernel/html.ts'

const fill = (template: string, values: Parameters<typeof fillTemplate>[1]) => fillTemplate(template, values).html

describe('fillTemplate', () => {
  it('escapes texts, in elements and in attributes', () => {
    expect(fill('<a title="{{text}}">{{text}}</a>', { text: `"><script>'&` })).toBe(
      '<a title="&quot;&gt;&lt;script&gt;&#39;&amp;">&quot;&gt;&lt;script&gt;&#39;&amp;</a>',
    )
  })

  it('leaves HTML that was filled in before as it is', () => {
    const body = fillTemplate('<b>{{name}}</b>', { name: '<Ada>' })
    expect(fill('<p>{{body}}</p>', { body })).toBe('<p><b>&lt;Ada&gt;</b></p>')
  })

  it('takes what stands in a value for text, even if it looks like a placeholder', () => {
    const values = { text: '{{secret}} $& {{#items}}x{{/items}}', secret: 'hidden', items: [{}] }
    expect(fill('{{text}}', values)).toBe(values.text.replace('&', '&amp;'))
    expect(fill('{{#rows}}{{text}}{{/rows}}', { ...values, rows: [{ text: '{{secret}}' }] })).toBe('{{secret}}')
  })

  it('repeats a section for each item, and escapes what the items hold', () => {
    const rows = [{ name: 'Ada' }, { name: '<Bob>' }]
    expect(fill('<ul>\n{{#rows}}\n<li>{{name}}</li>\n{{/rows}}\n</ul>', { rows })).toBe(
      '<ul>\n<li>Ada</li>\n<li>&lt;Bob&gt;</li>\n</ul>',
    )
  })

  it.each([
    [true, 'shown'],
    [[{}], 'shown'],
    [false, 'absent'],
    [undefined, 'absent'],
    [[], 'absent'],
  ])('shows a section, or the one in its place, as the value says: %j', (shown, expected) => {
    expect(fill('{{#shown}}shown{{/shown}}{{^shown}}absent{{/shown}}', { shown })).toBe(expected)
  })

  it('fails where a value is missing', () => {
    expect(() => fill('{{nam}}', { name: 'Ada' })).toThrow('the template has no value for nam')
  })
})
