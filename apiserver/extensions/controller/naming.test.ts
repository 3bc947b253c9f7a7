import { describe, expect, it } from 'vitest'
import { findCondition } from '../definition/conditions.ts'
import type { Crd } from '../definition/types.ts'
import { acceptNames, establish, isEstablishable, takenNames } from './naming.ts'

const NOW = new Date(1_700_000_000_000)

const crd = (names: Partial<Crd['spec']['names']> = {}, accepted?: Partial<Crd['spec']['names']>): Crd => {
  const all = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList', ...names }
  const status = accepted === undefined ? {} : { status: { acceptedNames: { ...all, ...accepted } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${all.plural}.example.com` },
    spec: { group: 'example.com', scope: 'Namespaced', names: all, versions: [] },
    ...status,
  }
}

describe('acceptNames', () => {
  it('accepts free names; the CRD can then be established', () => {
    const fresh = crd({ shortNames: ['th'], categories: ['all'] })
    acceptNames(fresh, takenNames([]), NOW)
    expect(fresh.status?.acceptedNames).toEqual(fresh.spec.names)
    expect(findCondition(fresh, 'Established')).toMatchObject({ status: 'False', reason: 'Installing' })
    expect(isEstablishable(fresh)).toBe(true)
    establish(fresh, NOW)
    expect(fresh.status?.conditions).toEqual([
      {
        type: 'NamesAccepted',
        status: 'True',
        reason: 'NoConflicts',
        message: 'no conflicts found',
        lastTransitionTime: '2023-11-14T22:13:20Z',
      },
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
        lastTransitionTime: '2023-11-14T22:13:20Z',
      },
    ])
  })

  const other = crd({}, {})
  const conflicts: readonly [
    name: string,
    requested: Partial<Crd['spec']['names']>,
    reason: string,
    message: string,
  ][] = [
    [
      'plural',
      { plural: 'thing', singular: 'x', kind: 'X', listKind: 'XList' },
      'PluralConflict',
      '"thing" is already in use',
    ],
    [
      'singular',
      { plural: 'xs', singular: 'things', kind: 'X', listKind: 'XList' },
      'SingularConflict',
      '"things" is already in use',
    ],
    [
      'kind',
      { plural: 'xs', singular: 'x', kind: 'Thing', listKind: 'XList' },
      'KindConflict',
      '"Thing" is already in use',
    ],
    [
      'list kind',
      { plural: 'xs', singular: 'x', kind: 'X', listKind: 'ThingList' },
      'ListKindConflict',
      '"ThingList" is already in use',
    ],
    [
      'short names',
      { plural: 'xs', singular: 'x', kind: 'X', listKind: 'XList', shortNames: ['thing', 'things', 'ok'] },
      'ShortNamesConflict',
      '["thing" is already in use, "things" is already in use]',
    ],
  ]
  it.each(conflicts)('refuses a taken %s', (_, requested, reason, message) => {
    const late = crd(requested)
    acceptNames(late, takenNames([other]), NOW)
    expect(findCondition(late, 'NamesAccepted')).toMatchObject({ status: 'False', reason, message })
    expect(findCondition(late, 'Established')).toMatchObject({ status: 'False', reason: 'NotAccepted' })
    expect(isEstablishable(late)).toBe(false)
  })

  it('is on its way as soon as the names are free', () => {
    const late = crd({ plural: 'xs', singular: 'x', kind: 'Thing', listKind: 'XList' })
    acceptNames(late, takenNames([other]), NOW)
    acceptNames(late, takenNames([]), NOW)
    expect(findCondition(late, 'NamesAccepted')).toMatchObject({ status: 'True', reason: 'NoConflicts' })
    expect(findCondition(late, 'Established')).toMatchObject({ status: 'False', reason: 'Installing' })
  })

  it('keeps the old short names of an established CRD when new ones are taken', () => {
    const mine = crd(
      { plural: 'xs', singular: 'x', kind: 'X', listKind: 'XList', shortNames: ['thing'] },
      { shortNames: ['ex'] },
    )
    establish(mine, NOW)
    acceptNames(mine, takenNames([other, mine]), NOW)
    expect(mine.status?.acceptedNames?.shortNames).toEqual(['ex'])
    expect(findCondition(mine, 'Established')).toMatchObject({ status: 'True' })
  })
})

describe('establish', () => {
  it('refuses a conversion webhook whose CA bundle is no certificate', () => {
    const broken = crd()
    broken.spec.conversion = {
      strategy: 'Webhook',
      webhook: { clientConfig: { caBundle: 'bm90IGEgY2VydA==' }, conversionReviewVersions: ['v1'] },
    }
    establish(broken, NOW)
    expect(findCondition(broken, 'Established')).toMatchObject({ status: 'False', reason: 'InvalidCABundle' })
  })
})
