// strconv.FormatFloat for float64: shortest digits come from JS' own shortest round-trip conversion.

function digitsOf(value: number): { digits: string; exponent: number } {
  const text = Math.abs(value).toExponential()
  const e = text.indexOf('e')
  return { digits: text.slice(0, e).replace('.', ''), exponent: Number(text.slice(e + 1)) }
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return undefined
}

function exponentText(exponent: number): string {
  const magnitude = Math.abs(exponent)
  return `e${exponent < 0 ? '-' : '+'}${magnitude < 10 ? '0' : ''}${magnitude}`
}

function formatShortest(value: number): string {
  const name = special(value)
  if (name !== undefined) return name
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const sign = value < 0 ? '-' : ''
  const { digits, exponent } = digitsOf(value)
  if (exponent < -4 || exponent >= 6) {
    return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}${exponentText(exponent)}`
  }
  return sign + plain(digits, exponent)
}

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`
  if (digits.length <= exponent + 1) return digits + '0'.repeat(exponent + 1 - digits.length)
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
}

/** What fmt prints for a float64 with %v or %g: exponent form iff the exponent is < -4 or >= 6. */
export function formatG(value: number): string {
  const integral = value | 0
  // Small integers are the common case (ports, replicas).
  if (integral === value && integral < 1000000 && integral > -1000000 && !Object.is(value, -0)) return String(integral)
  return formatShortest(value)
}

export function formatFixed(value: number, precision: number): string {
  const name = special(value)
  if (name !== undefined) return name
  if (Math.abs(value) < 1e21 && precision <= 100) {
    const text = value.toFixed(precision)
    return Object.is(value, -0) ? `-${text}` : text
  }
  const whole = BigInt(Math.trunc(value)).toString()
  return precision > 0 ? `${whole}.${'0'.repeat(precision)}` : whole
}

export function formatExponent(value: number, precision: number): string {
  const name = special(value)
  if (name !== undefined) return name
  const text = precision < 0 ? value.toExponential() : value.toExponential(Math.min(precision, 100))
  const e = text.indexOf('e')
  return text.slice(0, e) + exponentText(Number(text.slice(e + 1)))
}

/** %g with an explicit precision. */
export function formatGeneral(value: number, precision: number): string {
  const name = special(value)
  if (name !== undefined) return name
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const significant = precision === 0 ? 1 : precision
  const text = Math.abs(value).toExponential(Math.min(significant - 1, 100))
  const e = text.indexOf('e')
  const exponent = Number(text.slice(e + 1))
  const digits = text.slice(0, e).replace('.', '').replace(/0+$/, '') || '0'
  const sign = value < 0 ? '-' : ''
  if (exponent < -4 || exponent >= significant) {
    return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}${exponentText(exponent)}`
  }
  return sign + plain(digits, exponent)
}
