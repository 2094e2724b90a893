// A suite as people write them: it passes, fails, is skipped, and is tried again.
const assert = require('node:assert')
const PublicReportingAPI = require('@reportportal/agent-js-mocha/lib/publicReportingAPI')

describe('Login', () => {
  before('opens the shop', () => PublicReportingAPI.setLaunchStatusPassed())
  beforeEach('clears cookies', () => {})
  after('closes the shop', () => {})

  it('[48271] valid login', () => {
    PublicReportingAPI.info('typed the password')
    PublicReportingAPI.info('what it looked like', { name: 'shot.png', type: 'image/png', content: Buffer.from('89504e470d0a1a0a6d6f636861', 'hex').toString('base64') })
  })

  it('wrong password', () => {
    assert.strictEqual(1, 2, 'the page stays empty')
  })

  it.skip('by a key', () => {})

  describe('a second factor', () => {
    let tries = 0
    it('asks for a code', function () {
      this.retries(1)
      tries++
      assert.ok(tries > 1, 'too early')
    })
  })
})
