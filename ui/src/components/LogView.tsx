/** A run's log: by level, searchable, to download, live while the run goes on. Only lines in sight are in the page. */
import { Button, Checkbox, Select, TextInput } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Download, ScrollText, Search } from 'lucide-react'
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'

import { type LogSource, MOST_LINES, readAllLogs, useLogs } from '../api/logs'
import type { Log } from '../api/types'
import { levelName, LEVELS, searchLogs, splitMatches, toLogText } from '../lib/logs'
import { formatClock, formatExact } from '../lib/times'
import { tellError } from './cancelling'
import { saveText } from './files'
import classes from './LogView.module.css'
import { EmptyState, ErrorState, RowsSkeleton } from './Notices'

const SHOWN_CHARACTERS = 2_000

interface Props {
  source: LogSource
  live: boolean
  fileName: string
  /** Names of task runs by id, shown before their lines. */
  taskNames?: ReadonlyMap<string, string>
}

export function LogView({ source, live, fileName, taskNames }: Props) {
  const [level, setLevel] = useState(0)
  const [text, setText] = useState('')
  const [following, setFollowing] = useState(true)
  const [busy, setBusy] = useState(false)
  const wanted = useDeferredValue(text)
  const { logs, loaded, truncated, error } = useLogs(source, level, live)
  const shown = useMemo(() => searchLogs(logs, wanted), [logs, wanted])

  async function download() {
    setBusy(true)
    try {
      saveText(`${fileName}.log`, toLogText(await readAllLogs(source, level)))
    } catch (fault) {
      tellError('The log was not downloaded.')(fault)
    } finally {
      setBusy(false)
    }
  }

  return (
    <div className={`card ${classes.view}`}>
      <div className={classes.bar}>
        <TextInput
          className={classes.search}
          size="xs"
          leftSection={<Search size={14} />}
          placeholder="Search the log"
          aria-label="Search the log"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Select
          size="xs"
          w={150}
          aria-label="Level"
          allowDeselect={false}
          data={LEVELS.map((each) => ({ value: String(each.value), label: each.label }))}
          value={String(level)}
          onChange={(value) => setLevel(Number(value))}
        />
        {live && <Checkbox size="xs" label="Follow" checked={following} onChange={(event) => setFollowing(event.currentTarget.checked)} />}
        <span className={`muted numbers ${classes.count}`} role="status">
          {loaded && `${shown.length.toLocaleString('en')} ${shown.length === 1 ? 'line' : 'lines'}`}
        </span>
        <Button size="xs" variant="default" leftSection={<Download size={14} />} loading={busy} onClick={() => void download()} disabled={logs.length === 0}>
          Download
        </Button>
      </div>
      {truncated && (
        <div className={classes.note}>
          The first {MOST_LINES.toLocaleString('en')} lines are shown: download the log for all of it.
        </div>
      )}
      {error !== undefined ? (
        <ErrorState error={error} />
      ) : !loaded && logs.length === 0 ? (
        <RowsSkeleton rows={6} height={26} />
      ) : shown.length === 0 ? (
        <EmptyState icon={ScrollText} title={wanted !== '' ? 'No line holds this text' : live ? 'No line yet' : 'This run logged nothing'}>
          {wanted === '' && !live && <p>Lines of get_run_logger() appear here, and what print() says where log_prints is set.</p>}
        </EmptyState>
      ) : (
        <Lines logs={shown} wanted={wanted} taskNames={taskNames} follow={live && following} onLeave={() => setFollowing(false)} />
      )}
    </div>
  )
}

interface LinesProps {
  logs: readonly Log[]
  wanted: string
  taskNames?: ReadonlyMap<string, string>
  follow: boolean
  onLeave: () => void
}

function Lines({ logs, wanted, taskNames, follow, onLeave }: LinesProps) {
  const box = useRef<HTMLDivElement>(null)
  const lines = useVirtualizer({
    count: logs.length,
    getScrollElement: () => box.current,
    estimateSize: () => 22,
    getItemKey: (index) => logs[index]?.id ?? index,
    overscan: 12,
  })
  useEffect(() => {
    if (follow && logs.length > 0) lines.scrollToIndex(logs.length - 1, { align: 'end' })
  }, [follow, logs.length, lines])
  return (
    // Scrolling up by wheel is how a person says that the end is not what they look at.
    <div ref={box} className={classes.lines} tabIndex={0} role="log" aria-label="Log" aria-live="off" onWheel={(event) => event.deltaY < 0 && follow && onLeave()}>
      <div style={{ height: lines.getTotalSize(), position: 'relative' }}>
        {lines.getVirtualItems().map((item) => {
          const log = logs[item.index]
          if (log === undefined) return null
          return (
            <div key={item.key} ref={lines.measureElement} data-index={item.index} className={classes.line} style={{ transform: `translateY(${item.start}px)` }} data-level={levelName(log.level)}>
              <LineContent log={log} wanted={wanted} task={taskNames?.get(log.task_run_id ?? '')} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

const LineContent = memo(function LineContent({ log, wanted, task }: { log: Log; wanted: string; task?: string }) {
  const [whole, setWhole] = useState(false)
  const long = log.message.length > SHOWN_CHARACTERS && !whole
  const message = long ? log.message.slice(0, SHOWN_CHARACTERS) : log.message
  const at = Date.parse(log.time)
  return (
    <>
      <time className="numbers" dateTime={log.time} title={formatExact(at)}>
        {formatClock(at)}
      </time>
      <span className={classes.level}>{levelName(log.level)}</span>
      <span className={classes.text}>
        {task !== undefined && (
          <span className={classes.task} title={task}>
            {task}
          </span>
        )}
        <bdi>
          {splitMatches(message, wanted).map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}
        </bdi>
        {long && (
          <button type="button" className={classes.rest} onClick={() => setWhole(true)}>
            … show all {log.message.length.toLocaleString('en')} characters
          </button>
        )}
      </span>
    </>
  )
})

