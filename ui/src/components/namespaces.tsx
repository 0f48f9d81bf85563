/** The namespace that all pages look at: chosen beside the pages' names, kept in the address. */
import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Box } from 'lucide-react'

import { sessionQuery } from '../api/session'

/** The chosen namespaces; undefined for all that the person may see. */
export function useNamespace(): string[] | undefined {
  return useSearch({ strict: false, select: (search) => search.namespace })
}

/** Where something new is made: the chosen namespace, if it is one. */
export function useNamespaceForNew(): string {
  const chosen = useNamespace()
  return chosen?.length === 1 ? (chosen[0] ?? 'default') : 'default'
}

/** Nothing while there is only one namespace to look at. */
export function NamespacePicker({ className }: { className?: string }) {
  const known = useQuery(sessionQuery)
  const chosen = useNamespace()
  const navigate = useNavigate()
  const all = [...new Set([...(known.data?.namespaces.map((each) => each.namespace) ?? []), ...(chosen ?? [])])].sort()
  if (all.length < 2 && chosen === undefined) return null
  const pick = (namespace: string | null) =>
    void navigate({ to: '.', search: (before) => ({ ...before, namespace: namespace === null || namespace === '' ? undefined : [namespace] }), replace: true })
  return (
    <Select
      className={className}
      aria-label="Namespace"
      leftSection={<Box size={15} aria-hidden />}
      data={[{ value: '', label: 'All namespaces' }, ...all.map((value) => ({ value, label: value }))]}
      value={chosen?.length === 1 ? (chosen[0] ?? '') : ''}
      onChange={pick}
      allowDeselect={false}
      searchable={all.length > 8}
    />
  )
}
