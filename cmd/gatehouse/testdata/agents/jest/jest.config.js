module.exports = {
  reporters: [['@reportportal/agent-js-jest', JSON.parse(process.env.AGENT)]],
  testEnvironment: 'node',
  cacheDirectory: process.env.TMPDIR,
  haste: { enableSymlinks: false },
}
