/** Brings scores to 0..100. Upstream: plugins/helper/normalize_score.go. */

export const SCORE_MAX = 100

/** In place: the highest becomes 100. `reverse`: what was highest becomes 0. */
export function normalizeByHighest(scores: Float64Array, reverse = false): void {
  let highest = 0
  for (const score of scores) if (score > highest) highest = score
  for (let i = 0; i < scores.length; i++) {
    const share = highest === 0 ? 0 : Math.trunc((SCORE_MAX * (scores[i] ?? 0)) / highest)
    scores[i] = reverse ? SCORE_MAX - share : share
  }
}
