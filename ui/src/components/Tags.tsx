/** Tags in a row, as many as fit; the rest as a number that names them on hover. */
import { Tooltip } from '@mantine/core'
import { Link } from '@tanstack/react-router'

import classes from './Tags.module.css'

export function Tags({ tags, shown = 3, wrap = false }: { tags: readonly string[]; shown?: number; wrap?: boolean }) {
  if (tags.length === 0) return null
  const rest = tags.slice(shown)
  return (
    <span className={classes.tags} data-wrap={wrap || undefined}>
      {tags.slice(0, shown).map((tag) => (
        <Link key={tag} to="/flow-runs" search={{ tag: [tag] }} className={classes.tag} title={`Runs tagged ${tag}`}>
          <span className="cut">{tag}</span>
        </Link>
      ))}
      {rest.length > 0 && (
        <Tooltip label={rest.slice(0, 30).join(', ') + (rest.length > 30 ? ', …' : '')} multiline maw={420}>
          <span className={classes.more} tabIndex={0}>
            +{rest.length}
          </span>
        </Tooltip>
      )}
    </span>
  )
}
