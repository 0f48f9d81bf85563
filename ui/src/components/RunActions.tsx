/** What can be done with a flow run in the state that it is in. What cannot be done is not offered. */
import { ActionIcon, Button, Menu } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CircleSlash, EllipsisVertical, Pause, Play, RotateCcw, Square, StepForward, Trash2 } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'

import { deploymentQuery } from '../api/declared'
import { flowRunKeys, pauseFlowRun, retryFlowRun } from '../api/flowRuns'
import { useMay } from '../api/session'
import type { FlowRun } from '../api/types'
import { isEnded } from '../lib/states'
import { tell, tellError, useCancel, useDeleteRun } from './cancelling'
import { Confirm } from './Confirm'
import { RunNow } from './RunNow'
import { part } from '../lib/loading'

const ResumeForm = lazy(() => part(import('./ResumeForm')).then((module) => ({ default: module.ResumeForm })))

export function RunActions({ run }: { run: FlowRun }) {
  const [asking, setAsking] = useState<'again' | 'resume'>()
  const cancel = useCancel()
  const retry = useRetry()
  const deployment = useQuery({ ...deploymentQuery(run.deployment_id ?? ''), enabled: run.deployment_id != null, retry: false })
  const { type } = run.state
  const mayChange = useMay('update', 'flowruns', run.namespace)
  const mayStart = useMay('create', 'flowruns', run.namespace)
  const mayDelete = useMay('delete', 'flowruns', run.namespace)
  const ended = isEnded(type)
  const launchable = deployment.data !== undefined
  const root = run.parent_flow_run_id == null
  const retryable = mayChange && root && launchable && (type === 'FAILED' || type === 'CRASHED' || type === 'CANCELLED')
  return (
    <>
      {!ended && mayChange && (
        <Button variant="default" leftSection={<CircleSlash size={15} />} loading={cancel.isPending} disabled={type === 'CANCELLING'} onClick={() => cancel.mutate(run)}>
          {type === 'CANCELLING' ? 'Cancelling' : 'Cancel'}
        </Button>
      )}
      {retryable && (
        <Button variant="default" leftSection={<RotateCcw size={15} />} loading={retry.isPending} onClick={() => retry.mutate(run)} title="The same run once more: task runs whose results are kept do not run again">
          Retry
        </Button>
      )}
      {type === 'PAUSED' && mayChange && (
        <Button leftSection={<StepForward size={15} />} onClick={() => setAsking('resume')}>
          Resume
        </Button>
      )}
      {launchable && mayStart && (
        <Button variant={type === 'PAUSED' ? 'default' : 'filled'} leftSection={<Play size={15} />} onClick={() => setAsking('again')}>
          Run again
        </Button>
      )}
      {((type === 'RUNNING' && mayChange) || (ended && mayDelete)) && <More run={run} canSuspend={root && launchable} />}
      {asking === 'again' && launchable && <RunNow deployment={deployment.data} parameters={run.parameters} onClose={() => setAsking(undefined)} />}
      {asking === 'resume' && (
        <Suspense>
          <ResumeForm run={run} onClose={() => setAsking(undefined)} />
        </Suspense>
      )}
    </>
  )
}

function useRetry() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (run: FlowRun) => retryFlowRun(run.id),
    onSuccess: (run) => {
      queries.setQueryData(flowRunKeys.one(run.id), run)
      void queries.invalidateQueries({ queryKey: flowRunKeys.states(run.id) })
      tell(`${run.name} is tried once more.`)
    },
    onError: tellError('The run was not retried.'),
  })
}

function More({ run, canSuspend }: { run: FlowRun; canSuspend: boolean }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [asked, setAsked] = useState(false)
  const remove = useDeleteRun(() => void navigate({ to: '/flow-runs' }))
  const running = run.state.type === 'RUNNING'
  const pause = useMutation({
    mutationFn: (how: 'pause' | 'suspend') => pauseFlowRun(run.id, how),
    onSuccess: (paused, how) => {
      queries.setQueryData(flowRunKeys.one(paused.id), paused)
      tell(how === 'pause' ? `${run.name} is paused: no further task run of it begins.` : `${run.name} is suspended: its process ends, and resuming launches it again.`)
    },
    onError: tellError('The run was not paused.'),
  })
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More to do with this run" loading={pause.isPending}>
            <EllipsisVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {running && (
            <Menu.Item leftSection={<Pause size={14} />} onClick={() => pause.mutate('pause')}>
              Pause: its process waits
            </Menu.Item>
          )}
          {running && canSuspend && (
            <Menu.Item leftSection={<Square size={14} />} onClick={() => pause.mutate('suspend')}>
              Suspend: its process ends until it is resumed
            </Menu.Item>
          )}
          {!running && (
            <Menu.Item leftSection={<Trash2 size={14} />} onClick={() => setAsked(true)}>
              Delete
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {asked && <Confirm title={`Delete ${run.name}?`} text="Its task runs, states and logs go with it, and cannot be brought back." button="Delete" onConfirm={() => remove.mutate(run)} onClose={() => setAsked(false)} />}
    </>
  )
}
