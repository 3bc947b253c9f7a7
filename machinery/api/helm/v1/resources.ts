/** helm.cattle.io/v1: the resources as clients name them. */
import type { Resource } from '#machinery/meta/resource.ts'
import type { HelmChart, HelmChartConfig } from './types.ts'

export const HELM_CHARTS: Resource<HelmChart> = {
  group: 'helm.cattle.io',
  version: 'v1',
  resource: 'helmcharts',
  kind: 'HelmChart',
  namespaced: true,
}

export const HELM_CHART_CONFIGS: Resource<HelmChartConfig> = {
  group: 'helm.cattle.io',
  version: 'v1',
  resource: 'helmchartconfigs',
  kind: 'HelmChartConfig',
  namespaced: true,
}
