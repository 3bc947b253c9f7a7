// An operator as @dot-i/k8s-operator's documentation writes one. Takes the CRD's file; finds the cluster by KUBECONFIG.
import operatorModule from '@dot-i/k8s-operator'

const { default: Operator, ResourceEventType } = operatorModule

class GreetingOperator extends Operator {
  async init() {
    const { group, versions, plural } = await this.registerCustomResourceDefinition(process.argv[2])
    await this.watchResource(group, versions[0].name, plural, async (event) => {
      if (event.type !== ResourceEventType.Added && event.type !== ResourceEventType.Modified) return
      const isHandled = await this.handleResourceFinalizer(event, `${plural}.${group}`, () => this.#farewell(event))
      if (!isHandled) await this.#greet(event)
    })
  }

  async #greet({ meta, object }) {
    const { generation } = object.metadata
    if (object.status?.observedGeneration === generation) return
    await this.patchResourceStatus(meta, { text: `Hello, ${object.spec.name}`, observedGeneration: generation })
  }

  async #farewell({ meta, object }) {
    const data = { text: `Goodbye, ${object.spec.name}` }
    await this.k8sApi.createNamespacedConfigMap(meta.namespace, { metadata: { name: meta.name }, data })
  }
}

const operator = new GreetingOperator({
  debug() {},
  info: (message) => console.log(message),
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
})
process.on('SIGTERM', () => {
  operator.stop()
  process.exit(0)
})
await operator.start()
console.log('operator is running')
