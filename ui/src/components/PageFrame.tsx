/** A page's head (where one is, its name, what can be done) and its body. */
import { Anchor } from '@mantine/core'
import { Link, type LinkProps } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'

import classes from './PageFrame.module.css'

interface Props {
  title: string
  /** What stands above the title: the list that this one belongs to. */
  above?: { label: string; to: LinkProps['to'] }[]
  /** What stands beside the title, as a state. */
  mark?: ReactNode
  actions?: ReactNode
  children: ReactNode
  /** Fills the window and scrolls within, for long lists. */
  fill?: boolean
}

export function PageFrame({ title, above, mark, actions, children, fill = false }: Props) {
  useEffect(() => {
    document.title = `${title} · Towpath`
  }, [title])
  return (
    <div className={classes.page} data-fill={fill || undefined}>
      <div className={classes.head}>
        <div className={classes.names}>
          {above !== undefined && (
            <div className={classes.above}>
              {above.map(({ label, to }) => (
                <Anchor key={label} component={Link} to={to as '/'} size="sm" className="cut muted">
                  {label}
                </Anchor>
              ))}
            </div>
          )}
          <div className={classes.titleRow}>
            <h1 className={classes.title} title={title}>
              {title}
            </h1>
            {mark}
          </div>
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </div>
      {children}
    </div>
  )
}
