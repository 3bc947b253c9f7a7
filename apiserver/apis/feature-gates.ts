/** Upstream's feature gates, as the API's defaults and strategies ask for them. */

/** Whether the gate of upstream's name is on. */
export type IsGateEnabled = (name: string) => boolean

export const ALL_GATES_OFF: IsGateEnabled = () => false
