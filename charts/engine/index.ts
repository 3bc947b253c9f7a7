// The Helm engine: chart and values in, manifests out. Pure: no file, network, clock or environment access.
//
//   const chart = loadChartArchive(tgz)
//   const values = mergeValues(readValues(valuesYaml), parseStrvals('image.tag=v2'))
//   const { files, notes } = renderChart(chart, values, { release, capabilities, randomBytes, nowMs })
//   const { manifests, hooks } = sortManifests(files)
//
// Values are Go values: Map for maps, arrays, strings, booleans, null, JS numbers for float64, GoInt for integers.

export { loadArchiveFiles } from './archive.ts'
export { loadChartArchive, loadChartFiles, readValues } from './chart/load.ts'
export { type Capabilities, type KubeVersion, parseKubeVersion, type ReleaseOptions } from './chart/objects.ts'
export { parseStrvals } from './chart/strvals.ts'
export { processDependencies } from './chart/dependencies.ts'
export type { Chart, ChartDependency, ChartFile, ChartMetadata } from './chart/types.ts'
export { coalesceValues, mergeValues } from './chart/values.ts'
export { goToJson, jsonToGo } from './convert.ts'
export { GoError } from './gotypes/error.ts'
export { GoInt, type GoMap, type GoValue } from './gotypes/value.ts'
export { INSTALL_ORDER, UNINSTALL_ORDER } from './kind-order.ts'
export {
  chartCrds,
  type Hook,
  type HookEvent,
  hooksFor,
  joinManifests,
  type Manifest,
  type ManifestHead,
  sortManifests,
  type SortedManifests,
  splitManifests,
} from './manifests.ts'
export { renderChart, type RenderOptions, type RenderResult } from './render.ts'
export { checkConstraints, type Constraints, parseConstraints } from './semver/constraints.ts'
export { compareVersions, parseVersion, tryParseVersion, type Version, versionText } from './semver/version.ts'
export { compileTemplate, type RenderTemplate, type TemplateFunctions, type TemplateTools } from './standalone.ts'
export { toYamlV2 as toYaml } from './yaml/emit-v2.ts'
export { toJson } from './yaml/json.ts'
export { parseYaml, parseYamlDocuments } from './yaml/parse.ts'
