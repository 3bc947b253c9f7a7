/**
 * What a scheduling plugin is and what it sees. Upstream: kube-scheduler framework/interface.go. Differs: a cycle is
 * synchronous up to Reserve (everything it reads is in memory), so a plugin's state is a value it returns, not a map.
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerContext } from '#sdk'

export type FrozenPod = DeepReadonly<Pod>
export type FrozenNode = DeepReadonly<Node>

/**
 * Why a plugin says no. `Unschedulable`: preemption might help. `UnschedulableAndUnresolvable`: it would not.
 * `Pending`: waits for something outside (a gate, a claim). `Skip`: the plugin has nothing to say about this Pod.
 */
export interface Verdict {
  readonly code: 'Unschedulable' | 'UnschedulableAndUnresolvable' | 'Pending' | 'Skip' | 'Error'
  readonly reasons: readonly string[]
  /** Filled in by the framework. */
  readonly plugin?: string
  readonly error?: unknown
}

/** Amounts as the scheduler counts them: milli-CPU, bytes, pieces. */
export interface ResourceAmounts {
  milliCpu: number
  memory: number
  ephemeralStorage: number
  /** Extended resources, hugepages, attachable volumes. */
  readonly scalar: Map<string, number>
}

export interface HostPort {
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

/** One (anti-)affinity term, parsed once. */
export interface AffinityTerm {
  readonly topologyKey: string
  /** Two terms of one text match the same Pods. Undefined when that also depends on labels of namespaces. */
  readonly question: string | undefined
  /** Namespace (names or selector) and labels. */
  matches(pod: FrozenPod, namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined): boolean
}

export interface WeightedAffinityTerm {
  readonly weight: number
  readonly term: AffinityTerm
}

/** What is computed once about a Pod and kept with it in queue and cache. */
export interface PodInfo {
  readonly pod: FrozenPod
  readonly requests: Readonly<ResourceAmounts>
  /** As `requests`, but with upstream's 100m / 200 MiB for containers that ask for nothing: scoring only. */
  readonly nonZero: { readonly milliCpu: number; readonly memory: number }
  readonly hostPorts: readonly HostPort[]
  readonly requiredAffinity: readonly AffinityTerm[]
  readonly requiredAntiAffinity: readonly AffinityTerm[]
  readonly preferredAffinity: readonly WeightedAffinityTerm[]
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[]
}

/** A node and everything placed or assumed on it. The snapshot's copy does not change during a cycle. */
export interface NodeInfo {
  readonly name: string
  readonly node: FrozenNode
  readonly pods: ReadonlyMap<string, PodInfo>
  readonly podsWithAffinity: ReadonlySet<PodInfo>
  readonly podsWithRequiredAntiAffinity: ReadonlySet<PodInfo>
  readonly allocatable: Readonly<ResourceAmounts> & { readonly pods: number }
  readonly requested: Readonly<ResourceAmounts>
  readonly nonZeroRequested: { readonly milliCpu: number; readonly memory: number }
  hasPortConflict(ports: readonly HostPort[]): boolean
  /** `namespace/claim` -> number of Pods on the node that use it. */
  readonly claimUses: ReadonlyMap<string, number>
  /** Image name -> bytes. */
  readonly images: ReadonlyMap<string, number>
  /** A copy that may be changed: preemption's what-if. */
  clone(): MutableNodeInfo
}

export interface MutableNodeInfo extends NodeInfo {
  addPod(pod: PodInfo): void
  removePod(pod: PodInfo): void
}

export interface Snapshot {
  readonly nodes: readonly NodeInfo[]
  get(name: string): NodeInfo | undefined
  readonly withPodAffinity: readonly NodeInfo[]
  readonly withRequiredAntiAffinity: readonly NodeInfo[]
  /** Nodes that hold the image. */
  imageNodes(image: string): number
}

/** What an update changed, in upstream's words (ActionType). One update may be several of them. */
export type UpdateKind =
  | 'UpdateNodeAllocatable'
  | 'UpdateNodeLabel'
  /** Of spec.taints; or spec.unschedulable was taken away. */
  | 'UpdateNodeTaint'
  | 'UpdateNodeCondition'
  | 'UpdateNodeAnnotation'
  | 'UpdateNodeDeclaredFeature'
  | 'UpdatePodLabel'
  /** Some request is smaller, or gone. */
  | 'UpdatePodScaleDown'
  | 'UpdatePodToleration'
  | 'UpdatePodSchedulingGatesEliminated'
  | 'UpdatePodGeneratedResourceClaim'

/**
 * What woke the Pods that wait: an object of this resource was added, changed, or deleted. `resource` is the plural of the
 * API: 'nodes', 'pods', 'persistentvolumeclaims'… Of 'pods': assigned ones are added, updated and deleted (also: came to an
 * end; was nominated and is no longer); a Pod that waits is updated, seen by its own hints only. A delete has the last
 * state as `object` and `old`.
 */
export interface ClusterEvent {
  readonly resource: string
  readonly action: 'add' | 'update' | 'delete'
  /** Of updates of nodes (always) and Pods (absent: nothing that has a name changed). */
  readonly kind?: UpdateKind
  readonly old?: unknown
  readonly object?: unknown
}

/** Which events may make a Pod schedulable that this plugin refused. Without `mayHelp`: any of them. */
export interface EventHint {
  readonly resource: string
  readonly actions: readonly ClusterEvent['action'][]
  /** The only updates that matter. Absent: every update. */
  readonly kinds?: readonly UpdateKind[]
  mayHelp?(pod: FrozenPod, event: ClusterEvent): boolean
}

export interface Plugin {
  readonly name: string
  readonly events?: readonly EventHint[]
  /** Before the queue: a Verdict keeps the Pod out of it. */
  preEnqueue?(pod: FrozenPod): Verdict | undefined
}

/** `S`: what the plugin computed for one Pod in one cycle. */
export interface FilterPlugin<S = unknown> extends Plugin {
  /** A Verdict ends the cycle (or skips this plugin's filter). `nodes`: only these can fit. */
  preFilter?(pod: PodInfo, snapshot: Snapshot): Verdict | { readonly state: S; readonly nodes?: ReadonlySet<string> }
  filter(state: S, pod: PodInfo, node: NodeInfo): Verdict | undefined
  /** Preemption's what-if: the state as if `other` were on (or off) `node`; `state` itself is not changed. */
  cloneState?(state: S): S
  addPod?(state: S, pod: PodInfo, other: PodInfo, node: NodeInfo): void
  removePod?(state: S, pod: PodInfo, other: PodInfo, node: NodeInfo): void
}

export interface ScorePlugin<S = unknown> extends Plugin {
  /** `filterState`: what the same plugin's preFilter returned, when it is a filter as well. */
  preScore?(
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    snapshot: Snapshot,
    filterState: unknown,
  ): Verdict | { readonly state: S }
  score(state: S, pod: PodInfo, node: NodeInfo): number
  /** Brings scores to 0..100, in place. Absent: they are. */
  normalize?(state: S, pod: PodInfo, scores: Float64Array, nodes: readonly NodeInfo[]): void
}

/** `clearsNomination`: the node the Pod was nominated to before will not help it either. */
export interface PostFilterRefusal extends Verdict {
  readonly clearsNomination?: boolean
}

/**
 * A node to wait for. `afterwards` is called when the Pod is back in the queue and the loop has gone on; when it rejects,
 * the Pod is tried again at once.
 */
export interface Nomination {
  readonly nominatedNode: string
  afterwards?(signal: AbortSignal): Promise<void>
}

/** After every filter said no: may name a node to wait for. */
export interface PostFilterPlugin extends Plugin {
  postFilter(
    pod: PodInfo,
    verdicts: ReadonlyMap<string, Verdict>,
    cycle: CycleView,
    signal: AbortSignal,
  ): Promise<Nomination | PostFilterRefusal>
}

/** A node that preemption could make free. */
export interface PreemptionCandidate {
  readonly node: string
  /** Most important first; never empty. */
  readonly victims: readonly FrozenPod[]
  readonly budgetViolations: number
}

/** What preemption asks of an extender. */
export interface PreemptionExtender {
  readonly name: string
  readonly isIgnorable: boolean
  readonly preempts: boolean
  isInterested(pod: FrozenPod): boolean
  /** Those of the candidates it agrees to, perhaps with other victims. Rejects when it fails or names what is not there. */
  processPreemption(
    pod: FrozenPod,
    candidates: readonly PreemptionCandidate[],
    snapshot: Snapshot,
    signal: AbortSignal,
  ): Promise<readonly PreemptionCandidate[]>
}

/** What a PostFilter plugin may ask of the cycle that failed. */
export interface CycleView {
  readonly snapshot: Snapshot
  /** What the plugin's preFilter returned; undefined when it had nothing to say or refused the Pod. */
  filterState(plugin: string): unknown
  /** Runs all filters for the Pod on this (changed) node, with `removed` and `added` Pods accounted for. */
  wouldFit(
    node: NodeInfo,
    changes: { readonly removed: readonly PodInfo[]; readonly added: readonly PodInfo[] },
  ): Verdict | undefined
  /** Pods nominated to the node, with at least this priority. */
  nominatedPods(node: string, minPriority: number): readonly PodInfo[]
}

export interface ReservePlugin extends Plugin {
  /** `filterState` as above. A Verdict (or throw) undoes the reservations made before. */
  reserve(filterState: unknown, pod: PodInfo, nodeName: string): Verdict | undefined
  /** Must be idempotent; also called for plugins whose reserve was never reached. */
  unreserve(filterState: unknown, pod: PodInfo, nodeName: string): void
}

export interface PermitPlugin extends Plugin {
  /** `waitMs`: the binding waits for this plugin to allow it, so long (15 minutes at most), then the Pod is refused. */
  permit(pod: PodInfo, nodeName: string): Verdict | { readonly waitMs: number } | undefined
}

/** A Pod whose binding waits for what Permit plugins say. Each of these decides once; later calls change nothing. */
export interface WaitingPod {
  readonly pod: FrozenPod
  readonly node: string
  /** Plugins that have not allowed it yet. */
  readonly pendingPlugins: readonly string[]
  /** The last plugin to allow it starts the binding. */
  allow(plugin: string): void
  /** The Pod waits until something that this plugin wants to know of happens. False: it was decided before. */
  reject(plugin: string, message: string): boolean
  /** As `reject`, but the Pod is tried again after its backoff: somebody more important took its place. */
  preempt(plugin: string, message: string): boolean
}

/** A Pod whose PreBind plugins work. */
export interface PodInPreBind {
  /** Its binding ends, and it is tried again after its backoff. */
  cancel(message: string): void
}

export interface PreBindPlugin extends Plugin {
  /** It may work while its neighbours in the list do. Default: alone. */
  readonly allowsParallel?: boolean
  /** False: this plugin has nothing to do for the Pod. Absent: it always has. */
  isNeeded?(filterState: unknown, pod: PodInfo, nodeName: string): boolean
  preBind(filterState: unknown, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Verdict | undefined>
}

export interface BindPlugin extends Plugin {
  /** `Skip`: not this plugin's Pod. */
  bind(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Verdict | undefined>
}

export interface PostBindPlugin extends Plugin {
  /** The Pod is bound. */
  postBind(filterState: unknown, pod: PodInfo, nodeName: string): void
}

export type AnyPlugin = Plugin &
  Partial<
    FilterPlugin &
      ScorePlugin &
      PostFilterPlugin &
      ReservePlugin &
      PermitPlugin &
      PreBindPlugin &
      BindPlugin &
      PostBindPlugin
  >

/** What a plugin may use besides what it is given. Listers are filled before the first cycle. */
export interface PluginHandle
  extends Pick<
    ControllerContext,
    'client' | 'clock' | 'random' | 'logger' | 'events' | 'lister' | 'informer' | 'isGateEnabled'
  > {
  namespaceLabels(namespace: string): Readonly<Record<string, string>> | undefined
  /** Tells the queue of something that happened, as if it had come from a watch. */
  notify(event: ClusterEvent): void
  readonly extenders: readonly PreemptionExtender[]
  /** By UID. */
  waitingPod(uid: string): WaitingPod | undefined
  waitingPods(): Iterable<WaitingPod>
  podInPreBind(uid: string): PodInPreBind | undefined
  /** One for all profiles, made when the first plugin asks for it. A name has one type. */
  shared<T extends object>(name: string, create: () => T): T
  /** DefaultPreemption looks for Pods to remove. For the metrics. */
  preempting?(): void
  /** DefaultPreemption: so many Pods are being removed for one. For the metrics. */
  preempted?(victims: number): void
  /** DefaultPreemption: removing them took so long. For the metrics. */
  evicted?(result: 'success' | 'error', seconds: number): void
}

export type PluginArgs = Readonly<Record<string, unknown>>

/** A plugin as the registry knows it. */
export interface PluginDefinition {
  readonly name: string
  /** What is wrong with pluginConfig's args, each line starting with `path`. Absent: the plugin takes no args. */
  checkArgs?(args: PluginArgs, path: string): readonly string[]
  /** Once per profile. `args` are checked; empty when the configuration has none. */
  create(args: PluginArgs, handle: PluginHandle): AnyPlugin
}
