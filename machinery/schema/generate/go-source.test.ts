import { describe, expect, it } from 'vitest'
import { GoModel } from './go-model.ts'
import { marker, markerValues, parseGoPackage } from './go-source.ts'

const SOURCE = `
import (
	v1 "example.org/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// +enum
type Color string

const (
	// Red is a color.
	Red Color = "Red"
	Blue Color = "Blue"
	Green = Color(v1.GreenThing)
	limit = 5
)

type Tags map[string]resource.Quantity

// +k8s:deepcopy-gen:interfaces=runtime.Object

// Box holds things.
// +structType=atomic
type Box struct {
	v1.Meta \`json:",inline"\`
	// Items are what it holds.
	// +optional
	// +listType=map
	// +listMapKey=a
	// +listMapKey=b
	Items []v1.Meta \`json:"items,omitempty" patchStrategy:"merge" patchMergeKey:"a" protobuf:"bytes,3,rep,name=items"\`

	// +optional

	Size *int32 \`json:"size" protobuf:"varint,4,opt,name=size"\` // a trailing comment
	Colors []Color \`json:"colors"\`
	Tags Tags \`json:"tags"\`
	hidden string \`json:"-"\`
}

type Empty struct{}
`

const pkg = parseGoPackage('example.org/box/v1', 'box.example.org', [SOURCE])
const core = parseGoPackage('example.org/core/v1', '', ['type Meta struct {\n\tA string `json:"a"`\n}\n'])
const model = new GoModel(
  [pkg, core],
  new Map([
    ['box/v1', pkg.path],
    ['core/v1', core.path],
  ]),
)
const box = pkg.types.get('Box')

describe('parseGoPackage', () => {
  it('reads structs with tags and markers', () => {
    expect([...pkg.types.keys()]).toEqual(['Color', 'Tags', 'Box', 'Empty'])
    expect(box?.fields.map(({ name, type, json, isInline, omits }) => [name, type, json, isInline, omits])).toEqual([
      ['', 'v1.Meta', '', true, false],
      ['Items', '[]v1.Meta', 'items', false, true],
      ['Size', '*int32', 'size', false, false],
      ['Colors', '[]Color', 'colors', false, false],
      ['Tags', 'Tags', 'tags', false, false],
    ])
    const items = box?.fields[1]
    expect(items?.tags.get('patchMergeKey')).toBe('a')
    expect(markerValues(items?.markers ?? [], 'listMapKey')).toEqual(['a', 'b'])
  })

  it('takes markers from the two comments above a type, but only the one above a field', () => {
    expect(marker(box?.markers ?? [], 'structType')).toBe('atomic')
    expect(marker(box?.markers ?? [], 'k8s:deepcopy-gen:interfaces')).toBe('runtime.Object')
    expect(marker(box?.fields[2]?.markers ?? [], 'optional')).toBeUndefined()
  })

  it('collects the constants of named types', () => {
    expect(pkg.constants.get('Color')).toEqual(['Red', 'Blue'])
    expect(pkg.converted).toEqual([['Color', 'GreenThing']])
    expect(pkg.values.get('limit')).toBe('5')
  })
})

describe('GoModel', () => {
  it('resolves types across packages', () => {
    if (box === undefined) throw new Error('Box was not read')
    const resolve = (type: string): unknown => model.resolve(type, box, pkg).expression
    expect(resolve('[]v1.Meta')).toBe('[]core/v1.Meta')
    expect(resolve('*int32')).toBe('int32')
    expect(resolve('Tags')).toBe('{}Quantity')
    expect(resolve('map[string][]byte')).toBe('{}bytes')
    expect(model.resolve('[]Color', box, pkg)).toMatchObject({ expression: '[]string', enumType: 'box/v1.Color' })
    expect(() => resolve('Nobody')).toThrow('cannot resolve Nobody')
  })
})
