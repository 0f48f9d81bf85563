/** Asks before something that cannot be taken back. */
import { Button, Group, Modal, Text } from '@mantine/core'

interface Props {
  title: string
  /** What will be lost. */
  text: string
  button: string
  onConfirm: () => void
  onClose: () => void
}

export function Confirm({ title, text, button, onConfirm, onClose }: Props) {
  const confirm = () => {
    onClose()
    onConfirm()
  }
  return (
    <Modal opened onClose={onClose} title={<strong className="wrap">{title}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Text size="sm">{text}</Text>
      <Group justify="flex-end" gap={8} mt="md">
        <Button variant="default" onClick={onClose}>
          Keep
        </Button>
        <Button color="red" onClick={confirm}>
          {button}
        </Button>
      </Group>
    </Modal>
  )
}
