/** The mark: a canal, and the path beside it. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" fill="#0b6e6e" />
      <path d="M5 12c4-3 7-3 11 0s7 3 11 0" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <path d="M5 21h22" stroke="#ffd28a" strokeWidth="3" strokeLinecap="round" strokeDasharray="5 4" />
    </svg>
  )
}
