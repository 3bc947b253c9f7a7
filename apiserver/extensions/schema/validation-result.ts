/**
 * What a validation run has found so far and where it is. The path is a stack that becomes text only when there is an
 * error to report, and errors equal in text are kept once, as upstream's Result does.
 * Upstream: kube-openapi pkg/validation/validate/result.go, pkg/validation/errors.
 */
import type { FieldError, FieldErrorType } from '#machinery/meta/field-error.ts'

/** An error before it is known whether an enclosing anyOf, oneOf or ratchet keeps it. */
interface Finding {
  readonly type: FieldErrorType
  /** Path of the error's field below the prefix; undefined: the error is about the prefix itself. */
  readonly path: string | undefined
  readonly badValue?: unknown
  readonly detail: string
}

/** More are not reported: a list of a million bad items must not become a million errors. */
const FINDINGS_MAX = 500

export class ValidationResult {
  #findings: Finding[] = []
  #path: (string | number)[] = []
  /** Positive checks so far; selects the alternative of anyOf and oneOf whose errors are shown. */
  matchCount = 0

  get count(): number {
    return this.#findings.length
  }

  get isAtRoot(): boolean {
    return this.#path.length === 0
  }

  push(step: string | number): void {
    this.#path.push(step)
  }

  pop(): void {
    this.#path.pop()
  }

  /** `spec.list[0].name`; '' at the root. */
  path(): string {
    let text = ''
    for (const step of this.#path) {
      if (typeof step === 'number') text += `[${step}]`
      else text += text === '' ? step : `.${step}`
    }
    return text
  }

  add(finding: Finding): void {
    if (this.#findings.length >= FINDINGS_MAX) return
    const isKnown = this.#findings.some(
      (other) => other.detail === finding.detail && other.type === finding.type && other.path === finding.path,
    )
    if (!isKnown) this.#findings.push(finding)
  }

  /** Forgets all but the first `count` findings. */
  truncate(count: number): void {
    this.#findings.length = Math.min(count, this.#findings.length)
  }

  /** Runs `check` on an empty list and returns what it added; the count of matches is not touched. */
  isolate(check: () => void): { readonly findings: readonly Finding[]; readonly matchCount: number } {
    const outerFindings = this.#findings
    const outerMatches = this.matchCount
    this.#findings = []
    this.matchCount = 0
    check()
    const inner = { findings: this.#findings, matchCount: this.matchCount }
    this.#findings = outerFindings
    this.matchCount = outerMatches
    return inner
  }

  merge(inner: { readonly findings: readonly Finding[]; readonly matchCount: number }): void {
    for (const finding of inner.findings) this.add(finding)
    this.matchCount += inner.matchCount
  }

  /** `prefix`: the field the validated value sits at, '' for a whole object. */
  fieldErrors(prefix: string): FieldError[] {
    return this.#findings.map(({ type, path, badValue, detail }) => {
      const field = path === undefined || path === '' ? prefix : prefix === '' ? path : `${prefix}.${path}`
      return badValue === undefined ? { type, field, detail } : { type, field, badValue, detail }
    })
  }
}
