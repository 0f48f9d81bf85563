/** Asks for the token of a server that wants one. It becomes a cookie that no script can read. */
import { Button, PasswordInput, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { ApiError } from '../api/client'
import { followAgain } from '../api/live'
import { beginSession, sessionQuery } from '../api/session'
import classes from './Notices.module.css'

export function SignIn({ onDone }: { onDone: () => void }) {
  const queries = useQueryClient()
  const [token, setToken] = useState('')
  const [fault, setFault] = useState<string>()
  const [busy, setBusy] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    try {
      queries.setQueryData(sessionQuery.queryKey, await beginSession(token.trim()))
      setFault(undefined)
      followAgain()
      onDone()
      await queries.invalidateQueries()
    } catch (error) {
      setFault(error instanceof ApiError && error.status !== 401 ? error.message : 'The server does not take this token.')
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className={classes.notice} onSubmit={submit}>
      <Title order={1} size="h3">
        Sign in
      </Title>
      <p className={classes.body}>
        This server asks for a token. A local server printed it when it started, as <code>TOWPATH_API_TOKEN</code>; in a cluster{' '}
        <code>towpath login</code> shows yours.
      </p>
      <PasswordInput
        label="Token"
        value={token}
        onChange={(event) => setToken(event.currentTarget.value)}
        error={fault}
        autoComplete="off"
        w="100%"
        maw={420}
        ta="left"
        required
      />
      <Button type="submit" loading={busy}>
        Sign in
      </Button>
    </form>
  )
}
