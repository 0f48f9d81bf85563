/** Ids and commands, one click to copy. */
import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { Check, Copy } from 'lucide-react'

import classes from './Copy.module.css'

export function CopyIcon({ text, what }: { text: string; what: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : `Copy ${what}`}>
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`Copy ${what}`}>
            {copied ? <Check size={14} /> : <Copy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** An id, cut in the middle of the page but copied whole. */
export function Id({ value, what = 'id' }: { value: string; what?: string }) {
  return (
    <span className={classes.id}>
      <span className="mono cut" title={value}>
        {value}
      </span>
      <CopyIcon text={value} what={what} />
    </span>
  )
}

/** Text to paste into a terminal or a file. */
export function Snippet({ text, what = 'command' }: { text: string; what?: string }) {
  return (
    <div className={classes.snippet}>
      <pre tabIndex={0} aria-label={what}>
        {text}
      </pre>
      <div className={classes.corner}>
        <CopyIcon text={text} what={what} />
      </div>
    </div>
  )
}
