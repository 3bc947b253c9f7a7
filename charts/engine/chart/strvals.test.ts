import { describe, expect, it } from 'vitest'
import { toJson } from '../yaml/json.ts'
import { parseStrvals } from './strvals.ts'

describe('parseStrvals', () => {
  it.each([
    ['a=1,b=0,c=01,d=true,e=null,f=', '{"a":1,"b":0,"c":"01","d":true,"e":null,"f":""}'],
    ['a.b.c=x,a.b.d=y', '{"a":{"b":{"c":"x","d":"y"}}}'],
    ['l={1,b,c},m=2', '{"l":[1,"b","c"],"m":2}'],
    ['l[2].x=1,l[0]=z', '{"l":["z",null,{"x":1}]}'],
    ['l[0][1]=a', '{"l":[[null,"a"]]}'],
    ['a\\.b=1,c=x\\,y', '{"a.b":1,"c":"x,y"}'],
    ['', '{}'],
  ])('%s', (text, want) => {
    expect(toJson(parseStrvals(text))).toBe(want)
  })

  it('keeps strings with --set-string', () => {
    expect(toJson(parseStrvals('a=1,b=true', { asStrings: true }))).toBe('{"a":"1","b":"true"}')
  })

  it.each([
    ['a', 'key "a" has no value'],
    ['a,b=1', 'key "a" has no value (cannot end with ,)'],
    ['a={1', "list must terminate with '}'"],
    ['a[-1]=x', 'negative -1 index not allowed'],
    ['a[99999]=x', 'index of 99999 is greater than maximum supported index of 65536'],
    [`${'a.'.repeat(31)}b=1`, 'value name nested level is greater than maximum supported nested level of 30'],
  ])('refuses %s', (text, message) => {
    expect(() => parseStrvals(text)).toThrow(message)
  })
})
