import { describe, expect, it } from 'vitest'
import { discardLogger } from '#machinery/util/logger.ts'
import { RuntimeConfig } from './runtime-config.ts'

const MIGRATION = ['storagemigration.k8s.io', 'v1beta1', 'storageversionmigrations'] as const
const VERSION = ['internal.apiserver.k8s.io', 'v1alpha1', 'storageversions'] as const
const PODS = ['', 'v1', 'pods'] as const

describe('--runtime-config', () => {
  it.each<[string, string[], { beta: boolean; alpha: boolean }]>([
    ['nothing', [], { beta: false, alpha: false }],
    ['all', ['api/all=true'], { beta: true, alpha: true }],
    ['beta', ['api/beta=true'], { beta: true, alpha: false }],
    ['all but beta', ['api/all=true', 'api/beta=false'], { beta: false, alpha: true }],
    ['a version', ['storagemigration.k8s.io/v1beta1=true'], { beta: true, alpha: false }],
    ['a version without value', ['storagemigration.k8s.io/v1beta1'], { beta: true, alpha: false }],
    ['a resource', ['internal.apiserver.k8s.io/v1alpha1/storageversions=true'], { beta: false, alpha: true }],
    [
      'a version against its stage',
      ['storagemigration.k8s.io/v1beta1=false', 'api/beta=true'],
      { beta: false, alpha: false },
    ],
    [
      'a resource against its version',
      ['storagemigration.k8s.io/v1beta1/storageversionmigrations=false', 'storagemigration.k8s.io/v1beta1=true'],
      { beta: false, alpha: false },
    ],
    ['the last of two', ['api/beta=true', 'api/beta=false'], { beta: false, alpha: false }],
    ['what is on anyhow', ['apps/v1=true', 'api/ga=true'], { beta: false, alpha: false }],
    ['off what was never here', ['resource.k8s.io/v1beta1=false'], { beta: false, alpha: false }],
  ])('%s', (_, given, { beta, alpha }) => {
    const { isApiEnabled } = new RuntimeConfig(given)
    expect(isApiEnabled(...MIGRATION)).toBe(beta)
    expect(isApiEnabled(...VERSION)).toBe(alpha)
    expect(isApiEnabled(...PODS)).toBe(true)
  })

  it.each<[string, string, RegExp]>([
    ['an unknown group', 'foo.example.com/v1=true', /unknown api groups foo\.example\.com/],
    ['an unknown version', 'apps/v9=true', /group version apps\/v9 that has not been registered/],
    ['a key that is none', 'beta=true', /runtime-config invalid key beta/],
    ['too long a key', 'apps/v1/deployments/scale=true', /runtime-config invalid key/],
    ['a value that is none', 'api/beta=yes', /invalid value api\/beta=yes/],
    ['a stage without value', 'api/beta', /invalid value api\/beta=/],
    ['a kind instead of a resource', 'apps/v1/Deployments=true', /always lowercase plural, not "Deployments"/],
    ['a beta that is not here', 'networking.k8s.io/v1beta1=true', /networking\.k8s\.io\/v1beta1=?.* is not supported/],
    ['a resource that is not here', 'storagemigration.k8s.io/v1beta1/things=true', /is not supported/],
    ['no stable versions', 'api/all=false', /api\/all=false is not supported/],
    ['one stable version less', 'apps/v1=false', /apps\/v1=false is not supported/],
  ])('refuses %s', (_, given, message) => {
    expect(() => new RuntimeConfig([given])).toThrow(message)
  })

  it('warns of versions that serve nothing for want of a gate', () => {
    const warned: unknown[] = []
    const logger = { ...discardLogger, warn: (fields: unknown) => void warned.push(fields) }
    const config = new RuntimeConfig(['api/all=true'])
    config.logSettings(logger, (name) => name !== 'StorageVersionMigrator')
    expect(warned).toEqual([expect.objectContaining({ gate: 'StorageVersionMigrator' })])
    warned.length = 0
    config.logSettings(logger, () => true)
    expect(warned).toEqual([])
  })
})
