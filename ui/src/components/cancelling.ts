/** Cancelling runs, with a word on what became of it. */
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'

import { cancelFlowRun, flowRunKeys } from '../api/flowRuns'
import type { FlowRun } from '../api/types'
import { isEnded } from '../lib/states'

const AT_ONCE = 4

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

export function useCancelMany() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: async (runs: readonly FlowRun[]) => {
      const left = [...runs]
      let failed = 0
      const work = async () => {
        for (let run = left.shift(); run !== undefined; run = left.shift()) {
          await cancelFlowRun(run.id).catch(() => (failed += 1))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      return { done: runs.length - failed, failed }
    },
    onSuccess: ({ done, failed }) => {
      tell(failed === 0 ? `${count(done)} cancelled or being cancelled.` : `${count(done)} cancelled; ${failed} could not be.`, failed > 0)
      void queries.invalidateQueries({ queryKey: flowRunKeys.lists })
    },
  })
}

const count = (runs: number) => (runs === 1 ? '1 run is' : `${runs} runs are`)
