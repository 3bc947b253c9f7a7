/**
 * Deletes bootstrap tokens when they expire.
 *
 * Reads: token Secrets of kube-system from the cache.  Writes: deletes them.
 * Upstream: pkg/controller/bootstrap/tokencleaner.go. Differs: one key, kube-system, stands for all of them.
 */
import { NAMESPACES, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey, Result } from '#sdk'
import { DONE, defineController, requeueAfter, watching } from '#sdk'
import { TOKEN_CLEANER_CONTROLLER } from '../manager/names.ts'
import { BOOTSTRAP_TOKENS, expirationMs, TOKENS_NAMESPACE } from './token-secret.ts'

export const tokenCleanerController = defineController({
  name: TOKEN_CLEANER_CONTROLLER,
  reconciles: NAMESPACES,
  watches: [watching(SECRETS, ({ metadata }) => [{ name: metadata.namespace ?? '' }], BOOTSTRAP_TOKENS)],
  permissions: [
    { resource: NAMESPACES, verbs: ['list', 'watch'] },
    { resource: SECRETS, verbs: ['get', 'list', 'watch', 'delete'] },
  ],
  create: ({ client, lister, clock }) => {
    const secrets = lister(SECRETS, BOOTSTRAP_TOKENS)
    return {
      async reconcile({ name }: ObjectKey, signal: AbortSignal): Promise<Result> {
        if (name !== TOKENS_NAMESPACE) return DONE
        const nowMs = clock.now().getTime()
        let nextMs = Number.POSITIVE_INFINITY
        for (const secret of secrets.list(TOKENS_NAMESPACE)) {
          const expiresMs = expirationMs(secret)
          if (expiresMs === undefined) continue
          if (expiresMs > nowMs) {
            nextMs = Math.min(nextMs, expiresMs)
            continue
          }
          const { uid = '' } = secret.metadata
          await client
            .delete(SECRETS, objectKeyOf(secret), { preconditions: { uid }, signal })
            .catch(undefinedIfNotFound)
        }
        return nextMs === Number.POSITIVE_INFINITY ? DONE : requeueAfter(nextMs - nowMs)
      },
    }
  },
})
