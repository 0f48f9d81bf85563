/** Gives a text to the browser to save. */
export function saveText(name: string, text: string, type = 'text/plain;charset=utf-8'): void {
  const address = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name.replace(/[^\p{L}\p{N}._ -]+/gu, '_').slice(0, 120)
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
