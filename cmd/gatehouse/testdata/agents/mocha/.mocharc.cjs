module.exports = {
  spec: 'login.spec.cjs',
  reporter: '@reportportal/agent-js-mocha',
  'reporter-options': Object.entries({ ...JSON.parse(process.env.AGENT), reportHooks: true }).map(([name, value]) => `${name}=${value}`),
}
