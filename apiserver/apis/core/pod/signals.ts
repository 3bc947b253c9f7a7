/** Signals a container may ask to be stopped with. Upstream: core.Signal and validation's supportedStopSignals sets. */

export const SIGNALS_OF_WINDOWS: readonly string[] = ['SIGKILL', 'SIGTERM']

const REAL_TIME_SIGNALS = [
  'SIGRTMIN',
  ...Array.from({ length: 15 }, (_, i) => `SIGRTMIN+${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `SIGRTMAX-${14 - i}`),
  'SIGRTMAX',
]

const NAMED_SIGNALS =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'

export const SIGNALS_OF_LINUX: readonly string[] = [
  ...NAMED_SIGNALS.split(' ').map((name) => `SIG${name}`),
  ...REAL_TIME_SIGNALS,
].sort()
