/** A filter with several values: a button that says how many are chosen, and a searchable list to choose from. */
import { Button, Checkbox, Popover, ScrollArea, Text, TextInput } from '@mantine/core'
import { ChevronDown } from 'lucide-react'
import { type ReactNode, useState } from 'react'

export interface Option {
  value: string
  label: string
  icon?: ReactNode
}

interface Props {
  label: string
  options: readonly Option[]
  value: readonly string[]
  onChange: (value: string[]) => void
  /** Whether a text that is no option may be chosen too. */
  free?: boolean
  /** What may be typed. */
  hint?: string
  accepts?: (text: string) => boolean
}

export function FilterMenu({ label, options, value, onChange, free = false, hint, accepts = () => true }: Props) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const known = new Set(options.map((option) => option.value))
  const unlisted: Option[] = value.filter((each) => !known.has(each)).map((each) => ({ value: each, label: each }))
  const all = [...unlisted, ...options]
  const shown = all.filter((option) => option.label.toLowerCase().includes(wanted)).slice(0, 100)
  const toggle = (each: string) => onChange(value.includes(each) ? value.filter((other) => other !== each) : [...value, each])
  const added = text.trim()
  return (
    <Popover position="bottom-start" shadow="md" width={260} trapFocus onClose={() => setText('')}>
      <Popover.Target>
        <Button variant="default" size="sm" fw={450} rightSection={<ChevronDown size={14} />} data-chosen={value.length > 0 || undefined}>
          {label}
          {value.length > 0 && <strong>&nbsp;· {value.length === 1 ? shorten(all, value[0]) : value.length}</strong>}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        {(options.length > 8 || free) && (
          <TextInput
            size="xs"
            mb={6}
            placeholder={hint ?? (free ? 'Search, or type and press Enter' : 'Search')}
            aria-label={`Search ${label}`}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !free || added === '' || !accepts(added)) return
              if (!value.includes(added)) onChange([...value, added])
              setText('')
            }}
          />
        )}
        <ScrollArea.Autosize mah={320} type="auto">
          {shown.map((option) => (
            <Checkbox
              key={option.value}
              size="xs"
              py={6}
              px={4}
              checked={value.includes(option.value)}
              onChange={() => toggle(option.value)}
              label={
                <span style={{ display: 'inline-flex', alignItems: 'center', gap: 6, overflowWrap: 'anywhere' }}>
                  {option.icon} {option.label}
                </span>
              }
            />
          ))}
          {shown.length === 0 && (
            <Text size="sm" c="dimmed" px={4} py={6}>
              {added === '' ? (hint === undefined ? 'Nothing to choose from yet.' : `Type, as ${hint}, and press Enter.`) : free && accepts(added) ? `Press Enter to filter by “${added}”.` : free ? `Type it as ${hint ?? 'a word'}.` : 'Nothing matches.'}
            </Text>
          )}
        </ScrollArea.Autosize>
        {value.length > 0 && (
          <Button size="compact-xs" variant="subtle" mt={4} onClick={() => onChange([])}>
            Clear
          </Button>
        )}
      </Popover.Dropdown>
    </Popover>
  )
}

function shorten(options: readonly Option[], value: string | undefined): string {
  const label = options.find((option) => option.value === value)?.label ?? ''
  return label.length > 18 ? `${label.slice(0, 17)}…` : label
}
