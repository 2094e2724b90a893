module.exports = {
  testDir: '.',
  workers: 1,
  reporter: [['@reportportal/agent-js-playwright', { ...JSON.parse(process.env.AGENT), includeTestSteps: true }]],
}
