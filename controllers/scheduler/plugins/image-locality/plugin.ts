/** Nodes that have the images already, unless few have them. Upstream: scheduler plugins/imagelocality (v1.36). */
import type { PluginDefinition, PodInfo, ScorePlugin } from '../../framework/interfaces.ts'
import { SCORE_MAX } from '../../framework/normalize.ts'
import { SKIP } from '../../framework/verdicts.ts'

const MIB = 1024 * 1024
const THRESHOLD_MIN = 23 * MIB
const THRESHOLD_MAX_PER_CONTAINER = 1000 * MIB

interface WantedImages {
  /** Of every container and image volume, also when two use the same. */
  readonly images: readonly { readonly name: string; readonly spread: number }[]
  /** Image volumes do not raise the bound. */
  readonly containers: number
}

const plugin: ScorePlugin<WantedImages> = {
  name: 'ImageLocality',
  preScore(pod, _nodes, snapshot) {
    const images = imagesOf(pod).map((name) => ({ name, spread: snapshot.imageNodes(name) / snapshot.nodes.length }))
    // No node has any of them: every node would score 0.
    const containers = pod.pod.spec.containers.length + (pod.pod.spec.initContainers ?? []).length
    return images.every(({ spread }) => spread === 0) ? SKIP : { state: { images, containers } }
  },
  score({ images, containers }, _pod, node) {
    let sum = 0
    for (const { name, spread } of images) sum += Math.trunc((node.images.get(name) ?? 0) * spread)
    const max = THRESHOLD_MAX_PER_CONTAINER * containers
    const bounded = Math.min(Math.max(sum, THRESHOLD_MIN), max)
    return Math.trunc((SCORE_MAX * (bounded - THRESHOLD_MIN)) / (max - THRESHOLD_MIN))
  },
}

function imagesOf({ pod: { spec } }: PodInfo): string[] {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ image = '' }) => withTag(image))
  for (const { image } of spec.volumes ?? []) if (image !== undefined) names.push(withTag(image.reference ?? ''))
  return names
}

/** As runtimes report it. */
const withTag = (name: string): string => (name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name)

export const imageLocalityPlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
