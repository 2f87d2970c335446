// The same requests as forms: what a browser sends, and what requests.post(url, data=…) does.
const urlEncoded = 'application/x-www-form-urlencoded'
const boundary = 'a-boundary-of-ours'
const multipart = `multipart/form-data; boundary=${boundary}`

/** Rows of one view: whole forms, strange ones, and each field missing, empty, sent twice and as a file. */
export function formRows({ names, fields, viewRow }) {
  const valuesOf = (side) => Object.entries(fields(side))
  const rows = []
  for (const [kind, encode] of Object.entries(encoders)) {
    const formRow = (what, change) => rows.push(viewRow(`body: ${kind}: ${what}`, (side) => encode(change(side))))
    formRow('all is well', valuesOf)
    formRow('a field that is not known', (side) => [...valuesOf(side), ['surprise', '1']])
    for (const name of names) {
      const others = (side) => valuesOf(side).filter(([other]) => other !== name)
      formRow(`${name}: missing`, others)
      formRow(`${name}: empty`, (side) => [...others(side), [name, '']])
      formRow(`${name}: first something else`, (side) => [[name, 'something else'], ...valuesOf(side)])
      formRow(`${name}: then empty`, (side) => [...valuesOf(side), [name, '']])
    }
  }
  const strangeRow = (what, change) => rows.push(viewRow(`body: a form: ${what}`, change))
  for (const [what, request] of Object.entries(strangeForms)) strangeRow(what, () => request)
  strangeRow('a type in capitals', (side) => ({
    ...encoders.urlencoded(valuesOf(side)),
    type: urlEncoded.toUpperCase(),
  }))
  strangeRow('a type with a charset', (side) => ({
    ...encoders.urlencoded(valuesOf(side)),
    type: `${urlEncoded}; charset=UTF-8`,
  }))
  strangeRow('a file beside the fields', (side) => encoders.multipart([...valuesOf(side), ['surprise', 'x', 'x.txt']]))
  strangeRow('a file that was not chosen', (side) => encoders.multipart([...valuesOf(side), ['surprise', '', '']]))
  for (const name of names) {
    const others = (side) => valuesOf(side).filter(([other]) => other !== name)
    strangeRow(`${name}: a file`, (side) => encoders.multipart([...others(side), [name, 'x', 'x.txt']]))
    strangeRow(`${name}: a file that was not chosen`, (side) => encoders.multipart([...others(side), [name, '', '']]))
  }
  return rows
}

const encoders = {
  urlencoded: (values) => ({ type: urlEncoded, body: new URLSearchParams(values).toString() }),
  multipart: (values) => ({ type: multipart, body: `${values.map(part).join('')}--${boundary}--\r\n` }),
}

function part([name, value, filename]) {
  const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: text/plain`
  return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`
}

/** Bodies that are no form, or hold no field. */
const strangeForms = {
  nothing: { type: urlEncoded, body: '' },
  'nothing in parts': { type: multipart, body: `--${boundary}--\r\n` },
  'no field with a value': { type: urlEncoded, body: 'surprise' },
  'no boundary': { type: 'multipart/form-data', body: `--${boundary}--\r\n` },
  'an empty boundary': { type: 'multipart/form-data; boundary=', body: `--${boundary}--\r\n` },
  'a list of parts that are no form': { type: `multipart/mixed; boundary=${boundary}`, body: `--${boundary}--\r\n` },
  'JSON under the name of a form': { type: urlEncoded, body: '{"surprise":"1"}' },
}
