// What everybody else feels while the server is busy: its event-loop lag, and the requests of one more client.

const PROBE_PAUSE_MS = 2
const PROBED = '/api/v1/namespaces/default/configmaps'

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function createProbed(call) {
  await call('POST', PROBED, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe' } })
}

/** Gets and updates of an object nobody deletes, one after the other, until told to stop: milliseconds each. */
function probe(call) {
  const took = []
  let isRunning = true
  const running = (async () => {
    for (let i = 0; isRunning; i++) {
      const path = `${PROBED}/probe`
      const startedMs = performance.now()
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe' }, data: { i: String(i) } }
      const { status } = i % 2 === 0 ? await call('GET', path) : await call('PUT', path, body)
      if (status !== 200) throw new Error(`probe: ${status}`)
      took.push(performance.now() - startedMs)
      await pause(PROBE_PAUSE_MS)
    }
  })()
  return {
    async stop() {
      isRunning = false
      await running
      return took.sort((a, b) => a - b)
    },
  }
}

const at = (sorted, share) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)

/** The lag gauges are of the time since they were last read. */
async function lagMs(call) {
  const { body } = await call('GET', '/metrics')
  const gauge = (name) =>
    (
      Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds ([0-9.e+-]+)`, 'm').exec(body)?.[1] ?? Number.NaN) * 1000
    ).toFixed(1)
  const cpuSeconds = Number(/^process_cpu_seconds_total ([0-9.e+-]+)/m.exec(body)?.[1] ?? Number.NaN)
  return { p99: gauge('p99'), max: gauge('max'), cpuMs: cpuSeconds * 1000 }
}

/** How long `work` took, in ms, and rows of [what, value, budget] about the others. */
export async function measuring(call, work) {
  const { cpuMs } = await lagMs(call)
  const others = probe(call)
  const startedMs = performance.now()
  await work()
  const tookMs = Math.round(performance.now() - startedMs)
  const took = await others.stop()
  const lag = await lagMs(call)
  return [
    tookMs,
    [
      ['  CPU time of the server, ms', Math.round(lag.cpuMs - cpuMs), ''],
      ['  event-loop lag p99 / max, ms', `${lag.p99} / ${lag.max}`, '< 50'],
      ['  other requests p50 / p99 / max, ms', `${at(took, 0.5)} / ${at(took, 0.99)} / ${at(took, 1)}`, 'p99 < 50'],
    ],
  ]
}
