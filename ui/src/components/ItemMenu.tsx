/** What can be done with one declared thing in a list: edit, see its manifest, delete. */
import { ActionIcon, Menu, Modal } from '@mantine/core'
import { EllipsisVertical, FileCode2, Pencil, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'

import { type Deletable, type DeletableKind, hasSecrets } from '../api/declared'
import { type Resource, useMay } from '../api/session'
import { toManifest } from '../lib/manifests'
import { Confirm } from './Confirm'
import { Snippet } from './Copy'
import { useDelete } from './deleting'

const RESOURCES: Record<DeletableKind, Resource> = {
  blocks: 'blocks',
  notifications: 'notifications',
  automations: 'automations',
  'concurrency-limits': 'concurrencylimits',
  'work-queues': 'workqueues',
}

interface Props {
  kind: DeletableKind
  /** The kind's name in a manifest. */
  manifestKind: string
  item: Deletable & { spec: object; resource?: { name: string } | null }
  /** Its metadata.name where no resource declares it and it is not its name. */
  resourceName?: string
  onEdit?: () => void
  /** Further entries, between the manifest and deleting. */
  children?: ReactNode
}

export function ItemMenu({ kind, manifestKind, item, resourceName, onEdit, children }: Props) {
  const [shown, setShown] = useState(false)
  const [asked, setAsked] = useState(false)
  const remove = useDelete(kind)
  const mayChange = useMay('update', RESOURCES[kind], item.namespace)
  const mayDelete = useMay('delete', RESOURCES[kind], item.namespace)
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`More for ${item.name}`}>
            <EllipsisVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {onEdit !== undefined && mayChange && (
            <Menu.Item leftSection={<Pencil size={14} />} onClick={onEdit}>
              Edit
            </Menu.Item>
          )}
          <Menu.Item leftSection={<FileCode2 size={14} />} onClick={() => setShown(true)}>
            Manifest
          </Menu.Item>
          {children}
          {mayDelete && (
            <Menu.Item leftSection={<Trash2 size={14} />} onClick={() => (hasSecrets(item) ? setAsked(true) : remove.mutate(item))}>
              Delete
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={shown} onClose={() => setShown(false)} title={<strong>{item.name}</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
        <Snippet what="manifest" text={toManifest(manifestKind, item.resource?.name ?? resourceName ?? item.name, item.namespace, item.spec)} />
      </Modal>
      {asked && <Confirm title={`Delete ${item.name}?`} text="Its secrets are deleted with it and cannot be brought back." button="Delete" onConfirm={() => remove.mutate(item)} onClose={() => setAsked(false)} />}
    </>
  )
}
