/** The attempts at a run: who claimed it, its Job and pod, how each ended. */
import { Server } from 'lucide-react'

import type { Attempt } from '../api/types'
import { Id } from './Copy'
import { Facts } from './Facts'
import { EmptyState } from './Notices'
import { RelativeTime } from './Times'

export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  if (attempts.length === 0) {
    return (
      <div className="card">
        <EmptyState icon={Server} title="Nothing was started for this run">
          <p>A run that began in a process of its own, or that waits for a launcher, has no Job and no pod yet.</p>
        </EmptyState>
      </div>
    )
  }
  return (
    <>
      {[...attempts].reverse().map((attempt) => (
        <section key={attempt.number} className="card" style={{ padding: '16px 18px' }} aria-label={`Attempt ${attempt.number}`}>
          <Facts
            facts={[
              { label: 'Attempt', value: <strong>{attempt.number}</strong> },
              {
                label: 'Outcome',
                value:
                  attempt.outcome == null
                    ? 'Goes on'
                    : [attempt.outcome, attempt.reason, attempt.exit_code == null ? null : `exit code ${attempt.exit_code}`].filter(Boolean).join(' · '),
              },
              { label: 'Launcher', value: attempt.claimed_by ?? '–' },
              { label: 'Job', value: attempt.job_name == null ? '–' : <Id value={attempt.job_name} what="name of the Job" /> },
              { label: 'Pod', value: attempt.pod_name == null ? '–' : <Id value={attempt.pod_name} what="name of the pod" /> },
              { label: 'Claimed', value: <RelativeTime time={attempt.claimed_at} /> },
              { label: 'Launched', value: <RelativeTime time={attempt.launched_at} /> },
              { label: 'Taken by the pod', value: <RelativeTime time={attempt.taken_at} /> },
              { label: 'Ended', value: <RelativeTime time={attempt.ended_at} /> },
            ]}
          />
        </section>
      ))}
    </>
  )
}
