/** The filters of run lists. What is chosen lives in the address, so a list can be sent to somebody as a link. */
import { Checkbox, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { useState } from 'react'

import { deploymentPages, flowPages, workQueuePages } from '../api/declared'
import { type FlowRunSearch, isParameterFilter, RANGES, showsUpcoming, SORTS } from '../lib/filters'
import { STATE_FILTERS } from '../lib/states'
import { FilterMenu } from './FilterMenu'
import classes from './RunFilters.module.css'
import { StateIcon } from './StateBadge'

interface Props {
  search: FlowRunSearch
  onChange: (search: FlowRunSearch) => void
  /** Filters that the page sets itself and does not offer. */
  without?: readonly ('flow' | 'deployment' | 'queue')[]
}

const STATES = STATE_FILTERS.map(({ value, label, type }) => ({
  value,
  label,
  icon: <StateIcon type={type} name={value} size={15} />,
}))

export function RunFilters({ search, onChange, without = [] }: Props) {
  const flows = useInfiniteQuery({ ...flowPages(search.namespace), enabled: !without.includes('flow') })
  const deployments = useInfiniteQuery({ ...deploymentPages(search.namespace), enabled: !without.includes('deployment') })
  const queues = useInfiniteQuery({ ...workQueuePages(search.namespace), enabled: !without.includes('queue') })
  const names = (pages: { items: { name: string }[] }[] | undefined) =>
    [...new Set(pages?.flatMap((page) => page.items.map((item) => item.name)))].map((name) => ({ value: name, label: name }))
  const set = (changes: Partial<FlowRunSearch>) => onChange({ ...search, ...changes })
  const list = (value: string[]) => (value.length > 0 ? value : undefined)
  return (
    <div className={classes.filters} role="search" aria-label="Filter runs">
      <NameFilter key={search.search ?? search.name ?? ''} text={search.search ?? search.name} onChange={(text) => set({ search: text, name: undefined })} />
      <FilterMenu label="State" options={STATES} value={search.state ?? []} onChange={(value) => set({ state: list(value) })} />
      {!without.includes('flow') && (
        <FilterMenu label="Flow" free options={names(flows.data?.pages)} value={search.flow ?? []} onChange={(value) => set({ flow: list(value) })} />
      )}
      {!without.includes('deployment') && (
        <FilterMenu label="Deployment" free options={names(deployments.data?.pages)} value={search.deployment ?? []} onChange={(value) => set({ deployment: list(value) })} />
      )}
      {!without.includes('queue') && (
        <FilterMenu label="Queue" free options={names(queues.data?.pages)} value={search.queue ?? []} onChange={(value) => set({ queue: list(value) })} />
      )}
      <FilterMenu label="Tag" free options={[]} value={search.tag ?? []} onChange={(value) => set({ tag: list(value) })} />
      <FilterMenu
        label="Parameter"
        free
        hint="days=3, or ticket~OPS for a part"
        accepts={isParameterFilter}
        options={[]}
        value={search.parameter ?? []}
        onChange={(value) => set({ parameter: list(value) })}
      />
      <Select
        aria-label="Time"
        w={136}
        allowDeselect={false}
        data={[{ value: '', label: 'All time' }, ...RANGES]}
        value={search.range ?? ''}
        onChange={(value) => set({ range: value === '' ? undefined : (value ?? undefined), since: undefined, until: undefined })}
      />
      <Select
        aria-label="Sort"
        w={158}
        allowDeselect={false}
        data={[...SORTS]}
        value={search.sort ?? '-expected'}
        onChange={(value) => set({ sort: SORTS.find((each) => each.value === value && value !== '-expected')?.value })}
      />
      <Checkbox
        size="sm"
        className={classes.upcoming}
        label="Upcoming"
        checked={showsUpcoming(search)}
        disabled={search.state?.includes('SCHEDULED')}
        onChange={(event) => set({ upcoming: event.currentTarget.checked ? 'yes' : undefined })}
      />
    </div>
  )
}

function NameFilter({ text: given, onChange }: { text?: string; onChange: (text?: string) => void }) {
  const [text, setText] = useState(given ?? '')
  const tell = useDebouncedCallback((value: string) => onChange(value.trim() === '' ? undefined : value.trim()), 400)
  return (
    <TextInput
      className={classes.name}
      leftSection={<Search size={15} />}
      placeholder="Name or id"
      aria-label="Name or id of a run"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value)
        tell(event.currentTarget.value)
      }}
    />
  )
}
