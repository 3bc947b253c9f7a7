/** The tag of an image reference, for the pull policy's default. Upstream: pkg/util/parsers (distribution/reference). */

const REFERENCE =
  /^(?:(?:[a-zA-Z0-9.-]+|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$/

/** 'latest' when neither tag nor digest is given; '' for a digest alone and for what is no image reference. */
export function imageTag(image: string): string {
  if (image.length > 512) return ''
  const match = REFERENCE.exec(image)
  if (match === null) return ''
  const [, tag, digest] = match
  return tag ?? (digest === undefined ? 'latest' : '')
}
