// Vitest reporter: prints the plain totals as the last line, `N passed, N failed, N skipped`, for people and for CI.
export default class TotalsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0
    let failed = unhandledErrors.length
    let skipped = 0
    for (const module of modules) {
      const before = passed + failed + skipped
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
      // A file that could not even be collected counts as one failure.
      if (module.state() === 'failed' && passed + failed + skipped === before) failed++
    }
    process.on('exit', () => process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`))
  }
}
