/** Short names for the contract's models, from the generated schema. */
import type { Schemas } from './client'

export type FlowRun = Schemas['FlowRunRead']
export type TaskRun = Schemas['TaskRunRead']
export type RunState = Schemas['RunState']
export type StateRead = Schemas['StateRead']
export type StateType = StateRead['type']
export type Attempt = Schemas['AttemptRead']
export type Log = Schemas['LogRead']
export type BulkDone = Schemas['BulkDone']
export type Histogram = Schemas['Histogram']
export type RunDurations = Schemas['RunDurations']
export type RunDuration = Schemas['RunDuration']
export type Flow = Schemas['FlowRead']
export type Deployment = Schemas['DeploymentRead']
export type Schedule = Schemas['Schedule']
export type Session = Schemas['SessionRead']
export type BlockType = Schemas['BlockTypeRead']
export type Artifact = Schemas['ArtifactRead']
export type Delivery = Schemas['DeliveryRead']
export type NotificationTested = Schemas['NotificationTested']
export type Automation = Schemas['AutomationRead']
export type AutomationSpec = Schemas['AutomationSpec']
export type AutomationAction = Schemas['AutomationAction']
export type Firing = Schemas['FiringRead']
export type PlannedRun = Schemas['PlannedRun']
export type PlannedRuns = Schemas['PlannedRuns']
export type WorkQueue = Schemas['WorkQueueRead']

export type Block = Schemas['BlockRead']
export type Notification = Schemas['NotificationRead']
export type LimitSlot = Schemas['LimitSlot']
export type LimitSlots = Schemas['LimitSlots']
export type ConcurrencyLimit = Schemas['ConcurrencyLimitRead']

export interface Page<T> {
  items: T[]
  next_cursor?: string | null
  total: number
  total_capped: boolean
}
