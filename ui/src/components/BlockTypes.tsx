/** The catalogue of block types: what each is for, and a block of it one click away. */
import { Button, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { ExternalLink, Plus, Search } from 'lucide-react'
import { useEffect, useState } from 'react'

import { blockTypePages } from '../api/blocks'
import type { BlockType } from '../api/types'
import classes from './BlockTypes.module.css'
import { FilterMenu } from './FilterMenu'
import { useNamespace } from './namespaces'
import { EmptyState, ErrorState, RowsSkeleton } from './Notices'

const ABILITIES: Record<string, string> = {
  notify: 'Tells people',
  'get-directory': 'Fetches code',
  'put-directory': 'Stores code',
  'read-path': 'Reads files',
  'write-path': 'Writes files',
}

export const abilityLabel = (capability: string): string => ABILITIES[capability] ?? capability

export function BlockTypes({ onPick }: { onPick?: (type: BlockType) => void }) {
  const pages = useInfiniteQuery(blockTypePages(useNamespace()))
  const [text, setText] = useState('')
  const [abilities, setAbilities] = useState<readonly string[]>([])
  const { hasNextPage, isFetching, fetchNextPage } = pages
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  if (pages.isPending) return <RowsSkeleton rows={6} height={80} />
  if (pages.isError) return <ErrorState error={pages.error} retry={() => void pages.refetch()} />
  const all = pages.data.pages.flatMap((page) => page.items)
  const wanted = text.trim().toLowerCase()
  const shown = all.filter(
    (type) =>
      (wanted === '' || `${type.name} ${type.slug} ${type.description ?? ''}`.toLowerCase().includes(wanted)) &&
      abilities.every((each) => type.capabilities.includes(each)),
  )
  const options = [...new Set(all.flatMap((type) => type.capabilities))].sort().map((value) => ({ value, label: abilityLabel(value) }))
  return (
    <>
      <div className={classes.bar}>
        <TextInput leftSection={<Search size={15} />} placeholder="Find a type" aria-label="Find a type" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <FilterMenu label="What it does" options={options} value={abilities} onChange={setAbilities} />
        <span className="muted numbers" role="status">
          {shown.length === all.length ? '' : `${shown.length} of `}
          {all.length} types
        </span>
      </div>
      {shown.length === 0 ? (
        <EmptyState icon={Search} title="No type is like this">
          <p>A class of your own that derives from Block appears here once it was saved or registered.</p>
        </EmptyState>
      ) : (
        <ul className={classes.grid} tabIndex={0} aria-label="Block types">
          {shown.map((type) => (
            <TypeCard key={`${type.namespace ?? ''}/${type.slug}`} type={type} onPick={onPick} />
          ))}
        </ul>
      )}
    </>
  )
}

function TypeCard({ type, onPick }: { type: BlockType; onPick?: (type: BlockType) => void }) {
  return (
    <li className={`card ${classes.card}`}>
      <div className={classes.head}>
        <span className={classes.initials} aria-hidden>
          {type.name.slice(0, 1).toUpperCase()}
        </span>
        <div className={classes.names}>
          <h2 className="cut" title={type.name}>
            {type.name}
          </h2>
          <span className="mono muted cut">{type.slug}</span>
        </div>
      </div>
      <p className={classes.description}>{firstSentence(type.description)}</p>
      {type.capabilities.length > 0 && <p className={`muted ${classes.abilities}`}>{type.capabilities.map(abilityLabel).join(' · ')}</p>}
      <div className={classes.foot}>
        {type.documentation_url != null && (
          <a href={type.documentation_url} target="_blank" rel="noopener noreferrer">
            Its documentation <ExternalLink size={12} aria-hidden />
          </a>
        )}
        {onPick !== undefined && (
          <Button size="compact-sm" variant="default" leftSection={<Plus size={13} />} onClick={() => onPick(type)} aria-label={`New block: ${type.name}`}>
            New block
          </Button>
        )}
      </div>
    </li>
  )
}

/** Enough of a description to know what the type is for. */
function firstSentence(text: string | null | undefined): string {
  const first = text?.trim().split(/\n\s*\n|(?<=\.)\s/)[0] ?? ''
  return first.length > 180 ? `${first.slice(0, 179)}…` : first
}
