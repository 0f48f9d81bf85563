/** One clock for all relative times and running durations on a page: one timer, however many show. */
import { useSyncExternalStore } from 'react'

let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

const still = () => () => undefined

/** The present in milliseconds, each second anew; frozen while not `ticking`. */
export function useNow(ticking = true): number {
  return useSyncExternalStore(ticking ? subscribe : still, () => now)
}

/** The present in whole steps of `ms`: what depends on it changes only once a step. */
export function useNowEvery(ms: number): number {
  return useSyncExternalStore(subscribe, () => Math.floor(now / ms) * ms)
}
