/** Cancelling and deleting runs, with a word on what became of it. */
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'

import { actOnMany, cancelFlowRun, deleteFlowRun, flowRunKeys } from '../api/flowRuns'
import type { FlowRun } from '../api/types'
import { isEnded } from '../lib/states'

export function tell(message: string, fault = false): void {
  notifications.show({ message, color: fault ? 'red' : 'canal', autoClose: fault ? 10_000 : 5_000, withBorder: true })
}

export function tellError(what: string) {
  return (error: unknown) => tell(`${what} ${error instanceof Error ? error.message : ''}`, true)
}

export function useCancel() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (run: FlowRun) => cancelFlowRun(run.id),
    onSuccess: (run) => {
      queries.setQueryData(flowRunKeys.one(run.id), run)
      if (run.state.type === 'CANCELLED') tell(`${run.name} is cancelled.`)
      else if (isEnded(run.state.type)) tell(`${run.name} had ended as ${run.state.name} before.`)
      else tell(`${run.name} is being cancelled: its pod or process ends first.`)
    },
    onError: tellError('The run was not cancelled.'),
  })
}

/** Cancels or deletes many runs. */
export function useActOnMany(action: 'cancel' | 'delete') {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (runs: readonly FlowRun[]) => actOnMany(action, runs.map((run) => run.id)),
    onSuccess: ({ done, refused }) => {
      const what = action === 'cancel' ? 'cancelled or being cancelled' : 'deleted'
      if (refused.length === 0) tell(`${count(done)} ${what}.`)
      else tell(`${count(done)} ${what}; ${refused.length} could not be: ${refused[0]?.detail ?? ''}`, true)
      void queries.invalidateQueries({ queryKey: flowRunKeys.lists })
    },
    onError: tellError(action === 'cancel' ? 'The runs were not cancelled.' : 'The runs were not deleted.'),
  })
}

export function useDeleteRun(onDone: () => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (run: FlowRun) => deleteFlowRun(run.id),
    onSuccess: (_, run) => {
      tell(`${run.name} was deleted.`)
      void queries.invalidateQueries({ queryKey: flowRunKeys.lists })
      onDone()
    },
    onError: tellError('The run was not deleted.'),
  })
}

const count = (runs: number) => (runs === 1 ? '1 run is' : `${runs.toLocaleString('en')} runs are`)
