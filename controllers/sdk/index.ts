/** `#sdk`: everything a controller needs to be written. docs/writing-a-controller.md is the guide. */
export { createHttpTransport } from '#machinery/client/http-transport.ts'
export { createClient } from '#machinery/client/rest-client.ts'
export type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
export type { AttemptsOptions } from './attempts.ts'
export { Attempts } from './attempts.ts'
export type {
  AnyControllerDefinition,
  ComponentDefinition,
  ControllerComponent,
  ControllerContext,
  ControllerDefinition,
  Permission,
  Reconciler,
  ReconcilerContext,
  RunConditions,
  Verb,
  WatchSpec,
} from './definition.ts'
export { ANY_RESOURCE, defineComponent, defineController, watching } from './definition.ts'
export { isNamespaceTerminating } from './errors.ts'
export type { EventRecorder, EventRecorderOptions, EventType } from './events/recorder.ts'
export { ApiEventRecorder } from './events/recorder.ts'
export { HandlerScope } from './handler-scope.ts'
export type { LeaderElectionOptions } from './leader-election.ts'
export { LeaderElector } from './leader-election.ts'
export { controllerOf, isControlledBy, newControllerReference, newOwnerReference } from './owner-references.ts'
export type { OperatorOptions } from './operator.ts'
export { runOperator } from './operator.ts'
export type { Result } from './result.ts'
export { DONE, requeueAfter, requeueSoonest, TerminalError } from './result.ts'
export type { ControllerMetrics, ReconcileOutcome, RunnerDependencies } from './runner.ts'
export { ControllerRunner } from './runner.ts'
