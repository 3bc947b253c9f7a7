/** Character classes of YAML 1.1 as libyaml draws them. Codes come from charCodeAt: NaN is the end of the text. */

export const TAB = 9
export const LF = 10
export const CR = 13
export const SPACE = 32

export function isBlankOrEnd(code: number): boolean {
  return code === SPACE || code === TAB || isBreak(code) || Number.isNaN(code)
}

export function isBreak(code: number): boolean {
  return code === LF || code === CR || (code >= 0x85 && (code === 0x85 || code === 0x2028 || code === 0x2029))
}
