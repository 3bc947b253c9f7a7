/**
 * When token Secrets were last used: a label on each, written at most once a day, and a ConfigMap that says since when.
 * Who cleans up unused tokens goes by both.
 * Upstream: pkg/serviceaccount/legacy.go, pkg/controlplane/controller/legacytokentracking.
 */
import { CONFIG_MAPS, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const LAST_USED_LABEL = 'kubernetes.io/legacy-token-last-used'
/** On a Secret: its token is refused. */
export const INVALID_SINCE_LABEL = 'kubernetes.io/legacy-token-invalid-since'
const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' } as const
const DATE = /^\d{4}-\d{2}-\d{2}$/
const DAY_MS = 86_400_000
/** Labels being written; a use beyond that is noted the next time. */
const WRITES_MAX = 100

export interface LegacyTokenTrackerOptions {
  readonly clock: Clock
  readonly logger: Logger
}

export class LegacyTokenTracker {
  readonly #clock: Clock
  readonly #logger: Logger
  /** UIDs of Secrets whose label is being written. */
  readonly #writing = new Set<string>()
  #client: Client | undefined
  #signal: AbortSignal | undefined

  constructor({ clock, logger }: LegacyTokenTrackerOptions) {
    this.#clock = clock
    this.#logger = logger
  }

  /** From here on uses are noted. `client` may patch any Secret. */
  async start(client: Client, signal: AbortSignal): Promise<void> {
    this.#client = client
    this.#signal = signal
    const data = { since: this.#date(0) }
    const existing = await client.get(CONFIG_MAPS, TRACKING, { signal }).catch(undefinedIfNotFound)
    if (existing === undefined) {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...TRACKING }, data }
      await client.create(CONFIG_MAPS, object, { signal }).catch((err: unknown) => {
        if (!isAlreadyExists(err)) throw err
      })
    } else if (!isDate(existing.data?.['since']))
      await client.patch(CONFIG_MAPS, TRACKING, { type: 'merge', body: { data } }, { signal })
  }

  /** The token of this Secret was just used. Does not wait and does not fail. */
  used(secret: DeepReadonly<KubeObject>): void {
    const { uid = '', labels } = secret.metadata
    const lastUsed = labels?.[LAST_USED_LABEL]
    // Another server's clock may be a day ahead.
    if (lastUsed === this.#date(0) || lastUsed === this.#date(DAY_MS)) return
    if (this.#client === undefined || this.#writing.has(uid) || this.#writing.size >= WRITES_MAX) return
    this.#writing.add(uid)
    void this.#write(this.#client, secret).finally(() => this.#writing.delete(uid))
  }

  async #write(client: Client, { metadata }: DeepReadonly<KubeObject>): Promise<void> {
    const { namespace = '', name = '', uid } = metadata
    const body = { metadata: { uid, labels: { [LAST_USED_LABEL]: this.#date(0) } } }
    const options = this.#signal === undefined ? {} : { signal: this.#signal }
    try {
      await client.patch(SECRETS, { namespace, name }, { type: 'merge', body }, options)
    } catch (err: unknown) {
      this.#logger.debug({ secret: { namespace, name }, error: errorMessage(err) }, 'the use of a token was not noted')
    }
  }

  #date(offsetMs: number): string {
    return new Date(this.#clock.nowMs() + offsetMs).toISOString().slice(0, 10)
  }
}

const isDate = (text: string | undefined): boolean =>
  text !== undefined && DATE.test(text) && !Number.isNaN(Date.parse(text))
