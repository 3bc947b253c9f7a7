import { describe, expect, it } from 'vitest'
import { admissionSelection } from './admission-plugins.ts'

describe('admission plugin flags', () => {
  it.each<[string, string[], string[], string | undefined]>([
    ['known names', ['NodeRestriction'], ['PodSecurity', 'AlwaysPullImages'], undefined],
    ['a misspelt name', ['NodeRestrictions'], [], '--enable-admission-plugins plugin "NodeRestrictions" is unknown'],
    ['a plugin that is not here', ['AlwaysPullImages'], [], '"AlwaysPullImages" is not part of knarr'],
    ['one in both lists', ['PodSecurity'], ['PodSecurity'], '[PodSecurity] in enable-admission-plugins and disable'],
  ])('%s', (_name, enable, disable, message) => {
    const select = () => admissionSelection(enable, disable)
    if (message === undefined) expect([...select().disabled]).toEqual(disable)
    else expect(select).toThrow(message)
  })
})
