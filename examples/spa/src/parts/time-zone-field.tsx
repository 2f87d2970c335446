import { useField } from './field.tsx'

/** That of this browser, or UTC where it names none that one could choose. */
export function browserTimeZone(): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return Intl.supportedValuesOf('timeZone').includes(timeZone) ? timeZone : 'UTC'
}

interface TimeZoneFieldProps {
  readonly label: string
  readonly name: string
  readonly value: string
}

export function TimeZoneField({ label, name, value }: TimeZoneFieldProps) {
  const { id, note, attributes } = useField(name)
  const zones = [...new Set([value, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select {...attributes}>
        {zones.map((zone) => (
          <option key={zone} selected={zone === value}>
            {zone}
          </option>
        ))}
      </select>
      {note}
    </div>
  )
}
