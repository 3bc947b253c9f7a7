/** Splits a byte stream into lines without ever holding more than one line of bounded size. */

export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError'
}

const NEWLINE = 0x0a

/** Empty lines are left out; a last line without a newline is given out too. */
export async function* readLines(chunks: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<string> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, end)
      start = end + 1
      if (pendingBytes + part.length > limitBytes) throw tooLong(limitBytes)
      const line = pending.length === 0 ? part.toString('utf8') : Buffer.concat([...pending, part]).toString('utf8')
      pending = []
      pendingBytes = 0
      if (line !== '') yield line
    }
    if (start === chunk.length) continue
    const rest = chunk.subarray(start)
    pendingBytes += rest.length
    if (pendingBytes > limitBytes) throw tooLong(limitBytes)
    pending.push(rest)
  }
  if (pending.length > 0) yield Buffer.concat(pending).toString('utf8')
}

function tooLong(limitBytes: number): LineTooLongError {
  return new LineTooLongError(`a line of the stream is longer than ${limitBytes} bytes`)
}
