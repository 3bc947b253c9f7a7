import { describe, expect, it } from 'vitest'
import { humanDuration } from './age.ts'
import { customResourceTable } from './table.ts'

const NOW = new Date('2026-01-02T00:00:00Z')
const object = {
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    size: 3,
    ratio: 1.5,
    on: true,
    list: ['a'],
    text: 't',
    nothing: null,
    empty: '',
    day: '2026-01-01',
    later: '2026-01-02T00:00:30Z',
    map: { b: 1, a: '<&>' },
    servers: [
      { hosts: ['foo'], ports: [1] },
      { hosts: ['bar', 'baz'], ports: [2, 3] },
    ],
  },
  status: {
    conditions: [
      { type: 'A', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
  },
}

describe('customResourceTable', () => {
  it('shows the age when there are no columns', () => {
    const table = customResourceTable(undefined)
    expect(table.columns.map((column) => column.name)).toEqual(['Name', 'Age'])
    expect(table.cells(object, NOW)).toEqual(['x', '24h'])
  })

  const cells: readonly [type: string, jsonPath: string, cell: unknown][] = [
    ['string', '.spec.text', 't'],
    ['string', '.spec.size', '3'],
    ['string', '.spec.list', '["a"]'],
    ['string', '.status.conditions[?(@.type=="Ready")].status', 'True'],
    ['string', '.spec.missing', null],
    ['integer', '.spec.size', 3],
    ['integer', '.spec.text', null],
    ['number', '.spec.ratio', 1.5],
    ['boolean', '.spec.on', true],
    ['date', '.metadata.creationTimestamp', '24h'],
    ['date', '.spec.text', '<invalid>'],
    ['string', '.spec[', null],
    ['string', '.spec.nothing', '<no value>'],
    ['integer', '.spec.nothing', null],
    ['string', '.spec.map', '{"a":"\\u003c\\u0026\\u003e","b":1}'],
    ['string', '.spec.servers[0].hosts[0]', 'foo'],
    ['string', '.spec.servers[1].hosts', '["bar","baz"]'],
    ['string', '.spec.servers[*].hosts', '["foo"]'],
    ['string', '.spec.servers[*].ports', '[1]'],
    ['string', '.spec.servers[0].ports[0]', '1'],
    ['integer', '.spec.servers[0].ports[0]', 1],
    ['integer', '.spec.servers[1].ports', null],
    ['integer', '.spec.ratio', 1],
    ['integer', '.spec.on', null],
    ['number', '.spec.size', 3],
    ['number', '.spec.on', null],
    ['number', '.spec.text', null],
    ['boolean', '.spec.size', null],
    ['boolean', '.spec.text', null],
    ['date', '.spec.size', null],
    ['date', '.spec.on', null],
    ['date', '.spec.later', '<invalid>'],
    ['date', '.spec.day', '<invalid>'],
    ['date', '.spec.empty', '<unknown>'],
  ]
  it.each(cells)('%s %s', (type, jsonPath, cell) => {
    expect(customResourceTable([{ name: 'C', type, jsonPath }]).cells(object, NOW)).toEqual(['x', cell])
  })
})

describe('humanDuration', () => {
  it.each([
    [-5000, '<invalid>'],
    [0, '0s'],
    [119_000, '119s'],
    [150_000, '2m30s'],
    [600_000, '10m'],
    [11_000_000, '3h3m'],
    [8 * 3_600_000, '8h'],
    [50 * 3_600_000, '2d2h'],
    [9 * 86_400_000, '9d'],
    [800 * 86_400_000, '2y70d'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(humanDuration(milliseconds)).toBe(text)
  })
})
