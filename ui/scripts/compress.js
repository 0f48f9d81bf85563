// Writes a gzipped copy beside every built text file, which the API sends to browsers that take it; prints the sizes that
// a first visit loads and fails when they pass the budget. Run by `npm run build`.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const dist = new URL('../../operator/src/towpath_operator/ui_dist/', import.meta.url).pathname
const BUDGET = 250 * 1024
const TEXT = /\.(js|css|html|svg)$/

const sizes = new Map()
for (const entry of readdirSync(dist, { recursive: true })) {
  const path = join(dist, entry)
  if (!TEXT.test(entry) || !statSync(path).isFile()) continue
  const packed = gzipSync(readFileSync(path), { level: 9 })
  writeFileSync(`${path}.gz`, packed)
  sizes.set(entry, packed.length)
}

const html = readFileSync(join(dist, 'index.html'), 'utf8')
const initial = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1])
const total = initial.reduce((sum, name) => sum + (sizes.get(name) ?? 0), sizes.get('index.html'))
console.log(`initial bundle: ${(total / 1024).toFixed(1)} KB gzipped (${initial.join(', ')})`)
if (total > BUDGET) {
  console.error(`It passes the budget of ${BUDGET / 1024} KB: load what the first page does not need with the page that does.`)
  process.exit(1)
}
